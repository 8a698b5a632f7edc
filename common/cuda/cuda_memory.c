/*  1. workspaces
 *  2. up
 *  3. down
 *  4. activations */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cuda/cuda_attention_plan.h"
#include "cuda/cuda_matmul.h"
#include "cuda/cuda_memory.h"

enum { CHUNK_BYTES = 1 << 20, ALIGNMENT = 256, DOWN_BYTES = 4 << 20 };

/* ---- 1. workspaces ---- */

bool
cuda_went_well(struct workspace *ws, cudaError_t status, const char *file, int line)
{
	const char *name = strrchr(file, '/');

	if (status == cudaSuccess)
		return true;
	ws->is_full = status == cudaErrorMemoryAllocation;
	if (ws->is_full)
		err_set(&ws->err, "device cuda: its memory is full; give --batch-tokens a smaller "
				  "number, or -t");
	else
		err_set(&ws->err, "device cuda: %s (%s:%d)", cudaGetErrorString(status),
		    name ? name + 1 : file, line);
	cudaGetLastError(); /* what can be forgotten is */
	return false;
}

static void
start(struct workspace *ws)
{
	if (!CUDA_WELL(ws, cudaStreamCreateWithFlags(&ws->stream, cudaStreamNonBlocking)) ||
	    !CUDA_WELL(ws, cudaMalloc((void **)&ws->overflow, sizeof(*ws->overflow))) ||
	    !CUDA_WELL(ws, cudaMemsetAsync(ws->overflow, 0, sizeof(*ws->overflow), ws->stream)) ||
	    !CUDA_WELL(ws, cudaMallocHost((void **)&ws->down, 2 * (size_t)DOWN_BYTES)))
		return;
	for (int i = 0; i < 2; i++)
		if (!CUDA_WELL(
			ws, cudaEventCreateWithFlags(&ws->arrived[i], cudaEventDisableTiming)))
			return;
}

struct workspace *
cuda_workspace_create(struct backend *b)
{
	struct workspace *ws = mem_zero(1, sizeof(*ws));

	ws->backend = (struct cuda_backend *)b;
	ws->plan = attention_plan_create();
	start(ws);
	return ws;
}

void
cuda_array_free(struct cuda_array *a)
{
	cudaFree(a->data);
	*a = (struct cuda_array){ 0 };
}

struct upload_chunk {
	struct upload_chunk *next;
	char *host, *device;
	size_t size, used;
};

void
cuda_workspace_free(struct workspace *ws)
{
	if (!ws)
		return;
	if (ws->stream)
		cudaStreamSynchronize(ws->stream);
	for (struct upload_chunk *c = ws->chunks, *next; c; c = next) {
		next = c->next;
		cudaFreeHost(c->host);
		cudaFree(c->device);
		free(c);
	}
	attention_plan_free(ws->plan);
	cuda_array_free(&ws->scratch);
	cuda_array_free(&ws->matmul);
	cudaFree(ws->overflow);
	cudaFreeHost(ws->down);
	for (int i = 0; i < 2; i++)
		if (ws->arrived[i])
			cudaEventDestroy(ws->arrived[i]);
	if (ws->stream)
		cudaStreamDestroy(ws->stream);
	free(ws);
}

/* Only float16 has a range that activations can leave; elsewhere a number that is none comes from
 * the weights, and goes on as on the CPU. */
static void
check_overflow(struct workspace *ws)
{
	int overflow = 0;

	if (ws->backend->kind != NARROW_FP16 || ws->err.is_set ||
	    !CUDA_WELL(ws, cudaMemcpyAsync(ws->down, ws->overflow, sizeof(overflow),
			       cudaMemcpyDeviceToHost, ws->stream)) ||
	    !CUDA_WELL(ws, cudaStreamSynchronize(ws->stream)))
		return;
	memcpy(&overflow, ws->down, sizeof(overflow));
	if (!overflow)
		return;
	err_set(&ws->err, "precision fp16: a value is beyond its range; use bf16 or f32");
	cudaMemsetAsync(ws->overflow, 0, sizeof(*ws->overflow), ws->stream);
}

