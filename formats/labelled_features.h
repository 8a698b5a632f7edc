/* labelled_features.h - streams of cells in memory, as features with a label for each cell: what a
 * classifier is fitted to.
 *
 * Counts, values and tokens become sparse rows of genes (cell/gene_features.h), embeddings dense
 * rows. Each stream is read once. Until the genes are chosen, all features of all cells are kept:
 * 8 bytes each, beyond max_memory in a temporary file. What stays is a float32 and a uint32 for
 * each feature of a chosen gene, or the embeddings.
 *
 * Cells without a label are counted and left out. Labels are numbered in the order of their bytes,
 * genes stand in the order of theirs. */

#ifndef FORMATS_LABELLED_FEATURES_H
#define FORMATS_LABELLED_FEATURES_H

#include "cell/gene_features.h"
#include "formats/cells.h"

enum { LABELLED_KINDS = KIND_COUNTS | KIND_VALUES | KIND_TOKENS | KIND_EMBEDDINGS };

struct labelled_features_options {
	const char *label; /* column */
	const char *genes; /* "100": the most variable ones; "all"; "A,B"; "@FILE"; NULL: the 2,000
			      most variable ones. Not for embeddings */
	const char *dictionary; /* DICT for tokens without a vocabulary, or NULL */
	bool is_rank;           /* of tokens, not their presence */
	bool is_strict;         /* a cell without a label is an error */
	size_t max_memory;
};

struct labelled_features {
	enum kind kind;
	enum gene_feature feature; /* of all but embeddings */
	size_t n, n_features;
	float *dense;      /* [n][n_features] of embeddings; else NULL */
	size_t *offsets;   /* [n + 1] */
	uint32_t *columns; /* [offsets[n]] */
	float *values;     /* [offsets[n]] */
	uint32_t *labels;  /* [n] */
	size_t n_classes;
	const char **classes;        /* [n_classes] in the arena */
	const struct strings *genes; /* [n_features] in the arena; NULL for embeddings */
	size_t n_absent;             /* genes that were asked for, but that no cell has */
	size_t n_left_out;
	struct arena arena;
};

/* Reads cli->inputs, which must be of one kind, or standard input. NULL with e set: what the
 * readers refuse; columns that are missing; no cell with a label, or only one label; a list of
 * genes of which none is there; no gene that varies. */
struct labelled_features *labelled_features_read(
    struct cli *cli, const struct labelled_features_options *options, struct err *e);

/* The vocabulary of a stream of tokens: its own, or that of the dictionary (NULL: none). The
 * caller's (genes_free). NULL with e set where there is none. */
struct genes *token_vocabulary(
    struct cli *cli, const char *dictionary, const struct cells_reader *in, struct err *e);

/* NULL is fine. */
void labelled_features_free(struct labelled_features *l);

#endif
