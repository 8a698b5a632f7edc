/* perturb.h - what perturbations of a cell's genes do to its embedding.
 *
 * A thin layer over plan, forward and backend, as embed.h. What the copies of a cell have in common
 * in the first layer is computed once (first_layer.h), within windows of copies that follow each
 * other. Cosines are taken where the hidden states are; only they come back. A result does not
 * depend on the worker or on which copies are computed in one call; but its last bits may be others
 * in another list of perturbations. */

#ifndef NN_PERTURB_H
#define NN_PERTURB_H

#include "cell/perturbation.h"
#include "nn/embed.h"
#include "nn/model.h"

struct perturb_options {
	enum embed_pool pool; /* EMBED_FIRST or EMBED_MEAN */
	int layer;            /* as embed.h */
	bool is_per_gene;     /* the cosines of single genes are wanted */
	size_t n_states;
	const float *states;            /* [n_states][hidden], copied; NULL where n_states is 0 */
	const char *device, *precision; /* as embed.h; "auto" is f32 */
	size_t workers;                 /* threads that will call perturber_run at once */
};

struct perturber;

/* Prepares the backend and the weights; the model must outlive it. NULL with e set: a layer, device
 * or precision that is not there. */
struct perturber *perturber_open(
    const struct model *m, const struct perturb_options *options, struct err *e);
const char *perturber_device(const struct perturber *p);
const char *perturber_precision(const struct perturber *p);
enum embed_pool perturber_pool(const struct perturber *p);
/* How many tokens the copies of a call should have at most (a single longer copy is fine). */
size_t perturber_batch_tokens(const struct perturber *p);
/* All cells must have been freed. NULL is allowed. */
void perturber_close(struct perturber *p);

/* A cell whose copies are compared with it. Several workers may take copies of it at once. */
struct perturber_cell;

/* Nothing is copied: o, ids [n] and what must outlive it. Ids below the vocabulary, n and the
 * copies within the model's positions (asserted). Cheap: may be called in any thread. */
struct perturber_cell *perturber_cell_new(struct perturber *p, const struct perturbation_options *o,
    const int32_t *ids, size_t n, const struct cell_perturbations *what);
/* In any thread, when no perturber_run works on it. NULL is allowed. */
void perturber_cell_free(struct perturber_cell *c);

/* The numbers of copies first .. first + n - 1 of a cell. */
struct perturbed {
	/* Pool FIRST: cosine of the first tokens' vectors; MEAN: mean over the unperturbed genes of
	 * the cosine between the gene in the copy and in the original, NaN where there are none.
	 * [n] */
	float *cos_sim;
	/* cos(copy, state) - cos(original, state), of the first tokens' vectors or of the means
	 * over all genes. [n][n_states]; NULL without states */
	float *shifts;
	/* With is_per_gene (else NULL): tokens of the unperturbed genes in the order of the copy,
	 * and their cosines. [cu_genes[n]], cu_genes: [n + 1] from 0 */
	int32_t *affected;
	float *gene_cos;
	size_t *cu_genes;
};

/* Computes them in the calling thread, worker 0..workers-1; memory of *ret in the arena. The first
 * call for a cell that needs the original computes it before its copies; the others compute their
 * copies and then wait for it. A copy that has no room for the last genes of the cell is compared
 * with the cell without them (perturbation_original). 0, or -1 with e set (the waiting ones then
 * fail as well). */
int perturber_run(struct perturber *p, size_t worker, struct perturber_cell *c, size_t first,
    size_t n, struct arena *a, struct perturbed *ret, struct err *e);

#endif
