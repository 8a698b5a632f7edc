/* cpu_attention_avx512.c - the attention kernel for AVX-512, 12 queries x 32 keys, then 6 x 64
 * values.
 *
 * 24 sums, two vectors of keys (or four of values) and one broadcast: 27 to 29 of the 32 registers,
 * and 24 multiply-adds for 14 (or 10) loads. The rows are written out by macros, because compilers
 * keep sums in registers only when they have names of their own. */

#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_attention.h"
#include "nn/cpu_attention_pack.h"
#include "nn/cpu_exp2.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { GROUP = 12, PANEL = 32, HALF = 6 };

static void
pack_queries(const float *q, size_t stride, size_t n, size_t d, float unit, void *to)
{
	attention_transpose(q, stride, n, d, unit, to, GROUP);
}

static void
pack_keys(const float *k, size_t stride, size_t n, size_t d, void *to)
{
	attention_transpose(k, stride, n, d, 1, to, PANEL);
}

static void
pack_values(const float *v, size_t stride, size_t n, size_t d, void *to)
{
	attention_pad_rows(v, stride, n, d, to, PANEL);
}

#define ROWS6(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define ROWS12(X) ROWS6(X) X(6) X(7) X(8) X(9) X(10) X(11)

#define SCORE_START(i) __m512 a##i = _mm512_setzero_ps(), b##i = a##i;
#define SCORE_STEP(i)                         \
	w = _mm512_set1_ps(q[c * GROUP + i]); \
	a##i = _mm512_fmadd_ps(w, x, a##i);   \
	b##i = _mm512_fmadd_ps(w, y, b##i);
#define SCORE_END(i)                                         \
	_mm512_storeu_ps(s + i * ATTENTION_BLOCK + j, a##i); \
	_mm512_storeu_ps(s + i * ATTENTION_BLOCK + j + 16, b##i);

TARGET static void
scores(const void *packed_q, const void *packed_k, size_t d, size_t n, float *s)
{
	const float *q = packed_q, *k = packed_k;

	for (size_t j = 0; j < n; j += PANEL) {
		ROWS12(SCORE_START)
		for (size_t c = 0; c < d; c++, k += PANEL) {
			__m512 x = _mm512_loadu_ps(k), y = _mm512_loadu_ps(k + 16), w;

			ROWS12(SCORE_STEP)
		}
		ROWS12(SCORE_END)
	}
}

/* 2^x for x <= 0. */
INLINE __m512
exp2_of(__m512 x)
{
	__m512 whole, part, p;

	x = _mm512_max_ps(x, _mm512_set1_ps(EXP2_MIN));
	whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	part = _mm512_sub_ps(x, whole);
	p = _mm512_set1_ps(EXP2_5);
	p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_4));
	p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_3));
	p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_2));
	p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_1));
	p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(1));
	return _mm512_scalef_ps(p, whole);
}

TARGET static void
softmax(float *s, size_t n, float *max, float *sum, float *scale)
{
	for (size_t i = 0; i < GROUP; i++, s += ATTENTION_BLOCK) {
		__m512 top = _mm512_set1_ps(max[i]), top_odd = top, even = _mm512_setzero_ps(),
		       odd = even, lower;
		float total;

		for (size_t j = 0; j < n; j += PANEL) {
			top = _mm512_max_ps(top, _mm512_loadu_ps(s + j));
			top_odd = _mm512_max_ps(top_odd, _mm512_loadu_ps(s + j + 16));
		}
		top = _mm512_set1_ps(_mm512_reduce_max_ps(_mm512_max_ps(top, top_odd)));
		for (size_t j = 0; j < n; j += PANEL) {
			__m512 x = exp2_of(_mm512_sub_ps(_mm512_loadu_ps(s + j), top));
			__m512 y = exp2_of(_mm512_sub_ps(_mm512_loadu_ps(s + j + 16), top));

			_mm512_storeu_ps(s + j, x);
			_mm512_storeu_ps(s + j + 16, y);
			even = _mm512_add_ps(even, x);
			odd = _mm512_add_ps(odd, y);
		}
		lower = exp2_of(_mm512_sub_ps(_mm512_set1_ps(max[i]), top));
		total = _mm512_reduce_add_ps(_mm512_add_ps(even, odd));
		scale[i] = _mm512_cvtss_f32(lower);
		sum[i] = sum[i] * scale[i] + total;
		max[i] = _mm512_cvtss_f32(top);
	}
}

