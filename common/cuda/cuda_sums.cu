/* Means, pools, cosines: sums in double precision, in an order that only the sizes decide. */

#include "cuda/cuda_device.h"
#include "cuda/cuda_element.h"
#include "cuda/cuda_kernels.h"
#include "cuda/cuda_writer.h"

enum { LINES = 8, THREADS = LINES * WARP };

/* ---- sums over a run of rows ---- */

/* The sum over the lines of a block, for each lane; in every thread of line 0. */
DEVICE double
add_lines(double x)
{
	__shared__ double part[LINES][WARP];

	__syncthreads();
	part[threadIdx.y][threadIdx.x] = x;
	__syncthreads();
	if (threadIdx.y == 0)
		for (int y = 1; y < LINES; y++)
			x += part[y][threadIdx.x];
	return x;
}

/* A block has 32 columns of one run. */
template <class T>
__global__ void
__launch_bounds__(THREADS)
    mean_runs(const float *in, struct runs runs, int columns, struct plane_writer<T> out)
{
	size_t i = blockIdx.x;
	int column = (int)(blockIdx.y * WARP + threadIdx.x), from = runs.from[i], to = runs.to[i];
	double sum = 0;

	if (column < columns)
		for (int r = from + (int)threadIdx.y; r < to; r += LINES)
			sum += (double)in[(size_t)r * (size_t)columns + (size_t)column];
	sum = add_lines(sum);
	if (threadIdx.y == 0 && column < columns)
		out.put(i * (size_t)columns + (size_t)column, (float)(sum / (double)(to - from)));
}

static dim3
blocks_of_runs(size_t n, size_t columns)
{
	return dim3((unsigned)n, (unsigned)((columns + WARP - 1) / WARP));
}

cudaError_t
cuda_mean(cudaStream_t stream, const float *in, const struct runs *runs, size_t columns,
    struct planes out, enum narrow_kind kind)
{
	dim3 grid = blocks_of_runs(runs->n, columns), block(WARP, LINES);

	if (runs->n == 0)
		return cudaSuccess;
	if (kind == NARROW_FP16)
		LAUNCH((mean_runs<struct fp16>), grid, block, 0, stream, in, *runs, (int)columns,
		    plane_writer<struct fp16>(out));
	else
		LAUNCH((mean_runs<struct bf16>), grid, block, 0, stream, in, *runs, (int)columns,
		    plane_writer<struct bf16>(out));
	return cudaGetLastError();
}

/* ---- attention pool ---- */

DEVICE double
dot_of_warp(const float *x, const float *y, int columns)
{
	double sum = 0;

	for (int c = (int)threadIdx.x; c < columns; c += WARP)
		sum += (double)x[c] * (double)y[c];
	return add_lanes(sum);
}

static __global__ void
__launch_bounds__(THREADS)
    score_rows(const float *in, size_t n, const float *weight, int columns, double *scores)
{
	size_t i = (size_t)blockIdx.x * LINES + threadIdx.y;

	if (i >= n)
		return;
	double score = dot_of_warp(in + i * (size_t)columns, weight, columns);

	if (threadIdx.x == 0)
		scores[i] = score;
}

/* Every lane of a warp finds the greatest score of the run. */
DEVICE double
find_most(const double *scores, int from, int to)
{
	double most = scores[from];

	for (int r = from + (int)threadIdx.x; r < to; r += WARP)
		most = scores[r] > most ? scores[r] : most;
	for (int mask = WARP / 2; mask > 0; mask /= 2) {
		double other = exchange(most, mask);

		most = other > most ? other : most;
	}
	return most;
}

template <class T>
__global__ void
__launch_bounds__(THREADS) pool_runs(const float *in, const double *scores, struct runs runs,
    int columns, struct plane_writer<T> out)
{
	size_t i = blockIdx.x;
	int column = (int)(blockIdx.y * WARP + threadIdx.x), from = runs.from[i], to = runs.to[i];
	double most = find_most(scores, from, to), sum = 0, total = 0;

	for (int r = from + (int)threadIdx.y; r < to; r += LINES) {
		double share = exp(scores[r] - most);

		total += share;
		if (column < columns)
			sum += share * (double)in[(size_t)r * (size_t)columns + (size_t)column];
	}
	sum = add_lines(sum);
	total = add_lines(total);
	if (threadIdx.y == 0 && column < columns)
		out.put(i * (size_t)columns + (size_t)column, (float)(sum / total));
}

