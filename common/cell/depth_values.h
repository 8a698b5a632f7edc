/* depth_values.h - the counts of cells scaled to a common depth, as values of numbered genes.
 *
 * value = count / n_counts * target_sum, in float64, from left to right; what the medians of genes
 * are taken of (Theodoris et al. 2023, Methods; the reference does the same divisions). Ids that
 * stand twice in a cell are summed first, zeros are left out. */

#ifndef CELL_DEPTH_VALUES_H
#define CELL_DEPTH_VALUES_H

#include "base/err.h"
#include "cell/batch.h"
#include "cell/string_set.h"

/* Numbers for genes, in the order in which their names come, over any number of streams.
 * Zero-initialise to start. */
struct gene_numbers {
	struct string_set names;
	uint32_t *dictionary; /* numbers of the stream's dictionary; NULL: plain text */
};

/* A gene without a name has no number: its entries are left out. */
#define NO_NUMBER UINT32_MAX

/* Goes on with a stream whose gene column has this field (a list of utf8), and numbers its
 * dictionary. */
void gene_numbers_start(struct gene_numbers *g, const struct field *gene);

/* The number of each entry's gene, in the batch's arena. `column` is the gene column. */
const uint32_t *gene_numbers_of(struct gene_numbers *g, struct batch *b, size_t column);
void gene_numbers_free(struct gene_numbers *g);

/* What of a schema of counts is needed; the schema may be gone when batches are worked on. */
struct depth_columns {
	size_t cell, gene, count;
	ptrdiff_t n_counts; /* -1: none, the sum of what is there takes its place */
	struct field total; /* the type of n_counts */
};

struct depth_columns depth_columns_find(const struct schema *s);

/* All values of a batch, cell by cell, in the batch's arena. */
struct depth_values {
	size_t n;
	size_t *offsets; /* [rows + 1] cell i has the values offsets[i] up to offsets[i + 1] */
	uint32_t *genes; /* [n] */
	double *values;  /* [n] above 0, finite */
};

/* numbers: [entries of the column gene] the number of each entry's gene, below n_numbers, or
 * NO_NUMBER. -1 where a cell has a count that is negative or not finite, or counts but an n_counts
 * that they cannot be divided by (null, negative, 0, not finite); e names the cell. */
int depth_values_find(struct batch *b, const struct depth_columns *c, const uint32_t *numbers,
    size_t n_numbers, double target_sum, struct depth_values *ret_values, struct err *e);

#endif
