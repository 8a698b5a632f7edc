/* coexpression.h - a start from the data: which genes are found in the same cells, and how often.
 *
 * Of the matrix of cells and genes that says which gene is among the tokens of which cell (a column
 * times the logarithm of the inverse share of cells that have the gene, then each row brought to
 * length 1), a truncated singular value decomposition is taken, as in latent semantic analysis
 * (Deerwester et al. 1990). The genes' factor, scaled to a standard deviation of 0.04, is added to
 * the word embeddings that chance made; the decoder's bias becomes the logarithm of the genes'
 * frequencies. A masked-language model that starts so knows the unigram frequencies from its first
 * step, and need not find out from scratch which genes go together.
 *
 * The decomposition is by subspace iteration from a random start (Halko, Martinsson and Tropp
 * 2011): each round goes through the corpus once and multiplies with the matrix and its transpose,
 * so the matrix is nowhere. Columns are divided among threads, sums are in double and in the order
 * of the corpus: the result does not depend on the number of threads. */

#ifndef NN_COEXPRESSION_H
#define NN_COEXPRESSION_H

#include "nn/masking.h"
#include "nn/parameters.h"
#include "nn/token_corpus.h"

struct coexpression_options {
	size_t rank;   /* 0: the hidden size; no more than it, nor than there are genes */
	size_t rounds; /* through the corpus; 0: 5 */
	double sd;     /* of the scaled factor; 0: 0.04 */
	uint64_t seed;
	size_t threads;
};

/* The factor of the genes, columns by falling singular value: ret_factor [vocab][rank], 0 for
 * tokens that are special or in no cell or in all; ret_values [rank], the singular values. rank is
 * o's, above 0. 0 or -1. */
int coexpression_decompose(const struct token_corpus *c, const struct masking *m, size_t vocab,
    const struct coexpression_options *o, double *ret_factor, double *ret_values, struct err *e);

/* How often each token is in the cells of TRAIN: ret_counts [vocab], 0 for special ones. */
int coexpression_count(const struct token_corpus *c, const struct masking *m, size_t vocab,
    uint64_t *ret_counts, struct err *e);

/* Changes the word embeddings and the decoder's bias of a masked-language model as said above. A
 * gene that was never met counts as half. 0 or -1. */
int coexpression_start(struct parameters *p, const struct token_corpus *c, const struct masking *m,
    const struct coexpression_options *o, struct err *e);

#endif
