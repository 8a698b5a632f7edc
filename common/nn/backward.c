/*  1. memory
 *  2. the batch
 *  3. forward
 *  4. back through a layer
 *  5. back through all of it */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/backward.h"
#include "nn/backward_state.h"

/* ---- 1. memory ---- */

float *
backward_room(struct backward *w, struct room *r, size_t n)
{
	if (r->n < n) {
		w->op->release(r->p);
		r->p = w->op->memory(w->backend, n);
		r->n = n;
	}
	return r->p;
}

static void
release_kept(struct backward *w, struct kept *k)
{
	w->op->release(k->wanted.p);
	w->op->release(k->q.p);
	w->op->release(k->k.p);
	w->op->release(k->v.p);
	w->op->release(k->context.p);
	w->op->release(k->log_sum.p);
	w->op->release(k->middle.p);
	w->op->release(k->end.p);
	w->op->release(k->inner.p);
}

struct backward *
backward_create(struct backend *b, const struct model *m, const struct plan *plan,
    const struct backward_options *o)
{
	struct backward *w = mem_zero(1, sizeof(*w));

	assert(b->gradient);
	w->backend = b;
	w->op = b->gradient;
	w->model = m;
	w->plan = *plan;
	w->options = *o;
	w->ws = w->op->workspace_create(b);
	w->in = mem_zero(plan->layers + 1, sizeof(*w->in));
	w->kept = mem_zero(o->is_frugal ? 1 : plan->layers, sizeof(*w->kept));
	return w;
}

void
backward_free(struct backward *w)
{
	if (!w)
		return;
	struct room *const rooms[] = { &w->embedded, &w->d, &w->d_next, &w->d_q, &w->d_k, &w->d_v,
		&w->d_context, &w->out, &w->d_out, &w->gradient, &w->decoder, &w->effects,
		&w->shares };

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
		w->op->release(rooms[i]->p);
	for (size_t i = 0; i < sizeof(w->tile) / sizeof(w->tile[0]); i++)
		w->op->release(w->tile[i].p);
	for (size_t i = 0; i <= w->plan.layers; i++)
		w->op->release(w->in[i].p);
	for (size_t i = 0; i < (w->options.is_frugal ? 1 : w->plan.layers); i++)
		release_kept(w, &w->kept[i]);
	w->op->workspace_free(w->ws);
	free(w->in);
	free(w->kept);
	free(w->all.positions);
	free(w->all.examples);
	free(w->wanted.positions);
	free(w->wanted.examples);
	free(w->index);
	free(w->cu_q);
	free(w);
}

float *
backward_gradient(struct backward *w, const float *weights)
{
	return w->gradient_of ? w->gradient.p + (weights - w->gradient_of) : NULL;
}

void
backward_begin_block(struct backward *w, const struct gradient_sums *s, size_t block)
{
	const struct parameters *p = s ? gradient_sums_parameters(s) : NULL;
	size_t n;

	w->gradient_of = NULL;
	if (!p || parameters_is_frozen(p, block))
		return;
	n = p->block_from[block + 1] - p->block_from[block];
	backward_room(w, &w->gradient, n);
	w->op->clear(w->ws, w->gradient.p, n);
	w->gradient_of = p->values + p->block_from[block];
}

bool
backward_end_block(struct backward *w, struct gradient_sums *s, size_t block, size_t part)
{
	const struct parameters *p = s ? gradient_sums_parameters(s) : NULL;
	size_t from;

	if (!p)
		return true;
	if (!gradient_sums_wait(s, block, part))
		return false;
	from = p->block_from[block];
	if (w->gradient_of)
		w->op->add(w->ws, w->gradient.p, p->block_from[block + 1] - from,
		    gradient_sums_values(s) + from);
	gradient_sums_pass(s, block);
	return true;
}

/* ---- 2. the batch ---- */

static bool
is_subset(const struct plan *plan)
{
	return plan->rows == PLAN_FIRST || plan->rows == PLAN_POSITIONS;
}

