/* Attention on the tensor cores: 16-bit queries, keys, values and shares, sums in float32.
 *
 * As Dao 2023 (FlashAttention-2): a block of four warps has the 64 queries of a tile in one head,
 * 16 a warp, and walks over the cell's keys, 64 at a time, with an online softmax; scores and
 * shares never leave the registers. While a tile of keys is worked on, the next one is copied into
 * shared memory. Keys are counted from the cell's first one and a query's numbers are its own, so
 * its result depends neither on its neighbours nor on the batch.
 *
 * In a warp, lane = 4 g + t has of a [16][8] tile of results the rows g and g + 8, columns 2 t and
 * 2 t + 1 (cuda_device.h, multiply_add): the scores of a key tile are so spread, and two tiles of
 * them side by side are, as pairs of 16-bit numbers, just the first factor of the next product. */

#include "cuda/cuda_device.h"
#include "cuda/cuda_kernels.h"

enum { WARPS = 4, THREADS = WARPS * WARP, KEYS = 64, CHUNK = 8 /* numbers of 16 bytes */ };

/* Shared memory; rows are padded, so that the eight rows of a matrix lie in different banks. */
template <class T, int D> struct tiles {
	T queries[QUERY_TILE][D + CHUNK];
	T keys[2][KEYS][D + CHUNK];
	T values[2][KEYS][D + CHUNK];
};

/* Rows of one head in global memory. */
template <class T> struct head_rows {
	const T *x;
	int n, stride, head_size;
};

/* 64 rows of D numbers from row `first` on, zeros where there are none. Waited for as a group of
 * copies, then for the block. */
template <class T, int D>
DEVICE void
load_tile(T (*to)[D + CHUNK], struct head_rows<T> from, int first)
{
	if (from.head_size % CHUNK == 0) {
		for (int i = (int)threadIdx.x; i < 64 * D / CHUNK; i += THREADS) {
			int row = i / (D / CHUNK), column = i % (D / CHUNK) * CHUNK;
			bool is_there = first + row < from.n && column < from.head_size;
			size_t at = (size_t)(first + row) * (size_t)from.stride + (size_t)column;

			copy16(&to[row][column], is_there ? from.x + at : from.x, is_there);
		}
		return;
	}
	for (int i = (int)threadIdx.x; i < 64 * D; i += THREADS) {
		int row = i / D, column = i % D;
		bool is_there = first + row < from.n && column < from.head_size;
		size_t at = (size_t)(first + row) * (size_t)from.stride + (size_t)column;

		to[row][column].bits = is_there ? from.x[at].bits : (uint16_t)0;
	}
}

/* What a warp knows of its 16 queries; [0] and [1]: rows g and g + 8. */
template <int D> struct state {
	float most[2], sum[2]; /* sum: of this lane's shares only */
	float out[D / 8][4];
};

/* score[i]: keys 8 i .. 8 i + 7 */
template <class T, int D>
DEVICE void
multiply_keys(const uint32_t (*queries)[4], const T (*keys)[D + CHUNK], float (*score)[4])
{
	int lane = (int)threadIdx.x % WARP, matrix = lane / 8;
	int key = matrix / 2 * 8 + lane % 8, column = matrix % 2 * 8;

#pragma unroll
	for (int i = 0; i < KEYS / 8; i++)
		score[i][0] = score[i][1] = score[i][2] = score[i][3] = 0;
#pragma unroll
	for (int c = 0; c < D / 16; c++)
#pragma unroll
		for (int pair = 0; pair < KEYS / 16; pair++) {
			uint32_t b[4];

			load_matrices(b, &keys[16 * pair + key][16 * c + column]);
			multiply_add(score[2 * pair], queries[c], b, T());
			multiply_add(score[2 * pair + 1], queries[c], b + 2, T());
		}
}

