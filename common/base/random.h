/* random.h - random numbers that are counted, not remembered: Philox4x32-10.
 *
 * Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Ten rounds
 * of multiplication turn a key of 64 bits and a counter of 128 bits into 128 random bits. There is
 * no hidden state: the key is the user's seed, half of the counter names a stream (an epoch, a
 * layer, a cell: whatever has its own chance), the other half counts the blocks of that stream. So
 * any number of any stream can be had at once, in any thread, and work that is cut into pieces
 * differently sees the same chance. Different seeds and streams are independent.
 *
 * Number i of a stream is word i % 4 of its block i / 4; the pure functions and the sequence below
 * both count so. Not for secrets. */

#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The block cipher itself, as published: key and counter are little-endian words. */
void random_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t ret_block[4]);

/* Pure functions. Block i of a stream; number i of a stream; the numbers from..from+n. */
void random_block(uint64_t seed, uint64_t stream, uint64_t i, uint32_t ret_block[4]);
uint32_t random_at(uint64_t seed, uint64_t stream, uint64_t i);
void random_fill(uint64_t seed, uint64_t stream, uint64_t from, uint32_t *ret_numbers, size_t n);

/* All 2^24 multiples of 2^-24 in [0, 1) are equally likely; so a mask with probability p is
 * random_unit(random_at(...)) < p. */
static inline float
random_unit(uint32_t number)
{
	return (float)(number >> 8) * 0x1p-24f;
}

/* A stream read from its beginning. Copying it copies the place. */
struct random {
	uint64_t seed, stream;
	uint64_t n_taken; /* numbers used so far */
	uint32_t block[4];
};

struct random random_start(uint64_t seed, uint64_t stream);

/* One number of the stream: uniform over all 2^32 values. */
uint32_t random_u32(struct random *r);
/* Two numbers, the first is the low half. */
uint64_t random_u64(struct random *r);
/* [0, 1): one number, a multiple of 2^-24; two numbers, a multiple of 2^-53. */
float random_float(struct random *r);
double random_double(struct random *r);
/* The standard normal distribution, by Box and Muller's transformation; four numbers. */
double random_normal(struct random *r);

/* 0..n-1, all exactly equally likely; n is at least 1 (asserted). Below 2^32 by multiplication
 * (Lemire 2019, "Fast random integer generation in an interval"): one number, seldom more. */
uint64_t random_below(struct random *r, uint64_t n);

/* Brings n items into an order of chance, all orders equally likely (Fisher and Yates). */
void random_shuffle(struct random *r, size_t *items, size_t n);

#endif
