/* vectors.h - many vectors of equal length, and the distances between them.
 *
 * Distances are computed in double precision from differences, block against block, in a fixed
 * order of accumulation: the same bits on every kind of CPU, for any number of threads. Cosine
 * distance, 1 - cos, is half the squared distance of the vectors scaled to length 1; a vector of
 * length 0 has distance 1 to all. */

#ifndef STAT_VECTORS_H
#define STAT_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum vector_metric { METRIC_EUCLIDEAN, METRIC_COSINE };

/* Points at the caller's numbers, in one precision or the other: the other pointer is NULL. */
struct vectors {
	size_t n, d;
	const float *f32;  /* [n][d] */
	const double *f64; /* [n][d] */
};

/* -1, naming the first vector, where a number is not finite. */
int vectors_check(const struct vectors *v, struct err *e);

enum { VECTOR_LANES = 8, VECTOR_BLOCK = 64 };

/* What vectors are multiplied with before their differences are taken, to be given to
 * vector_block_load: for METRIC_COSINE 1 / length each, 0 where that is 0; for METRIC_EUCLIDEAN
 * NULL, which stands for 1. The caller frees it. */
double *vectors_scales(const struct vectors *v, enum vector_metric metric);

/* At most VECTOR_BLOCK vectors in double precision, scaled. */
struct vector_block {
	size_t from, n; /* vectors from..from+n of those that were loaded */
	size_t stride;  /* d, up to a multiple of VECTOR_LANES */
	double *x;      /* [VECTOR_BLOCK][stride], 0 from d on */
	bool is_zero[VECTOR_BLOCK];
};

/* Room for vectors of d numbers; freed by vector_block_free. */
void vector_block_start(struct vector_block *b, size_t d);
void vector_block_free(struct vector_block *b);

/* Loads vectors from, from + 1, ... as far as block and vectors go. */
void vector_block_load(
    struct vector_block *b, const struct vectors *v, const double *scales, size_t from);

/* ret_distances[i * VECTOR_BLOCK + j] is the distance of vector i of a to vector j of b; for
 * METRIC_EUCLIDEAN its square. Both were loaded with the scales of that metric, and are of equal
 * length. */
void vector_block_distances(const struct vector_block *a, const struct vector_block *b,
    enum vector_metric metric, double *ret_distances);

#endif
