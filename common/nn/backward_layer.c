/* backward_layer.c - one encoder layer, forward with what is kept and back.
 *
 *   1. what a layer is given
 *   2. forward
 *   3. back
 *   4. probes */

#include "nn/backward_state.h"

/* ---- 1. what a layer is given ---- */

/* A layer, and what of it is asked for. */
struct pass {
	struct dense query, key, value, attention_output, ffn, ffn_output;
	struct layer_norm first, second;
	struct kept *kept;
	size_t layer;
	bool is_narrow;
	size_t n, m, hidden, ffn_size; /* n tokens, m rows that are wanted */
	const float *in, *wanted;      /* [n][H], [m][H] */
	struct packing cells;
};

struct layer_norm
backward_norm(const struct backward *w, const float *gain, const float *bias)
{
	return (struct layer_norm){ gain, bias, w->model->config.hidden,
		w->model->config.layer_norm_eps };
}

static struct pass
pass_of(struct backward *w, size_t layer)
{
	const struct model_config *c = &w->model->config;
	const struct model_layer *l = &w->model->layer[layer];
	size_t h = c->hidden, ffn = c->ffn;
	bool is_narrow = layer + 1 == w->plan.layers && w->plan.is_last_narrow;
	struct pass p = { .query = { l->query_weight, l->query_bias, h, h },
		.key = { l->key_weight, l->key_bias, h, h },
		.value = { l->value_weight, l->value_bias, h, h },
		.attention_output = { l->attention_output_weight, l->attention_output_bias, h, h },
		.ffn = { l->ffn_weight, l->ffn_bias, ffn, h },
		.ffn_output = { l->ffn_output_weight, l->ffn_output_bias, h, ffn },
		.first = backward_norm(w, l->attention_norm_weight, l->attention_norm_bias),
		.second = backward_norm(w, l->ffn_norm_weight, l->ffn_norm_bias),
		.kept = &w->kept[w->options.is_frugal ? 0 : layer],
		.layer = layer,
		.is_narrow = is_narrow,
		.n = w->tokens,
		.m = is_narrow ? w->rows : w->tokens,
		.hidden = h,
		.ffn_size = ffn,
		.in = w->in[layer].p,
		.cells = { w->cells->n, w->cells->offsets, w->cells->offsets } };

	p.wanted = is_narrow ? backward_room(w, &p.kept->wanted, p.m * h) : p.in;
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

/* ---- 2. forward ---- */

static void
attend(struct backward *w, const struct pass *p)
{
	struct kept *k = p->kept;
	struct attention_gradient call;

	if (p->is_narrow)
		w->op->gather(w->ws, p->in, w->index, p->m, p->hidden, k->wanted.p);
	w->op->linear(w->ws, &p->key, p->in, p->n, backward_room(w, &k->k, p->n * p->hidden));
	w->op->linear(w->ws, &p->value, p->in, p->n, backward_room(w, &k->v, p->n * p->hidden));
	w->op->linear(w->ws, &p->query, p->wanted, p->m, backward_room(w, &k->q, p->m * p->hidden));
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
	struct kept *k = p->kept;
	struct dropout drop_first = layer_dropout(w, p, SITE_ATTENTION_OUTPUT, from);
	struct dropout drop_second = layer_dropout(w, p, SITE_FFN_OUTPUT, from);
	size_t n = rows * p->hidden, at = from * p->hidden;
	float *middle = k->middle.p + at, *inner = k->inner.p + from * p->ffn_size,
	      *end = k->end.p + at;
	float *x = backward_room(w, &w->tile[0], GRADIENT_TILE * p->hidden);
	float *active = backward_room(w, &w->tile[1], GRADIENT_TILE * p->ffn_size);

	op->linear(w->ws, &p->attention_output, k->context.p + at, rows, middle);
	op->drop(w->ws, &drop_first, middle, rows, p->hidden);
	op->add(w->ws, p->wanted + at, n, middle);
	op->normalize(w->ws, &p->first, middle, rows, x);
	op->linear(w->ws, &p->ffn, x, rows, inner);
	op->activate(w->ws, w->model->config.activation, inner, rows * p->ffn_size, active);
	op->linear(w->ws, &p->ffn_output, active, rows, end);
	op->drop(w->ws, &drop_second, end, rows, p->hidden);
	op->add(w->ws, x, n, end);
	op->normalize(w->ws, &p->second, end, rows, out);
}

static size_t
tile_rows(size_t n, size_t from)
{
	return n - from < GRADIENT_TILE ? n - from : GRADIENT_TILE;
}

void
backward_run_layer(struct backward *w, size_t layer)
{
	struct pass p = pass_of(w, layer);
	float *out = backward_room(w, &w->in[layer + 1], p.m * p.hidden);

	attend(w, &p);
	backward_room(w, &p.kept->middle, p.m * p.hidden);
	backward_room(w, &p.kept->end, p.m * p.hidden);
	backward_room(w, &p.kept->inner, p.m * p.ffn_size);
	for (size_t from = 0; from < p.m; from += GRADIENT_TILE)
		feed_forward(w, &p, from, tile_rows(p.m, from), out + from * p.hidden);
	w->kept_layer = layer;
}

/* ---- 3. back ---- */

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
	struct kept *k = p->kept;
	struct dropout drop_first = layer_dropout(w, p, SITE_ATTENTION_OUTPUT, from);
	struct dropout drop_second = layer_dropout(w, p, SITE_FFN_OUTPUT, from);
	size_t n = rows * p->hidden, at = from * p->hidden;
	const float *inner = k->inner.p + from * p->ffn_size;
	float *x = backward_room(w, &w->tile[0], GRADIENT_TILE * p->hidden);
	float *active = backward_room(w, &w->tile[1], GRADIENT_TILE * p->ffn_size);
	float *d_sum = backward_room(w, &w->tile[2], GRADIENT_TILE * p->hidden);
	float *d_part = backward_room(w, &w->tile[3], GRADIENT_TILE * p->hidden);
	float *d_inner = backward_room(w, &w->tile[4], GRADIENT_TILE * p->ffn_size);

	norm_back(w, &p->second, k->end.p + at, d, rows, d_sum);
	op->copy(w->ws, d_sum, n, d_part);
	op->drop(w->ws, &drop_second, d_part, rows, p->hidden);
	if (w->gradient_of) {
		op->activate(w->ws, w->model->config.activation, inner, rows * p->ffn_size, active);
		dense_back(w, &p->ffn_output, active, d_part, rows);
	}
	op->linear_input(w->ws, &p->ffn_output, d_part, rows, false, d_inner);
	op->activate_back(w->ws, w->model->config.activation, inner, rows * p->ffn_size, d_inner);
	if (w->gradient_of) {
		op->normalize(w->ws, &p->first, k->middle.p + at, rows, x);
		dense_back(w, &p->ffn, x, d_inner, rows);
	}
	op->linear_input(w->ws, &p->ffn, d_inner, rows, true, d_sum);
	norm_back(w, &p->first, k->middle.p + at, d_sum, rows, d_wanted);
	op->copy(w->ws, d_wanted, n, d_part);
	op->drop(w->ws, &drop_first, d_part, rows, p->hidden);
	dense_back(w, &p->attention_output, k->context.p + at, d_part, rows);
	op->linear_input(w->ws, &p->attention_output, d_part, rows, false, w->d_context.p + at);
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
	struct attention_gradient call = attention_of(w, p);

	call.d_out = w->d_context.p;
	call.d_q = backward_room(w, &w->d_q, p->m * p->hidden);
	call.d_k = backward_room(w, &w->d_k, p->n * p->hidden);
	call.d_v = backward_room(w, &w->d_v, p->n * p->hidden);
	call.key_effect = w->key_effect;
	w->op->attention_back(w->ws, &call);
	dense_back(w, &p->query, p->wanted, call.d_q, p->m);
	dense_back(w, &p->key, p->in, call.d_k, p->n);
	dense_back(w, &p->value, p->in, call.d_v, p->n);
	input_back(w, &p->query, call.d_q, p->m, true, d_wanted);
	input_back(w, &p->key, call.d_k, p->n, !p->is_narrow, d_in);
	input_back(w, &p->value, call.d_v, p->n, true, d_in);
	if (p->is_narrow)
		w->op->scatter(w->ws, d_wanted, w->index, p->m, p->hidden, d_in);
}