#define LOAD(p) _mm512_loadu_ps(p)
#define VALUE_START(i)                                                                           \
	__m512 f##i = _mm512_set1_ps(scale[i]), a##i = _mm512_mul_ps(LOAD(o + i * width), f##i), \
	       b##i = a##i, c##i = a##i, d##i = a##i;                                            \
	if (vectors > 1)                                                                         \
		b##i = _mm512_mul_ps(LOAD(o + i * width + 16), f##i);                            \
	if (vectors > 2)                                                                         \
		c##i = _mm512_mul_ps(LOAD(o + i * width + 32), f##i);                            \
	if (vectors > 3)                                                                         \
		d##i = _mm512_mul_ps(LOAD(o + i * width + 48), f##i);
#define VALUE_STEP(i)                                   \
	w = _mm512_set1_ps(s[i * ATTENTION_BLOCK + j]); \
	a##i = _mm512_fmadd_ps(w, x, a##i);             \
	if (vectors > 1)                                \
		b##i = _mm512_fmadd_ps(w, y, b##i);     \
	if (vectors > 2)                                \
		c##i = _mm512_fmadd_ps(w, z, c##i);     \
	if (vectors > 3)                                \
		d##i = _mm512_fmadd_ps(w, u, d##i);
#define VALUE_END(i)                                        \
	_mm512_storeu_ps(o + i * width, a##i);              \
	if (vectors > 1)                                    \
		_mm512_storeu_ps(o + i * width + 16, b##i); \
	if (vectors > 2)                                    \
		_mm512_storeu_ps(o + i * width + 32, c##i); \
	if (vectors > 3)                                    \
		_mm512_storeu_ps(o + i * width + 48, d##i);

/* Six queries and 16 * vectors columns; `vectors` is a constant where this is called. */
INLINE void
values_of(int vectors, const float *s, const float *v, size_t n, size_t width, const float *scale,
    float *o)
{
	ROWS6(VALUE_START)
	for (size_t j = 0; j < n; j++, v += width) {
		__m512 x = LOAD(v), y = x, z = x, u = x, w;

		if (vectors > 1)
			y = LOAD(v + 16);
		if (vectors > 2)
			z = LOAD(v + 32);
		if (vectors > 3)
			u = LOAD(v + 48);
		ROWS6(VALUE_STEP)
	}
	ROWS6(VALUE_END)
}

TARGET static void
values(const float *s, const void *packed_v, size_t n, size_t width, const float *scale, float *o)
{
	const float *v = packed_v;

	for (size_t i = 0; i < GROUP;
	     i += HALF, s += HALF * ATTENTION_BLOCK, scale += HALF, o += HALF * width)
		for (size_t at = 0; at < width; at += 64) {
			switch (width - at) {
			case 16:
				values_of(1, s, v + at, n, width, scale, o + at);
				break;
			case 32:
				values_of(2, s, v + at, n, width, scale, o + at);
				break;
			case 48:
				values_of(3, s, v + at, n, width, scale, o + at);
				break;
			default:
				values_of(4, s, v + at, n, width, scale, o + at);
				break;
			}
		}
}

const struct attention_kernel attention_avx512 = {
	.group = GROUP,
	.panel = PANEL,
	.depth = 1,
	.element = sizeof(float),
	.pack_queries = pack_queries,
	.pack_keys = pack_keys,
	.pack_values = pack_values,
	.scores = scores,
	.softmax = softmax,
	.values = values,
};

#endif
