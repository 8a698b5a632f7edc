/* cpu_attention_int8_avx512.h - what the integer kernels for AVX512-VNNI and AMX share.
 *
 * A panel is of 64 keys, packed as [4 times 16 keys][quads of d][16 keys][4 values]. Two packs of
 * vectors, first from 32 to 16 bits, then to 8, leave the weights of 64 keys in this order: quad 4
 * l
 * + b of it is of the keys 16 b + 4 l to 16 b + 4 l + 3. So values are packed as [width / 16][16
 * quads of keys in that order][16 values][4 keys], and the keys' weights, halfway, as quads 2 l + b
 * of each 32 keys. */

#ifndef NN_CPU_ATTENTION_INT8_AVX512_H
#define NN_CPU_ATTENTION_INT8_AVX512_H

#include <immintrin.h>

#include "nn/cpu_attention_int8_loops.h"

void attention_int8_avx512_sums(const float *x, size_t stride, size_t n, size_t d, float *ret);
void attention_int8_avx512_amplitudes(
    const float *x, size_t stride, size_t n, size_t d, const float *mean, float *ret);

/* n rows of d, 1 to 16, as 8-bit integers, to [16][d up to a multiple of 64], filled up with 0;
 * 16 amplitudes. */
void attention_int8_avx512_rows(
    const float *x, size_t stride, size_t n, size_t d, unsigned char *to, float *amplitude);

/* `depth`: d as packed. */
void attention_int8_avx512_pack_keys(const float *k, size_t stride, size_t n, size_t d,
    size_t depth, const float *mean, void *to, const struct attention_int8_keys *keys, size_t at);
void attention_int8_avx512_pack_values(const float *v, size_t stride, size_t n, size_t d,
    const float *mean, const float *inverse, void *to);

/* Of the rows of a group: the block's greatest score, the sum of its weights. */
struct attention_int8_tops {
	int32_t top[16], sum[16];
};

/* What the n rows of a group keep: max, sum, scale and gain. */
void attention_int8_avx512_join_rows(
    const struct attention_int8_block *b, size_t n, const struct attention_int8_tops *tops);
/* Scores to weights and what rows keep, for a group of up to 16. The weights lie in the first 256
 * bytes of the scores' rows. */
void attention_int8_avx512_softmax(const struct attention_int8_block *b, size_t group);

/* Sixteen of o[c] * scale + gain * sum[c]. */
__attribute__((target("avx512f"), always_inline)) static inline void
attention_int8_avx512_join(float *o, __m512i sum, float scale, float gain)
{
	__m512 x = _mm512_mul_ps(_mm512_loadu_ps(o), _mm512_set1_ps(scale));
	__m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(gain));

	_mm512_storeu_ps(o, _mm512_add_ps(x, y));
}

#endif
