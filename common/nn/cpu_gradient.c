/*  1. workspaces and memory
 *  2. forward
 *  3. backward
 *  4. after the backward pass */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_attention.h"
#include "nn/cpu_attention_gradient.h"
#include "nn/cpu_attention_gradient_bf16.h"
#include "nn/cpu_gradient.h"
#include "nn/cpu_gradient_pool.h"
#include "nn/cpu_gradient_rows.h"
#include "nn/cpu_isa.h"
#include "nn/cpu_product_bf16.h"
#include "nn/cpu_rows.h"

struct gradient_workspace {
	enum cpu_isa isa;
	const struct tile_kernel *tile;
	const struct attention_kernel *attention;
	struct attention_scratch *attention_scratch;
	struct attention_gradient_scratch *gradient_scratch;
	/* Precision bf16, else NULL: */
	const struct bf16_kernel *bf16;
	struct bf16_scratch *bf16_scratch;
	struct attention_bf16_scratch *attention_bf16;
	struct buffer numbers; /* uint16_t [columns] of dropout */
	struct err err;
};

/* ---- 1. workspaces and memory ---- */

static struct gradient_workspace *
workspace_create(struct backend *b)
{
	struct gradient_workspace *ws = mem_zero(1, sizeof(*ws));

	if (cpu_isa_find(&ws->isa, &ws->err))
		ws->isa = CPU_ISA_GENERIC;
	ws->tile = tile_kernel(ws->isa);
	if (b->precision == PRECISION_BF16)
		ws->bf16 = bf16_kernel(ws->isa);
	if (ws->bf16) {
		ws->bf16_scratch = bf16_scratch_create();
		ws->attention_bf16 = attention_bf16_scratch_create();
	}
	ws->attention = attention_kernel(ws->isa, ws->bf16 != NULL);
	ws->attention_scratch = attention_scratch_create();
	ws->gradient_scratch = attention_gradient_scratch_create();
	return ws;
}

static void
workspace_free(struct gradient_workspace *ws)
{
	if (!ws)
		return;
	attention_scratch_free(ws->attention_scratch);
	attention_gradient_scratch_free(ws->gradient_scratch);
	bf16_scratch_free(ws->bf16_scratch);
	attention_bf16_scratch_free(ws->attention_bf16);
	buffer_free(&ws->numbers);
	free(ws);
}

static int
failed(struct gradient_workspace *ws, struct err *e)
{
	bool has_failed = ws->err.is_set;

	if (has_failed)
		err_set(e, "%s", ws->err.text);
	ws->err.is_set = false;
	return has_failed ? -1 : 0;
}

static float *
memory(struct backend *b, size_t n)
{
	(void)b;
	return mem_zero(n, sizeof(float));
}

static void
release(float *p)
{
	free(p);
}

static void
put(struct gradient_workspace *ws, float *to, const float *host, size_t n)
{
	(void)ws;
	memcpy(to, host, n * sizeof(*to));
}

static void
get(struct gradient_workspace *ws, float *host, const float *from, size_t n)
{
	(void)ws;
	memcpy(host, from, n * sizeof(*host));
}

static void
clear(struct gradient_workspace *ws, float *p, size_t n)
{
	(void)ws;
	if (n)
		memset(p, 0, n * sizeof(*p));
}

static void
copy(struct gradient_workspace *ws, const float *from, size_t n, float *to)
{
	(void)ws;
	memcpy(to, from, n * sizeof(*to));
}

static void
multiply(struct gradient_workspace *ws, const struct product *p)
{
	if (ws->err.is_set)
		return;
	if (ws->bf16)
		product_bf16_run(p, ws->bf16, ws->bf16_scratch);
	else
		product_run(p, &ws->err);
}

/* ---- 2. forward ---- */

static void
embed(struct gradient_workspace *ws, const struct model *m, const int32_t *ids,
    const int32_t *positions, size_t rows, float *out)
{
	size_t n = m->config.hidden;

	(void)ws;
	for (size_t i = 0; i < rows; i++)
		rows_add3(m->word_embeddings + (size_t)ids[i] * n, m->type_embeddings,
		    m->position_embeddings + (size_t)positions[i] * n, out + i * n, n);
}

