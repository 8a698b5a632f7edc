/* training_cells.h - the cells of a program that learns, from its files into a corpus. */

#ifndef NN_TRAINING_CELLS_H
#define NN_TRAINING_CELLS_H

#include "nn/model.h"
#include "nn/token_corpus.h"

struct training_cells_options {
	struct cli *cli;        /* whose inputs are the cells to learn from */
	const char *eval;       /* more cells, of TOKEN_SET_EVAL; NULL: none */
	const char *dictionary; /* DICT; NULL: the cells say their vocabulary, or the model does */
	const struct model *model; /* whose vocabulary must agree; NULL: none */
	size_t positions;          /* the longest cell */
	bool is_truncating;        /* longer ones, instead of refusing them */
	size_t max_memory;         /* of the tokens */
	token_corpus_visit *visit; /* of all batches; NULL: none. Those of `eval` come as EVAL */
	void *context;
};

/* The first file brings the vocabulary. ret_genes and ret_corpus are the caller's, of which the
 * corpus goes first. -1 with e set: what the readers and the corpus refuse, and on several ranks
 * (ranks.h) what only one of them can read; then both are NULL. */
int training_cells_read(const struct training_cells_options *o, struct genes **ret_genes,
    struct token_corpus **ret_corpus, struct err *e);

/* Whether each of the inputs, and `eval` (NULL: none), is a file or folder that can be read more
 * than once: else -1, with e naming one that is not, after `why`. */
int training_cells_check(const struct cli *cli, const char *eval, const char *why, struct err *e);

#endif
