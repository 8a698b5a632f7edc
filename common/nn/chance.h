/* chance.h - the streams of random numbers (base/random.h) of learning, so that no two things share
 * one.
 *
 * A stream is NUMBER << 16 | SITE. Dropout (dropout.h) has the sites from 0 up, for the places of
 * the network, with the number of the example; everything else the sites below. Numbers are below
 * 2^48. */

#ifndef NN_CHANCE_H
#define NN_CHANCE_H

#include <stdint.h>

enum chance_site {
	CHANCE_FIRST = 0xff00, /* dropout's sites are below */
	CHANCE_WEIGHTS,        /* number: of the tensor */
	CHANCE_HOLD_OUT,       /* 0; number i of the stream is row i's */
	CHANCE_BLOCKS,         /* the epoch: the order of the blocks of a corpus */
	CHANCE_ROWS,           /* epoch << 24 + window: the order of the rows in a window */
	CHANCE_MASK,           /* the example: which tokens are masked, and by what */
	CHANCE_MASK_EVAL,      /* the row */
	CHANCE_SKETCH,         /* 0: the start of a randomised decomposition */
	CHANCE_SPLIT,          /* which cells are to learn from: 0: of cells, groups; 1: of genes */
	CHANCE_TASK            /* from here on: a program's own */
};

/* Numbers of tensors for CHANCE_WEIGHTS that are not the model's own, which are below. */
enum { CHANCE_HEAD_TENSORS = 1 << 20, CHANCE_ADAPTER_TENSORS = 1 << 21 };

static inline uint64_t
chance_stream(uint32_t site, uint64_t number)
{
	return number << 16 | site;
}

/* The number of an example for dropout and masks: of a row of the corpus in an epoch. */
static inline uint64_t
chance_example(uint64_t epoch, uint64_t row, uint64_t n_rows)
{
	return epoch * n_rows + row;
}

#endif
