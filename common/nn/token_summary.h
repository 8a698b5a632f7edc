/* token_summary.h - the mean vector of each token over the cells that have it.
 *
 * A token that stands twice in a cell counts once, with the vector of its last place, as in the
 * reference. */

#ifndef NN_TOKEN_SUMMARY_H
#define NN_TOKEN_SUMMARY_H

#include "cell/token_cells.h"
#include "nn/vector_summary.h"

struct token_summary {
	struct vector_summary *vectors; /* group t is token t; its count is that of the cells */
	uint64_t *last_cell;            /* [vocab] number + 1 of the last cell that had the token */
	uint64_t n_cells;
	size_t width;
};

struct token_summary *token_summary_new(size_t width, size_t vocab);
/* Adds the cells' tokens: vectors [tokens][width], ids below vocab. 0 or -1. */
int token_summary_add(
    struct token_summary *s, const struct token_cells *cells, const float *vectors, struct err *e);
/* NULL is allowed. */
void token_summary_free(struct token_summary *s);

#endif
