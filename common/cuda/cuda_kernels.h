/* cuda_kernels.h - the kernels as C functions.
 *
 * A function puts its work on the stream and returns what the launch gave: the device works on
 * while the caller goes on, so everything that is named must live until the stream is done with it.
 * All pointers are the device's. Rows are [n][columns], end to end. n of 0 is allowed.
 *
 * Activations have up to two planes: float32, and the same numbers as 16-bit ones, which are what
 * the tensor cores multiply. A NULL plane is not written. Each row is computed by itself, with sums
 * in an order that depends on the number of columns only, so a result does not depend on the rows
 * beside it. */

#ifndef CUDA_CUDA_KERNELS_H
#define CUDA_CUDA_KERNELS_H

#include <cuda_runtime_api.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum narrow_kind { NARROW_NONE, NARROW_BF16, NARROW_FP16 };

struct planes {
	float *wide;      /* [n][columns] */
	uint16_t *narrow; /* the same */
};

struct embedding_tables {
	const float *words, *positions; /* [vocab][columns], [positions][columns] */
	const float *type;              /* [columns]: type 0 */
};

struct norm_numbers {
	const float *gain, *bias; /* [columns] */
	float eps;
};

/* Rows that end anywhere: out[i] is made of the rows from[i] .. to[i] - 1. */
struct runs {
	const int32_t *from, *to;
	size_t n;
};

/* ---- cuda_rows.cu ---- */

/* *overflow becomes 1 where a row has a number that is infinite or none. */
cudaError_t cuda_embed(cudaStream_t stream, const struct embedding_tables *t,
    const struct norm_numbers *norm, const int32_t *ids, const int32_t *positions, size_t n,
    size_t columns, struct planes out, enum narrow_kind kind, int *overflow);
cudaError_t cuda_normalize(cudaStream_t stream, const struct norm_numbers *norm, const float *in,
    size_t n, size_t columns, struct planes out, enum narrow_kind kind, int *overflow);
/* One plane to the other. */
cudaError_t cuda_widen(
    cudaStream_t stream, const uint16_t *narrow, size_t n, float *wide, enum narrow_kind kind);
cudaError_t cuda_narrow(
    cudaStream_t stream, const float *wide, size_t n, uint16_t *narrow, enum narrow_kind kind);
/* Rows of so many bytes: out[i] = in[index[i]]. Bytes a multiple of 2. */
cudaError_t cuda_gather(
    cudaStream_t stream, const void *in, const int32_t *index, size_t n, size_t bytes, void *out);
/* *differs becomes 1 where a row has other bits than `first`. */
cudaError_t cuda_compare_rows(
    cudaStream_t stream, const void *first, const void *rows, size_t n, size_t bytes, int *differs);
/* out = f(x), n numbers; f: an enum activation; x may be the wide plane of out. */
cudaError_t cuda_activate(
    cudaStream_t stream, int f, const float *x, size_t n, struct planes out, enum narrow_kind kind);

/* ---- cuda_sums.cu ---- */

/* The mean of each run; NaN where it is empty. */
cudaError_t cuda_mean(cudaStream_t stream, const float *in, const struct runs *runs, size_t columns,
    struct planes out, enum narrow_kind kind);
/* The sum of each run, each row times its share in the softmax of the rows' products with
 * weight. scores: room for n_in. */
cudaError_t cuda_pool(cudaStream_t stream, const float *in, size_t n_in, const float *weight,
    double *scores, const struct runs *runs, size_t columns, struct planes out,
    enum narrow_kind kind);
/* ret[i] = the cosine of row a_rows[i] of a with row b_rows[i] of b, as backend.h has it. */
cudaError_t cuda_cosine(cudaStream_t stream, const float *a, const int32_t *a_rows, const float *b,
    const int32_t *b_rows, size_t n, size_t columns, double *ret);
/* Row i of out, in place, with row rows[i] of other, as backend.h has attention_join. */
cudaError_t cuda_join(cudaStream_t stream, struct planes out, const float *sums,
    struct planes other, const float *other_sums, const int32_t *rows, size_t n, size_t heads,
    size_t head_size, enum narrow_kind kind);

/* ---- cuda_product.cu ---- */

/* out = f(in W' + bias), or residual + in W' + bias with a residual. For small and odd shapes, and
 * where the library has nothing fit: any sizes, f32 arithmetic, a fixed order. in and weight are of
 * the kind (NONE: float32); one plane of out is written. */
struct product {
	const void *in, *weight; /* [n][n_in], [n_out][n_in] */
	const float *bias;       /* [n_out] or NULL */
	const float *residual;   /* [n][n_out] or NULL */
	struct planes out;       /* [n][n_out] */
	size_t n, n_out, n_in;
	int f;
	enum narrow_kind kind;
};
cudaError_t cuda_product(cudaStream_t stream, const struct product *p);

/* ---- cuda_attention.cu (float32), cuda_flash.cu (16 bits, tensor cores) ---- */

/* The queries first .. first + 63 of a cell, as far as it has them. */
struct query_tile {
	int32_t cell, first;
};

enum { QUERY_TILE = 64, MOST_HEAD_SIZE = 128 };

struct attention {
	const void *q, *k, *v; /* [rows][heads * head_size] of the kind */
	void *out;
	float *sums; /* [queries][heads]: log2 of what a softmax was divided by; or NULL */
	const int32_t *cu_q, *cu_k; /* [cells + 1] */
	const struct query_tile *tiles;
	size_t n_tiles, heads, head_size; /* head_size: MOST_HEAD_SIZE at most */
};
cudaError_t cuda_attention(cudaStream_t stream, const struct attention *a);
cudaError_t cuda_flash(cudaStream_t stream, const struct attention *a, enum narrow_kind kind);

#ifdef __cplusplus
}
#endif

#endif