/* Room for the places and examples of n rows. */
static void
grow_rows(int32_t **positions, uint64_t **examples, size_t *room, size_t n)
{
	if (*room >= n)
		return;
	free(*positions);
	free(*examples);
	*positions = mem_alloc(n, sizeof(**positions));
	*examples = mem_zero(n, sizeof(**examples));
	*room = n;
}

static void
place_tokens(struct backward *w)
{
	const struct forward_cells *cells = w->cells;

	grow_rows(&w->all.positions, &w->all.examples, &w->all.room, w->tokens);
	for (size_t cell = 0; cell < cells->n; cell++) {
		size_t from = cells->offsets[cell], to = cells->offsets[cell + 1];

		assert(from < to && to - from <= w->model->config.positions);
		for (size_t i = from; i < to; i++) {
			assert(
			    cells->ids[i] >= 0 && (size_t)cells->ids[i] < w->model->config.vocab);
			w->all.positions[i] = (int32_t)(i - from);
			w->all.examples[i] = w->examples ? w->examples[cell] : 0;
		}
	}
}

/* The rows that are wanted: index, places, and how many come before each cell. */
static void
place_wanted(struct backward *w)
{
	const struct forward_cells *cells = w->cells;
	size_t n = 0;

	grow_rows(&w->wanted.positions, &w->wanted.examples, &w->wanted.room, w->rows);
	if (w->index_room < w->rows || w->cu_room < cells->n + 1) {
		free(w->index);
		free(w->cu_q);
		w->index_room = w->rows;
		w->cu_room = cells->n + 1;
		w->index = mem_alloc(w->index_room, sizeof(*w->index));
		w->cu_q = mem_alloc(w->cu_room, sizeof(*w->cu_q));
	}
	for (size_t cell = 0; cell < cells->n; cell++) {
		size_t start = cells->offsets[cell];
		size_t k = w->plan.rows == PLAN_FIRST ? 0 : cells->cu_positions[cell];
		size_t end = w->plan.rows == PLAN_FIRST ? 1 : cells->cu_positions[cell + 1];

		for (w->cu_q[cell] = n; k < end; k++, n++) {
			size_t at = w->plan.rows == PLAN_FIRST ? 0 : cells->positions[k];

			assert(start + at < cells->offsets[cell + 1]);
			w->index[n] = start + at;
			w->wanted.positions[n] = (int32_t)at;
			w->wanted.examples[n] = w->all.examples[start + at];
		}
	}
	w->cu_q[cells->n] = n;
	assert(n == w->rows);
}

static void
start_batch(struct backward *w, const struct forward_cells *cells, const uint64_t *examples)
{
	w->cells = cells;
	w->examples = examples;
	w->tokens = w->rows = cells->offsets[cells->n];
	place_tokens(w);
	if (!is_subset(&w->plan))
		return;
	w->rows = forward_rows(&w->plan, cells);
	place_wanted(w);
}

struct dropout
backward_dropout(const struct backward *w, double rate, uint32_t site, bool is_wanted, size_t from)
{
	struct dropout d = { 0 };

	if (!w->examples || rate <= 0)
		return d;
	d = dropout_make(rate, w->options.seed, site);
	d.examples = is_wanted ? w->wanted.examples : w->all.examples;
	d.places = is_wanted ? w->wanted.positions : w->all.positions;
	return dropout_from(&d, from);
}

/* ---- 3. forward ---- */

/* A layer, and what of it is asked for. */
struct pass {
	const struct model_layer *w;
	struct kept *kept;
	size_t layer;
	bool is_narrow;
	size_t n, m, hidden, ffn; /* tokens, rows that are wanted */
	const float *in, *wanted; /* [n][H], [m][H] */
	struct packing cells;
};

