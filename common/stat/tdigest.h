/* tdigest.h - quantiles of a stream of numbers in constant memory: the merging t-digest.
 *
 * Source: Dunning and Ertl, "Computing extremely accurate quantiles using t-digests" (arXiv
 * 1902.04023), with the scale function k(q) = 100 (asin(2q - 1) + pi/2) / pi, as the library crick
 * has it, which made the published median dictionaries. Numbers wait in a buffer of 42; when it is
 * full they are merged, in ascending order, with the centroids, which grow as long as they span at
 * most 1 in k. So centroids are small at both ends and large in the middle. Up to 42 numbers the
 * median is exact; after that it depends, slightly, on their order. */

#ifndef STAT_TDIGEST_H
#define STAT_TDIGEST_H

#include <stddef.h>

/* Two neighbouring centroids span more than 1 of the 100 that k has, so there are never more than
 * 201. */
enum {
	TDIGEST_COMPRESSION = 100,
	TDIGEST_BUFFER = 42,
	TDIGEST_MAX_CENTROIDS = 2 * TDIGEST_COMPRESSION + 1
};

struct tdigest_centroid {
	double mean, weight;
};

/* Zero-initialise to start; tdigest_free gives the memory back. */
struct tdigest {
	double min, max;
	double weight; /* of the centroids; the buffer aside */
	size_t n_centroids, room;
	struct tdigest_centroid *centroids; /* [n_centroids], ascending by mean */
	size_t n_buffered;
	struct tdigest_centroid buffer[TDIGEST_BUFFER];
};

/* Adds x with a weight. Does nothing where x is not finite or the weight is not above DBL_EPSILON.
 */
void tdigest_add(struct tdigest *t, double x, double weight);

/* The value below which the share q (0 to 1) of the weight lies: linear between the middles of
 * centroids, down to the smallest number at 0 and up to the largest at 1. NaN where nothing has
 * been added. */
double tdigest_quantile(struct tdigest *t, double q);

void tdigest_free(struct tdigest *t);

#endif
