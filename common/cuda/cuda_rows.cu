/* Embedding, norm, conversion, gathering: a warp a row, or a thread a number. */

#include "cuda/cuda_activation.h"
#include "cuda/cuda_device.h"
#include "cuda/cuda_kernels.h"
#include "cuda/cuda_writer.h"

enum { ROWS_A_BLOCK = 4, THREADS = ROWS_A_BLOCK * WARP };

/* This warp's row; the warps of a block are its y. */
DEVICE size_t
my_row(void)
{
	return (size_t)blockIdx.x * ROWS_A_BLOCK + threadIdx.y;
}

static unsigned
blocks_of_rows(size_t n)
{
	return (unsigned)((n + ROWS_A_BLOCK - 1) / ROWS_A_BLOCK);
}

/* ---- embedding and norm ---- */

/* Each lane has the numbers lane, lane + 32, ... of the row, in wide or, without that plane, where
 * `row` lies. */
template <class T>
DEVICE void
normalize_row(const float *row, struct norm_numbers norm, int columns, struct plane_writer<T> out,
    size_t at, int *overflow)
{
	int lane = (int)threadIdx.x;
	float sum = 0, squares = 0, mean, factor;

	for (int c = lane; c < columns; c += WARP)
		sum += row[c];
	mean = add_lanes(sum) / (float)columns;
	for (int c = lane; c < columns; c += WARP)
		squares += (row[c] - mean) * (row[c] - mean);
	squares = add_lanes(squares) / (float)columns;
	if (lane == 0 && !(squares <= 3.4e38f))
		*overflow = 1;
	factor = 1 / sqrtf(squares + norm.eps);
	for (int c = lane; c < columns; c += WARP)
		out.put(at + (size_t)c, (row[c] - mean) * factor * norm.gain[c] + norm.bias[c]);
}

template <class T>
__global__ void
__launch_bounds__(THREADS)
    embed_rows(struct embedding_tables t, struct norm_numbers norm, const int32_t *ids,
	const int32_t *positions, size_t n, int columns, struct plane_writer<T> out, int *overflow)
{
	size_t i = my_row(), at = i * (size_t)columns;

	if (i >= n)
		return;
	const float *word = t.words + (size_t)ids[i] * (size_t)columns;
	const float *position = t.positions + (size_t)positions[i] * (size_t)columns;

	for (int c = (int)threadIdx.x; c < columns; c += WARP)
		out.wide[at + (size_t)c] = word[c] + t.type[c] + position[c];
	normalize_row(out.wide + at, norm, columns, out, at, overflow);
}

template <class T>
__global__ void
__launch_bounds__(THREADS) normalize_rows(struct norm_numbers norm, const float *in, size_t n,
    int columns, struct plane_writer<T> out, int *overflow)
{
	size_t i = my_row(), at = i * (size_t)columns;

	if (i < n)
		normalize_row(in + at, norm, columns, out, at, overflow);
}

cudaError_t
cuda_embed(cudaStream_t stream, const struct embedding_tables *t, const struct norm_numbers *norm,
    const int32_t *ids, const int32_t *positions, size_t n, size_t columns, struct planes out,
    enum narrow_kind kind, int *overflow)
{
	dim3 block(WARP, ROWS_A_BLOCK);

	if (n == 0)
		return cudaSuccess;
	if (kind == NARROW_FP16)
		LAUNCH((embed_rows<struct fp16>), blocks_of_rows(n), block, 0, stream, *t, *norm,
		    ids, positions, n, (int)columns, plane_writer<struct fp16>(out), overflow);
	else
		LAUNCH((embed_rows<struct bf16>), blocks_of_rows(n), block, 0, stream, *t, *norm,
		    ids, positions, n, (int)columns, plane_writer<struct bf16>(out), overflow);
	return cudaGetLastError();
}

cudaError_t
cuda_normalize(cudaStream_t stream, const struct norm_numbers *norm, const float *in, size_t n,
    size_t columns, struct planes out, enum narrow_kind kind, int *overflow)
{
	dim3 block(WARP, ROWS_A_BLOCK);

	if (n == 0)
		return cudaSuccess;
	if (kind == NARROW_FP16)
		LAUNCH((normalize_rows<struct fp16>), blocks_of_rows(n), block, 0, stream, *norm,
		    in, n, (int)columns, plane_writer<struct fp16>(out), overflow);
	else
		LAUNCH((normalize_rows<struct bf16>), blocks_of_rows(n), block, 0, stream, *norm,
		    in, n, (int)columns, plane_writer<struct bf16>(out), overflow);
	return cudaGetLastError();
}

/* ---- numbers ---- */

/* The number of this thread, and how far it is to its next one. */
DEVICE size_t
my_number(void)
{
	return (size_t)blockIdx.x * THREADS + threadIdx.x;
}

DEVICE size_t
all_threads(void)
{
	return (size_t)gridDim.x * THREADS;
}

