/* cpu_attention_gradient_bf16.h - cpu_attention_gradient.h's work with products in bfloat16.
 *
 * Queries, keys, values, weights and their gradients are rounded where they are multiplied; scores,
 * weights, sums and results are float32. For 128 queries and 128 keys at a time; the gradients of
 * keys and values are added up transposed, so that weights are packed as the products want them
 * straight from the registers that computed them. */

#ifndef NN_CPU_ATTENTION_GRADIENT_BF16_H
#define NN_CPU_ATTENTION_GRADIENT_BF16_H

#include "nn/cpu_product_bf16.h"
#include "nn/gradient.h"

/* A thread's working memory: 7 * head_size floats for each key of the longest cell. */
struct attention_bf16_scratch;

struct attention_bf16_scratch *attention_bf16_scratch_create(void);
void attention_bf16_scratch_free(struct attention_bf16_scratch *s);

/* Without key_effect and new_k. The kernel has a strip and a turn; the forward pass must have
 * rounded queries and keys, too. */
void attention_gradient_bf16_run(const struct bf16_kernel *kernel,
    const struct attention_gradient *call, struct attention_bf16_scratch *scratch);

/* A strip of 32 queries by a number of keys, a multiple of 32: from scores and the gradient of the
 * weights to the weights, and to the gradient of the scores, both packed for products. */
struct bf16_strip {
	const float *s, *d;          /* [32][row] */
	size_t row, n, n_real;       /* keys; weights of those from n_real are 0 */
	const float *log_sum, *dot;  /* [32] */
	const uint16_t *numbers;     /* [32][row] of dropout; NULL: none */
	uint32_t threshold;          /* of dropout */
	float scale;                 /* of what is not dropped */
	unsigned char *weights;      /* pairs of queries: tiles of keys, side_bytes to 32 keys */
	unsigned char *scores_pairs; /* the same */
	unsigned char *scores;       /* lines of queries: [n / 32][2 tiles] */
	size_t side_bytes;
};

#if defined(__x86_64__)
/* What kernels of AVX-512 with bfloat16 instructions have for these. */
void bf16_strip(const struct bf16_strip *p);
void bf16_turn(const float *from, size_t from_row, size_t n, size_t n_c, float factor, float *to,
    size_t to_row);
#endif

#endif
