/* backward_heads.c - from hidden states to the loss, and its gradient back to them. */

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "nn/backward_state.h"
#include "nn/class_scores.h"

/* Rows of hidden states and their gradient. */
struct head_rows {
	const float *in; /* [rows][hidden] */
	float *d;        /* the same, from 0 */
	size_t rows;
};

static void
weights_back(
    struct backward *w, const struct dense *dense, const float *in, const float *d_out, size_t rows)
{
	float *weight = backward_gradient(w, dense->weight);

	if (weight)
		w->op->linear_weights(
		    w->ws, dense, in, d_out, rows, weight, backward_gradient(w, dense->bias));
}

/* ---- masked language model ---- */

/* The decoder's weights may be the word embeddings, which are of another block: their gradient is
 * added up in a room of its own, and joins the sums with the block. */
static float *
decoder_gradient(struct backward *w, const struct backward_part *part)
{
	const struct model *m = w->model;
	size_t n = m->config.vocab * m->config.hidden;

	if (!w->gradient_of)
		return NULL;
	if (m->decoder_weight != m->word_embeddings)
		return backward_gradient(w, m->decoder_weight);
	assert(gradient_sums_decoder_of(part->sums, part->number));
	if (w->decoder.n < n)
		return backward_room(w, &w->decoder, n);
	w->op->clear(w->ws, w->decoder.p, n);
	return w->decoder.p;
}

/* A tile of rows; in: [rows][hidden], d: the same. */
static void
learn_tokens(struct backward *w, const struct backward_part *part, size_t from, size_t rows,
    const float *in, float *d, float *d_decoder, struct backward_result *ret)
{
	const struct gradient_ops *op = w->op;
	const struct model *m = w->model;
	size_t h = m->config.hidden, vocab = m->config.vocab;
	enum activation f = m->config.activation;
	struct dense dense = { m->mlm_dense_weight, m->mlm_dense_bias, h, h };
	struct dense decoder = { m->decoder_weight, m->decoder_bias, vocab, h };
	struct layer_norm norm = { m->mlm_norm_weight, m->mlm_norm_bias, h,
		m->config.layer_norm_eps };
	float *inner = backward_room(w, &w->tile[0], GRADIENT_TILE * h);
	float *active = backward_room(w, &w->tile[2], GRADIENT_TILE * h);
	float *x = backward_room(w, &w->tile[3], GRADIENT_TILE * h);
	float *logits = backward_room(w, &w->tile[1], GRADIENT_TILE * vocab);
	double loss = 0;

	op->linear(w->ws, &dense, in, rows, inner);
	op->activate(w->ws, f, inner, rows * h, active);
	op->normalize(w->ws, &norm, active, rows, x);
	op->linear(w->ws, &decoder, x, rows, logits);
	op->cross_entropy(w->ws, part->labels + from, part->weights ? part->weights[0] : NULL,
	    part->factors[0], rows, vocab, logits, &loss, &ret->n_right);
	ret->loss += part->factors[0] * loss;
	if (!part->sums)
		return;
	if (d_decoder)
		op->linear_weights(w->ws, &decoder, x, logits, rows, d_decoder,
		    backward_gradient(w, decoder.bias));
	op->linear_input(w->ws, &decoder, logits, rows, false, x);
	op->normalize_back(w->ws, &norm, active, x, rows, x, backward_gradient(w, norm.gain),
	    backward_gradient(w, norm.bias));
	op->activate_back(w->ws, f, inner, rows * h, x);
	weights_back(w, &dense, in, x, rows);
	op->linear_input(w->ws, &dense, x, rows, false, d);
}

static bool
masked_head(struct backward *w, const struct backward_part *part, const struct head_rows *rows,
    struct backward_result *ret)
{
	const struct model *m = w->model;
	size_t h = m->config.hidden, block = 1 + m->config.layers;
	bool is_tied = m->decoder_weight == m->word_embeddings;
	float *d_decoder;

	backward_begin_block(w, part->sums, block);
	d_decoder = decoder_gradient(w, part);
	for (size_t from = 0; from < rows->rows; from += GRADIENT_TILE) {
		size_t n = rows->rows - from < GRADIENT_TILE ? rows->rows - from : GRADIENT_TILE;

		learn_tokens(
		    w, part, from, n, rows->in + from * h, rows->d + from * h, d_decoder, ret);
	}
	if (!part->sums)
		return true;
	if (is_tied && d_decoder) {
		if (!gradient_sums_wait(part->sums, block, part->number))
			return false;
		w->op->add(w->ws, d_decoder, m->config.vocab * h,
		    gradient_sums_decoder_of(part->sums, part->number));
	}
	return backward_end_block(w, part->sums, block, part->number);
}

/* ---- classifiers ---- */