static struct pass
pass_of(struct backward *w, size_t layer)
{
	const struct model_config *c = &w->model->config;
	bool is_narrow = layer + 1 == w->plan.layers && w->plan.is_last_narrow;
	struct pass p = { .w = &w->model->layer[layer],
		.kept = &w->kept[w->options.is_frugal ? 0 : layer],
		.layer = layer,
		.is_narrow = is_narrow,
		.n = w->tokens,
		.m = is_narrow ? w->rows : w->tokens,
		.hidden = c->hidden,
		.ffn = c->ffn,
		.in = w->in[layer].p,
		.cells = { w->cells->n, w->cells->offsets, w->cells->offsets } };

	p.wanted = is_narrow ? backward_room(w, &p.kept->wanted, p.m * p.hidden) : p.in;
	if (is_narrow)
		p.cells.cu_q = w->cu_q;
	return p;
}

static struct dropout
layer_dropout(const struct backward *w, const struct pass *p, uint32_t which, size_t from)
{
	double rate =
	    which == SITE_ATTENTION ? w->options.attention_dropout : w->options.hidden_dropout;

	return backward_dropout(
	    w, rate, SITE_LAYERS + (uint32_t)p->layer * SITES_A_LAYER + which, p->is_narrow, from);
}

static struct attention_gradient
attention_of(const struct backward *w, const struct pass *p)
{
	const struct model_config *c = &w->model->config;

	return (struct attention_gradient){ .cells = &p->cells,
		.heads = c->heads,
		.head_size = c->hidden / c->heads,
		.q = p->kept->q.p,
		.k = p->kept->k.p,
		.v = p->kept->v.p,
		.out = p->kept->context.p,
		.log_sum = p->kept->log_sum.p,
		.drop = layer_dropout(w, p, SITE_ATTENTION, 0) };
}

static struct layer_norm
norm_of(const struct backward *w, const float *gain, const float *bias)
{
	return (struct layer_norm){ gain, bias, w->model->config.hidden,
		w->model->config.layer_norm_eps };
}

static void
attend(struct backward *w, const struct pass *p)
{
	const struct model_layer *l = p->w;
	struct dense query = { l->query_weight, l->query_bias, p->hidden, p->hidden };
	struct dense key = { l->key_weight, l->key_bias, p->hidden, p->hidden };
	struct dense value = { l->value_weight, l->value_bias, p->hidden, p->hidden };
	struct kept *k = p->kept;
	struct attention_gradient call;

	if (p->is_narrow)
		w->op->gather(w->ws, p->in, w->index, p->m, p->hidden, k->wanted.p);
	w->op->linear(w->ws, &key, p->in, p->n, backward_room(w, &k->k, p->n * p->hidden));
	w->op->linear(w->ws, &value, p->in, p->n, backward_room(w, &k->v, p->n * p->hidden));
	w->op->linear(w->ws, &query, p->wanted, p->m, backward_room(w, &k->q, p->m * p->hidden));
	backward_room(w, &k->context, p->m * p->hidden);
	backward_room(w, &k->log_sum, p->m * w->model->config.heads);
	call = attention_of(w, p);
	w->op->attention(w->ws, &call, k->context.p, k->log_sum.p);
}

