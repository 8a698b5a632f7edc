/* cpu_tile_avx2.c - the tile kernel for AVX2 with FMA: 6 rows x 16 columns in 12 registers, two
 * vectors of b and one broadcast of a. */

#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_exp2.h"
#include "nn/cpu_tile.h"

#define TARGET __attribute__((target("avx2,fma")))
#define INLINE TARGET static inline __attribute__((always_inline))

#define ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define LOAD(p) _mm256_loadu_ps(p)
#define START(i)                                        \
	__m256 a##i = _mm256_setzero_ps(), b##i = a##i; \
	if (p->is_added) {                              \
		a##i = LOAD(to + i * p->c_row);         \
		b##i = LOAD(to + i * p->c_row + 8);     \
	}
#define STEP(i)                                 \
	w = _mm256_broadcast_ss(a + i * a_row); \
	a##i = _mm256_fmadd_ps(w, x, a##i);     \
	b##i = _mm256_fmadd_ps(w, y, b##i);
#define END(i)                                     \
	_mm256_storeu_ps(to + i * p->c_row, a##i); \
	_mm256_storeu_ps(to + i * p->c_row + 8, b##i);

INLINE void
block(const struct tile_product *p, size_t row, size_t at)
{
	const float *a = p->a + row * p->a_row, *b = p->b + at;
	float *to = p->c + row * p->c_row + at;
	size_t a_row = p->a_row, a_step = p->a_step, b_row = p->b_row;

	ROWS(START)
	for (size_t k = 0; k < p->depth; k++, a += a_step, b += b_row) {
		__m256 x = LOAD(b), y = LOAD(b + 8), w;

		ROWS(STEP)
	}
	ROWS(END)
}

TARGET static void
product(const struct tile_product *p)
{
	for (size_t row = 0; row < p->rows; row += TILE_ROWS)
		for (size_t at = 0; at < p->width; at += TILE_WIDTH)
			block(p, row, at);
}

TARGET static void
weights(float *s, size_t n, float log_sum)
{
	const __m256 sum = _mm256_set1_ps(log_sum), least = _mm256_set1_ps(EXP2_MIN);

	for (size_t i = 0; i < n; i += 8) {
		__m256 x = _mm256_max_ps(_mm256_sub_ps(LOAD(s + i), sum), least);
		__m256 whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
		__m256 part = _mm256_sub_ps(x, whole), p = _mm256_set1_ps(EXP2_5);
		__m256i power = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 23);

		p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(EXP2_4));
		p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(EXP2_3));
		p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(EXP2_2));
		p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(EXP2_1));
		p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(1));
		_mm256_storeu_ps(
		    s + i, _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power)));
	}
}

TARGET static void
scores_back(const float *p, size_t n, float dot, float *d)
{
	const __m256 less = _mm256_set1_ps(dot);

	for (size_t i = 0; i < n; i += 8)
		_mm256_storeu_ps(
		    d + i, _mm256_mul_ps(LOAD(p + i), _mm256_sub_ps(LOAD(d + i), less)));
}

TARGET static void
effects(const float *p, const float *d, size_t n, float *effect)
{
	const __m256 one = _mm256_set1_ps(1), least = _mm256_set1_ps(0x1p-10f);

	for (size_t i = 0; i < n; i += 8) {
		__m256 rest = _mm256_max_ps(_mm256_sub_ps(one, LOAD(p + i)), least);

		_mm256_storeu_ps(
		    effect + i, _mm256_add_ps(LOAD(effect + i), _mm256_div_ps(LOAD(d + i), rest)));
	}
}

const struct tile_kernel tile_avx2 = { product, weights, scores_back, effects };

#endif