/* Scores become shares relative to 2^(scale * most). n_keys: how many there are, 1 or more. */
template <int D>
DEVICE void
take_shares(struct state<D> *s, float (*score)[4], int n_keys, float scale)
{
	int t = (int)threadIdx.x % 4;
	float most[2] = { s->most[0], s->most[1] };

#pragma unroll
	for (int i = 0; i < KEYS / 8; i++)
#pragma unroll
		for (int j = 0; j < 4; j++) {
			if (8 * i + 2 * t + j % 2 >= n_keys)
				score[i][j] = -INFINITY;
			most[j / 2] = fmaxf(most[j / 2], score[i][j]);
		}
#pragma unroll
	for (int r = 0; r < 2; r++) {
		float factor;

		most[r] = fmaxf(most[r], exchange(most[r], 1));
		most[r] = fmaxf(most[r], exchange(most[r], 2));
		factor = power_of_2((s->most[r] - most[r]) * scale);
		s->most[r] = most[r];
		s->sum[r] *= factor;
#pragma unroll
		for (int i = 0; i < D / 8; i++) {
			s->out[i][2 * r] *= factor;
			s->out[i][2 * r + 1] *= factor;
		}
	}
#pragma unroll
	for (int i = 0; i < KEYS / 8; i++)
#pragma unroll
		for (int j = 0; j < 4; j++) {
			score[i][j] = power_of_2(score[i][j] * scale - most[j / 2] * scale);
			s->sum[j / 2] += score[i][j];
		}
}

template <class T, int D>
DEVICE void
multiply_values(struct state<D> *s, const float (*share)[4], const T (*values)[D + CHUNK])
{
	int lane = (int)threadIdx.x % WARP, matrix = lane / 8;
	int key = matrix % 2 * 8 + lane % 8, column = matrix / 2 * 8;

#pragma unroll
	for (int k = 0; k < KEYS / 16; k++) {
		const float *left = share[2 * k], *right = share[2 * k + 1];
		uint32_t a[4] = { narrow_pair<T>(left[0], left[1]),
			narrow_pair<T>(left[2], left[3]), narrow_pair<T>(right[0], right[1]),
			narrow_pair<T>(right[2], right[3]) };

#pragma unroll
		for (int pair = 0; pair < D / 16; pair++) {
			uint32_t b[4];

			load_matrices_transposed(b, &values[16 * k + key][16 * pair + column]);
			multiply_add(s->out[2 * pair], a, b, T());
			multiply_add(s->out[2 * pair + 1], a, b + 2, T());
		}
	}
}

/* One row of the result, of which this lane has some columns. */
template <class T, int D>
DEVICE void
store_row(const struct state<D> *s, int r, float sum, T *out, int head_size)
{
	int t = (int)threadIdx.x % 4;

#pragma unroll
	for (int i = 0; i < D / 8; i++) {
		int column = 8 * i + 2 * t;
		uint32_t pair = narrow_pair<T>(s->out[i][2 * r] / sum, s->out[i][2 * r + 1] / sum);

		if (column < head_size)
			out[column].bits = (uint16_t)(pair & 0xffff);
		if (column + 1 < head_size)
			out[column + 1].bits = (uint16_t)(pair >> 16);
	}
}

template <class T, int D>
DEVICE void
store(const struct state<D> *s, const struct attention &a, struct query_tile tile, float scale)
{
	int lane = (int)threadIdx.x % WARP, head_size = (int)a.head_size;
	int n_q = a.cu_q[tile.cell + 1] - a.cu_q[tile.cell];
	size_t stride = a.heads * a.head_size, head = blockIdx.y;

#pragma unroll
	for (int r = 0; r < 2; r++) {
		int row = tile.first + (int)threadIdx.x / WARP * 16 + lane / 4 + 8 * r;
		size_t at = (size_t)(a.cu_q[tile.cell] + row);
		float sum = s->sum[r] + exchange(s->sum[r], 1);

		sum += exchange(sum, 2);
		if (row >= n_q)
			continue;
		store_row<T, D>(
		    s, r, sum, (T *)a.out + at * stride + head * a.head_size, head_size);
		if (a.sums && lane % 4 == 0)
			a.sums[at * a.heads + head] = s->most[r] * scale + log2f(sum);
	}
}

