/* dropout.h - which activations are dropped: a matter of counting, not of order.
 *
 * Every example (a cell in an epoch) has a number of its own, every place of the network where
 * something is dropped a site, and every value there a place in the example. Philox
 * (base/random.h) turns the three and the user's seed into 16 random bits a value: dropped where
 * they are below the rate. So the forward and the backward pass, any number of threads, and any
 * cutting of a batch see the same masks, and no mask is kept. Srivastava et al. 2014, inverted:
 * what stays is divided by 1 - rate. */

#ifndef NN_DROPOUT_H
#define NN_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

/* What is dropped of rows of activations. All zero: nothing. */
struct dropout {
	uint32_t threshold; /* rate * 65,536, rounded */
	float scale;        /* 1 / (1 - threshold / 65,536) */
	uint64_t seed;
	uint32_t site;            /* below 65,536 */
	const uint64_t *examples; /* [rows]: the number of the row's example, below 2^48 */
	const int32_t *places;    /* [rows]: the row's number in its example */
};

/* rate: 0 .. below 1. */
struct dropout dropout_make(double rate, uint64_t seed, uint32_t site);
/* The same for the rows from `from`. */
struct dropout dropout_from(const struct dropout *d, size_t from);

/* Random numbers of row r, which has n of them a head: those from .. from + n_wanted - 1 of head
 * `head` (rows without heads have the one head 0). from is a multiple of 8. */
void dropout_numbers(const struct dropout *d, size_t r, size_t head, size_t n, size_t from,
    size_t n_wanted, uint16_t *ret_numbers);

/* x[i] = numbers[i] < threshold ? 0 : x[i] * scale */
void dropout_apply(const struct dropout *d, const uint16_t *numbers, float *x, size_t n);
/* The same for any 16-bit numbers, without the scale. */
void dropout_clear(const struct dropout *d, const uint16_t *numbers, uint16_t *x, size_t n);

#endif
