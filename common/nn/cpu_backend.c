/*  1. activations, weights, workspaces
 *  2. norms and linear layers
 *  3. attention
 *  4. gathering, means and results
 *  5. the backend */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_attention.h"
#include "nn/cpu_attention_int8.h"
#include "nn/cpu_backend.h"
#include "nn/cpu_gradient.h"
#include "nn/cpu_int8_matmul.h"
#include "nn/cpu_isa.h"
#include "nn/cpu_matmul.h"
#include "nn/cpu_rows.h"

struct cpu_backend {
	struct backend base;
	enum cpu_isa isa;
	struct matmul_library *matmul;
	const struct attention_kernel *attention, *exact_attention;
	char name[40];
};

struct linear {
	struct matmul *matmul; /* used where there is no int8 */
	struct int8_matmul *int8;
	bool is_inner; /* another one reads its output */
};

struct norm {
	const float *gain, *bias; /* [n], the model's */
	size_t n;
	float eps;
};

struct embedding {
	const struct model *model;
};

struct pooling {
	const float *weight; /* [n], the model's */
	size_t n;
};

struct workspace {
	struct cpu_backend *backend;
	struct matmul_scratch *matmul;
	struct int8_matmul_scratch *int8;
	struct attention_scratch *attention;
	struct buffer shares; /* double [n]: of the rows of a pool */
	struct err err;       /* the first failure since the last fetch */
};

/* In precision int8 rows may be there as bytes as well, when who computed them had them at hand:
 * the first n_bytes. */
struct activations {
	float *data; /* [room][columns]; room is a multiple of tile */
	size_t rows, columns, room, tile;
	struct int8_rows bytes; /* NULLs until they are needed */
	size_t n_bytes;
};

/* ---- 1. activations, weights, workspaces ---- */

static const float *
first(struct rows r)
{
	assert(r.from + r.n <= r.a->rows);
	return r.a->data + r.from * r.a->columns;
}

/* The same, to be written: bytes of these rows are none any more. */
static float *
target(struct rows r)
{
	if (r.a->n_bytes > r.from)
		r.a->n_bytes = r.from;
	return (float *)(uintptr_t)first(r);
}

static struct int8_rows
bytes_at(const struct activations *a, size_t row)
{
	return (struct int8_rows){ a->bytes.code + row * a->columns, a->bytes.scale + row };
}

/* Room for the bytes of rows, which the caller then makes. */
static struct int8_rows
bytes_for(struct rows r)
{
	struct activations *a = r.a;

	if (!a->bytes.code) {
		a->bytes.code = mem_zero(a->room * a->columns, sizeof(*a->bytes.code));
		a->bytes.scale = mem_zero(a->room, sizeof(*a->bytes.scale));
	}
	if (a->n_bytes >= r.from && a->n_bytes < r.from + r.n)
		a->n_bytes = r.from + r.n;
	return bytes_at(a, r.from);
}

/* A product may write whole tiles: rows beyond r.n must belong to nobody. */
static void
check_padding(const struct workspace *ws, struct rows r)
{
	size_t tile = ws->backend->base.tile;

	assert(r.from % tile == 0 && (r.n % tile == 0 || r.from + r.n == r.a->rows));
}

static struct linear *
linear_create(struct backend *b, const float *weight, const float *bias, size_t n_out, size_t n_in,
    enum activation f)
{
	struct cpu_backend *cpu = (struct cpu_backend *)b;
	struct linear *w = mem_zero(1, sizeof(*w));

	if (b->precision == PRECISION_INT8)
		w->int8 = int8_matmul_create(cpu->matmul, cpu->isa, weight, bias, n_out, n_in, f);
	w->matmul = matmul_create(cpu->matmul, weight, bias, n_out, n_in, f);
	w->is_inner = f != ACTIVATION_NONE;
	return w;
}

static void
linear_widen(struct linear *w)
{
	int8_matmul_free(w->int8);
	w->int8 = NULL;
}

static int
linear_prepare(struct linear *w, struct err *e)
{
	return w->int8 ? int8_matmul_pack(w->int8, e) : matmul_pack(w->matmul, e);
}

static void
linear_free(struct linear *w)
{
	if (!w)
		return;
	matmul_free(w->matmul);
	linear_widen(w);
	free(w);
}

static struct norm *
norm_create(struct backend *b, const float *gain, const float *bias, size_t n, float eps)
{
	struct norm *w = mem_alloc(1, sizeof(*w));

	(void)b;
	*w = (struct norm){ gain, bias, n, eps };
	return w;
}

