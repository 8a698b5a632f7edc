/* token_cells.h - the tokens of a batch as a network takes them: int32, checked against its
 * vocabulary and positions. */

#ifndef CELL_TOKEN_CELLS_H
#define CELL_TOKEN_CELLS_H

#include "base/err.h"
#include "cell/batch.h"

/* All cells end to end: cell i is ids[offsets[i]] up to ids[offsets[i + 1]]. */
struct token_cells {
	size_t n;
	const int32_t *ids;
	const size_t *offsets; /* [n + 1] */
	size_t n_truncated;
};

struct token_limits {
	size_t vocab;     /* ids must be below */
	size_t positions; /* the longest cell */
	bool truncate;    /* cut longer cells, keeping a last <eos> */
	int32_t eos;      /* -1: none */
};

/* Takes column input_ids (list<uint16> or list<int32>) of the batch; memory in its arena. -1 with e
 * naming the cell: an id outside the vocabulary, a cell that is too long, a cell without any token.
 */
int token_cells_take(struct batch *b, const struct schema *s, const struct token_limits *limits,
    struct token_cells *ret_cells, struct err *e);

/* Where the genes of a cell stand: without a <cls> that comes first, and an <eos> that comes last
 * (-1: there are none). */
void token_cells_genes(
    const int32_t *ids, size_t n, int32_t cls, int32_t eos, size_t *ret_from, size_t *ret_to);

#endif
