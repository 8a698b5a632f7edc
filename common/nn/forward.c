/*  1. memory of a thread
 *  2. the encoder
 *  3. heads */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/first_layer.h"
#include "nn/forward.h"
#include "nn/network.h"

/* ---- 1. memory of a thread ---- */

struct forward {
	const struct network *net;
	struct workspace *ws;
	struct activations *x;         /* [tokens][hidden]: the hidden states */
	struct activations *q, *k, *v; /* [tokens][hidden], of the heads side by side */
	struct activations
	    *context; /* [tokens][hidden]: what attention gives; then that of means and heads */
	struct activations *inner; /* [tile][ffn] */
	struct activations
	    *wanted; /* [wanted rows][hidden]: the hidden states, where not all are wanted */
	struct activations *wanted_q, *wanted_context; /* of these, where they go by themselves */
	struct head_memory {
		struct activations *inner;  /* [tile][n_hidden], or NULL */
		struct activations *logits; /* [tile][n_labels] */
	} * heads;                          /* [net->n_heads] */
	struct first_layer *first;          /* NULL: computed for each cell */
	/* Host memory, grown to the largest batch: */
	int32_t *positions; /* [tokens] */
	size_t *index;      /* [wanted rows]: their rows in x */
	size_t *cu_q;       /* [cells + 1]: the wanted rows of each cell */
	size_t *bounds;     /* [2 * cells]: first and last rows of means */
	float *fetched;     /* [tile][columns]: a part of the output's columns */
	size_t n_positions, n_index, n_cu_q, n_bounds, n_fetched;
};

struct forward *
forward_create(const struct network *net)
{
	struct forward *f = mem_zero(1, sizeof(*f));
	const struct backend_ops *op = net->backend->op;
	size_t h = net->config.hidden;

	f->net = net;
	f->ws = op->workspace_create(net->backend);
	f->x = op->activations_create(f->ws, h);
	f->q = op->activations_create(f->ws, h);
	f->k = op->activations_create(f->ws, h);
	f->v = op->activations_create(f->ws, h);
	f->context = op->activations_create(f->ws, h);
	f->inner = op->activations_create(f->ws, net->config.ffn);
	f->wanted = op->activations_create(f->ws, h);
	f->wanted_q = op->activations_create(f->ws, h);
	f->wanted_context = op->activations_create(f->ws, h);
	f->heads = mem_zero(net->n_heads, sizeof(*f->heads));
	for (size_t i = 0; i < net->n_heads; i++) {
		if (net->heads[i].dense)
			f->heads[i].inner = op->activations_create(f->ws, net->heads[i].n_hidden);
		f->heads[i].logits = op->activations_create(f->ws, net->heads[i].n_labels);
		if (op->activations_widen)
			op->activations_widen(f->heads[i].logits);
	}
	return f;
}

void
forward_free(struct forward *f)
{
	void (*release)(struct activations *);

	if (!f)
		return;
	release = f->net->backend->op->activations_free;
	release(f->x);
	release(f->q);
	release(f->k);
	release(f->v);
	release(f->context);
	release(f->inner);
	release(f->wanted);
	release(f->wanted_q);
	release(f->wanted_context);
	for (size_t i = 0; i < f->net->n_heads; i++) {
		release(f->heads[i].inner);
		release(f->heads[i].logits);
	}
	first_layer_free(f->first);
	f->net->backend->op->workspace_free(f->ws);
	free(f->positions);
	free(f->index);
	free(f->cu_q);
	free(f->bounds);
	free(f->heads);
	free(f->fetched);
	free(f);
}

/* Host memory for n elements, whose contents do not matter. */
static void
grow(void *at, size_t *have, size_t n, size_t size)
{
	void **p = at;

	if (*have >= n)
		return;
	free(*p);
	*p = mem_alloc(n, size);
	*have = n;
}

void
forward_share_first_layer(struct forward *f)
{
	if (!f->first && f->net->plan.layers > 0)
		f->first = first_layer_create(f->net, f->ws);
}

struct workspace *
forward_workspace(const struct forward *f)
{
	return f->ws;
}

