/* gradient.h - what learning asks of a device: the second table of operations of a backend.
 *
 * The first table (backend.h) runs a network whose weights do not change and lie packed as the
 * device likes them. Here weights change with every step, and each operation has a gradient. So all
 * that these operations work on is plain arrays of float32 in the device's memory: weights as
 * model.h lays them out, activations [rows][columns] without gaps. backward.c walks through the
 * layers with them; cpu_gradient.c does them with oneDNN's plain matrix products.
 *
 * A workspace is one thread's. As in backend.h the first failure stays in it: what follows does
 * nothing, and `failed` reports it. Where an operation adds to what is there, its order of adding
 * is fixed, so that equal input gives equal bits.
 *
 * "d_x" is the gradient of the loss with respect to x, in x's shape. */

#ifndef NN_GRADIENT_H
#define NN_GRADIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nn/adamw.h"
#include "nn/backend.h"
#include "nn/dropout.h"

struct gradient_workspace;

/* y = x W' + b, with weight [n_out][n_in] and bias [n_out]. */
struct dense {
	const float *weight, *bias;
	size_t n_out, n_in;
};

/* A layer norm over n values. */
struct layer_norm {
	const float *gain, *bias;
	size_t n;
	float eps;
};

/* Attention of the queries of each cell to its keys; rows are [heads][head_size]. */
struct attention_gradient {
	const struct packing *cells;
	size_t heads, head_size;
	const float *q, *k, *v; /* the inputs of the forward pass */
	const float *out;       /* its result */
	const float *log_sum;   /* [queries][heads]: log2 of the sum of exp(score), from it */
	struct dropout drop;    /* rows: the queries */
	const float *d_out;
	float *d_q, *d_k, *d_v; /* results; d_q may be d_out */
	/* Adds to key_effect[j] the change in the loss that taking key j away from the
	 * softmax of one query would make, summed over heads and queries: to first order in what
	 * that changes in the output, exactly in the softmax. The query of the key itself is left
	 * out, where queries and keys are the same tokens. [keys], or NULL. */
	float *key_effect;
	/* Further keys and values, as many: then nothing but key_effect is computed, and it is that
	 * of putting the new key j into the place of key j. Or NULL. */
	const float *new_k, *new_v;
};

struct gradient_ops {
	struct gradient_workspace *(*workspace_create)(struct backend *b);
	void (*workspace_free)(struct gradient_workspace *ws);
	/* 0, or -1 with *e the first failure since the last call. */
	int (*failed)(struct gradient_workspace *ws, struct err *e);
	/* n floats, all 0; freed with `release`. to and from host memory. */
	float *(*memory)(struct backend *b, size_t n);
	void (*release)(float *p);
	void (*put)(struct gradient_workspace *ws, float *to, const float *host, size_t n);
	void (*get)(struct gradient_workspace *ws, float *host, const float *from, size_t n);
	void (*clear)(struct gradient_workspace *ws, float *p, size_t n);
	void (*copy)(struct gradient_workspace *ws, const float *from, size_t n, float *to);

	/* -- forward -- */

	/* out[i] = word[ids[i]] + type[0] + position[positions[i]], before the norm. ids,
	 * positions: host. */
	void (*embed)(struct gradient_workspace *ws, const struct model *m, const int32_t *ids,
	    const int32_t *positions, size_t rows, float *out);
	/* out = in W' + b */
	void (*linear)(struct gradient_workspace *ws, const struct dense *w, const float *in,
	    size_t rows, float *out);
	/* out may be in. */
	void (*normalize)(struct gradient_workspace *ws, const struct layer_norm *w,
	    const float *in, size_t rows, float *out);
	/* out = f(in); out may be in. */
	void (*activate)(struct gradient_workspace *ws, enum activation f, const float *in,
	    size_t n, float *out);
	/* x = x * mask / (1 - rate): its own gradient, too. */
	void (*drop)(struct gradient_workspace *ws, const struct dropout *d, float *x, size_t rows,
	    size_t columns);
	/* to += from */
	void (*add)(struct gradient_workspace *ws, const float *from, size_t n, float *to);
	/* out = attention, and its log_sum; of the struct, only the inputs are used. */
	void (*attention)(struct gradient_workspace *ws, const struct attention_gradient *call,
	    float *out, float *log_sum);
	/* out[i] = in[index[i]]; the other way round: out[index[i]] += in[i]. index: host. */
	void (*gather)(struct gradient_workspace *ws, const float *in, const size_t *index,
	    size_t rows, size_t columns, float *out);
	void (*scatter)(struct gradient_workspace *ws, const float *in, const size_t *index,
	    size_t rows, size_t columns, float *out);
	/* out[c] = mean over the rows from .. to - 1; the other way round: each of these rows of
	 * out += in[c] / (to - from). */
	void (*mean)(struct gradient_workspace *ws, const float *in, size_t from, size_t to,
	    size_t columns, float *out);
	void (*spread)(struct gradient_workspace *ws, const float *in, size_t from, size_t to,
	    size_t columns, float *out);