static unsigned
blocks_of_numbers(size_t n)
{
	size_t blocks = (n + THREADS - 1) / THREADS;

	return blocks < 65536 ? (unsigned)blocks : 65536;
}

template <class T>
__global__ void
__launch_bounds__(THREADS) widen_numbers(const T *narrow, size_t n, float *wide)
{
	for (size_t i = my_number(); i < n; i += all_threads())
		wide[i] = widen(narrow[i]);
}

template <class T>
__global__ void
__launch_bounds__(THREADS) narrow_numbers(const float *wide, size_t n, T *narrowed)
{
	for (size_t i = my_number(); i < n; i += all_threads())
		narrow(wide[i], &narrowed[i]);
}

cudaError_t
cuda_widen(
    cudaStream_t stream, const uint16_t *narrow, size_t n, float *wide, enum narrow_kind kind)
{
	if (n == 0)
		return cudaSuccess;
	if (kind == NARROW_FP16)
		LAUNCH((widen_numbers<struct fp16>), blocks_of_numbers(n), THREADS, 0, stream,
		    (const struct fp16 *)narrow, n, wide);
	else
		LAUNCH((widen_numbers<struct bf16>), blocks_of_numbers(n), THREADS, 0, stream,
		    (const struct bf16 *)narrow, n, wide);
	return cudaGetLastError();
}

cudaError_t
cuda_narrow(
    cudaStream_t stream, const float *wide, size_t n, uint16_t *narrow, enum narrow_kind kind)
{
	if (n == 0)
		return cudaSuccess;
	if (kind == NARROW_FP16)
		LAUNCH((narrow_numbers<struct fp16>), blocks_of_numbers(n), THREADS, 0, stream,
		    wide, n, (struct fp16 *)narrow);
	else
		LAUNCH((narrow_numbers<struct bf16>), blocks_of_numbers(n), THREADS, 0, stream,
		    wide, n, (struct bf16 *)narrow);
	return cudaGetLastError();
}

/* ---- activation functions ---- */

template <class T>
__global__ void
__launch_bounds__(THREADS)
    activate_numbers(int f, const float *x, size_t n, struct plane_writer<T> out)
{
	for (size_t i = my_number(); i < n; i += all_threads())
		out.put(i, activate(x[i], f));
}

cudaError_t
cuda_activate(
    cudaStream_t stream, int f, const float *x, size_t n, struct planes out, enum narrow_kind kind)
{
	if (n == 0)
		return cudaSuccess;
	if (kind == NARROW_FP16)
		LAUNCH((activate_numbers<struct fp16>), blocks_of_numbers(n), THREADS, 0, stream, f,
		    x, n, plane_writer<struct fp16>(out));
	else
		LAUNCH((activate_numbers<struct bf16>), blocks_of_numbers(n), THREADS, 0, stream, f,
		    x, n, plane_writer<struct bf16>(out));
	return cudaGetLastError();
}

/* ---- rows as bytes ---- */

/* A row is `count` elements of type U. */
template <class U>
__global__ void
__launch_bounds__(THREADS)
    gather_rows(const U *in, const int32_t *index, size_t n, int count, U *out)
{
	size_t i = my_row();

	if (i >= n)
		return;
	const U *from = in + (size_t)index[i] * (size_t)count;
	U *to = out + i * (size_t)count;

	for (int c = (int)threadIdx.x; c < count; c += WARP)
		to[c] = from[c];
}

static __global__ void
__launch_bounds__(THREADS)
    compare_rows(const uint16_t *first, const uint16_t *rows, size_t n, int count, int *differs)
{
	size_t i = my_row();

	if (i >= n)
		return;
	for (int c = (int)threadIdx.x; c < count; c += WARP)
		if (rows[i * (size_t)count + (size_t)c] != first[c])
			*differs = 1;
}

cudaError_t
cuda_gather(
    cudaStream_t stream, const void *in, const int32_t *index, size_t n, size_t bytes, void *out)
{
	dim3 block(WARP, ROWS_A_BLOCK);

	if (n == 0)
		return cudaSuccess;
	if (bytes % 16 == 0)
		LAUNCH((gather_rows<uint4>), blocks_of_rows(n), block, 0, stream, (const uint4 *)in,
		    index, n, (int)(bytes / 16), (uint4 *)out);
	else
		LAUNCH((gather_rows<uint16_t>), blocks_of_rows(n), block, 0, stream,
		    (const uint16_t *)in, index, n, (int)(bytes / 2), (uint16_t *)out);
	return cudaGetLastError();
}

cudaError_t
cuda_compare_rows(
    cudaStream_t stream, const void *first, const void *rows, size_t n, size_t bytes, int *differs)
{
	dim3 block(WARP, ROWS_A_BLOCK);

	if (n == 0)
		return cudaSuccess;
	LAUNCH(compare_rows, blocks_of_rows(n), block, 0, stream, (const uint16_t *)first,
	    (const uint16_t *)rows, n, (int)(bytes / 2), differs);
	return cudaGetLastError();
}
