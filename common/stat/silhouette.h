/* silhouette.h - how well groups of vectors keep together and apart (Rousseeuw 1987).
 *
 * For a vector of group g, a is its mean distance to the others of g, b the least of its mean
 * distances to the vectors of another group: s = (b - a) / max(a, b), from -1 to 1; 0 where it is
 * alone in its group, and where a and b are both 0. All distances are computed, block by block:
 * time n * n * d, memory n * n_groups numbers. */

#ifndef STAT_SILHOUETTE_H
#define STAT_SILHOUETTE_H

#include <stdint.h>

#include "stat/vectors.h"

/* The silhouette of each vector into ret_scores[n]. groups[n] are numbers below n_groups
 * (asserted), empty groups do not count. -1 with e set where fewer than two groups have vectors,
 * every vector is alone, or a number is not finite. The same bytes for any number of threads. */
int silhouette_find(const struct vectors *v, enum vector_metric metric, const uint32_t *groups,
    size_t n_groups, size_t threads, double *ret_scores, struct err *e);

#endif