/* One tile of rows of what follows attention; out: [rows][H]. */
static void
feed_forward(struct backward *w, const struct pass *p, size_t from, size_t rows, float *out)
{
	const struct gradient_ops *op = w->op;
	const struct model_layer *l = p->w;
	struct kept *k = p->kept;
	struct dense attention_output = { l->attention_output_weight, l->attention_output_bias,
		p->hidden, p->hidden };
	struct dense ffn = { l->ffn_weight, l->ffn_bias, p->ffn, p->hidden };
	struct dense ffn_output = { l->ffn_output_weight, l->ffn_output_bias, p->hidden, p->ffn };
	struct layer_norm first = norm_of(w, l->attention_norm_weight, l->attention_norm_bias);
	struct layer_norm second = norm_of(w, l->ffn_norm_weight, l->ffn_norm_bias);
	struct dropout drop_first = layer_dropout(w, p, SITE_ATTENTION_OUTPUT, from);
	struct dropout drop_second = layer_dropout(w, p, SITE_FFN_OUTPUT, from);
	size_t n = rows * p->hidden, at = from * p->hidden;
	float *middle = k->middle.p + at, *inner = k->inner.p + from * p->ffn, *end = k->end.p + at;
	float *x = backward_room(w, &w->tile[0], GRADIENT_TILE * p->hidden);
	float *active = backward_room(w, &w->tile[1], GRADIENT_TILE * p->ffn);

	op->linear(w->ws, &attention_output, k->context.p + at, rows, middle);
	op->drop(w->ws, &drop_first, middle, rows, p->hidden);
	op->add(w->ws, p->wanted + at, n, middle);
	op->normalize(w->ws, &first, middle, rows, x);
	op->linear(w->ws, &ffn, x, rows, inner);
	op->activate(w->ws, w->model->config.activation, inner, rows * p->ffn, active);
	op->linear(w->ws, &ffn_output, active, rows, end);
	op->drop(w->ws, &drop_second, end, rows, p->hidden);
	op->add(w->ws, x, n, end);
	op->normalize(w->ws, &second, end, rows, out);
}

static size_t
tile_rows(size_t n, size_t from)
{
	return n - from < GRADIENT_TILE ? n - from : GRADIENT_TILE;
}

static void
run_layer(struct backward *w, size_t layer)
{
	struct pass p = pass_of(w, layer);
	float *out = backward_room(w, &w->in[layer + 1], p.m * p.hidden);

	attend(w, &p);
	backward_room(w, &p.kept->middle, p.m * p.hidden);
	backward_room(w, &p.kept->end, p.m * p.hidden);
	backward_room(w, &p.kept->inner, p.m * p.ffn);
	for (size_t from = 0; from < p.m; from += GRADIENT_TILE)
		feed_forward(w, &p, from, tile_rows(p.m, from), out + from * p.hidden);
	w->kept_layer = layer;
}

static void
run_encoder(struct backward *w)
{
	const struct model *m = w->model;
	size_t hidden = m->config.hidden, n = w->tokens * hidden;
	struct layer_norm norm = norm_of(w, m->embedding_norm_weight, m->embedding_norm_bias);
	struct dropout drop =
	    backward_dropout(w, w->options.hidden_dropout, SITE_EMBEDDING, false, 0);

	w->op->embed(w->ws, m, w->cells->ids, w->all.positions, w->tokens,
	    backward_room(w, &w->embedded, n));
	w->op->normalize(w->ws, &norm, w->embedded.p, w->tokens, backward_room(w, &w->in[0], n));
	w->op->drop(w->ws, &drop, w->in[0].p, w->tokens, hidden);
	for (size_t i = 0; i < w->plan.layers; i++)
		run_layer(w, i);
}

/* The rows that the plan wants of the hidden states. */
static const float *
collect_rows(struct backward *w)
{
	const struct forward_cells *cells = w->cells;
	size_t h = w->model->config.hidden;
	const float *x = w->in[w->plan.layers].p;
	float *out;

	if (w->plan.rows == PLAN_ALL || (is_subset(&w->plan) && w->plan.is_last_narrow))
		return x;
	out = backward_room(w, &w->out, forward_rows(&w->plan, cells) * h);
	if (is_subset(&w->plan))
		w->op->gather(w->ws, x, w->index, w->rows, h, out);
	for (size_t i = 0; w->plan.rows == PLAN_MEAN && i < cells->n; i++)
		w->op->mean(w->ws, x, cells->offsets[i] + cells->from[i],
		    cells->offsets[i] + cells->to[i], h, out + i * h);
	return out;
}

/* ---- 4. back through a layer ---- */

static void
dense_back(
    struct backward *w, const struct dense *dense, const float *in, const float *d_out, size_t rows)
{
	float *weight = backward_gradient(w, dense->weight);