int
cuda_wait(struct workspace *ws, struct err *e)
{
	cudaError_t waited = ws->stream ? cudaStreamSynchronize(ws->stream) : cudaSuccess;
	int status = 0;

	if (CUDA_WELL(ws, waited))
		check_overflow(ws);
	for (struct upload_chunk *c = ws->chunks; c; c = c->next)
		c->used = 0;
	if (ws->err.is_set) {
		err_set(e, "%s", ws->err.text);
		status = ws->is_full ? BACKEND_NO_ROOM : -1;
	}
	ws->err.is_set = ws->is_full = false;
	return status;
}

void *
cuda_array_room(struct workspace *ws, struct cuda_array *a, size_t n)
{
	if (ws->err.is_set)
		return NULL;
	if (n <= a->room)
		return a->data;
	if (!CUDA_WELL(ws, cudaStreamSynchronize(ws->stream)))
		return NULL;
	cuda_array_free(a);
	n += n / 8;
	if (!CUDA_WELL(ws, cudaMalloc(&a->data, n))) {
		a->data = NULL;
		return NULL;
	}
	a->room = n;
	return a->data;
}

/* ---- 2. up ---- */

static struct upload_chunk *
add_chunk(struct workspace *ws, size_t size)
{
	struct upload_chunk *c = mem_zero(1, sizeof(*c));

	c->size = size > CHUNK_BYTES ? size : CHUNK_BYTES;
	c->next = ws->chunks;
	ws->chunks = c;
	if (CUDA_WELL(ws, cudaMallocHost((void **)&c->host, c->size)) &&
	    CUDA_WELL(ws, cudaMalloc((void **)&c->device, c->size)))
		return c;
	c->size = 0;
	return NULL;
}

bool
cuda_upload_begin(struct workspace *ws, size_t size, struct upload *ret)
{
	struct upload_chunk *c = ws->chunks;
	size_t room = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	if (ws->err.is_set)
		return false;
	while (c && c->size - c->used < room)
		c = c->next;
	if (!c && !(c = add_chunk(ws, room)))
		return false;
	*ret = (struct upload){ c->host + c->used, c->device + c->used, size };
	c->used += room;
	return true;
}

void
cuda_upload_send(struct workspace *ws, const struct upload *u, void *to)
{
	CUDA_DO(ws, cudaMemcpyAsync(
			to ? to : u->device, u->host, u->size, cudaMemcpyHostToDevice, ws->stream));
}

const int32_t *
cuda_upload_indices(struct workspace *ws, const size_t *x, size_t n)
{
	struct upload u;

	if (!cuda_upload_begin(ws, n * sizeof(int32_t), &u))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		assert(x[i] <= INT32_MAX);
		((int32_t *)u.host)[i] = (int32_t)x[i];
	}
	cuda_upload_send(ws, &u, NULL);
	return ws->err.is_set ? NULL : u.device;
}

const int32_t *
cuda_upload_ids(struct workspace *ws, const int32_t *x, size_t n)
{
	struct upload u;

	if (!cuda_upload_begin(ws, n * sizeof(*x), &u))
		return NULL;
	memcpy(u.host, x, n * sizeof(*x));
	cuda_upload_send(ws, &u, NULL);
	return ws->err.is_set ? NULL : u.device;
}

/* ---- 3. down ---- */

/* Asks for part i of the bytes, into one half of the pinned memory. */
static void
ask(struct workspace *ws, const char *device, size_t size, size_t i)
{
	size_t at = i * DOWN_BYTES, n = size - at < DOWN_BYTES ? size - at : DOWN_BYTES;

	if (CUDA_WELL(ws, cudaMemcpyAsync(ws->down + i % 2 * DOWN_BYTES, device + at, n,
			      cudaMemcpyDeviceToHost, ws->stream)))
		CUDA_DO(ws, cudaEventRecord(ws->arrived[i % 2], ws->stream));
}

int
cuda_download(struct workspace *ws, const void *device, void *host, size_t size, struct err *e)
{
	size_t n = (size + DOWN_BYTES - 1) / DOWN_BYTES;

	if (n > 0 && !ws->err.is_set)
		ask(ws, device, size, 0);
	for (size_t i = 0; i < n && !ws->err.is_set; i++) {
		size_t at = i * DOWN_BYTES, part = size - at < DOWN_BYTES ? size - at : DOWN_BYTES;

		if (i + 1 < n)
			ask(ws, device, size, i + 1);
		if (CUDA_WELL(ws, cudaEventSynchronize(ws->arrived[i % 2])))
			memcpy((char *)host + at, ws->down + i % 2 * DOWN_BYTES, part);
	}
	return cuda_wait(ws, e);
}

