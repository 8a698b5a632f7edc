/* neighbours.h - the k nearest neighbours of vectors, exactly.
 *
 * All distances are computed (vectors.h), block by block, so time is n_queries * n * d and memory k
 * numbers a query. Of points at equal distance the one with the smaller number is nearer. Equal
 * input gives equal bytes, whatever the number of threads. */

#ifndef STAT_NEIGHBOURS_H
#define STAT_NEIGHBOURS_H

#include <stdint.h>

#include "stat/vectors.h"

struct neighbours {
	size_t n, k;
	uint32_t *indices; /* [n][k] numbers of points, nearest first */
	double *distances; /* [n][k] Euclidean (not squared), or 1 - cos */
};

/* The k nearest of `points` to each of `queries`; queries NULL: to each of the points, itself left
 * out (but not its duplicates). k is at least 1 (asserted). Up to `threads` threads work. NULL with
 * e set where there are fewer than k points (less itself), more than 2^32 - 1, lengths differ, or a
 * number is not finite. Freed by neighbours_free.
 *
 * So that each point comes first among its own neighbours, as UMAP counts them, put it there with
 * distance 0 and ask for one less. */
struct neighbours *neighbours_find(const struct vectors *points, const struct vectors *queries,
    enum vector_metric metric, size_t k, size_t threads, struct err *e);

/* NULL is fine. */
void neighbours_free(struct neighbours *nn);

#endif