	for (size_t from = 0; weight && from < rows; from += GRADIENT_TILE)
		w->op->linear_weights(w->ws, dense, in + from * dense->n_in,
		    d_out + from * dense->n_out, tile_rows(rows, from), weight,
		    backward_gradient(w, dense->bias));
}

static void
norm_back(struct backward *w, const struct layer_norm *norm, const float *in, const float *d_out,
    size_t rows, float *d_in)
{
	w->op->normalize_back(w->ws, norm, in, d_out, rows, d_in, backward_gradient(w, norm->gain),
	    backward_gradient(w, norm->bias));
}

/* One tile of rows: from d, the gradient of what the layer gave, to that of what attention gave,
 * and to d_wanted, that of the residual input. */
static void
feed_back(struct backward *w, const struct pass *p, size_t from, size_t rows, const float *d,
    float *d_wanted)
{
	const struct gradient_ops *op = w->op;
	const struct model_layer *l = p->w;
	struct kept *k = p->kept;
	struct dense attention_output = { l->attention_output_weight, l->attention_output_bias,
		p->hidden, p->hidden };
	struct dense ffn = { l->ffn_weight, l->ffn_bias, p->ffn, p->hidden };
	struct dense ffn_output = { l->ffn_output_weight, l->ffn_output_bias, p->hidden, p->ffn };
	struct layer_norm first = norm_of(w, l->attention_norm_weight, l->attention_norm_bias);
	struct layer_norm second = norm_of(w, l->ffn_norm_weight, l->ffn_norm_bias);
	struct dropout drop_first = layer_dropout(w, p, SITE_ATTENTION_OUTPUT, from);
	struct dropout drop_second = layer_dropout(w, p, SITE_FFN_OUTPUT, from);
	size_t n = rows * p->hidden, at = from * p->hidden;
	const float *inner = k->inner.p + from * p->ffn;
	float *x = backward_room(w, &w->tile[0], GRADIENT_TILE * p->hidden);
	float *active = backward_room(w, &w->tile[1], GRADIENT_TILE * p->ffn);
	float *d_sum = backward_room(w, &w->tile[2], GRADIENT_TILE * p->hidden);
	float *d_part = backward_room(w, &w->tile[3], GRADIENT_TILE * p->hidden);
	float *d_inner = backward_room(w, &w->tile[4], GRADIENT_TILE * p->ffn);

	norm_back(w, &second, k->end.p + at, d, rows, d_sum);
	op->copy(w->ws, d_sum, n, d_part);
	op->drop(w->ws, &drop_second, d_part, rows, p->hidden);
	if (w->gradient_of) {
		op->activate(w->ws, w->model->config.activation, inner, rows * p->ffn, active);
		dense_back(w, &ffn_output, active, d_part, rows);
	}
	op->linear_input(w->ws, &ffn_output, d_part, rows, false, d_inner);
	op->activate_back(w->ws, w->model->config.activation, inner, rows * p->ffn, d_inner);
	if (w->gradient_of) {
		op->normalize(w->ws, &first, k->middle.p + at, rows, x);
		dense_back(w, &ffn, x, d_inner, rows);
	}
	op->linear_input(w->ws, &ffn, d_inner, rows, true, d_sum);
	norm_back(w, &first, k->middle.p + at, d_sum, rows, d_wanted);
	op->copy(w->ws, d_wanted, n, d_part);
	op->drop(w->ws, &drop_first, d_part, rows, p->hidden);
	dense_back(w, &attention_output, k->context.p + at, d_part, rows);
	op->linear_input(w->ws, &attention_output, d_part, rows, false, w->d_context.p + at);
}

/* d_in = (is_added ? d_in : 0) + d_out W, by tiles */
static void
input_back(struct backward *w, const struct dense *dense, const float *d_out, size_t rows,
    bool is_added, float *d_in)
{
	for (size_t from = 0; from < rows; from += GRADIENT_TILE)
		w->op->linear_input(w->ws, dense, d_out + from * dense->n_out,
		    tile_rows(rows, from), is_added, d_in + from * dense->n_in);
}

