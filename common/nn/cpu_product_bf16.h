/* cpu_product_bf16.h - plain matrix products whose operands are rounded to bfloat16 on the way,
 * with float32 sums: what learning in bfloat16 multiplies with.
 *
 * Operands are float32 as in cpu_product.h, and nothing of them is kept: a block of B is rounded
 * and packed into the second-level cache, then 32 rows of A at a time into the first, and both are
 * multiplied at once. So weights that change with every step need no packing of their own; it costs
 * about a tenth of a product of 256 rows.
 *
 * A tile is 16 lines of 16 pairs of bfloat16. Of A a line is a row, and a pair two neighbours along
 * k; of B a line is such a pair of rows, with the 16 columns in it. That is what AMX multiplies,
 * and what vdpbf16ps and plain AVX-512 can. Each sum is added up in the order of k, so equal
 * operands and shapes give equal bits on the same kind of processor. */

#ifndef NN_CPU_PRODUCT_BF16_H
#define NN_CPU_PRODUCT_BF16_H

#include <stdint.h>

#include "nn/cpu_isa.h"
#include "nn/cpu_product.h"

enum {
	BF16_SIDE = 32,   /* rows of A and columns of B that are multiplied at a time: two tiles */
	BF16_DEPTH = 32,  /* values along k in a tile */
	BF16_LINES = 16,  /* of a tile */
	BF16_PAIRS = 16,  /* in a line */
	BF16_TILE = 1024, /* bytes of a tile */
	BF16_LINE = 64    /* bytes of a line */
};

/* One tile's part of a matrix of float32: value (x, k) is at[x * x_step + k * k_step], one of the
 * steps being 1; only values below n_x (at most 16) and n_k (at most 32) are there, others are 0.
 * is_by_pair: a line is a pair along k (B), else an x (A). */
struct bf16_part {
	const float *at;
	size_t x_step, k_step, n_x, n_k;
	bool is_by_pair;
	float unit; /* values are taken times this */
};

struct bf16_strip; /* cpu_attention_gradient_bf16.h */

/* One set of instructions. */
struct bf16_kernel {
	void (*begin)(void), (*end)(void); /* around a thread's blocks; may be NULL */
	void (*pack)(const struct bf16_part *p, void *tile);
	/* c [32][c_row] = (is_added ? c : 0) + A B, with a: [steps][2 tiles of rows], b: [steps][2
	 * tiles of columns]. */
	void (*block)(
	    const void *a, const void *b, size_t steps, float *c, size_t c_row, bool is_added);
	/* For the gradient of attention; AMX only, else NULL. */
	void (*strip)(const struct bf16_strip *p);
	/* to[i][c] = from[c][i] * factor, for i < n and c < n_c; reads whole sixteens. */
	void (*turn)(const float *from, size_t from_row, size_t n, size_t n_c, float factor,
	    float *to, size_t to_row);
};

/* NULL below AVX-512. */
const struct bf16_kernel *bf16_kernel(enum cpu_isa isa);

#if defined(__x86_64__)
extern const struct bf16_kernel bf16_kernel_avx512, bf16_kernel_avx512_bf16, bf16_kernel_amx;
/* The packing of the last two. */
void bf16_pack_native(const struct bf16_part *p, void *tile);
#endif

struct bf16_scratch; /* a thread's */

struct bf16_scratch *bf16_scratch_create(void);
void bf16_scratch_free(struct bf16_scratch *s);

/* The product of cpu_product.h. */
void product_bf16_run(
    const struct product *p, const struct bf16_kernel *kernel, struct bf16_scratch *s);

#endif
