/* cuda_matmul.h - the linear layers' products, by cuBLASLt where it can be trusted with them.
 *
 * A row's result must not depend on how many rows are computed with it, nor on its place among
 * them; else embeddings would depend on --batch-tokens. cuBLASLt promises no such thing, and its
 * heuristic takes other kernels for other numbers of rows. So an algorithm is chosen once for each
 * shape of the weights (n_out, n_in, what is added and written): the first of the heuristic's list,
 * for a canonical number of rows, that does not split the sum over n_in, and that is seen to give a
 * row the same bits at every place and in batches of several sizes on the device at hand. It is
 * then used for any number of rows. Where there is none, and for shapes that are no multiple of 8,
 * our own kernel (cuda_product.cu) computes the product.
 *
 * f32 means float32 throughout: TF32 is not asked for. */

#ifndef CUDA_CUDA_MATMUL_H
#define CUDA_CUDA_MATMUL_H

#include "cuda/cuda_memory.h"

/* What decides which kernel computes a product. */
struct product_shape {
	size_t n_out, n_in;
	enum narrow_kind kind;
	bool is_wide; /* the result is float32 */
	bool has_bias, has_residual, has_relu;
};

/* A product: out = relu(in weight' + bias), or residual + in weight' + bias. */
struct product_call {
	struct product_shape shape;
	const void *in, *weight;
	const void *bias; /* as the result's type */
	const float *residual;
	void *out;
	size_t n;
};

struct cuda_matmul;

/* NULL with *e set where cuBLASLt does not start. */
struct cuda_matmul *cuda_matmul_open(struct err *e);
void cuda_matmul_close(struct cuda_matmul *m);

/* Whether cuBLASLt did it; false: nothing was done, or ws has a failure. Chooses an algorithm where
 * the shape is new, which waits for the stream. Any thread. */
bool cuda_matmul_run(struct cuda_matmul *m, struct workspace *ws, const struct product_call *p);

/* How many shapes have an algorithm, and how many were given to our own kernel; for messages. */
void cuda_matmul_count(struct cuda_matmul *m, size_t *ret_library, size_t *ret_own);

#endif