static void
norm_free(struct norm *w)
{
	free(w);
}

static struct embedding *
embedding_create(struct backend *b, const struct model *m)
{
	struct embedding *w = mem_alloc(1, sizeof(*w));

	(void)b;
	w->model = m;
	return w;
}

static void
embedding_free(struct embedding *w)
{
	free(w);
}

static struct pooling *
pooling_create(struct backend *b, const float *weight, size_t n)
{
	struct pooling *w = mem_alloc(1, sizeof(*w));

	(void)b;
	*w = (struct pooling){ weight, n };
	return w;
}

static void
pooling_free(struct pooling *w)
{
	free(w);
}

static struct workspace *
workspace_create(struct backend *b)
{
	struct workspace *ws = mem_zero(1, sizeof(*ws));

	ws->backend = (struct cpu_backend *)b;
	ws->matmul = matmul_scratch_create();
	ws->int8 = int8_matmul_scratch_create();
	ws->attention = attention_scratch_create();
	return ws;
}

static void
workspace_free(struct workspace *ws)
{
	if (!ws)
		return;
	matmul_scratch_free(ws->matmul);
	int8_matmul_scratch_free(ws->int8);
	attention_scratch_free(ws->attention);
	buffer_free(&ws->shares);
	free(ws);
}

static struct activations *
activations_create(struct workspace *ws, size_t columns)
{
	struct activations *a = mem_zero(1, sizeof(*a));

	a->columns = columns;
	a->tile = ws->backend->base.tile;
	return a;
}

static void
free_rows(struct activations *a)
{
	free(a->data);
	free(a->bytes.code);
	free(a->bytes.scale);
	a->bytes = (struct int8_rows){ NULL, NULL };
	a->n_bytes = 0;
}

static void
activations_shape(struct activations *a, size_t rows)
{
	a->rows = rows;
	if (rows <= a->room)
		return;
	free_rows(a);
	a->room = (rows + a->tile - 1) / a->tile * a->tile;
	a->data = mem_zero(a->room * a->columns, sizeof(*a->data));
}

static void
activations_free(struct activations *a)
{
	if (!a)
		return;
	free_rows(a);
	free(a);
}

/* ---- 2. norms and linear layers ---- */

static void
load(struct workspace *ws, const float *host, struct rows out)
{
	(void)ws;
	memcpy(target(out), host, out.n * out.a->columns * sizeof(*host));
}

/* The rows of a norm go into linear layers, so they are made bytes while they are in the cache. */
static void
normalize_rows(struct workspace *ws, const struct norm *w, const float *in, struct rows out)
{
	bool has_bytes = ws->backend->base.precision == PRECISION_INT8;
	size_t step = has_bytes ? 1 : out.n;
	enum cpu_isa isa = ws->backend->isa;
	float *to = target(out);

	for (size_t i = 0; i < out.n; i += step, in += step * w->n, to += step * w->n) {
		rows_normalize(isa, in, to, step, w->n, w->gain, w->bias, w->eps);
		if (has_bytes) {
			struct int8_rows row = bytes_for((struct rows){ out.a, out.from + i, 1 });

			int8_rows_make(isa, to, 1, w->n, &row);
		}
	}
}

static void
embed(struct workspace *ws, const struct embedding *w, const int32_t *ids, const int32_t *positions,
    struct rows out)
{
	const struct model *m = w->model;
	size_t n = m->config.hidden;
	struct norm norm = { m->embedding_norm_weight, m->embedding_norm_bias, n,
		m->config.layer_norm_eps };
	float *to = target(out);

	for (size_t i = 0; i < out.n; i++)
		rows_add3(m->word_embeddings + (size_t)ids[i] * n, m->type_embeddings,
		    m->position_embeddings + (size_t)positions[i] * n, to + i * n, n);
	normalize_rows(ws, &norm, to, out);
}

static void
multiply(
    struct workspace *ws, const struct linear *w, struct rows in, struct rows out, bool is_added)
{
	struct int8_rows bytes, inner;
	struct int8_call call = {
		.in = first(in), .out = target(out), .rows = in.n, .is_added = is_added
	};

	check_padding(ws, out);
	if (ws->err.is_set)
		return;
	if (!w->int8) {
		matmul_run(w->matmul, call.in, call.out, in.n, is_added, ws->matmul, &ws->err);
		return;
	}
	if (in.from + in.n <= in.a->n_bytes) {
		bytes = bytes_at(in.a, in.from);
		call.in_bytes = &bytes;
	}
	if (w->is_inner) {
		inner = bytes_for(out);
		call.out_bytes = &inner;
	}
	int8_matmul_run(w->int8, &call, ws->int8, &ws->err);
}

