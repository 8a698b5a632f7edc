/*  1. rows
 *  2. sums and comparisons
 *  3. linear layers
 *  4. attention
 *  5. the device */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cuda/cuda_attention_plan.h"
#include "cuda/cuda_backend.h"
#include "cuda/cuda_budget.h"
#include "cuda/cuda_matmul.h"
#include "cuda/cuda_memory.h"
#include "cuda/cuda_weights.h"

static struct rows
all(struct activations *a)
{
	return (struct rows){ a, 0, a->rows };
}

static enum narrow_kind
kind_of(const struct workspace *ws)
{
	return ws->backend->kind;
}

/* Takes over why some weights are not there. True where all is well. */
static bool
take_failure(struct workspace *ws, const struct err *e)
{
	if (e->is_set)
		err_set(&ws->err, "%s", e->text);
	return !ws->err.is_set;
}

/* ---- 1. rows ---- */

static void
activations_widen(struct activations *a)
{
	a->is_result = true;
}

static void
load(struct workspace *ws, const float *host, struct rows out)
{
	size_t n = out.n * out.a->columns;
	struct planes to = cuda_write(ws, out, PLANE_BOTH);

	if (n == 0 || ws->err.is_set)
		return;
	/* Not pinned: returns when the host's memory has been read. */
	if (CUDA_WELL(ws, cudaMemcpyAsync(to.wide, host, n * sizeof(*host), cudaMemcpyHostToDevice,
			      ws->stream)) &&
	    to.narrow)
		CUDA_DO(ws, cuda_narrow(ws->stream, to.wide, n, to.narrow, kind_of(ws)));
	CUDA_DO(ws, cudaStreamSynchronize(ws->stream));
}

static void
embed(struct workspace *ws, const struct embedding *w, const int32_t *ids, const int32_t *positions,
    struct rows out)
{
	struct planes to;
	const int32_t *on_ids, *on_positions;

	assert(out.a->columns == w->columns);
	if (out.n == 0 || !take_failure(ws, &w->err))
		return;
	to = cuda_write(ws, out, PLANE_BOTH);
	on_ids = cuda_upload_ids(ws, ids, out.n);
	on_positions = cuda_upload_ids(ws, positions, out.n);
	CUDA_DO(ws, cuda_embed(ws->stream, &w->tables, &w->norm, on_ids, on_positions, out.n,
			w->columns, to, kind_of(ws), ws->overflow));
}

static void
normalize(struct workspace *ws, const struct norm *w, struct rows in, struct rows out)
{
	const float *from;
	struct planes to;

	assert(in.n == out.n && in.a->columns == w->n && out.a->columns == w->n);
	if (in.n == 0 || !take_failure(ws, &w->err))
		return;
	from = cuda_read_wide(ws, in);
	to = cuda_write(ws, out, PLANE_BOTH);
	CUDA_DO(ws, cuda_normalize(
			ws->stream, &w->numbers, from, in.n, w->n, to, kind_of(ws), ws->overflow));
}

static void
gather(struct workspace *ws, struct activations *in, const size_t *index, struct rows out)
{
	enum plane_choice which = cuda_valid_planes(out.from ? out.a : in);
	const float *wide = NULL;
	const uint16_t *narrow = NULL;
	const int32_t *on_index;
	struct planes to;
	size_t n = in->columns;

	assert(n == out.a->columns);
	if (out.n == 0)
		return;
	if (!which)
		which = cuda_valid_planes(in);
	if (which & PLANE_WIDE)
		wide = cuda_read_wide(ws, all(in));
	if (which & PLANE_NARROW)
		narrow = cuda_read_narrow(ws, all(in));
	on_index = cuda_upload_indices(ws, index, out.n);
	to = cuda_write(ws, out, which);
	if (wide)
		CUDA_DO(
		    ws, cuda_gather(ws->stream, wide, on_index, out.n, n * sizeof(*wide), to.wide));
	if (narrow)
		CUDA_DO(ws, cuda_gather(ws->stream, narrow, on_index, out.n, n * sizeof(*narrow),
				to.narrow));
}

static int
fetch(struct workspace *ws, struct rows in, float *host, struct err *e)
{
	const float *from = in.n ? cuda_read_wide(ws, in) : NULL;

	return cuda_download(ws, from, host, in.n * in.a->columns * sizeof(*host), e);
}

