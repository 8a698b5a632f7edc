/* kmeans.h - vectors in k clusters around their means.
 *
 * Lloyd's algorithm from starts chosen by k-means++ (Arthur and Vassilvitskii 2007): a random
 * vector, then each further one with a probability proportional to its squared distance from the
 * nearest that is chosen. Of several starts the one with the least sum of squared distances counts,
 * the first of equals. A cluster that loses all its vectors takes the one that is farthest from its
 * mean. The result depends on the vectors, their order and the seed only. */

#ifndef STAT_KMEANS_H
#define STAT_KMEANS_H

#include <stdint.h>

#include "stat/vectors.h"

enum { KMEANS_STARTS = 10, KMEANS_ROUNDS = 300 };

struct kmeans {
	size_t k, d;
	double *means;      /* [k][d] */
	uint32_t *clusters; /* [n] of each vector, below k */
	double inertia;     /* sum of squared distances to the nearest mean */
};

/* 1 <= k (asserted). -1 with e set where there are fewer than k vectors, or a number is not finite;
 * then nothing is to be freed. Up to `threads` threads work. */
int kmeans_fit(struct kmeans *m, const struct vectors *v, size_t k, uint64_t seed, size_t threads,
    struct err *e);
void kmeans_free(struct kmeans *m);

#endif
