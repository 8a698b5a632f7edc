/*  1. choices
 *  2. one call of cuBLASLt
 *  3. choosing
 *  4. running */

#include <cublasLt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cuda/cuda_matmul.h"

enum {
	CANONICAL_ROWS = 8192, /* what the heuristic is asked about: a batch of usual size */
	CANDIDATES = 16,
	TEST_BYTES = 1 << 26, /* of the rows that a candidate is tried with */
	ROOM = 32 << 20       /* that cuBLASLt may take in a workspace */
};

/* ---- 1. choices ---- */

struct choice {
	struct product_shape shape;
	bool is_library;
	cublasLtMatmulAlgo_t algorithm;
};

struct cuda_matmul {
	cublasLtHandle_t handle;
	pthread_mutex_t mutex;   /* of the choices */
	struct choice **choices; /* [n] */
	size_t n;
};

struct cuda_matmul *
cuda_matmul_open(struct err *e)
{
	struct cuda_matmul *m = mem_zero(1, sizeof(*m));
	cublasStatus_t status = cublasLtCreate(&m->handle);

	if (status != CUBLAS_STATUS_SUCCESS) {
		err_set(
		    e, "device cuda: cuBLASLt does not start: %s", cublasLtGetStatusString(status));
		free(m);
		return NULL;
	}
	pthread_mutex_init(&m->mutex, NULL);
	return m;
}

void
cuda_matmul_close(struct cuda_matmul *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->choices[i]);
	free(m->choices);
	pthread_mutex_destroy(&m->mutex);
	cublasLtDestroy(m->handle);
	free(m);
}

void
cuda_matmul_count(struct cuda_matmul *m, size_t *ret_library, size_t *ret_own)
{
	*ret_library = *ret_own = 0;
	pthread_mutex_lock(&m->mutex);
	for (size_t i = 0; i < m->n; i++)
		++*(m->choices[i]->is_library ? ret_library : ret_own);
	pthread_mutex_unlock(&m->mutex);
}

static bool
is_same_shape(const struct product_shape *a, const struct product_shape *b)
{
	return a->n_out == b->n_out && a->n_in == b->n_in && a->kind == b->kind &&
	       a->is_wide == b->is_wide && a->has_bias == b->has_bias &&
	       a->has_residual == b->has_residual && a->has_relu == b->has_relu;
}

/* ---- 2. one call of cuBLASLt ---- */

/* cuBLASLt counts columns first: out' [n_out][n] = weight'' [n_out][n_in] in' [n_in][n], where
 * weight [n_out][n_in] by rows is the transpose of a matrix by columns. */
struct description {
	cublasLtMatmulDesc_t operation;
	cublasLtMatrixLayout_t weight, in, out;
};

static cudaDataType_t
type_of(enum narrow_kind kind, bool is_wide)
{
	if (is_wide || kind == NARROW_NONE)
		return CUDA_R_32F;
	return kind == NARROW_FP16 ? CUDA_R_16F : CUDA_R_16BF;
}

static cublasStatus_t
set_operation(const struct description *d, const struct product_call *p)
{
	cublasOperation_t transposed = CUBLAS_OP_T;
	cublasLtEpilogue_t epilogue =
	    p->shape.has_relu
		? p->shape.has_bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU
	    : p->shape.has_bias ? CUBLASLT_EPILOGUE_BIAS
				: CUBLASLT_EPILOGUE_DEFAULT;
	cublasStatus_t status = cublasLtMatmulDescSetAttribute(
	    d->operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed));

	if (status == CUBLAS_STATUS_SUCCESS)
		status = cublasLtMatmulDescSetAttribute(
		    d->operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof(epilogue));
	if (status == CUBLAS_STATUS_SUCCESS && p->shape.has_bias)
		status = cublasLtMatmulDescSetAttribute(
		    d->operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p->bias, sizeof(p->bias));
	return status;
}

static void
forget(struct description *d)
{
	if (d->out)
		cublasLtMatrixLayoutDestroy(d->out);
	if (d->in)
		cublasLtMatrixLayoutDestroy(d->in);
	if (d->weight)
		cublasLtMatrixLayoutDestroy(d->weight);
	if (d->operation)
		cublasLtMatmulDescDestroy(d->operation);
}

/* n: rows, which need not be the call's. */
static cublasStatus_t
describe(const struct product_call *p, size_t n, struct description *ret)
{
	const struct product_shape *s = &p->shape;
	cudaDataType_t factor = type_of(s->kind, false), result = type_of(s->kind, s->is_wide);
	cublasStatus_t status;

	*ret = (struct description){ 0 };
	status = cublasLtMatmulDescCreate(&ret->operation, CUBLAS_COMPUTE_32F, CUDA_R_32F);
	if (status == CUBLAS_STATUS_SUCCESS)
		status = cublasLtMatrixLayoutCreate(
		    &ret->weight, factor, s->n_in, s->n_out, (int64_t)s->n_in);
	if (status == CUBLAS_STATUS_SUCCESS)
		status = cublasLtMatrixLayoutCreate(&ret->in, factor, s->n_in, n, (int64_t)s->n_in);
	if (status == CUBLAS_STATUS_SUCCESS)
		status =
		    cublasLtMatrixLayoutCreate(&ret->out, result, s->n_out, n, (int64_t)s->n_out);
	if (status == CUBLAS_STATUS_SUCCESS)
		status = set_operation(ret, p);
	if (status != CUBLAS_STATUS_SUCCESS)
		forget(ret);
	return status;
}

