/* screen.h - what perturbing each gene of a cell would do to its embedding, estimated for all genes
 * at the price of a few: so that only the best of them need be perturbed in truth.
 *
 * A deletion does two things. It takes the gene's key away from every softmax: that is a small
 * change in each, and its effect on the embedding is, to first order, a by-product of the backward
 * pass of attention (gradient.h, key_effect). And it moves all later genes up by one position:
 * small for each, but not for all of them together, and not nearly linear. So that part is computed
 * in truth, for 32 places of the cell (closer to each other at the front) where the genes behind
 * the place are moved and none is deleted, and in between the backward pass interpolates: the sum
 * over the moved genes of their gradient times the difference of the two positions' embeddings.
 *
 * An overexpression puts another key into the place of the gene's, and moves the genes before it
 * down. What the gene becomes at the front is known for all genes from one pass in which a copy of
 * each stands there, sees the cell, and is not seen.
 *
 * With a goal state the estimate is the change of the cosine to it: one backward pass. Without, the
 * cosine with the unperturbed cell has no first-order change; its loss is half the squared length
 * of the change of the normalised vector: that of the moved genes is known, the rest is estimated
 * from 16 (FIRST) or 4 (MEAN) backward passes along random directions, the same ones always
 * (Johnson and Lindenstrauss 1984; Hutchinson 1990). A cell costs about 50 to 80 passes of it,
 * where a cell of 1,000 genes has 1,000 perturbations.
 *
 * An estimate depends on the cell only: not on the worker, not on other cells. */

#ifndef NN_SCREEN_H
#define NN_SCREEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cell/perturbation.h"
#include "nn/embed.h"
#include "nn/model.h"

struct screen;

struct screen_options {
	enum perturbation_type type; /* DELETE or OVEREXPRESS */
	enum embed_pool pool;        /* EMBED_FIRST or EMBED_MEAN, as perturb.h */
	int layer;                   /* as embed.h */
	const float *goal;           /* [hidden], copied: the state whose cosine counts; or NULL */
	const char *device;          /* as embed.h; always float32 */
	size_t workers;
};

/* The model must outlive it. NULL with *e set: a layer or device that is not there, a device that
 * has no backward pass. A worker's memory: about (layers + 20) * hidden + ffn floats for each token
 * of the longest cell, MEAN 11 * hidden more. */
struct screen *screen_open(const struct model *m, const struct screen_options *o, struct err *e);
void screen_close(struct screen *s);

/* A cell of n tokens; its genes are the tokens from .. from + n_genes - 1 (special tokens are
 * outside). ret[i]: with a goal, the estimate of cos(copy, goal) - cos(original, goal) for the copy
 * in which token from + i is perturbed, else of 1 - cos(copy, original) as perturb.h defines it for
 * the pool. A gene that is in the cell twice has an estimate for each place: they add up. The first
 * token of pool FIRST itself, where it is a gene, cannot be estimated: infinity. 0 or -1. */
int screen_cell(struct screen *s, size_t worker, const int32_t *ids, size_t n, size_t from,
    size_t n_genes, double *ret, struct err *e);

#endif