static void
predict(struct backward *w, const float *logits, size_t rows, size_t n, int32_t *ret_classes)
{
	float *host = mem_alloc(rows * n, sizeof(*host));

	w->op->get(w->ws, host, logits, rows * n);
	for (size_t i = 0; i < rows; i++)
		ret_classes[i] = (int32_t)class_best(host + i * n, n);
	free(host);
}

/* One classifier on [rows][hidden]; its gradient is added to d. */
static void
classify(struct backward *w, const struct backward_part *part, size_t which,
    const struct head_rows *rows, struct backward_result *ret)
{
	const struct gradient_ops *op = w->op;
	const struct model_head *head = &w->model->head[which];
	size_t hidden = w->model->config.hidden, n = rows->rows;
	size_t width = head->n_hidden ? head->n_hidden : hidden;
	struct dense dense = { head->dense_weight, head->dense_bias, head->n_hidden, hidden };
	struct dense out = { head->weight, head->bias, head->n_labels, width };
	float *inner = backward_room(w, &w->tile[0], n * width);
	float *active = backward_room(w, &w->tile[2], n * width);
	float *logits = backward_room(w, &w->tile[3], n * head->n_labels);
	const float *x = rows->in;
	size_t n_right = 0;
	double loss = 0;

	if (head->dense_weight) {
		op->linear(w->ws, &dense, x, n, inner);
		op->activate(w->ws, ACTIVATION_TANH, inner, n * width, active);
		x = active;
	}
	op->linear(w->ws, &out, x, n, logits);
	if (part->predicted)
		predict(w, logits, n, head->n_labels, part->predicted + which * n);
	op->cross_entropy(w->ws, part->labels + which * n,
	    part->weights ? part->weights[which] : NULL, part->factors[which], n, head->n_labels,
	    logits, &loss, &n_right);
	ret->loss += part->factors[which] * loss;
	ret->n_right += which == 0 ? n_right : 0;
	if (!part->sums)
		return;
	weights_back(w, &out, x, logits, n);
	if (!head->dense_weight) {
		op->linear_input(w->ws, &out, logits, n, true, rows->d);
		return;
	}
	op->linear_input(w->ws, &out, logits, n, false, active);
	op->activate_back(w->ws, ACTIVATION_TANH, inner, n * width, active);
	weights_back(w, &dense, rows->in, active, n);
	op->linear_input(w->ws, &dense, active, n, true, rows->d);
}

/* The pooler, dropout, and all classifiers. */
static bool
class_heads(struct backward *w, const struct backward_part *part, const struct head_rows *rows,
    struct backward_result *ret)
{
	const struct model *m = w->model;
	size_t h = m->config.hidden, n = rows->rows, block = 1 + m->config.layers;
	bool is_pooled = model_has_pooled_head(m);
	struct dense pooler = { m->pooler_weight, m->pooler_bias, h, h };
	struct dropout drop =
	    backward_dropout(w, w->options.classifier_dropout, SITE_HEAD, w->wanted.room > 0, 0);
	struct head_rows seen = { .rows = n };
	float *inner = backward_room(w, &w->tile[4], n * h);
	float *x = backward_room(w, &w->tile[5], n * h);

	backward_begin_block(w, part->sums, block);
	w->op->copy(w->ws, rows->in, n * h, x);
	if (is_pooled) {
		w->op->linear(w->ws, &pooler, rows->in, n, inner);
		w->op->activate(w->ws, ACTIVATION_TANH, inner, n * h, x);
	}
	w->op->drop(w->ws, &drop, x, n, h);
	seen.in = x;
	seen.d = backward_room(w, &w->tile[1], n * h);
	w->op->clear(w->ws, seen.d, n * h);
	for (size_t i = 0; i < m->n_heads_out; i++)
		classify(w, part, i, &seen, ret);
	if (!part->sums)
		return true;
	w->op->drop(w->ws, &drop, seen.d, n, h);
	if (is_pooled) {
		w->op->activate_back(w->ws, ACTIVATION_TANH, inner, n * h, seen.d);
		weights_back(w, &pooler, rows->in, seen.d, n);
		w->op->linear_input(w->ws, &pooler, seen.d, n, false, rows->d);
	} else
		w->op->copy(w->ws, seen.d, n * h, rows->d);
	if (w->plan.rows == PLAN_POOLED && w->gradient_of)
		w->op->pool_back(w->ws, w->in[w->plan.layers].p, m->attention_pool, w->shares.p,
		    w->cells->offsets, w->cells->n, h, rows->d, NULL,
		    backward_gradient(w, m->attention_pool));
	return backward_end_block(w, part->sums, block, part->number);
}

bool
backward_head(struct backward *w, const struct backward_part *part, const float *in, float *d,
    struct backward_result *ret)
{
	struct head_rows rows = { in, d, forward_rows(&w->plan, w->cells) };

	assert(w->plan.head != PLAN_HIDDEN);
	if (w->plan.head == PLAN_MLM)
		return masked_head(w, part, &rows, ret);
	return class_heads(w, part, &rows, ret);
}
