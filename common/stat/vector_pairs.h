/* vector_pairs.h - all distances from one set of vectors to another, block by block, on threads.
 *
 * A thread takes a block of rows, meets all blocks of the others in order, and finishes the rows.
 * Results depend on neither the number of threads nor their timing, where each call writes only to
 * its state and to what belongs to its rows. */

#ifndef STAT_VECTOR_PAIRS_H
#define STAT_VECTOR_PAIRS_H

#include "stat/vectors.h"

struct vector_pairs {
	const struct vectors *rows, *others; /* of equal length (asserted) */
	enum vector_metric metric;
	size_t state_size; /* bytes of state of a block of rows, 0 at its start */
	void *context;
	/* distances as vector_block_distances gives them. */
	void (*meet)(void *context, void *state, const struct vector_block *rows,
	    const struct vector_block *others, const double *distances);
	void (*finish)(void *context, void *state, const struct vector_block *rows);
};

/* Up to `threads` threads work. */
int vector_pairs_run(const struct vector_pairs *p, size_t threads, struct err *e);

#endif