/* d_wanted [m][H] has the residual's gradient and gets the queries'; d_in [n][H], the same memory
 * unless the layer is narrow, gets that of the input. */
static void
attend_back(struct backward *w, const struct pass *p, float *d_wanted, float *d_in)
{
	const struct model_layer *l = p->w;
	struct dense query = { l->query_weight, l->query_bias, p->hidden, p->hidden };
	struct dense key = { l->key_weight, l->key_bias, p->hidden, p->hidden };
	struct dense value = { l->value_weight, l->value_bias, p->hidden, p->hidden };
	struct attention_gradient call = attention_of(w, p);

	call.d_out = w->d_context.p;
	call.d_q = backward_room(w, &w->d_q, p->m * p->hidden);
	call.d_k = backward_room(w, &w->d_k, p->n * p->hidden);
	call.d_v = backward_room(w, &w->d_v, p->n * p->hidden);
	call.key_effect = w->key_effect;
	w->op->attention_back(w->ws, &call);
	dense_back(w, &query, p->wanted, call.d_q, p->m);
	dense_back(w, &key, p->in, call.d_k, p->n);
	dense_back(w, &value, p->in, call.d_v, p->n);
	input_back(w, &query, call.d_q, p->m, true, d_wanted);
	input_back(w, &key, call.d_k, p->n, !p->is_narrow, d_in);
	input_back(w, &value, call.d_v, p->n, true, d_in);
	if (p->is_narrow)
		w->op->scatter(w->ws, d_wanted, w->index, p->m, p->hidden, d_in);
}

/* w->d is the gradient of what the layer gave, and becomes that of what went in. */
static void
layer_back(struct backward *w, size_t layer)
{
	struct pass p = pass_of(w, layer);
	struct room swapped;
	float *d_wanted, *d_in;

	if (w->options.is_frugal && w->kept_layer != layer) {
		run_layer(w, layer);
		p = pass_of(w, layer);
	}
	d_in = backward_room(w, &w->d_next, p.n * p.hidden);
	d_wanted = p.is_narrow ? backward_room(w, &w->tile[5], p.m * p.hidden) : d_in;
	backward_room(w, &w->d_context, p.m * p.hidden);
	for (size_t from = 0; from < p.m; from += GRADIENT_TILE)
		feed_back(w, &p, from, tile_rows(p.m, from), w->d.p + from * p.hidden,
		    d_wanted + from * p.hidden);
	attend_back(w, &p, d_wanted, d_in);
	swapped = w->d;
	w->d = w->d_next;
	w->d_next = swapped;
}

/* ---- 5. back through all of it ---- */

/* w->d, from the gradient of the rows that came out. */
static void
spread_rows(struct backward *w, const float *d_rows)
{
	const struct forward_cells *cells = w->cells;
	size_t h = w->model->config.hidden, rows = w->plan.is_last_narrow ? w->rows : w->tokens;
	float *d = backward_room(w, &w->d, w->tokens * h);

	if (w->plan.rows == PLAN_ALL || w->plan.is_last_narrow) {
		w->op->copy(w->ws, d_rows, rows * h, d);
		return;
	}
	w->op->clear(w->ws, d, w->tokens * h);
	if (is_subset(&w->plan))
		w->op->scatter(w->ws, d_rows, w->index, w->rows, h, d);
	for (size_t i = 0; w->plan.rows == PLAN_MEAN && i < cells->n; i++)
		w->op->spread(w->ws, d_rows + i * h, cells->offsets[i] + cells->from[i],
		    cells->offsets[i] + cells->to[i], h, d);
}

