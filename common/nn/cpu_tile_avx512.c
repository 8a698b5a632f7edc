/* cpu_tile_avx512.c - the tile kernel for AVX-512: 6 rows x 64 columns in 24 registers, four
 * vectors of b and one broadcast of a. See cpu_attention_avx512.c for why rows are written out. */

#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_exp2.h"
#include "nn/cpu_tile.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma")))
#define INLINE TARGET static inline __attribute__((always_inline))

#define ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define LOAD(p) _mm512_loadu_ps(p)
#define START(i)                                                                  \
	__m512 a##i = _mm512_setzero_ps(), b##i = a##i, c##i = a##i, d##i = a##i; \
	if (p->is_added) {                                                        \
		a##i = LOAD(to + i * p->c_row);                                   \
		if (vectors > 1)                                                  \
			b##i = LOAD(to + i * p->c_row + 16);                      \
		if (vectors > 2)                                                  \
			c##i = LOAD(to + i * p->c_row + 32);                      \
		if (vectors > 3)                                                  \
			d##i = LOAD(to + i * p->c_row + 48);                      \
	}
#define STEP(i)                                     \
	w = _mm512_set1_ps(a[i * a_row]);           \
	a##i = _mm512_fmadd_ps(w, x, a##i);         \
	if (vectors > 1)                            \
		b##i = _mm512_fmadd_ps(w, y, b##i); \
	if (vectors > 2)                            \
		c##i = _mm512_fmadd_ps(w, z, c##i); \
	if (vectors > 3)                            \
		d##i = _mm512_fmadd_ps(w, u, d##i);
#define END(i)                                                  \
	_mm512_storeu_ps(to + i * p->c_row, a##i);              \
	if (vectors > 1)                                        \
		_mm512_storeu_ps(to + i * p->c_row + 16, b##i); \
	if (vectors > 2)                                        \
		_mm512_storeu_ps(to + i * p->c_row + 32, c##i); \
	if (vectors > 3)                                        \
		_mm512_storeu_ps(to + i * p->c_row + 48, d##i);

/* Six rows from `row` and 16 * vectors columns from `at`; `vectors` is a constant where this is
 * called. */
INLINE void
block(int vectors, const struct tile_product *p, size_t row, size_t at)
{
	const float *a = p->a + row * p->a_row, *b = p->b + at;
	float *to = p->c + row * p->c_row + at;
	size_t a_row = p->a_row, a_step = p->a_step, b_row = p->b_row;

	ROWS(START)
	for (size_t k = 0; k < p->depth; k++, a += a_step, b += b_row) {
		__m512 x = LOAD(b), y = x, z = x, u = x, w;

		if (vectors > 1)
			y = LOAD(b + 16);
		if (vectors > 2)
			z = LOAD(b + 32);
		if (vectors > 3)
			u = LOAD(b + 48);
		ROWS(STEP)
	}
	ROWS(END)
}

TARGET static void
product(const struct tile_product *p)
{
	for (size_t row = 0; row < p->rows; row += TILE_ROWS)
		for (size_t at = 0; at < p->width; at += 64) {
			switch (p->width - at) {
			case 16:
				block(1, p, row, at);
				break;
			case 32:
				block(2, p, row, at);
				break;
			case 48:
				block(3, p, row, at);
				break;
			default:
				block(4, p, row, at);
				break;
			}
		}
}

TARGET static void
weights(float *s, size_t n, float log_sum)
{
	const __m512 sum = _mm512_set1_ps(log_sum), least = _mm512_set1_ps(EXP2_MIN);

	for (size_t i = 0; i < n; i += 16) {
		__m512 x = _mm512_max_ps(_mm512_sub_ps(LOAD(s + i), sum), least);
		__m512 whole =
		    _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
		__m512 part = _mm512_sub_ps(x, whole), p = _mm512_set1_ps(EXP2_5);

		p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_4));
		p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_3));
		p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_2));
		p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_1));
		p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(1));
		_mm512_storeu_ps(s + i, _mm512_scalef_ps(p, whole));
	}
}

TARGET static void
scores_back(const float *p, size_t n, float dot, float *d)
{
	const __m512 less = _mm512_set1_ps(dot);

	for (size_t i = 0; i < n; i += 16)
		_mm512_storeu_ps(
		    d + i, _mm512_mul_ps(LOAD(p + i), _mm512_sub_ps(LOAD(d + i), less)));
}

TARGET static void
effects(const float *p, const float *d, size_t n, float *effect)
{
	const __m512 one = _mm512_set1_ps(1), least = _mm512_set1_ps(0x1p-10f);

	for (size_t i = 0; i < n; i += 16) {
		__m512 rest = _mm512_max_ps(_mm512_sub_ps(one, LOAD(p + i)), least);

		_mm512_storeu_ps(
		    effect + i, _mm512_add_ps(LOAD(effect + i), _mm512_div_ps(LOAD(d + i), rest)));
	}
}

const struct tile_kernel tile_avx512 = { product, weights, scores_back, effects };

#endif