size_t
forward_rows(const struct plan *plan, const struct forward_cells *cells)
{
	if (plan->rows == PLAN_ALL)
		return cells->offsets[cells->n];
	if (plan->rows == PLAN_POSITIONS)
		return cells->cu_positions[cells->n];
	return cells->n;
}

/* ---- 2. the encoder ---- */

static struct rows
all(struct activations *a, size_t n)
{
	return (struct rows){ a, 0, n };
}

static void
embed_tokens(struct forward *f, const struct forward_cells *cells)
{
	const struct model_config *config = &f->net->config;
	size_t tokens = cells->offsets[cells->n];

	grow(&f->positions, &f->n_positions, tokens, sizeof(*f->positions));
	for (size_t cell = 0; cell < cells->n; cell++) {
		size_t from = cells->offsets[cell], to = cells->offsets[cell + 1];

		assert(from < to && to - from <= config->positions);
		for (size_t i = from; i < to; i++) {
			assert(cells->ids[i] >= 0 && (size_t)cells->ids[i] < config->vocab);
			f->positions[i] = (int32_t)(i - from);
		}
	}
	f->net->backend->op->activations_shape(f->x, tokens);
	f->net->backend->op->embed(
	    f->ws, f->net->embedding, cells->ids, f->positions, all(f->x, tokens));
}

/* index: the rows of x that are wanted; cu_q: how many of them come before each cell. */
static void
find_wanted(struct forward *f, const struct forward_cells *cells)
{
	size_t n = 0, rows = forward_rows(&f->net->plan, cells);

	grow(&f->index, &f->n_index, rows, sizeof(*f->index));
	grow(&f->cu_q, &f->n_cu_q, cells->n + 1, sizeof(*f->cu_q));
	for (size_t cell = 0; cell < cells->n; cell++) {
		size_t start = cells->offsets[cell], length = cells->offsets[cell + 1] - start;

		f->cu_q[cell] = n;
		if (f->net->plan.rows == PLAN_FIRST)
			f->index[n++] = start;
		else
			for (size_t i = cells->cu_positions[cell];
			     i < cells->cu_positions[cell + 1]; i++) {
				assert(cells->positions[i] < length);
				f->index[n++] = start + cells->positions[i];
			}
	}
	f->cu_q[cells->n] = n;
	assert(n == rows);
}

static void
gather_wanted(struct forward *f, size_t n)
{
	f->net->backend->op->activations_shape(f->wanted, n);
	f->net->backend->op->gather(f->ws, f->x, f->index, all(f->wanted, n));
}

/* context = attention of the rows of x to all rows of their cells in `keys`. */
static void
attend(struct forward *f, const struct layer *w, const struct packing *cells, struct activations *x,
    size_t n, struct activations *keys, size_t n_keys)
{
	const struct backend_ops *op = f->net->backend->op;

	op->activations_shape(f->q, n);
	op->activations_shape(f->k, n_keys);
	op->activations_shape(f->v, n_keys);
	op->activations_shape(f->context, n);
	op->linear(f->ws, w->key, all(keys, n_keys), all(f->k, n_keys));
	op->linear(f->ws, w->value, all(keys, n_keys), all(f->v, n_keys));
	op->linear(f->ws, w->query, all(x, n), all(f->q, n));
	op->attention(f->ws, f->net->config.heads, cells, f->q, f->k, f->v, f->context);
}

/* The same in the first layer, for all rows, where cells share what they have in common. */
static void
attend_shared(struct forward *f, const struct forward_cells *cells, const struct packing *packing)
{
	const struct backend_ops *op = f->net->backend->op;
	size_t n = cells->offsets[cells->n];

	first_layer_find(f->first, cells->ids, f->positions, n, f->context, f->q);
	op->activations_shape(f->context, n);
	if (cells->is_common) {
		first_layer_attend(f->first, packing, cells->is_common, cells->n_common, f->q, f->k,
		    f->v, f->context);
		return;
	}
	first_layer_take(f->first, f->q, f->k, f->v);
	op->attention(f->ws, f->net->config.heads, packing, f->q, f->k, f->v, f->context);
}