	/* An attention pool (model.h): out[c] of each cell, and the shares of all its rows. cells:
	 * offsets [n + 1], host. The other way round: d_in += and d_weight += ; either may be NULL.
	 */
	void (*pool)(struct gradient_workspace *ws, const float *in, const float *weight,
	    const size_t *cells, size_t n, size_t columns, float *shares, float *out);
	void (*pool_back)(struct gradient_workspace *ws, const float *in, const float *weight,
	    const float *shares, const size_t *cells, size_t n, size_t columns, const float *d_out,
	    float *d_in, float *d_weight);

	/* -- backward -- */

	/* d_in = d_out W, or d_in += d_out W */
	void (*linear_input)(struct gradient_workspace *ws, const struct dense *w,
	    const float *d_out, size_t rows, bool is_added, float *d_in);
	/* d_weight [n_out][n_in] += d_out' in, d_bias[n_out] += the column sums of d_out */
	void (*linear_weights)(struct gradient_workspace *ws, const struct dense *w,
	    const float *in, const float *d_out, size_t rows, float *d_weight, float *d_bias);
	/* d_in from d_out, where `in` went in; d_in may be d_out. d_gain and d_bias [n] are added
	 * to, or NULL. */
	void (*normalize_back)(struct gradient_workspace *ws, const struct layer_norm *w,
	    const float *in, const float *d_out, size_t rows, float *d_in, float *d_gain,
	    float *d_bias);
	/* d = d * f'(in), where `in` went in. */
	void (*activate_back)(
	    struct gradient_workspace *ws, enum activation f, const float *in, size_t n, float *d);
	void (*attention_back)(
	    struct gradient_workspace *ws, const struct attention_gradient *call);
	/* d_word[ids[i]] += d[i], d_type[0] += d[i], d_position[positions[i]] += d[i], i in order.
	 */
	void (*embed_back)(struct gradient_workspace *ws, const float *d, const int32_t *ids,
	    const int32_t *positions, size_t rows, size_t columns, float *d_word, float *d_type,
	    float *d_position);
	/* logits [rows][n] become factor * weight[label] * (softmax - one-hot), or 0 where the
	 * label is negative. Adds to *loss the sum of weight[label] * -log(softmax[label]), and to
	 * *n_right the rows whose greatest logit (the first of them) is the label's. labels: host;
	 * weight: host, NULL for 1. */
	void (*cross_entropy)(struct gradient_workspace *ws, const int32_t *labels,
	    const float *weight, double factor, size_t rows, size_t n, float *logits, double *loss,
	    size_t *n_right);

	/* -- after the backward pass -- */

	/* The sum of the squares, in double precision, in a fixed order. */
	double (*squares)(struct gradient_workspace *ws, const float *x, size_t n);
	/* One step of AdamW (adamw.h) over n values; the gradient is taken times `factor`. */
	void (*adamw)(struct gradient_workspace *ws, const struct adamw_step *step, size_t n,
	    const float *gradient, float *mean, float *square, float *values);
};

/* Rows that one step of a row-wise chain takes, to stay in cache. */
enum { GRADIENT_TILE = 256 };

#endif
