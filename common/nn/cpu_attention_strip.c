/* cpu_attention_strip.c - for the gradient of attention: from scores to packed weights and
 * gradients of scores; columns to rows. */

#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_attention_gradient_bf16.h"
#include "nn/cpu_bf16_lanes.h"
#include "nn/cpu_exp2_avx512.h"
#include "nn/cpu_transpose16.h"

/* Sixteen keys of one query. */
struct sixteen {
	__m512 weights, scores;
};

INLINE struct sixteen
compute(const struct bf16_strip *p, size_t i, size_t j)
{
	size_t at = i * p->row + j;
	__mmask16 real = j + 16 <= p->n_real ? 0xffff
			 : j >= p->n_real    ? 0
					     : (__mmask16)((1u << (p->n_real - j)) - 1);
	__m512 x =
	    exp2_cubic(_mm512_sub_ps(_mm512_loadu_ps(p->s + at), _mm512_set1_ps(p->log_sum[i])));
	__m512 d = _mm512_loadu_ps(p->d + at);
	struct sixteen r;

	x = _mm512_maskz_mov_ps(real, x);
	r.weights = x;
	if (p->numbers) {
		__m512i number = _mm512_cvtepu16_epi32(
		    _mm256_loadu_si256((const __m256i *)(const void *)(p->numbers + at)));
		__mmask16 kept =
		    _mm512_cmpge_epu32_mask(number, _mm512_set1_epi32((int)p->threshold));
		__m512 scale = _mm512_set1_ps(p->scale);

		r.weights = _mm512_maskz_mul_ps(kept, x, scale);
		d = _mm512_maskz_mul_ps(kept, d, scale);
	}
	r.scores = _mm512_mul_ps(x, _mm512_sub_ps(d, _mm512_set1_ps(p->dot[i])));
	return r;
}

/* Two queries and 32 keys at a time. */
TARGET_BF16 void
bf16_strip(const struct bf16_strip *p)
{
	for (size_t i = 0; i < BF16_SIDE; i += 2)
		for (size_t j = 0; j < p->n; j += BF16_SIDE) {
			struct sixteen a = compute(p, i, j), b = compute(p, i, j + 16);
			struct sixteen c = compute(p, i + 1, j), d = compute(p, i + 1, j + 16);
			size_t pair = j / BF16_SIDE * p->side_bytes + i / 2 * BF16_LINE;
			unsigned char *line =
			    p->scores + j / BF16_SIDE * 2 * BF16_TILE + i * BF16_LINE;

			_mm512_storeu_si512(
			    p->weights + pair, interleave_native(a.weights, c.weights));
			_mm512_storeu_si512(
			    p->weights + pair + BF16_TILE, interleave_native(b.weights, d.weights));
			_mm512_storeu_si512(
			    p->scores_pairs + pair, interleave_native(a.scores, c.scores));
			_mm512_storeu_si512(p->scores_pairs + pair + BF16_TILE,
			    interleave_native(b.scores, d.scores));
			_mm512_storeu_si512(line, neighbours_native(a.scores, b.scores));
			_mm512_storeu_si512(
			    line + BF16_LINE, neighbours_native(c.scores, d.scores));
		}
}

TARGET void
bf16_turn(const float *from, size_t from_row, size_t n, size_t n_c, float factor, float *to,
    size_t to_row)
{
	const __m512 f = _mm512_set1_ps(factor);

	for (size_t i = 0; i < n; i += 16)
		for (size_t c = 0; c < n_c; c += 16) {
			size_t width = n_c - c < 16 ? n_c - c : 16;
			__mmask16 mask = (__mmask16)((1u << width) - 1);
			__m512i line[16];

			for (size_t l = 0; l < 16; l++)
				line[l] = _mm512_castps_si512(_mm512_mul_ps(
				    _mm512_loadu_ps(from + (c + l) * from_row + i), f));
			transpose16(line);
			for (size_t l = 0; l < 16 && i + l < n; l++)
				_mm512_mask_storeu_epi32(to + (i + l) * to_row + c, mask, line[l]);
		}
}

#endif