cudaError_t
cuda_pool(cudaStream_t stream, const float *in, size_t n_in, const float *weight, double *scores,
    const struct runs *runs, size_t columns, struct planes out, enum narrow_kind kind)
{
	dim3 grid = blocks_of_runs(runs->n, columns), block(WARP, LINES);

	if (runs->n == 0 || n_in == 0)
		return cudaSuccess;
	LAUNCH(score_rows, (unsigned)((n_in + LINES - 1) / LINES), block, 0, stream, in, n_in,
	    weight, (int)columns, scores);
	if (kind == NARROW_FP16)
		LAUNCH((pool_runs<struct fp16>), grid, block, 0, stream, in, scores, *runs,
		    (int)columns, plane_writer<struct fp16>(out));
	else
		LAUNCH((pool_runs<struct bf16>), grid, block, 0, stream, in, scores, *runs,
		    (int)columns, plane_writer<struct bf16>(out));
	return cudaGetLastError();
}

/* ---- cosines ---- */

static __global__ void
__launch_bounds__(THREADS) compare_pairs(const float *a, const int32_t *a_rows, const float *b,
    const int32_t *b_rows, size_t n, int columns, double *ret)
{
	size_t i = (size_t)blockIdx.x * LINES + threadIdx.y;

	if (i >= n)
		return;
	const float *x = a + (size_t)a_rows[i] * (size_t)columns;
	const float *y = b + (size_t)b_rows[i] * (size_t)columns;
	double product = dot_of_warp(x, y, columns);
	double norm_x = sqrt(dot_of_warp(x, x, columns));
	double norm_y = sqrt(dot_of_warp(y, y, columns));

	if (threadIdx.x == 0)
		ret[i] = product / fmax(norm_x, 1e-8) / fmax(norm_y, 1e-8);
}

cudaError_t
cuda_cosine(cudaStream_t stream, const float *a, const int32_t *a_rows, const float *b,
    const int32_t *b_rows, size_t n, size_t columns, double *ret)
{
	dim3 block(WARP, LINES);

	if (n == 0)
		return cudaSuccess;
	LAUNCH(compare_pairs, (unsigned)((n + LINES - 1) / LINES), block, 0, stream, a, a_rows, b,
	    b_rows, n, (int)columns, ret);
	return cudaGetLastError();
}

/* ---- joining attention ---- */

/* A thread a number. */
template <class E>
__global__ void
__launch_bounds__(THREADS) join_rows(E *out, const float *sums, const E *other,
    const float *other_sums, const int32_t *rows, size_t n, int heads, int head_size)
{
	size_t columns = (size_t)heads * (size_t)head_size;

	for (size_t at = (size_t)blockIdx.x * THREADS + threadIdx.x; at < n * columns;
	     at += (size_t)gridDim.x * THREADS) {
		size_t i = at / columns, column = at % columns;
		size_t head = column / (size_t)head_size, row = (size_t)rows[i];
		float sum = sums[i * (size_t)heads + head];
		float other_sum = other_sums[row * (size_t)heads + head];
		float share = 1 / (1 + exp2f(other_sum - sum));
		float other_share = 1 / (1 + exp2f(sum - other_sum));

		write_element(read_element(out[at]) * share +
				  read_element(other[row * columns + column]) * other_share,
		    &out[at]);
	}
}

template <class E>
static cudaError_t
join(cudaStream_t stream, E *out, const float *sums, const E *other, const float *other_sums,
    const int32_t *rows, size_t n, size_t heads, size_t head_size)
{
	size_t blocks = (n * heads * head_size + THREADS - 1) / THREADS;

	LAUNCH((join_rows<E>), (unsigned)(blocks < 65536 ? blocks : 65536), THREADS, 0, stream, out,
	    sums, other, other_sums, rows, n, (int)heads, (int)head_size);
	return cudaGetLastError();
}

cudaError_t
cuda_join(cudaStream_t stream, struct planes out, const float *sums, struct planes other,
    const float *other_sums, const int32_t *rows, size_t n, size_t heads, size_t head_size,
    enum narrow_kind kind)
{
	if (n == 0)
		return cudaSuccess;
	if (kind == NARROW_NONE)
		return join(stream, out.wide, sums, (const float *)other.wide, other_sums, rows, n,
		    heads, head_size);
	if (kind == NARROW_FP16)
		return join(stream, (struct fp16 *)out.narrow, sums,
		    (const struct fp16 *)other.narrow, other_sums, rows, n, heads, head_size);
	return join(stream, (struct bf16 *)out.narrow, sums, (const struct bf16 *)other.narrow,
	    other_sums, rows, n, heads, head_size);
}
