/* depth_values.h - the counts of cells scaled to a common depth, as values of numbered genes.
 *
 * value = count / n_counts * target_sum, in float64, from left to right; what the medians of genes are taken of (Theodoris et
 * al. 2023, Methods; the reference does the same divisions). Ids that stand twice in a cell are summed first, zeros are left out. */

#ifndef CELL_DEPTH_VALUES_H
#define CELL_DEPTH_VALUES_H

#include "cell/batch.h"
#include "base/err.h"

/* A gene without a number: its entries are left out. */
#define NO_NUMBER UINT32_MAX

/* What of a schema of counts is needed; the schema may be gone when batches are worked on. */
struct depth_columns {
	size_t cell, gene, count;
	ptrdiff_t n_counts;   /* -1: none, the sum of what is there takes its place */
	struct field total;   /* the type of n_counts */
};

struct depth_columns depth_columns_find(const struct schema *s);

/* All values of a batch, cell by cell, in the batch's arena. */
struct depth_values {
	size_t n;
	uint32_t *genes; /* [n] */
	double *values;  /* [n] above 0, finite */
};

/* numbers: [entries of the column gene] the number of each entry's gene, below n_numbers, or NO_NUMBER. -1 where a cell has a count that is
 * negative or not finite, or counts but an n_counts that they cannot be divided by (null, negative, 0, not finite); e names the cell. */
int depth_values_find(struct batch *b, const struct depth_columns *c, const uint32_t *numbers, size_t n_numbers,
    double target_sum, struct depth_values *ret_values, struct err *e);

#endif