/* ---- 2. sums and comparisons ---- */

static struct runs
upload_runs(struct workspace *ws, const size_t *from, const size_t *to, size_t n)
{
	struct runs runs;

	runs.from = cuda_upload_indices(ws, from, n);
	runs.to = cuda_upload_indices(ws, to, n);
	runs.n = n;
	return runs;
}

static void
mean(struct workspace *ws, struct activations *in, const size_t *from, const size_t *to,
    struct rows out)
{
	const float *x;
	struct runs runs;
	struct planes result;

	assert(in->columns == out.a->columns);
	for (size_t i = 0; i < out.n; i++)
		assert(from[i] <= to[i] && to[i] <= in->rows);
	if (out.n == 0)
		return;
	x = cuda_read_wide(ws, all(in));
	runs = upload_runs(ws, from, to, out.n);
	result = cuda_write(ws, out, PLANE_BOTH);
	CUDA_DO(ws, cuda_mean(ws->stream, x, &runs, in->columns, result, kind_of(ws)));
}

static void
pool(struct workspace *ws, const struct pooling *w, struct activations *in, const size_t *from,
    const size_t *to, struct rows out)
{
	const float *x;
	double *scores;
	struct runs runs;
	struct planes result;

	assert(in->columns == out.a->columns && in->columns == w->n);
	for (size_t i = 0; i < out.n; i++)
		assert(from[i] < to[i] && to[i] <= in->rows);
	if (out.n == 0 || !take_failure(ws, &w->err))
		return;
	x = cuda_read_wide(ws, all(in));
	scores = cuda_array_room(ws, &ws->scratch, in->rows * sizeof(*scores));
	runs = upload_runs(ws, from, to, out.n);
	result = cuda_write(ws, out, PLANE_BOTH);
	CUDA_DO(ws, cuda_pool(ws->stream, x, in->rows, w->weight, scores, &runs, in->columns,
			result, kind_of(ws)));
}

static int
cosine(struct workspace *ws, struct activations *a, const size_t *a_rows, struct activations *b,
    const size_t *b_rows, size_t n, double *ret, struct err *e)
{
	const float *x, *y;
	const int32_t *on_a, *on_b;
	double *cosines;

	assert(a->columns == b->columns);
	for (size_t i = 0; i < n; i++)
		assert(a_rows[i] < a->rows && b_rows[i] < b->rows);
	if (n == 0)
		return cuda_wait(ws, e);
	x = cuda_read_wide(ws, all(a));
	y = cuda_read_wide(ws, all(b));
	cosines = cuda_array_room(ws, &ws->scratch, n * sizeof(*cosines));
	on_a = cuda_upload_indices(ws, a_rows, n);
	on_b = cuda_upload_indices(ws, b_rows, n);
	CUDA_DO(ws, cuda_cosine(ws->stream, x, on_a, y, on_b, n, a->columns, cosines));
	return cuda_download(ws, cosines, ret, n * sizeof(*ret), e);
}

/* ---- 3. linear layers ---- */

/* Our own kernel, for what cuBLASLt is not to do. */
static void
multiply_ourselves(struct workspace *ws, const struct linear *w, const struct product_call *call,
    struct planes out)
{
	struct product p = { .in = call->in,
		.weight = w->weight,
		.bias = w->bias,
		.residual = call->residual,
		.out = out,
		.n = call->n,
		.n_out = w->n_out,
		.n_in = w->n_in,
		.f = (int)w->f,
		.kind = kind_of(ws) };

	CUDA_DO(ws, cuda_product(ws->stream, &p));
}

/* cuBLASLt knows relu; other functions are applied to its float32 results. */
static void
multiply(struct workspace *ws, const struct linear *w, struct rows in, const float *residual,
    struct rows out, enum plane_choice which)
{
	bool has_relu = w->f == ACTIVATION_RELU,
	     is_activated = w->f != ACTIVATION_NONE && !has_relu;
	const void *x = cuda_read_factor(ws, in);
	struct planes to = cuda_write(ws, out, which);
	size_t n = out.n * w->n_out;
	float *wide = to.wide || !is_activated
			  ? to.wide
			  : cuda_array_room(ws, &ws->scratch, n * sizeof(*wide));
	struct product_call call = { .shape = { w->n_out, w->n_in, kind_of(ws), wide != NULL,
					 w->bias != NULL, residual != NULL, has_relu },
		.in = x,
		.weight = w->weight,
		.bias = wide ? (const void *)w->bias : (const void *)w->narrow_bias,
		.residual = residual,
		.out = wide ? (void *)wide : (void *)to.narrow,
		.n = out.n };