static cublasStatus_t
multiply(struct cuda_matmul *m, struct workspace *ws, const struct product_call *p,
    const cublasLtMatmulAlgo_t *algorithm)
{
	const float one = 1, zero = 0, *beta = p->shape.has_residual ? &one : &zero;
	const void *added = p->shape.has_residual ? (const void *)p->residual : p->out;
	struct description d;
	cublasStatus_t status = describe(p, p->n, &d);

	if (status != CUBLAS_STATUS_SUCCESS)
		return status;
	status = cublasLtMatmul(m->handle, d.operation, &one, p->weight, d.weight, p->in, d.in,
	    beta, added, d.out, p->out, d.out, algorithm, ws->matmul.data, ROOM, ws->stream);
	forget(&d);
	return status;
}

/* ---- 3. choosing ---- */

/* The heuristic's list, as far as these do not split the sum. Returns how many. */
static size_t
list_candidates(
    struct cuda_matmul *m, const struct product_call *p, cublasLtMatmulHeuristicResult_t *list)
{
	uint32_t scheme = CUBLASLT_REDUCTION_SCHEME_NONE;
	uint64_t room = ROOM;
	cublasLtMatmulPreference_t preference = NULL;
	struct description d;
	int found = 0;
	size_t n = 0;

	if (describe(p, CANONICAL_ROWS, &d) != CUBLAS_STATUS_SUCCESS)
		return 0;
	if (cublasLtMatmulPreferenceCreate(&preference) == CUBLAS_STATUS_SUCCESS &&
	    cublasLtMatmulPreferenceSetAttribute(preference,
		CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room,
		sizeof(room)) == CUBLAS_STATUS_SUCCESS &&
	    cublasLtMatmulPreferenceSetAttribute(preference,
		CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &scheme,
		sizeof(scheme)) == CUBLAS_STATUS_SUCCESS &&
	    cublasLtMatmulAlgoGetHeuristic(m->handle, d.operation, d.weight, d.in, d.out, d.out,
		preference, CANDIDATES, list, &found) != CUBLAS_STATUS_SUCCESS)
		found = 0;
	for (int i = 0; i < found; i++) {
		int32_t splits = 1;
		size_t written;

		if (list[i].state != CUBLAS_STATUS_SUCCESS || list[i].workspaceSize > ROOM)
			continue;
		if (cublasLtMatmulAlgoConfigGetAttribute(&list[i].algo,
			CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &splits, sizeof(splits),
			&written) == CUBLAS_STATUS_SUCCESS &&
		    splits <= 1)
			list[n++] = list[i];
	}
	if (preference)
		cublasLtMatmulPreferenceDestroy(preference);
	forget(&d);
	return n;
}

/* Device memory of a trial. */
struct trial {
	size_t rows; /* in a batch of CANONICAL_ROWS, or less of wide ones */
	struct cuda_array in, out, residual; /* [rows][...], all rows equal */
	struct cuda_array first;             /* [n_out]: what a row should become */
	struct cuda_array index;             /* int32 [rows]: 0; then a flag */
};

static size_t
size_of(enum narrow_kind kind, bool is_wide)
{
	return type_of(kind, is_wide) == CUDA_R_32F ? sizeof(float) : sizeof(uint16_t);
}

/* rows of `to` become n numbers between -1 and 1, of 16 bits or float32. */
static bool
fill(struct workspace *ws, struct cuda_array *to, struct trial *t, size_t n, enum narrow_kind kind)
{
	size_t size = size_of(kind, false);
	struct cuda_array row = { 0 };
	uint32_t state = 1;
	struct upload u;
	bool well = false;

	if (!cuda_array_room(ws, to, t->rows * n * size) || !cuda_array_room(ws, &row, n * size) ||
	    !cuda_upload_begin(ws, n * sizeof(float), &u))
		goto end;
	for (size_t i = 0; i < n; i++) {
		state = state * 1664525 + 1013904223;
		((float *)u.host)[i] = (float)(state >> 8) / 8388608.0f - 1;
	}
	cuda_upload_send(ws, &u, kind == NARROW_NONE ? row.data : NULL);
	well = (kind == NARROW_NONE ||
		   CUDA_WELL(ws, cuda_narrow(ws->stream, u.device, n, row.data, kind))) &&
	       CUDA_WELL(ws,
		   cuda_gather(ws->stream, row.data, t->index.data, t->rows, n * size, to->data)) &&
	       CUDA_WELL(ws, cudaStreamSynchronize(ws->stream));
end:
	cuda_array_free(&row);
	return well;
}