/* The attention of the wanted rows by themselves, to the keys and values that are there. */
static void
attend_wanted(struct forward *f, const struct layer *w, const struct packing *cells, size_t n)
{
	const struct backend_ops *op = f->net->backend->op;

	op->activations_shape(f->wanted_q, n);
	op->activations_shape(f->wanted_context, n);
	op->linear(f->ws, w->query, all(f->wanted, n), all(f->wanted_q, n));
	op->attention(
	    f->ws, f->net->config.heads, cells, f->wanted_q, f->k, f->v, f->wanted_context);
}

/* x = norm(x + attention_output(context)); x = norm(x + ffn_output(f(ffn(x)))). Each row is by
 * itself, so a few rows go through all steps while they are in the cache. */
static void
feed_forward(struct forward *f, const struct layer *w, struct activations *context,
    struct activations *x, size_t n)
{
	const struct backend_ops *op = f->net->backend->op;
	size_t tile = f->net->backend->tile;

	for (size_t from = 0; from < n; from += tile) {
		struct rows part = { x, from, n - from < tile ? n - from : tile };
		struct rows inner = all(f->inner, part.n);

		op->linear_add(
		    f->ws, w->attention_output, (struct rows){ context, from, part.n }, part, part);
		op->normalize(f->ws, w->attention_norm, part, part);
		op->activations_shape(f->inner, part.n);
		op->linear(f->ws, w->ffn, part, inner);
		op->linear_add(f->ws, w->ffn_output, inner, part, part);
		op->normalize(f->ws, w->ffn_norm, part, part);
	}
}

/* One layer for all rows, and the wanted ones by themselves where the network has that. Where cells
 * share the attention of the first layer, their keys are not all there: the wanted rows begin
 * behind it. */
static void
pass_layer(struct forward *f, size_t i, const struct forward_cells *cells, size_t n_wanted)
{
	const struct network *net = f->net;
	const struct layer *exact = net->exact ? &net->exact[i] : NULL;
	size_t n = cells->offsets[cells->n];
	struct packing packing = { cells->n, cells->offsets, cells->offsets };
	struct packing wanted = { cells->n, f->cu_q, cells->offsets };
	bool is_shared = i == 0 && f->first, is_late = is_shared && cells->is_common;

	if (is_shared)
		attend_shared(f, cells, &packing);
	else
		attend(f, &net->layers[i], &packing, f->x, n, f->x, n);
	if (exact && !is_late)
		attend_wanted(f, exact, &wanted, n_wanted);
	feed_forward(f, &net->layers[i], f->context, f->x, n);
	if (exact && is_late)
		gather_wanted(f, n_wanted);
	else if (exact)
		feed_forward(f, exact, f->wanted_context, f->wanted, n_wanted);
}

/* Returns the hidden states of the wanted rows, or of all rows where all are needed. */
static struct activations *
encode(struct forward *f, const struct forward_cells *cells, size_t n_wanted)
{
	const struct plan *plan = &f->net->plan;
	bool is_subset = plan->rows == PLAN_FIRST || plan->rows == PLAN_POSITIONS;
	bool is_by_itself = f->net->exact != NULL;
	size_t full = plan->layers - plan->is_last_narrow, n = cells->offsets[cells->n];

	embed_tokens(f, cells);
	if (is_subset)
		find_wanted(f, cells);
	if (is_by_itself)
		gather_wanted(f, n_wanted);
	for (size_t i = 0; i < full; i++)
		pass_layer(f, i, cells, n_wanted);
	if (!is_subset)
		return f->x;
	if (!is_by_itself)
		gather_wanted(f, n_wanted);
	if (plan->is_last_narrow) {
		struct packing packing = { cells->n, f->cu_q, cells->offsets };

		attend(f, &f->net->layers[full], &packing, f->wanted, n_wanted, f->x, n);
		feed_forward(f, &f->net->layers[full], f->context, f->wanted, n_wanted);
	}
	return f->wanted;
}

struct activations *
forward_hidden(struct forward *f, const struct forward_cells *cells)
{
	return encode(f, cells, forward_rows(&f->net->plan, cells));
}

/* ---- 3. heads ---- */

