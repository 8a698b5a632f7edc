/* pair_means.h - mean, standard deviation and number of the values of each of any number of pairs.
 *
 * A pair is a perturbed group and an affected gene; there may be millions of them, more than memory
 * holds. So values are sorted by pair (key_sort.h), and what comes out of each pair is sorted by
 * its mean. Values are held as float32, with their pair 12 bytes. */

#ifndef STAT_PAIR_MEANS_H
#define STAT_PAIR_MEANS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* In place of an affected gene: the cell as a whole. */
#define PAIR_CELL UINT32_MAX

struct pair_mean {
	uint32_t group, affected;
	uint64_t n;
	double mean;
	double deviation; /* of the population: divided by n, not n - 1 */
};

struct pair_means;

struct pair_means *pair_means_new(size_t max_memory);

/* Adds a value (not NaN, asserted). -1 where the temporary file cannot be written. */
int pair_means_add(
    struct pair_means *m, uint32_t group, uint32_t affected, float value, struct err *e);

/* The next pair: those of PAIR_CELL first, each by ascending mean, then by group and affected gene.
 * 1, 0 after the last one, -1 on failure of the temporary file. After the first call nothing can be
 * added. */
int pair_means_next(struct pair_means *m, struct pair_mean *ret, struct err *e);

/* NULL is fine. */
void pair_means_free(struct pair_means *m);

#endif