template <class T>
DEVICE struct head_rows<T>
find_rows(const struct attention &a, const void *x, const int32_t *cu, int cell) {
	size_t stride = a.heads * a.head_size;
	struct head_rows<T> rows;

	rows.x = (const T *)x + (size_t)cu[cell] * stride + blockIdx.y * a.head_size;
	rows.n = cu[cell + 1] - cu[cell];
	rows.stride = (int)stride;
	rows.head_size = (int)a.head_size;
	return rows;
}

template <class T, int D>
__global__ void
__launch_bounds__(THREADS) flash(struct attention a)
{
	struct tiles<T, D> *shared = (struct tiles<T, D> *)shared_memory();
	struct query_tile tile = a.tiles[blockIdx.x];
	struct head_rows<T> q = find_rows<T>(a, a.q, a.cu_q, tile.cell);
	struct head_rows<T> k = find_rows<T>(a, a.k, a.cu_k, tile.cell);
	struct head_rows<T> v = find_rows<T>(a, a.v, a.cu_k, tile.cell);
	float scale = 1.4426950408889634f / sqrtf((float)a.head_size);
	int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
	struct state<D> s;
	uint32_t queries[D / 16][4];

	s.most[0] = s.most[1] = -INFINITY;
	s.sum[0] = s.sum[1] = 0;
#pragma unroll
	for (int i = 0; i < D / 8; i++)
		s.out[i][0] = s.out[i][1] = s.out[i][2] = s.out[i][3] = 0;
	load_tile<T, D>(shared->queries, q, tile.first);
	load_tile<T, D>(shared->keys[0], k, 0);
	load_tile<T, D>(shared->values[0], v, 0);
	copy_commit();
	for (int key = 0, now = 0; key < k.n; key += KEYS, now = 1 - now) {
		float score[KEYS / 8][4];

		if (key + KEYS < k.n) {
			load_tile<T, D>(shared->keys[1 - now], k, key + KEYS);
			load_tile<T, D>(shared->values[1 - now], v, key + KEYS);
		}
		copy_commit();
		copy_wait<1>();
		__syncthreads();
		if (key == 0) {
#pragma unroll
			for (int c = 0; c < D / 16; c++)
				load_matrices(queries[c], &shared->queries[16 * warp + lane % 16]
									  [16 * c + lane / 16 * 8]);
		}
		multiply_keys<T, D>(queries, shared->keys[now], score);
		take_shares<D>(&s, score, k.n - key, scale);
		multiply_values<T, D>(&s, score, shared->values[now]);
		__syncthreads();
	}
	store<T, D>(&s, a, tile, scale);
}

template <class T, int D>
static cudaError_t
launch(cudaStream_t stream, const struct attention *a)
{
	size_t bytes = sizeof(struct tiles<T, D>);
	dim3 grid((unsigned)a->n_tiles, (unsigned)a->heads);
	cudaError_t failure = cudaFuncSetAttribute(
	    (const void *)flash<T, D>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);

	if (failure != cudaSuccess)
		return failure;
	LAUNCH((flash<T, D>), grid, THREADS, bytes, stream, *a);
	return cudaGetLastError();
}

template <class T>
static cudaError_t
choose(cudaStream_t stream, const struct attention *a)
{
	if (a->head_size <= 16)
		return launch<T, 16>(stream, a);
	if (a->head_size <= 32)
		return launch<T, 32>(stream, a);
	if (a->head_size <= 64)
		return launch<T, 64>(stream, a);
	if (a->head_size <= 96)
		return launch<T, 96>(stream, a);
	return launch<T, 128>(stream, a);
}

cudaError_t
cuda_flash(cudaStream_t stream, const struct attention *a, enum narrow_kind kind)
{
	if (a->n_tiles == 0)
		return cudaSuccess;
	return kind == NARROW_FP16 ? choose<struct fp16>(stream, a)
				   : choose<struct bf16>(stream, a);
}