/* ---- 4. activations ---- */

struct activations *
cuda_activations_create(struct workspace *ws, size_t columns)
{
	struct activations *a = mem_zero(1, sizeof(*a));

	(void)ws;
	a->columns = columns;
	return a;
}

void
cuda_activations_shape(struct activations *a, size_t rows)
{
	a->rows = rows;
	if (a->wide.room < rows)
		a->wide.is_valid = false;
	if (a->narrow.room < rows)
		a->narrow.is_valid = false;
}

void
cuda_activations_free(struct activations *a)
{
	if (!a)
		return;
	cudaFree(a->wide.data);
	cudaFree(a->narrow.data);
	free(a);
}

/* Memory for all rows of a plane. Work that still reads the old memory is waited for. */
static bool
make_room(struct workspace *ws, struct activations *a, struct plane *p, size_t size)
{
	size_t room = a->rows + a->rows / 8;

	if (ws->err.is_set)
		return false;
	if (p->room >= a->rows)
		return true;
	if (!CUDA_WELL(ws, cudaStreamSynchronize(ws->stream)))
		return false;
	cudaFree(p->data);
	*p = (struct plane){ 0 };
	if (!CUDA_WELL(ws, cudaMalloc(&p->data, room * a->columns * size))) {
		p->data = NULL;
		return false;
	}
	p->room = room;
	return true;
}

static void
check(struct rows r)
{
	assert(r.from + r.n <= r.a->rows);
}

const float *
cuda_read_wide(struct workspace *ws, struct rows r)
{
	struct activations *a = r.a;

	check(r);
	if (ws->err.is_set)
		return NULL;
	if (!a->wide.is_valid) {
		assert(a->narrow.is_valid);
		if (!make_room(ws, a, &a->wide, sizeof(float)) ||
		    !CUDA_WELL(ws, cuda_widen(ws->stream, a->narrow.data, a->rows * a->columns,
				       a->wide.data, ws->backend->kind)))
			return NULL;
		a->wide.is_valid = true;
	}
	return (const float *)a->wide.data + r.from * a->columns;
}

const uint16_t *
cuda_read_narrow(struct workspace *ws, struct rows r)
{
	struct activations *a = r.a;

	check(r);
	if (ws->err.is_set)
		return NULL;
	if (!a->narrow.is_valid) {
		assert(a->wide.is_valid && ws->backend->kind != NARROW_NONE);
		if (!make_room(ws, a, &a->narrow, sizeof(uint16_t)) ||
		    !CUDA_WELL(ws, cuda_narrow(ws->stream, a->wide.data, a->rows * a->columns,
				       a->narrow.data, ws->backend->kind)))
			return NULL;
		a->narrow.is_valid = true;
	}
	return (const uint16_t *)a->narrow.data + r.from * a->columns;
}

const void *
cuda_read_factor(struct workspace *ws, struct rows r)
{
	return ws->backend->kind == NARROW_NONE ? (const void *)cuda_read_wide(ws, r)
						: (const void *)cuda_read_narrow(ws, r);
}

enum plane_choice
cuda_valid_planes(const struct activations *a)
{
	return (enum plane_choice)(
	    (a->wide.is_valid ? PLANE_WIDE : 0) | (a->narrow.is_valid ? PLANE_NARROW : 0));
}

struct planes
cuda_write(struct workspace *ws, struct rows r, enum plane_choice which)
{
	struct activations *a = r.a;
	struct planes none = { 0 }, ret = { 0 };

	check(r);
	if (ws->backend->kind == NARROW_NONE)
		which = PLANE_WIDE;
	if (((which & PLANE_WIDE) && !make_room(ws, a, &a->wide, sizeof(float))) ||
	    ((which & PLANE_NARROW) && !make_room(ws, a, &a->narrow, sizeof(uint16_t))))
		return none;
	if (which & PLANE_WIDE)
		ret.wide = (float *)a->wide.data + r.from * a->columns;
	if (which & PLANE_NARROW)
		ret.narrow = (uint16_t *)a->narrow.data + r.from * a->columns;
	a->wide.is_valid = which & PLANE_WIDE;
	a->narrow.is_valid = which & PLANE_NARROW;
	return ret;
}