/* What the probes' keys would do in the places of the tokens', with d_context as it is. */
static void
replace_back(struct backward *w, const struct pass *p)
{
	struct attention_gradient call = attention_of(w, p);
	const float *in = w->probe_in[p->layer].p;
	size_t n = p->n * p->hidden;

	call.d_out = w->d_context.p;
	call.key_effect = w->replace_effect;
	call.new_k = backward_room(w, &w->probe_kept.k, n);
	call.new_v = backward_room(w, &w->probe_kept.v, n);
	w->op->linear(w->ws, &p->key, in, p->n, w->probe_kept.k.p);
	w->op->linear(w->ws, &p->value, in, p->n, w->probe_kept.v.p);
	w->op->attention_back(w->ws, &call);
}

void
backward_layer_back(struct backward *w, size_t layer)
{
	struct pass p = pass_of(w, layer);
	struct room swapped;
	float *d_wanted, *d_in;

	if (w->options.is_frugal && w->kept_layer != layer) {
		backward_run_layer(w, layer);
		p = pass_of(w, layer);
	}
	d_in = backward_room(w, &w->d_next, p.n * p.hidden);
	d_wanted = p.is_narrow ? backward_room(w, &w->tile[5], p.m * p.hidden) : d_in;
	backward_room(w, &w->d_context, p.m * p.hidden);
	for (size_t from = 0; from < p.m; from += GRADIENT_TILE)
		feed_back(w, &p, from, tile_rows(p.m, from), w->d.p + from * p.hidden,
		    d_wanted + from * p.hidden);
	if (w->replace_effect)
		replace_back(w, &p);
	attend_back(w, &p, d_wanted, d_in);
	swapped = w->d;
	w->d = w->d_next;
	w->d_next = swapped;
}

/* ---- 4. probes ---- */

void
backward_probe_layer(struct backward *w, size_t layer)
{
	struct pass p = pass_of(w, layer);
	struct kept *k = &w->probe_kept, *cell = p.kept;
	struct attention_gradient call;
	size_t n = p.n * p.hidden;
	float *out = backward_room(w, &w->probe_in[layer + 1], n);

	p.kept = k;
	p.in = p.wanted = w->probe_in[layer].p;
	p.m = p.n;
	p.is_narrow = false;
	p.cells.cu_q = p.cells.cu_k;
	w->op->linear(w->ws, &p.query, p.in, p.n, backward_room(w, &k->q, n));
	call = attention_of(w, &p);
	call.k = cell->k.p;
	call.v = cell->v.p;
	w->op->attention(w->ws, &call, backward_room(w, &k->context, n), NULL);
	backward_room(w, &k->middle, n);
	backward_room(w, &k->end, n);
	backward_room(w, &k->inner, p.n * p.ffn_size);
	for (size_t from = 0; from < p.n; from += GRADIENT_TILE)
		feed_forward(w, &p, from, tile_rows(p.n, from), out + from * p.hidden);
}