	if (ws->err.is_set)
		return;
	if (!cuda_matmul_run(ws->backend->matmul, ws, &call))
		multiply_ourselves(ws, w, &call, to);
	else if (is_activated)
		CUDA_DO(ws, cuda_activate(ws->stream, (int)w->f, wide, n, to, kind_of(ws)));
}

static void
linear(struct workspace *ws, const struct linear *w, struct rows in, struct rows out)
{
	assert(in.n == out.n && in.a->columns == w->n_in && out.a->columns == w->n_out);
	if (out.n > 0)
		multiply(ws, w, in, NULL, out, out.a->is_result ? PLANE_WIDE : PLANE_NARROW);
}

static void
linear_add(struct workspace *ws, const struct linear *w, struct rows in, struct rows residual,
    struct rows out)
{
	assert(in.n == out.n && in.n == residual.n && w->f == ACTIVATION_NONE);
	assert(in.a->columns == w->n_in && out.a->columns == w->n_out);
	if (out.n > 0)
		multiply(ws, w, in, cuda_read_wide(ws, residual), out, PLANE_WIDE);
}

/* ---- 4. attention ---- */

static void
attention_sums(struct workspace *ws, size_t heads, const struct packing *cells,
    struct activations *q, struct activations *k, struct activations *v, struct activations *out,
    struct activations *sums)
{
	struct attention a = { .heads = heads, .head_size = q->columns / heads };

	assert(cells->cu_q[cells->n] == q->rows && cells->cu_k[cells->n] == k->rows);
	assert(q->rows == out->rows && k->rows == v->rows);
	assert(!sums || (sums->rows == q->rows && sums->columns == heads));
	if (q->rows == 0)
		return;
	if (a.head_size > MOST_HEAD_SIZE) {
		err_set(&ws->err, "device cuda: heads of %zu numbers, it has up to %d", a.head_size,
		    MOST_HEAD_SIZE);
		return;
	}
	a.q = cuda_read_factor(ws, all(q));
	a.k = cuda_read_factor(ws, all(k));
	a.v = cuda_read_factor(ws, all(v));
	if (sums)
		a.sums = cuda_write(ws, all(sums), PLANE_WIDE).wide;
	if (!attention_plan_make(ws, ws->plan, cells, &a))
		return;
	if (kind_of(ws) == NARROW_NONE) {
		a.out = cuda_write(ws, all(out), PLANE_WIDE).wide;
		CUDA_DO(ws, cuda_attention(ws->stream, &a));
	} else {
		a.out = cuda_write(ws, all(out), PLANE_NARROW).narrow;
		CUDA_DO(ws, cuda_flash(ws->stream, &a, kind_of(ws)));
	}
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
	size_t n = out->rows;
	struct planes to = { 0 }, from = { 0 };
	const float *own, *others;
	const int32_t *on_rows;

	assert(other->columns == out->columns && sums->columns == heads);
	assert(sums->rows == n && other_sums->rows == other->rows);
	if (n == 0)
		return;
	/* The planes that attention has just written. */
	to.wide =
	    kind_of(ws) == NARROW_NONE ? (float *)(uintptr_t)cuda_read_wide(ws, all(out)) : NULL;
	from.wide = to.wide ? (float *)(uintptr_t)cuda_read_wide(ws, all(other)) : NULL;
	if (kind_of(ws) != NARROW_NONE) {
		to.narrow = (uint16_t *)(uintptr_t)cuda_read_narrow(ws, all(out));
		from.narrow = (uint16_t *)(uintptr_t)cuda_read_narrow(ws, all(other));
		out->wide.is_valid = false;
	}
	own = cuda_read_wide(ws, all(sums));
	others = cuda_read_wide(ws, all(other_sums));
	on_rows = cuda_upload_indices(ws, rows, n);
	CUDA_DO(ws, cuda_join(ws->stream, to, own, from, others, on_rows, n, heads,
			out->columns / heads, kind_of(ws)));
}

/* ---- 5. the device ---- */