static void
linear(
    struct gradient_workspace *ws, const struct dense *w, const float *in, size_t rows, float *out)
{
	struct product p = { .a = in,
		.b = w->weight,
		.c = out,
		.m = rows,
		.n = w->n_out,
		.k = w->n_in,
		.bias = w->bias,
		.is_b_transposed = true };

	multiply(ws, &p);
}

static void
normalize(struct gradient_workspace *ws, const struct layer_norm *w, const float *in, size_t rows,
    float *out)
{
	rows_normalize(ws->isa, in, out, rows, w->n, w->gain, w->bias, w->eps);
}

static void
activate(struct gradient_workspace *ws, enum activation f, const float *in, size_t n, float *out)
{
	(void)ws;
	rows_activate(f, in, n, out);
}

static void
drop(struct gradient_workspace *ws, const struct dropout *d, float *x, size_t rows, size_t columns)
{
	uint16_t *numbers;

	if (!d->threshold)
		return;
	ws->numbers.size = 0;
	numbers = buffer_grow(&ws->numbers, columns * sizeof(*numbers));
	for (size_t r = 0; r < rows; r++) {
		dropout_numbers(d, r, 0, columns, 0, columns, numbers);
		dropout_apply(d, numbers, x + r * columns, columns);
	}
}

static void
add(struct gradient_workspace *ws, const float *from, size_t n, float *to)
{
	(void)ws;
	rows_add(from, n, to);
}

static void
attention(struct gradient_workspace *ws, const struct attention_gradient *call, float *out,
    float *log_sum)
{
	struct attention_call forward = { .q = call->q,
		.k = call->k,
		.v = call->v,
		.out = out,
		.cu_q = call->cells->cu_q,
		.cu_k = call->cells->cu_k,
		.n_cells = call->cells->n,
		.heads = call->heads,
		.head_size = call->head_size,
		.log_sum = log_sum,
		.drop = call->drop.threshold ? &call->drop : NULL };

	attention_run(ws->attention, &forward, ws->attention_scratch);
}

static void
gather(struct gradient_workspace *ws, const float *in, const size_t *index, size_t rows,
    size_t columns, float *out)
{
	(void)ws;
	for (size_t i = 0; i < rows; i++)
		memcpy(out + i * columns, in + index[i] * columns, columns * sizeof(*out));
}

static void
scatter(struct gradient_workspace *ws, const float *in, const size_t *index, size_t rows,
    size_t columns, float *out)
{
	for (size_t i = 0; i < rows; i++)
		add(ws, in + i * columns, columns, out + index[i] * columns);
}

static void
mean(struct gradient_workspace *ws, const float *in, size_t from, size_t to, size_t columns,
    float *out)
{
	(void)ws;
	rows_mean(in, from, to, columns, out);
}

static void
spread(struct gradient_workspace *ws, const float *in, size_t from, size_t to, size_t columns,
    float *out)
{
	float part = from < to ? (float)(1 / (double)(to - from)) : 0;

	(void)ws;
	for (size_t r = from; r < to; r++)
		for (size_t c = 0; c < columns; c++)
			out[r * columns + c] += in[c] * part;
}

static void
pool(struct gradient_workspace *ws, const float *in, const float *weight, const size_t *cells,
    size_t n, size_t columns, float *shares, float *out)
{
	(void)ws;
	for (size_t c = 0; c < n; c++)
		pool_rows(in + cells[c] * columns, weight, cells[c + 1] - cells[c], columns,
		    shares + cells[c], out + c * columns);
}

static void
pool_back(struct gradient_workspace *ws, const float *in, const float *weight, const float *shares,
    const size_t *cells, size_t n, size_t columns, const float *d_out, float *d_in, float *d_weight)
{
	(void)ws;
	for (size_t c = 0; c < n; c++)
		pool_rows_back(in + cells[c] * columns, weight, shares + cells[c],
		    cells[c + 1] - cells[c], columns, d_out + c * columns,
		    d_in ? d_in + cells[c] * columns : NULL, d_weight);
}

/* ---- 3. backward ---- */