static bool
prepare_trial(struct workspace *ws, const struct product_shape *s, struct trial *t)
{
	size_t out_size = s->n_out * size_of(s->kind, s->is_wide), index;
	size_t row = s->n_in * size_of(s->kind, false) + out_size +
		     (s->has_residual ? s->n_out * sizeof(float) : 0);

	t->rows = TEST_BYTES / row < 256 ? 256 : TEST_BYTES / row;
	t->rows = t->rows < CANONICAL_ROWS ? t->rows : CANONICAL_ROWS;
	index = (t->rows + 1) * sizeof(int32_t);
	return cuda_array_room(ws, &t->index, index) &&
	       CUDA_WELL(ws, cudaMemsetAsync(t->index.data, 0, index, ws->stream)) &&
	       fill(ws, &t->in, t, s->n_in, s->kind) &&
	       (!s->has_residual || fill(ws, &t->residual, t, s->n_out, NARROW_NONE)) &&
	       cuda_array_room(ws, &t->out, t->rows * out_size) &&
	       cuda_array_room(ws, &t->first, out_size);
}

static void
free_trial(struct trial *t)
{
	cuda_array_free(&t->in);
	cuda_array_free(&t->out);
	cuda_array_free(&t->residual);
	cuda_array_free(&t->first);
	cuda_array_free(&t->index);
}

/* Whether equal rows become equal, in batches of several sizes. */
static bool
gives_equal_rows(struct cuda_matmul *m, struct workspace *ws, const struct product_call *call,
    struct trial *t, const cublasLtMatmulAlgo_t *algorithm)
{
	const size_t sizes[] = { t->rows, 1, 2, 17, 64, 100, 129, t->rows / 2 + 3 };
	size_t bytes = call->shape.n_out * size_of(call->shape.kind, call->shape.is_wide);
	struct product_call p = *call;
	int *flag = (int *)t->index.data + t->rows, differs = 0;

	p.in = t->in.data;
	p.residual = t->residual.data;
	p.out = t->out.data;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		p.n = sizes[i];
		if (multiply(m, ws, &p, algorithm) != CUBLAS_STATUS_SUCCESS)
			return false;
		if ((i == 0 && !CUDA_WELL(ws, cudaMemcpyAsync(t->first.data, p.out, bytes,
						  cudaMemcpyDeviceToDevice, ws->stream))) ||
		    !CUDA_WELL(
			ws, cuda_compare_rows(ws->stream, t->first.data, p.out, p.n, bytes, flag)))
			return false;
	}
	if (!CUDA_WELL(ws, cudaMemcpyAsync(ws->down, flag, sizeof(differs), cudaMemcpyDeviceToHost,
			       ws->stream)) ||
	    !CUDA_WELL(ws, cudaMemsetAsync(flag, 0, sizeof(differs), ws->stream)) ||
	    !CUDA_WELL(ws, cudaStreamSynchronize(ws->stream)))
		return false;
	memcpy(&differs, ws->down, sizeof(differs));
	return !differs;
}

static void
choose(struct cuda_matmul *m, struct workspace *ws, const struct product_call *p, struct choice *c)
{
	cublasLtMatmulHeuristicResult_t list[CANDIDATES];
	size_t n = list_candidates(m, p, list);
	struct trial t = { 0 };

	*c = (struct choice){ .shape = p->shape };
	if (n > 0 && prepare_trial(ws, &p->shape, &t))
		for (size_t i = 0; i < n && !c->is_library && !ws->err.is_set; i++) {
			c->is_library = gives_equal_rows(m, ws, p, &t, &list[i].algo);
			c->algorithm = list[i].algo;
		}
	free_trial(&t);
}

/* ---- 4. running ---- */

/* NULL after a failure. */
static const struct choice *
find_choice(struct cuda_matmul *m, struct workspace *ws, const struct product_call *p)
{
	struct choice *c = NULL;

	pthread_mutex_lock(&m->mutex);
	for (size_t i = 0; !c && i < m->n; i++)
		if (is_same_shape(&m->choices[i]->shape, &p->shape))
			c = m->choices[i];
	if (!c) {
		c = mem_alloc(1, sizeof(*c));
		choose(m, ws, p, c);
		if (ws->err.is_set) {
			free(c);
			c = NULL;
		} else {
			m->choices =
			    mem_resize(m->choices, m->n, m->n + 1, sizeof(struct choice *));
			m->choices[m->n++] = c;
		}
	}
	pthread_mutex_unlock(&m->mutex);
	return c;
}

bool
cuda_matmul_run(struct cuda_matmul *m, struct workspace *ws, const struct product_call *p)
{
	const struct choice *c;
	cublasStatus_t status;

	if (ws->err.is_set || p->shape.n_out % 8 || p->shape.n_in % 8 ||
	    !cuda_array_room(ws, &ws->matmul, ROOM) || !(c = find_choice(m, ws, p)) ||
	    !c->is_library)
		return false;
	status = multiply(m, ws, p, &c->algorithm);
	if (status != CUBLAS_STATUS_SUCCESS)
		err_set(&ws->err, "device cuda: cuBLASLt: %s (%zu x %zu x %zu)",
		    cublasLtGetStatusString(status), p->n, p->shape.n_out, p->shape.n_in);
	return status == CUBLAS_STATUS_SUCCESS;
}
