#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/random.h"

void
random_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t ret_block[4])
{
	uint32_t k0 = key[0], k1 = key[1];
	uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];

	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)0xD2511F53 * c0, p1 = (uint64_t)0xCD9E8D57 * c2;

		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += 0x9E3779B9; /* the golden ratio */
		k1 += 0xBB67AE85; /* the square root of 3, less 1 */
	}
	ret_block[0] = c0;
	ret_block[1] = c1;
	ret_block[2] = c2;
	ret_block[3] = c3;
}

void
random_block(uint64_t seed, uint64_t stream, uint64_t i, uint32_t ret_block[4])
{
	uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
	uint32_t counter[4] = { (uint32_t)i, (uint32_t)(i >> 32), (uint32_t)stream,
		(uint32_t)(stream >> 32) };

	random_philox(key, counter, ret_block);
}

uint32_t
random_at(uint64_t seed, uint64_t stream, uint64_t i)
{
	uint32_t block[4];

	random_block(seed, stream, i / 4, block);
	return block[i % 4];
}

void
random_fill(uint64_t seed, uint64_t stream, uint64_t from, uint32_t *ret_numbers, size_t n)
{
	size_t done = 0;

	while (done < n) {
		uint32_t block[4];
		size_t skipped = (size_t)((from + done) % 4);
		size_t some = n - done < 4 - skipped ? n - done : 4 - skipped;

		random_block(seed, stream, (from + done) / 4, block);
		memcpy(ret_numbers + done, block + skipped, some * sizeof(*block));
		done += some;
	}
}

struct random
random_start(uint64_t seed, uint64_t stream)
{
	return (struct random){ .seed = seed, .stream = stream };
}

uint32_t
random_u32(struct random *r)
{
	uint64_t i = r->n_taken++;

	if (i % 4 == 0)
		random_block(r->seed, r->stream, i / 4, r->block);
	return r->block[i % 4];
}

uint64_t
random_u64(struct random *r)
{
	uint64_t low = random_u32(r);

	return (uint64_t)random_u32(r) << 32 | low;
}

float
random_float(struct random *r)
{
	return random_unit(random_u32(r));
}

double
random_double(struct random *r)
{
	return (double)(random_u64(r) >> 11) * 0x1p-53;
}

double
random_normal(struct random *r)
{
	static const double pi = 3.14159265358979323846;
	double radius = sqrt(-2 * log(1 - random_double(r)));

	return radius * cos(2 * pi * random_double(r));
}

/* Of the 2^32 products, those whose low half is below 2^32 mod n are one too many for some
 * results: they are drawn again. */
static uint32_t
below32(struct random *r, uint32_t n)
{
	uint64_t product = (uint64_t)random_u32(r) * n;

	if ((uint32_t)product < n)
		for (uint32_t excess = -n % n; (uint32_t)product < excess;)
			product = (uint64_t)random_u32(r) * n;
	return (uint32_t)(product >> 32);
}

uint64_t
random_below(struct random *r, uint64_t n)
{
	uint64_t mask = ~(uint64_t)0, x;

	assert(n > 0);
	if (n <= UINT32_MAX)
		return below32(r, (uint32_t)n);
	while (mask >> 1 >= n - 1)
		mask >>= 1;
	do
		x = random_u64(r) & mask;
	while (x >= n);
	return x;
}

void
random_shuffle(struct random *r, size_t *items, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)random_below(r, i);
		size_t moved = items[i - 1];

		items[i - 1] = items[j];
		items[j] = moved;
	}
}