static size_t
batch_tokens(const struct backend *base, const struct model_config *config)
{
	const struct cuda_backend *b = (const struct cuda_backend *)base;
	size_t unused, total;

	if (cudaMemGetInfo(&unused, &total) != cudaSuccess)
		unused = 0;
	return cuda_batch_tokens(config, b->kind, unused);
}

static void
cuda_close(struct backend *base)
{
	struct cuda_backend *b = (struct cuda_backend *)base;

	cuda_matmul_close(b->matmul);
	free(b);
}

static const struct backend_ops ops = {
	.linear_create = cuda_linear_create,
	.linear_prepare = cuda_linear_prepare,
	.linear_free = cuda_linear_free,
	.norm_create = cuda_norm_create,
	.norm_free = cuda_norm_free,
	.embedding_create = cuda_embedding_create,
	.embedding_free = cuda_embedding_free,
	.pooling_create = cuda_pooling_create,
	.pooling_free = cuda_pooling_free,
	.workspace_create = cuda_workspace_create,
	.workspace_free = cuda_workspace_free,
	.activations_create = cuda_activations_create,
	.activations_shape = cuda_activations_shape,
	.activations_widen = activations_widen,
	.activations_free = cuda_activations_free,
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
	.batch_tokens = batch_tokens,
	.close = cuda_close,
};

_Static_assert(ACTIVATION_NONE == 0 && ACTIVATION_RELU == 1 && ACTIVATION_GELU == 2 &&
		   ACTIVATION_GELU_TANH == 3 && ACTIVATION_SILU == 4 && ACTIVATION_TANH == 5,
    "cuda_activation.h has these numbers");

static int
choose_kind(enum precision *p, enum narrow_kind *ret, struct err *e)
{
	if (*p == PRECISION_AUTO)
		*p = PRECISION_BF16;
	if (*p != PRECISION_F32 && *p != PRECISION_BF16 && *p != PRECISION_FP16)
		return err_set(e, "device cuda: it computes in f32, bf16 or fp16 only");
	*ret = *p == PRECISION_F32 ? NARROW_NONE : *p == PRECISION_BF16 ? NARROW_BF16 : NARROW_FP16;
	return 0;
}

/* Versions are major * 1000 + minor * 10. */
static int
refuse_device(cudaError_t status, struct err *e)
{
	int driver = 0, runtime = 0;

	cudaDriverGetVersion(&driver);
	cudaRuntimeGetVersion(&runtime);
	if (driver == 0)
		return err_set(e, "device cuda: there is no NVIDIA driver");
	if (status == cudaErrorInsufficientDriver)
		return err_set(e, "device cuda: the driver is for CUDA %d.%d, too old for %d.%d",
		    driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
	if (status == cudaSuccess || status == cudaErrorNoDevice)
		return err_set(e, "device cuda: there is no device");
	return err_set(e, "device cuda: %s", cudaGetErrorString(status));
}

static int
find_device(struct cudaDeviceProp *ret, struct err *e)
{
	int n = 0;
	cudaError_t status = cudaGetDeviceCount(&n);

	if (status != cudaSuccess || n == 0)
		return refuse_device(status, e);
	status = cudaGetDeviceProperties(ret, 0);
	if (status == cudaSuccess && ret->major < 8)
		return err_set(e, "device cuda: %s has compute capability %d.%d, it needs 8.0",
		    ret->name, ret->major, ret->minor);
	/* Makes the context, so that what is wrong with the device shows here. */
	if (status == cudaSuccess)
		status = cudaFree(NULL);
	return status == cudaSuccess ? 0 : refuse_device(status, e);
}

struct backend *
cuda_backend_create(enum precision precision, struct err *e)
{
	struct cudaDeviceProp device;
	struct cuda_backend *b;
	enum narrow_kind kind = NARROW_NONE;
	struct cuda_matmul *matmul;

	if (choose_kind(&precision, &kind, e) || find_device(&device, e) ||
	    !(matmul = cuda_matmul_open(e)))
		return NULL;
	b = mem_zero(1, sizeof(*b));
	b->kind = kind;
	b->matmul = matmul;
	snprintf(b->name, sizeof(b->name), "cuda %s", device.name);
	b->base = (struct backend){ .op = &ops,
		.precision = precision,
		.name = b->name,
		.tile = 32768,
		.workspaces = CUDA_WORKSPACES };
	return &b->base;
}
