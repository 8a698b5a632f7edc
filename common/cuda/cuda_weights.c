#include <stdlib.h>

#include "base/mem.h"
#include "cuda/cuda_weights.h"

/* Frees what was for the model, and says why it failed. */
static void *
give_up(void *copy, cudaError_t status, struct err *e)
{
	cudaFree(copy);
	cudaGetLastError();
	if (status == cudaErrorMemoryAllocation)
		err_set(e, "device cuda: its memory has no room for the model");
	else
		err_set(e, "device cuda: the model: %s", cudaGetErrorString(status));
	return NULL;
}

/* The device's copy of n floats; NULL with *e set. */
static void *
copy_floats(const float *x, size_t n, struct err *e)
{
	void *copy = NULL;
	cudaError_t status;

	if (e->is_set)
		return NULL;
	status = cudaMalloc(&copy, n * sizeof(*x));
	if (status == cudaSuccess)
		status = cudaMemcpy(copy, x, n * sizeof(*x), cudaMemcpyHostToDevice);
	/* It may return when the host's memory has been read. */
	if (status == cudaSuccess)
		status = cudaStreamSynchronize(NULL);
	return status == cudaSuccess ? copy : give_up(copy, status, e);
}

/* The same as 16-bit numbers. */
static void *
copy_narrow(const float *x, size_t n, enum narrow_kind kind, struct err *e)
{
	void *wide = copy_floats(x, n, e), *copy = NULL;
	cudaError_t status;

	if (!wide)
		return NULL;
	status = cudaMalloc(&copy, n * sizeof(uint16_t));
	if (status == cudaSuccess)
		status = cuda_narrow(NULL, wide, n, copy, kind);
	if (status == cudaSuccess)
		status = cudaStreamSynchronize(NULL);
	cudaFree(wide);
	return status == cudaSuccess ? copy : give_up(copy, status, e);
}

/* ---- linear layers ---- */

struct linear *
cuda_linear_create(struct backend *b, const float *weight, const float *bias, size_t n_out,
    size_t n_in, enum activation f)
{
	struct linear *w = mem_zero(1, sizeof(*w));

	w->backend = (struct cuda_backend *)b;
	w->host_weight = weight;
	w->host_bias = bias;
	w->n_out = n_out;
	w->n_in = n_in;
	w->f = f;
	return w;
}

int
cuda_linear_prepare(struct linear *w, struct err *e)
{
	enum narrow_kind kind = w->backend->kind;
	size_t n = w->n_out * w->n_in;

	w->weight = kind == NARROW_NONE ? copy_floats(w->host_weight, n, e)
					: copy_narrow(w->host_weight, n, kind, e);
	if (w->host_bias)
		w->bias = copy_floats(w->host_bias, w->n_out, e);
	if (w->host_bias && kind != NARROW_NONE && !e->is_set)
		w->narrow_bias = copy_narrow(w->host_bias, w->n_out, kind, e);
	return e->is_set ? -1 : 0;
}

void
cuda_linear_free(struct linear *w)
{
	if (!w)
		return;
	cudaFree(w->weight);
	cudaFree(w->bias);
	cudaFree(w->narrow_bias);
	free(w);
}

/* ---- the others ---- */

struct norm *
cuda_norm_create(struct backend *b, const float *gain, const float *bias, size_t n, float eps)
{
	struct norm *w = mem_zero(1, sizeof(*w));

	(void)b;
	w->n = n;
	w->numbers.eps = eps;
	w->numbers.gain = copy_floats(gain, n, &w->err);
	w->numbers.bias = copy_floats(bias, n, &w->err);
	return w;
}

void
cuda_norm_free(struct norm *w)
{
	if (!w)
		return;
	cudaFree((void *)(uintptr_t)w->numbers.gain);
	cudaFree((void *)(uintptr_t)w->numbers.bias);
	free(w);
}

struct embedding *
cuda_embedding_create(struct backend *b, const struct model *m)
{
	struct embedding *w = mem_zero(1, sizeof(*w));
	const struct model_config *c = &m->config;
	size_t h = c->hidden;

	(void)b;
	w->columns = h;
	w->norm.eps = c->layer_norm_eps;
	w->tables.words = copy_floats(m->word_embeddings, c->vocab * h, &w->err);
	w->tables.positions = copy_floats(m->position_embeddings, c->positions * h, &w->err);
	w->tables.type = copy_floats(m->type_embeddings, h, &w->err);
	w->norm.gain = copy_floats(m->embedding_norm_weight, h, &w->err);
	w->norm.bias = copy_floats(m->embedding_norm_bias, h, &w->err);
	return w;
}

void
cuda_embedding_free(struct embedding *w)
{
	if (!w)
		return;
	cudaFree((void *)(uintptr_t)w->tables.words);
	cudaFree((void *)(uintptr_t)w->tables.positions);
	cudaFree((void *)(uintptr_t)w->tables.type);
	cudaFree((void *)(uintptr_t)w->norm.gain);
	cudaFree((void *)(uintptr_t)w->norm.bias);
	free(w);
}

struct pooling *
cuda_pooling_create(struct backend *b, const float *weight, size_t n)
{
	struct pooling *w = mem_zero(1, sizeof(*w));

	(void)b;
	w->n = n;
	w->weight = copy_floats(weight, n, &w->err);
	return w;
}

void
cuda_pooling_free(struct pooling *w)
{
	if (!w)
		return;
	cudaFree((void *)(uintptr_t)w->weight);
	free(w);
}
