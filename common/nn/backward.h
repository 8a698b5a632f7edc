/* backward.h - the forward pass that keeps what learning needs, and the way back, whatever the
 * device.
 *
 * Of each layer are kept its input, queries, keys, values, what attention gave with the logarithms
 * of its sums, the two residual sums, and the inner activations before their function: 7 * hidden +
 * ffn floats a token and layer. Attention's weights are computed again. A frugal pass keeps only
 * the inputs of the layers, and computes each layer again on the way back: hidden floats a token
 * and layer, at a third more time; its numbers are the same bits.
 *
 * As in forward.h cells lie end to end without padding, only the rows that the plan asks for are
 * computed in the last layer and the head, and a backward is one thread's. All of it is float32. A
 * part's gradients depend on nothing but its cells and weights: not on threads, not on other parts.
 */

#ifndef NN_BACKWARD_H
#define NN_BACKWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nn/backend.h"
#include "nn/forward.h"
#include "nn/gradient_sums.h"
#include "nn/model.h"
#include "nn/plan.h"

struct backward;

struct backward_options {
	bool is_frugal;
	/* Rates; all of 0: no dropout. Those of a model are in its config. */
	double hidden_dropout, attention_dropout, classifier_dropout;
	uint64_t seed;
};

/* One thread's. m's tensors are in the device's memory (on CPUs: any opened model; or that of
 * parameters); both must outlive it. */
struct backward *backward_create(struct backend *b, const struct model *m, const struct plan *plan,
    const struct backward_options *o);
void backward_free(struct backward *w);

/* ---- gradients of whatever is asked of the hidden states: plan head HIDDEN ---- */

/* Runs the network and keeps what the way back needs, until the next call. cells must stay until
 * then. places: [tokens], each token's position in its cell, below the model's; NULL: 0, 1, 2 ...
 * ret_rows [forward_rows][hidden]. No dropout. 0 or -1. */
int backward_forward(struct backward *w, const struct forward_cells *cells, const int32_t *places,
    float *ret_rows, struct err *e);

/* After a forward pass: runs, for every token, a copy of it through the network that stands at
 * `place`, sees the keys of its cell, and is seen by nobody. ret_rows: what the copies become,
 * [tokens][hidden], or NULL; with rows of ALL only. 0 or -1. */
int backward_probe(struct backward *w, int32_t place, float *ret_rows, struct err *e);

/* The gradients of L with respect to what went in, given those with respect to the rows that came
 * out, d_rows [forward_rows][hidden]. Any number of times after a forward pass. 0 or -1. */
struct backward_inputs {
	/* For each token: with respect to the sum of its word, type and position embedding.
	 * [tokens][hidden], or NULL where it is not wanted. */
	float *embeddings;
	/* For each token: the estimate of what taking its key away in all layers, and nothing else,
	 * would add to L: gradient.h's key_effect, with the sign of a deletion. [tokens], or NULL.
	 */
	float *deletion;
	/* The same of putting the key of its probe into the token's place. [tokens], or NULL; needs
	 * backward_probe. */
	float *replacement;
};
int backward_run(
    struct backward *w, const float *d_rows, const struct backward_inputs *ret, struct err *e);

/* ---- learning: plan heads MLM, SEQUENCE, TOKEN ---- */

/* What a part of a step learns from. */
struct backward_part {
	const struct forward_cells *cells; /* MLM and TOKEN: with the positions that have labels */
	/* [cells]: numbers of the examples for dropout (dropout.h). NULL: no dropout. */
	const uint64_t *examples;
	/* One for each row of the plan; then those of the next head. Negative: not used. */
	const int32_t *labels;       /* [heads][forward_rows] */
	const float *const *weights; /* [heads][labels of the head]: of the classes; NULL: all 1 */
	const double *factors;       /* [heads]: 1 / (the step's sum of weights) gives a mean */
	/* [heads][forward_rows]: filled in with the most likely class of each row (the first of
	 * them); of classifiers only. NULL: not wanted. */
	int32_t *predicted;
	struct gradient_sums *sums; /* NULL: only the loss is wanted */
	size_t number;              /* of the part in its step */
	size_t lane;                /* of the sums; not less than that of the part before */
};

struct backward_result {
	double loss;    /* sum over heads and rows of factor * weight * -log(p) */
	size_t n_right; /* rows of the first head whose most likely class is the label */
};

/* Forward, loss, backward. 0 or -1; then the step's sums are given up. */
int backward_learn(struct backward *w, const struct backward_part *part,
    struct backward_result *ret, struct err *e);

#endif
