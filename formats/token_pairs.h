/* token_pairs.h - cells joined with their cells of a previous time point.
 *
 * A column says for each cell which one came before it, by the name in column `cell`: of the same
 * stream, which is read twice then, or of another one. The pair's tokens are those of the cell, a
 * separator, those of the previous cell:
 *	<cls> a1 a2 ... <sep> b1 b2 ... <eos>       with special tokens
 *	a1 a2 ... <sep> b1 b2 ...                   without
 * Both keep their highest ranks. Each may have half of the places (the cell the odd one), and what
 * one of them leaves the other may take. A cell without a previous one stays as it is.
 *
 * The tokens of cells that may be previous ones lie in a temporary file (spill.h), their names as
 * 64-bit hashes in memory: 24 bytes a cell, for a moment up to three times that. */

#ifndef FORMATS_TOKEN_PAIRS_H
#define FORMATS_TOKEN_PAIRS_H

#include "cell/rank.h"
#include "formats/cells.h"

struct token_pairs;

struct token_pairs_options {
	const char *column;       /* names the previous cell; null or empty: there is none */
	struct rank_options rank; /* of the pairs */
	int32_t separator;        /* a token of the dictionary */
};

/* The fewest tokens that a pair takes, one of each cell. */
size_t token_pairs_least(bool has_special);

/* Reads a stream of values, which may be previous cells. The stream of the cells themselves
 * (is_same) must have the column, and is read again by cells_open afterwards: standard input is
 * kept for that, in a temporary file where it is a pipe. Another stream's tokens get their hash
 * into the history (cli_note "pair-with"). genes must outlive the pairs. NULL on failure, or when e
 * is set. */
struct token_pairs *token_pairs_open(struct cli *cli, const char *path, bool is_same,
    const struct genes *genes, const struct token_pairs_options *options, struct err *e);

/* Finds the column in the schema of the tokens (ranking_schema), which must stay. 0 or -1. */
int token_pairs_bind(struct token_pairs *p, const struct schema *s, struct err *e);

/* Joins the cells of a batch that ranking_batch has encoded. Any thread. 0 or -1. */
int token_pairs_join(struct token_pairs *p, struct batch *b, struct err *e);

struct pair_totals {
	uint64_t n_pairs;
	uint64_t n_first;   /* cells that name no previous one */
	uint64_t n_missing; /* cells whose previous one is not there, or has no tokens */
	uint64_t n_cut;     /* pairs that were too long */
};
struct pair_totals token_pairs_totals(const struct token_pairs *p);
void token_pairs_free(struct token_pairs *p);

#endif
