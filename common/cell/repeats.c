#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "cell/repeats.h"

enum { BITS_A_NAME = 16, BITS_SET = 4, LEAST_BITS = 1 << 10, MOST_NAMES = 1 << 27 };

struct repeats {
	uint64_t *bits;
	size_t n_bits; /* a power of two */
	struct suspect {
		uint64_t hash;
		bool is_met;
	} * suspects;
	size_t n, room;
};

struct repeats *
repeats_new(size_t n)
{
	struct repeats *r = mem_zero(1, sizeof(*r));

	n = n < MOST_NAMES ? n : MOST_NAMES;
	for (r->n_bits = LEAST_BITS; r->n_bits / BITS_A_NAME < n;)
		r->n_bits *= 2;
	r->bits = mem_zero(r->n_bits / 64, sizeof(*r->bits));
	return r;
}

/* Sets the bits of a hash: two halves of it, as Kirsch and Mitzenmacher 2006. True where all were
 * set. */
static bool
set_bits(struct repeats *r, uint64_t hash)
{
	uint64_t place = hash, step = hash >> 32 | 1;
	bool were_set = true;

	for (int i = 0; i < BITS_SET; i++, place += step) {
		uint64_t bit = place & (r->n_bits - 1), mask = UINT64_C(1) << (bit & 63);

		were_set &= (r->bits[bit / 64] & mask) != 0;
		r->bits[bit / 64] |= mask;
	}
	return were_set;
}

void
repeats_add(struct repeats *r, const char *name, size_t size)
{
	uint64_t hash = hash_bytes(name, size);

	if (!set_bits(r, hash))
		return;
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 64;

		r->suspects = mem_resize(r->suspects, r->n, room, sizeof(*r->suspects));
		r->room = room;
	}
	r->suspects[r->n++] = (struct suspect){ .hash = hash };
}

static int
compare_suspects(const void *x, const void *y)
{
	uint64_t a = ((const struct suspect *)x)->hash, b = ((const struct suspect *)y)->hash;

	return (a > b) - (a < b);
}

bool
repeats_has_suspects(struct repeats *r)
{
	size_t n = 0;

	if (r->n)
		qsort(r->suspects, r->n, sizeof(*r->suspects), compare_suspects);
	for (size_t i = 0; i < r->n; i++)
		if (n == 0 || r->suspects[n - 1].hash != r->suspects[i].hash)
			r->suspects[n++] = r->suspects[i];
	r->n = n;
	return n > 0;
}

bool
repeats_meet(struct repeats *r, const char *name, size_t size)
{
	struct suspect wanted = { .hash = hash_bytes(name, size) }, *found;

	found = r->n ? bsearch(&wanted, r->suspects, r->n, sizeof(wanted), compare_suspects) : NULL;
	if (!found || found->is_met)
		return found != NULL;
	found->is_met = true;
	return false;
}

void
repeats_free(struct repeats *r)
{
	if (!r)
		return;
	free(r->bits);
	free(r->suspects);
	free(r);
}
