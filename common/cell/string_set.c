#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cell/string_set.h"

struct strings
string_set_strings(const struct string_set *s)
{
	static const int32_t zero;

	return (struct strings){ s->n, s->n ? (const int32_t *)s->offsets.data : &zero,
		s->bytes.data ? (const char *)s->bytes.data : "" };
}

static size_t
find_slot(const struct string_set *s, const char *text, size_t size)
{
	struct strings texts = string_set_strings(s);
	size_t slot = hash_bytes(text, size) & (s->n_slots - 1), n;

	for (; s->slots[slot]; slot = (slot + 1) & (s->n_slots - 1)) {
		const char *other = strings_get(&texts, s->slots[slot] - 1, &n);

		if (n == size && memcmp(other, text, size) == 0)
			break;
	}
	return slot;
}

static void
grow_slots(struct string_set *s)
{
	struct strings texts = string_set_strings(s);

	free(s->slots);
	s->n_slots = s->n_slots ? 4 * s->n_slots : 1024;
	s->slots = mem_zero(s->n_slots, sizeof(*s->slots));
	for (size_t i = 0; i < s->n; i++) {
		size_t size;
		const char *text = strings_get(&texts, i, &size);

		s->slots[find_slot(s, text, size)] = (uint32_t)i + 1;
	}
}

size_t
string_set_add(struct string_set *s, const char *text, size_t size)
{
	static const int32_t zero;
	int32_t end;
	size_t slot;

	if (2 * s->n >= s->n_slots)
		grow_slots(s);
	slot = find_slot(s, text, size);
	if (s->slots[slot])
		return s->slots[slot] - 1;
	if (s->n == 0)
		buffer_add(&s->offsets, &zero, sizeof(zero));
	buffer_add(&s->bytes, text, size);
	if (s->bytes.size > INT32_MAX)
		mem_give_up("more than 2^31 - 1 bytes of different names");
	end = (int32_t)s->bytes.size;
	buffer_add(&s->offsets, &end, sizeof(end));
	s->slots[slot] = (uint32_t)++s->n;
	return s->n - 1;
}

void
string_set_free(struct string_set *s)
{
	buffer_free(&s->offsets);
	buffer_free(&s->bytes);
	free(s->slots);
	*s = (struct string_set){ 0 };
}