static void
linear(struct workspace *ws, const struct linear *w, struct rows in, struct rows out)
{
	assert(in.n == out.n);
	multiply(ws, w, in, out, false);
}

static void
linear_add(struct workspace *ws, const struct linear *w, struct rows in, struct rows residual,
    struct rows out)
{
	assert(in.n == out.n && in.n == residual.n);
	if (first(residual) != first(out))
		memcpy(target(out), first(residual), out.n * out.a->columns * sizeof(float));
	multiply(ws, w, in, out, true);
}

static void
normalize(struct workspace *ws, const struct norm *w, struct rows in, struct rows out)
{
	assert(in.n == out.n && in.a->columns == w->n && out.a->columns == w->n);
	normalize_rows(ws, w, first(in), out);
}

/* ---- 3. attention ---- */

/* A few queries are quick in float32: in int8, too, the rows that are wanted in the end lose
 * nothing there. */
static void
attend(const struct cpu_backend *b, struct attention_call *call, struct attention_scratch *scratch)
{
	enum { FEW = 16 };
	const size_t *cu_q = call->cu_q, *cu_k = call->cu_k;
	size_t n = call->n_cells;

	if (b->attention == b->exact_attention) {
		attention_run(b->attention, call, scratch);
		return;
	}
	call->n_cells = 1;
	for (size_t i = 0; i < n; i++) {
		bool is_few = cu_q[i + 1] - cu_q[i] <= FEW;

		call->cu_q = cu_q + i;
		call->cu_k = cu_k + i;
		attention_run(is_few ? b->exact_attention : b->attention, call, scratch);
	}
}

static void
attention_sums(struct workspace *ws, size_t heads, const struct packing *cells,
    struct activations *q, struct activations *k, struct activations *v, struct activations *out,
    struct activations *sums)
{
	struct attention_call call = { .q = q->data,
		.k = k->data,
		.v = v->data,
		.out = target((struct rows){ out, 0, out->rows }),
		.cu_q = cells->cu_q,
		.cu_k = cells->cu_k,
		.n_cells = cells->n,
		.heads = heads,
		.head_size = q->columns / heads,
		.log_sum = sums ? target((struct rows){ sums, 0, sums->rows }) : NULL };

	assert(cells->cu_q[cells->n] == q->rows && cells->cu_k[cells->n] == k->rows);
	assert(q->rows == out->rows && k->rows == v->rows);
	assert(!sums || (sums->rows == q->rows && sums->columns == heads));
	if (!ws->err.is_set)
		attend(ws->backend, &call, ws->attention);
}

static void
attention(struct workspace *ws, size_t heads, const struct packing *cells, struct activations *q,
    struct activations *k, struct activations *v, struct activations *out)
{
	attention_sums(ws, heads, cells, q, k, v, out, NULL);
}

static void
attention_join(struct workspace *ws, size_t heads, struct activations *out,
    struct activations *sums, struct activations *other, struct activations *other_sums,
    const size_t *rows)
{
	size_t n = out->columns;
	float *to = target((struct rows){ out, 0, out->rows });

	(void)ws;
	assert(other->columns == n && sums->columns == heads && other_sums->columns == heads);
	assert(sums->rows == out->rows && other_sums->rows == other->rows);
	for (size_t i = 0; i < out->rows; i++) {
		assert(rows[i] < other->rows);
		rows_join(to + i * n, sums->data + i * heads, other->data + rows[i] * n,
		    other_sums->data + rows[i] * heads, heads, n / heads);
	}
}

/* ---- 4. gathering, means and results ---- */

static void
gather(struct workspace *ws, struct activations *in, const size_t *index, struct rows out)
{
	size_t n = in->columns;
	float *to = target(out);

	(void)ws;
	assert(n == out.a->columns);
	for (size_t i = 0; i < out.n; i++) {
		assert(index[i] < in->rows);
		memcpy(to + i * n, in->data + index[i] * n, n * sizeof(float));
	}
}

static void
mean(struct workspace *ws, struct activations *in, const size_t *from, const size_t *to,
    struct rows out)
{
	size_t n = in->columns;

	(void)ws;
	assert(n == out.a->columns);
	for (size_t i = 0; i < out.n; i++) {
		assert(from[i] <= to[i] && to[i] <= in->rows);
		rows_mean(in->data, from[i], to[i], n, target(out) + i * n);
	}
}