static void
linear_input(struct gradient_workspace *ws, const struct dense *w, const float *d_out, size_t rows,
    bool is_added, float *d_in)
{
	struct product p = { .a = d_out,
		.b = w->weight,
		.c = d_in,
		.m = rows,
		.n = w->n_in,
		.k = w->n_out,
		.is_added = is_added };

	multiply(ws, &p);
}

static void
linear_weights(struct gradient_workspace *ws, const struct dense *w, const float *in,
    const float *d_out, size_t rows, float *d_weight, float *d_bias)
{
	struct product p = { .a = d_out,
		.b = in,
		.c = d_weight,
		.m = w->n_out,
		.n = w->n_in,
		.k = rows,
		.is_a_transposed = true,
		.is_added = true };

	rows_column_sums(d_out, rows, w->n_out, d_bias);
	multiply(ws, &p);
}

static void
normalize_back(struct gradient_workspace *ws, const struct layer_norm *w, const float *in,
    const float *d_out, size_t rows, float *d_in, float *d_gain, float *d_bias)
{
	(void)ws;
	rows_normalize_back(w, in, d_out, rows, d_in, d_gain, d_bias);
}

static void
activate_back(struct gradient_workspace *ws, enum activation f, const float *in, size_t n, float *d)
{
	(void)ws;
	rows_activate_back(f, in, n, d);
}

static void
attention_back(struct gradient_workspace *ws, const struct attention_gradient *call)
{
	/* the other kernels of the forward pass do not round, so their sums are not of these scores
	 */
	if (ws->bf16 && ws->isa == CPU_ISA_AMX && !call->key_effect)
		attention_gradient_bf16_run(ws->bf16, call, ws->attention_bf16);
	else
		attention_gradient_run(ws->tile, call, ws->gradient_scratch);
}

static void
embed_back(struct gradient_workspace *ws, const float *d, const int32_t *ids,
    const int32_t *positions, size_t rows, size_t columns, float *d_word, float *d_type,
    float *d_position)
{
	for (size_t i = 0; i < rows; i++, d += columns) {
		add(ws, d, columns, d_word + (size_t)ids[i] * columns);
		add(ws, d, columns, d_position + (size_t)positions[i] * columns);
		add(ws, d, columns, d_type);
	}
}

static void
cross_entropy(struct gradient_workspace *ws, const int32_t *labels, const float *weight,
    double factor, size_t rows, size_t n, float *logits, double *loss, size_t *n_right)
{
	for (size_t r = 0; r < rows; r++, logits += n) {
		size_t label = (size_t)labels[r];
		bool is_right;

		if (labels[r] < 0) {
			memset(logits, 0, n * sizeof(*logits));
			continue;
		}
		assert(label < n);
		*loss += rows_cross_entropy(ws->tile, logits, n, label,
		    weight ? (double)weight[label] : 1, factor, &is_right);
		*n_right += is_right;
	}
}

/* ---- 4. after the backward pass ---- */

static double
squares(struct gradient_workspace *ws, const float *x, size_t n)
{
	(void)ws;
	return rows_squares(x, n);
}

static void
adamw(struct gradient_workspace *ws, const struct adamw_step *step, size_t n, const float *gradient,
    float *mean_of, float *square, float *values)
{
	(void)ws;
	adamw_run(step, n, gradient, mean_of, square, values);
}

const struct gradient_ops cpu_gradient_ops = {
	.workspace_create = workspace_create,
	.workspace_free = workspace_free,
	.failed = failed,
	.memory = memory,
	.release = release,
	.put = put,
	.get = get,
	.clear = clear,
	.copy = copy,
	.embed = embed,
	.linear = linear,
	.normalize = normalize,
	.activate = activate,
	.drop = drop,
	.add = add,
	.attention = attention,
	.gather = gather,
	.scatter = scatter,
	.mean = mean,
	.spread = spread,
	.pool = pool,
	.pool_back = pool_back,
	.linear_input = linear_input,
	.linear_weights = linear_weights,
	.normalize_back = normalize_back,
	.activate_back = activate_back,
	.attention_back = attention_back,
	.embed_back = embed_back,
	.cross_entropy = cross_entropy,
	.squares = squares,
	.adamw = adamw,
};
