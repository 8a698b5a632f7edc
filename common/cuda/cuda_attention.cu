/* Attention in float32, without tensor cores: the reference mode.
 *
 * A block has the 64 queries of a tile in one head and walks over the cell's keys, 32 at a time,
 * with an online softmax. 16 x 16 threads: thread (x, y) has queries 4 y .. 4 y + 3; of the scores
 * the keys x and x + 16, of the result the columns x, x + 16, ... Queries, keys and values lie in
 * shared memory, padded with zeros to a head size of WIDE * 16. */

#include "cuda/cuda_device.h"
#include "cuda/cuda_kernels.h"

enum { SIDE = 16, THREADS = SIDE * SIDE, KEYS = 32, QUERIES = QUERY_TILE / SIDE };

/* The largest of the 16 threads of a line. */
DEVICE float
most_of_line(float x)
{
	for (int mask = SIDE / 2; mask > 0; mask /= 2)
		x = fmaxf(x, exchange(x, mask));
	return x;
}

DEVICE float
sum_of_line(float x)
{
	for (int mask = SIDE / 2; mask > 0; mask /= 2)
		x += exchange(x, mask);
	return x;
}

/* rows x head size floats from row `first` of x on, zeros where there is no such row. */
template <int WIDE>
DEVICE void
load_rows(float *to, const float *x, int n_rows, int first, int n, int stride, int head_size)
{
	const int wide = WIDE * SIDE;

	for (int i = (int)(threadIdx.y * SIDE + threadIdx.x); i < n_rows * wide; i += THREADS) {
		int row = i / wide, column = i % wide;
		bool is_there = first + row < n && column < head_size;

		to[row * (wide + 1) + column] =
		    is_there ? x[(size_t)(first + row) * (size_t)stride + (size_t)column] : 0;
	}
}

template <int WIDE> struct float_tiles {
	float queries[QUERY_TILE][WIDE * SIDE + 1];
	float keys[KEYS][WIDE * SIDE + 1];
	float values[KEYS][WIDE * SIDE + 1];
	float shares[QUERY_TILE][KEYS + 1];
};

/* What a thread knows of its queries. */
template <int WIDE> struct float_state {
	float most[QUERIES], sum[QUERIES]; /* of the scores, to base 2 */
	float out[QUERIES][WIDE];
};

/* Scores of a tile of keys; shares relative to the greatest score so far, the older results scaled
 * to it. */
template <int WIDE>
DEVICE void
add_scores(struct float_tiles<WIDE> *t, struct float_state<WIDE> *s, int n_keys, float scale)
{
	int x = (int)threadIdx.x, y = (int)threadIdx.y;
	float score[QUERIES][2] = { { 0 } };

	for (int c = 0; c < WIDE * SIDE; c++)
		for (int q = 0; q < QUERIES; q++) {
			score[q][0] += t->queries[QUERIES * y + q][c] * t->keys[x][c];
			score[q][1] += t->queries[QUERIES * y + q][c] * t->keys[x + SIDE][c];
		}
	for (int q = 0; q < QUERIES; q++) {
		float first = x < n_keys ? score[q][0] * scale : -INFINITY;
		float second = x + SIDE < n_keys ? score[q][1] * scale : -INFINITY;
		float most = fmaxf(s->most[q], most_of_line(fmaxf(first, second)));
		float factor = exp2f(s->most[q] - most);

		first = exp2f(first - most);
		second = exp2f(second - most);
		s->sum[q] = s->sum[q] * factor + sum_of_line(first + second);
		s->most[q] = most;
		for (int j = 0; j < WIDE; j++)
			s->out[q][j] *= factor;
		t->shares[QUERIES * y + q][x] = first;
		t->shares[QUERIES * y + q][x + SIDE] = second;
	}
}

template <int WIDE>
DEVICE void
add_values(const struct float_tiles<WIDE> *t, struct float_state<WIDE> *s)
{
	int x = (int)threadIdx.x, y = (int)threadIdx.y;

	for (int key = 0; key < KEYS; key++)
		for (int q = 0; q < QUERIES; q++)
			for (int j = 0; j < WIDE; j++)
				s->out[q][j] +=
				    t->shares[QUERIES * y + q][key] * t->values[key][x + j * SIDE];
}

template <int WIDE>
__global__ void
__launch_bounds__(THREADS) attend(struct attention a)
{
	struct float_tiles<WIDE> *t = (struct float_tiles<WIDE> *)shared_memory();
	struct query_tile tile = a.tiles[blockIdx.x];
	int head_size = (int)a.head_size, stride = (int)a.heads * head_size;
	int q0 = a.cu_q[tile.cell], n_q = a.cu_q[tile.cell + 1] - q0;
	int k0 = a.cu_k[tile.cell], n_k = a.cu_k[tile.cell + 1] - k0;
	size_t head = blockIdx.y, offset = head * (size_t)head_size;
	const float *q = (const float *)a.q + (size_t)q0 * (size_t)stride + offset;
	const float *k = (const float *)a.k + (size_t)k0 * (size_t)stride + offset;
	const float *v = (const float *)a.v + (size_t)k0 * (size_t)stride + offset;
	float scale = 1.4426950408889634f / sqrtf((float)head_size);
	struct float_state<WIDE> s;

	for (int i = 0; i < QUERIES; i++) {
		s.most[i] = -INFINITY;
		s.sum[i] = 0;
		for (int j = 0; j < WIDE; j++)
			s.out[i][j] = 0;
	}
	load_rows<WIDE>(&t->queries[0][0], q, QUERY_TILE, tile.first, n_q, stride, head_size);
	for (int key = 0; key < n_k; key += KEYS) {
		__syncthreads();
		load_rows<WIDE>(&t->keys[0][0], k, KEYS, key, n_k, stride, head_size);
		load_rows<WIDE>(&t->values[0][0], v, KEYS, key, n_k, stride, head_size);
		__syncthreads();
		add_scores(t, &s, n_k - key, scale);
		__syncthreads();
		add_values(t, &s);
	}
	for (int i = 0; i < QUERIES; i++) {
		int row = tile.first + QUERIES * (int)threadIdx.y + i;

		if (row >= n_q)
			continue;

		size_t at = (size_t)(q0 + row);

		for (int j = 0; j < WIDE; j++) {
			int column = (int)threadIdx.x + j * SIDE;

			if (column < head_size)
				((float *)a.out)[at * (size_t)stride + offset + (size_t)column] =
				    s.out[i][j] / s.sum[i];
		}
		if (a.sums && threadIdx.x == 0)
			a.sums[at * a.heads + head] = s.most[i] + log2f(s.sum[i]);
	}
}

template <int WIDE>
static cudaError_t
launch(cudaStream_t stream, const struct attention *a)
{
	size_t bytes = sizeof(struct float_tiles<WIDE>);
	dim3 grid((unsigned)a->n_tiles, (unsigned)a->heads), block(SIDE, SIDE);
	cudaError_t failure = cudaFuncSetAttribute(
	    (const void *)attend<WIDE>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);

	if (failure != cudaSuccess)
		return failure;
	LAUNCH((attend<WIDE>), grid, block, bytes, stream, *a);
	return cudaGetLastError();
}

cudaError_t
cuda_attention(cudaStream_t stream, const struct attention *a)
{
	if (a->n_tiles == 0)
		return cudaSuccess;
	if (a->head_size <= 16)
		return launch<1>(stream, a);
	if (a->head_size <= 32)
		return launch<2>(stream, a);
	if (a->head_size <= 64)
		return launch<4>(stream, a);
	return launch<8>(stream, a);
}