static void
pool(struct workspace *ws, const struct pooling *w, struct activations *in, const size_t *from,
    const size_t *to, struct rows out)
{
	size_t n = in->columns;

	assert(n == out.a->columns && n == w->n);
	for (size_t i = 0; i < out.n; i++) {
		assert(from[i] < to[i] && to[i] <= in->rows);
		ws->shares.size = 0;
		rows_pool(in->data, from[i], to[i], n, w->weight,
		    buffer_grow(&ws->shares, (to[i] - from[i]) * sizeof(double)),
		    target(out) + i * n);
	}
}

static int
fetch(struct workspace *ws, struct rows in, float *host, struct err *e)
{
	bool failed = ws->err.is_set;

	if (failed)
		err_set(e, "%s", ws->err.text);
	else
		memcpy(host, first(in), in.n * in.a->columns * sizeof(*host));
	ws->err.is_set = false;
	return failed ? -1 : 0;
}

static int
cosine(struct workspace *ws, struct activations *a, const size_t *a_rows, struct activations *b,
    const size_t *b_rows, size_t n, double *ret, struct err *e)
{
	bool failed = ws->err.is_set;

	assert(a->columns == b->columns);
	if (failed)
		err_set(e, "%s", ws->err.text);
	ws->err.is_set = false;
	for (size_t i = 0; i < n && !failed; i++) {
		assert(a_rows[i] < a->rows && b_rows[i] < b->rows);
		ret[i] = rows_cosine(
		    a->data + a_rows[i] * a->columns, b->data + b_rows[i] * b->columns, a->columns);
	}
	return failed ? -1 : 0;
}

/* ---- 5. the backend ---- */

static void
cpu_close(struct backend *base)
{
	struct cpu_backend *b = (struct cpu_backend *)base;

	matmul_library_close(b->matmul);
	free(b);
}

static const struct backend_ops ops = {
	.linear_create = linear_create,
	.linear_widen = linear_widen,
	.linear_prepare = linear_prepare,
	.linear_free = linear_free,
	.norm_create = norm_create,
	.norm_free = norm_free,
	.embedding_create = embedding_create,
	.embedding_free = embedding_free,
	.pooling_create = pooling_create,
	.pooling_free = pooling_free,
	.workspace_create = workspace_create,
	.workspace_free = workspace_free,
	.activations_create = activations_create,
	.activations_shape = activations_shape,
	.activations_free = activations_free,
	.load = load,
	.embed = embed,
	.linear = linear,
	.linear_add = linear_add,
	.normalize = normalize,
	.attention = attention,
	.attention_sums = attention_sums,
	.attention_join = attention_join,
	.gather = gather,
	.mean = mean,
	.pool = pool,
	.fetch = fetch,
	.cosine = cosine,
	.close = cpu_close,
};

static int
choose_precision(enum cpu_isa isa, enum precision *p, struct err *e)
{
	const char *missing = NULL;

	if (*p == PRECISION_AUTO)
		*p = cpu_isa_prefers_bf16(isa) ? PRECISION_BF16 : PRECISION_F32;
	if (*p == PRECISION_BF16 && isa < CPU_ISA_AVX512)
		missing = "AVX-512";
	if (*p == PRECISION_INT8 && !cpu_isa_has_vnni(isa))
		missing = "AVX-512 with VNNI";
	if (missing)
		return err_set(e, "precision %s: needs %s, and there is %s only; use f32",
		    precision_name(*p), missing, cpu_isa_name(isa));
	if (*p == PRECISION_FP16)
		return err_set(e, "precision fp16: the CPU backend has f32, bf16 and int8");
	return 0;
}

struct backend *
cpu_backend_open(enum precision precision, struct err *e)
{
	struct cpu_backend *b;
	enum cpu_isa isa;

	if (cpu_isa_find(&isa, e) || choose_precision(isa, &precision, e))
		return NULL;
	b = mem_zero(1, sizeof(*b));
	b->isa = isa;
	b->exact_attention = attention_kernel(isa, precision == PRECISION_BF16);
	b->attention = b->exact_attention;
	if (precision == PRECISION_INT8)
		b->attention = attention_kernel_int8(isa);
	b->matmul = matmul_library_open(isa, precision == PRECISION_BF16, e);
	if (!b->matmul) {
		free(b);
		return NULL;
	}
	snprintf(b->name, sizeof(b->name), "cpu %s", cpu_isa_name(isa));
	b->base = (struct backend){ .op = &ops,
		.precision = precision,
		.name = b->name,
		.tile = matmul_tile(b->matmul),
		.gradient = precision == PRECISION_INT8 ? NULL : &cpu_gradient_ops };
	return &b->base;
}
