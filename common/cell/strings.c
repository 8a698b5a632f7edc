#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cell/schema.h"

const char *
strings_get(const struct strings *s, size_t i, size_t *ret_size)
{
	assert(i < s->n);
	*ret_size = (size_t)(s->offsets[i + 1] - s->offsets[i]);
	return s->bytes + s->offsets[i];
}

struct strings *
strings_copy(struct arena *a, const struct strings *s)
{
	struct strings *copy = arena_alloc(a, 1, sizeof(*copy));
	size_t n_bytes = s->n ? (size_t)s->offsets[s->n] : 0;
	static const int32_t zero;

	copy->n = s->n;
	copy->offsets = arena_copy(a, s->n ? s->offsets : &zero, s->n + 1, sizeof(*s->offsets));
	copy->bytes = arena_copy(a, s->bytes, n_bytes, 1);
	return copy;
}

struct strings *
strings_from(struct arena *a, const char *const *texts, size_t n)
{
	struct strings *s = arena_alloc(a, 1, sizeof(*s));
	int32_t *offsets = arena_alloc(a, n + 1, sizeof(*offsets));
	size_t total = 0;
	char *bytes;

	for (size_t i = 0; i < n; i++)
		total += strlen(texts[i]);
	if (total > INT32_MAX)
		mem_give_up("more than 2^31 - 1 bytes of text in one list");
	bytes = arena_alloc(a, total, 1);
	offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		size_t size = strlen(texts[i]);

		memcpy(bytes + offsets[i], texts[i], size);
		offsets[i + 1] = offsets[i] + (int32_t)size;
	}
	*s = (struct strings){ n, offsets, bytes };
	return s;
}

static bool
is_text(const struct strings *s, size_t i, const char *text, size_t size)
{
	size_t n;
	const char *other = strings_get(s, i, &n);

	return n == size && memcmp(other, text, size) == 0;
}

/* The slot that holds the text, or the empty one where it would go (linear probing). */
static size_t
find_slot(const struct string_index *x, const char *text, size_t size)
{
	size_t slot = hash_bytes(text, size) & (x->n_slots - 1);

	while (x->slots[slot] && !is_text(x->strings, x->slots[slot] - 1, text, size))
		slot = (slot + 1) & (x->n_slots - 1);
	return slot;
}

void
string_index_build(struct string_index *x, const struct strings *s)
{
	x->strings = s;
	x->n_slots = 16;
	if (s->n >= UINT32_MAX / 4)
		mem_give_up("more than 2^30 names");
	while (x->n_slots < 2 * s->n)
		x->n_slots *= 2;
	x->slots = mem_zero(x->n_slots, sizeof(*x->slots));
	for (size_t i = 0; i < s->n; i++) {
		size_t size;
		const char *text = strings_get(s, i, &size);
		size_t slot = find_slot(x, text, size);

		if (!x->slots[slot])
			x->slots[slot] = (uint32_t)i + 1;
	}
}

ptrdiff_t
string_index_find(const struct string_index *x, const char *text, size_t size)
{
	return (ptrdiff_t)x->slots[find_slot(x, text, size)] - 1;
}

void
string_index_free(struct string_index *x)
{
	free(x->slots);
	*x = (struct string_index){ 0 };
}