static struct activations *
average(struct forward *f, const struct forward_cells *cells)
{
	const struct backend_ops *op = f->net->backend->op;
	bool is_pooled = f->net->plan.rows == PLAN_POOLED;
	size_t *from, *to;

	grow(&f->bounds, &f->n_bounds, 2 * cells->n, sizeof(*f->bounds));
	from = f->bounds;
	to = f->bounds + cells->n;
	for (size_t i = 0; i < cells->n; i++) {
		size_t start = cells->offsets[i], length = cells->offsets[i + 1] - start;

		assert(is_pooled || (cells->from[i] <= cells->to[i] && cells->to[i] <= length));
		from[i] = start + (is_pooled ? 0 : cells->from[i]);
		to[i] = start + (is_pooled ? length : cells->to[i]);
	}
	op->activations_shape(f->wanted, cells->n);
	if (is_pooled)
		op->pool(f->ws, f->net->pooling, f->x, from, to, all(f->wanted, cells->n));
	else
		op->mean(f->ws, f->x, from, to, all(f->wanted, cells->n));
	return f->wanted;
}

/* Columns `at` and on of these rows of the output. */
static int
fetch_columns(
    struct forward *f, struct rows in, size_t columns, float *ret_rows, size_t at, struct err *e)
{
	const struct backend_ops *op = f->net->backend->op;
	size_t width = f->net->plan.width;
	int status;

	if (columns == width)
		return op->fetch(f->ws, in, ret_rows, e);
	grow(&f->fetched, &f->n_fetched, in.n * columns, sizeof(*f->fetched));
	status = op->fetch(f->ws, in, f->fetched, e);
	if (status)
		return status;
	for (size_t i = 0; i < in.n; i++)
		memcpy(ret_rows + i * width + at, f->fetched + i * columns,
		    columns * sizeof(*ret_rows));
	return 0;
}

/* What the heads see of these rows of x; context is free by now. */
static struct rows
prepare_rows(struct forward *f, struct rows in)
{
	const struct network *net = f->net;
	const struct backend_ops *op = net->backend->op;

	if (!net->dense)
		return in;
	op->activations_shape(f->context, in.n);
	op->linear(f->ws, net->dense, in, all(f->context, in.n));
	in = all(f->context, in.n);
	if (net->norm)
		op->normalize(f->ws, net->norm, in, in);
	return in;
}

/* All heads on these rows of x, and what they saw where the plan wants it. */
static int
run_heads(struct forward *f, struct rows in, float *ret_rows, struct err *e)
{
	const struct network *net = f->net;
	const struct backend_ops *op = net->backend->op;
	size_t at = 0;
	int status;

	in = prepare_rows(f, in);
	for (size_t i = 0; i < net->n_heads; i++) {
		const struct network_head *head = &net->heads[i];
		const struct head_memory *to = &f->heads[i];
		struct rows x = in;

		if (head->dense) {
			x = all(to->inner, in.n);
			op->activations_shape(to->inner, in.n);
			op->linear(f->ws, head->dense, in, x);
		}
		op->activations_shape(to->logits, in.n);
		op->linear(f->ws, head->logits, x, all(to->logits, in.n));
		status = fetch_columns(f, all(to->logits, in.n), head->n_labels, ret_rows, at, e);
		if (status)
			return status;
		at += head->n_labels;
	}
	return net->plan.has_vectors ? fetch_columns(f, in, net->config.hidden, ret_rows, at, e)
				     : 0;
}

int
forward_run(struct forward *f, const struct forward_cells *cells, float *ret_rows, struct err *e)
{
	const struct plan *plan = &f->net->plan;
	size_t n = forward_rows(plan, cells), tile = f->net->backend->tile;
	struct activations *x;
	int status;

	if (e->is_set)
		return -1;
	if (n == 0)
		return 0;
	x = encode(f, cells, n);
	if (plan->rows == PLAN_MEAN || plan->rows == PLAN_POOLED)
		x = average(f, cells);
	if (plan->head == PLAN_HIDDEN)
		return f->net->backend->op->fetch(f->ws, all(x, n), ret_rows, e);
	for (size_t from = 0; from < n; from += tile) {
		struct rows part = { x, from, n - from < tile ? n - from : tile };

		status = run_heads(f, part, ret_rows + from * plan->width, e);
		if (status)
			return status;
	}
	return 0;
}