/* The embeddings' gradients go straight into the sums: few rows of many. */
static bool
embeddings_back(struct backward *w, struct gradient_sums *s, size_t part)
{
	const struct model *m = w->model;
	size_t h = m->config.hidden;
	struct layer_norm norm = norm_of(w, m->embedding_norm_weight, m->embedding_norm_bias);
	struct dropout drop =
	    backward_dropout(w, w->options.hidden_dropout, SITE_EMBEDDING, false, 0);
	float *to;

	w->op->drop(w->ws, &drop, w->d.p, w->tokens, h);
	w->gradient_of = NULL;
	if (!s) {
		norm_back(w, &norm, w->embedded.p, w->d.p, w->tokens, w->d.p);
		return true;
	}
	if (!gradient_sums_wait(s, 0, part))
		return false;
	to = gradient_sums_values(s);
	w->op->normalize_back(w->ws, &norm, w->embedded.p, w->d.p, w->tokens, w->d.p,
	    to + (norm.gain - m->word_embeddings), to + (norm.bias - m->word_embeddings));
	w->op->embed_back(w->ws, w->d.p, w->cells->ids, w->all.positions, w->tokens, h, to,
	    to + (m->type_embeddings - m->word_embeddings),
	    to + (m->position_embeddings - m->word_embeddings));
	gradient_sums_pass(s, 0);
	return true;
}

/* From w->d at the rows of the last layer. */
static bool
encoder_back(struct backward *w, struct gradient_sums *s, size_t part)
{
	for (size_t layer = w->plan.layers; layer-- > 0;) {
		backward_begin_block(w, s, 1 + layer);
		layer_back(w, layer);
		if (!backward_end_block(w, s, 1 + layer, part))
			return false;
	}
	return embeddings_back(w, s, part);
}

int
backward_forward(
    struct backward *w, const struct forward_cells *cells, float *ret_rows, struct err *e)
{
	const float *rows;

	assert(w->plan.head == PLAN_HIDDEN && w->plan.rows != PLAN_POOLED);
	start_batch(w, cells, NULL);
	run_encoder(w);
	rows = collect_rows(w);
	w->op->get(w->ws, ret_rows, rows, forward_rows(&w->plan, cells) * w->model->config.hidden);
	return w->op->failed(w->ws, e);
}

int
backward_run(
    struct backward *w, const float *d_rows, const struct backward_inputs *ret, struct err *e)
{
	size_t h = w->model->config.hidden, rows = forward_rows(&w->plan, w->cells);
	float *d = backward_room(w, &w->d_out, rows * h);

	w->op->put(w->ws, d, d_rows, rows * h);
	spread_rows(w, d);
	w->key_effect = ret->deletion ? backward_room(w, &w->effects, w->tokens) : NULL;
	if (w->key_effect)
		w->op->clear(w->ws, w->key_effect, w->tokens);
	encoder_back(w, NULL, 0);
	if (ret->deletion)
		w->op->get(w->ws, ret->deletion, w->key_effect, w->tokens);
	if (ret->embeddings)
		w->op->get(w->ws, ret->embeddings, w->d.p, w->tokens * h);
	w->key_effect = NULL;
	return w->op->failed(w->ws, e);
}

int
backward_learn(struct backward *w, const struct backward_part *part, struct backward_result *ret,
    struct err *e)
{
	size_t h = w->model->config.hidden;
	const float *in;
	float *d;
	bool is_whole;

	*ret = (struct backward_result){ 0 };
	start_batch(w, part->cells, part->examples);
	run_encoder(w);
	in = collect_rows(w);
	d = backward_room(w, &w->d_out, forward_rows(&w->plan, part->cells) * h);
	is_whole = backward_head(w, part, in, d, ret);
	if (is_whole && part->sums) {
		spread_rows(w, d);
		is_whole = encoder_back(w, part->sums, part->number);
	}
	if (!is_whole)
		err_set(e, "another part of the step failed");
	w->op->failed(w->ws, e);
	if (e->is_set && part->sums)
		gradient_sums_give_up(part->sums);
	return e->is_set ? -1 : 0;
}
