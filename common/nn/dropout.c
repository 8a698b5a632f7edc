#include <assert.h>
#include <math.h>

#include "base/random.h"
#include "nn/dropout.h"

struct dropout
dropout_make(double rate, uint64_t seed, uint32_t site)
{
	struct dropout d = { .seed = seed, .site = site };

	assert(rate >= 0 && rate < 1 && site < 65536);
	d.threshold = (uint32_t)lrint(rate * 65536);
	d.threshold = d.threshold < 65536 ? d.threshold : 65535;
	d.scale = (float)(65536.0 / (65536.0 - d.threshold));
	return d;
}

struct dropout
dropout_from(const struct dropout *d, size_t from)
{
	struct dropout part = *d;

	if (d->threshold) {
		part.examples += from;
		part.places += from;
	}
	return part;
}

/* A block of Philox is eight numbers; a row of a head begins with a block of its own. */
void
dropout_numbers(const struct dropout *d, size_t r, size_t head, size_t n, size_t from,
    size_t n_wanted, uint16_t *ret_numbers)
{
	uint64_t stream = d->examples[r] << 16 | d->site;
	uint64_t block = (uint64_t)head << 40 | (uint64_t)(uint32_t)d->places[r] * ((n + 7) / 8);

	assert(from % 8 == 0 && d->examples[r] >> 48 == 0);
	block += from / 8;
	for (size_t i = 0; i < n_wanted; i += 8, block++) {
		uint32_t words[4];

		random_block(d->seed, stream, block, words);
		for (size_t l = 0; l < 8 && i + l < n_wanted; l++)
			ret_numbers[i + l] = (uint16_t)(words[l / 2] >> (l % 2 * 16));
	}
}

void
dropout_apply(const struct dropout *d, const uint16_t *numbers, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = numbers[i] < d->threshold ? 0 : x[i] * d->scale;
}
