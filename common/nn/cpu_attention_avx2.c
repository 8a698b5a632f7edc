/* cpu_attention_avx2.c - the attention kernel for AVX2 with FMA, 6 queries x 16 keys or values.
 *
 * 12 sums, two vectors and one broadcast: 15 of the 16 registers. See cpu_attention_avx512.c. */

#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_attention.h"
#include "nn/cpu_attention_pack.h"
#include "nn/cpu_exp2.h"

#define TARGET __attribute__((target("avx2,fma")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { GROUP = 6, PANEL = 16 };

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

#define ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5)

#define STEP(i)                             \
	a##i = _mm256_fmadd_ps(w, x, a##i); \
	b##i = _mm256_fmadd_ps(w, y, b##i);
#define SCORE_START(i) __m256 a##i = _mm256_setzero_ps(), b##i = a##i;
#define SCORE_STEP(i)                               \
	w = _mm256_broadcast_ss(q + c * GROUP + i); \
	STEP(i)
#define SCORE_END(i)                                         \
	_mm256_storeu_ps(s + i * ATTENTION_BLOCK + j, a##i); \
	_mm256_storeu_ps(s + i * ATTENTION_BLOCK + j + 8, b##i);

TARGET static void
scores(const void *packed_q, const void *packed_k, size_t d, size_t n, float *s)
{
	const float *q = packed_q, *k = packed_k;

	for (size_t j = 0; j < n; j += PANEL) {
		ROWS(SCORE_START)
		for (size_t c = 0; c < d; c++, k += PANEL) {
			__m256 x = _mm256_loadu_ps(k), y = _mm256_loadu_ps(k + 8), w;

			ROWS(SCORE_STEP)
		}
		ROWS(SCORE_END)
	}
}

/* 2^x for x <= 0. */
INLINE __m256
exp2_of(__m256 x)
{
	__m256 whole, part, p;
	__m256i power;

	x = _mm256_max_ps(x, _mm256_set1_ps(EXP2_MIN));
	whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	part = _mm256_sub_ps(x, whole);
	p = _mm256_set1_ps(EXP2_5);
	p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(EXP2_4));
	p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(EXP2_3));
	p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(EXP2_2));
	p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(EXP2_1));
	p = _mm256_fmadd_ps(p, part, _mm256_set1_ps(1));
	power = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 23);
	return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power));
}

INLINE float
max_of(__m256 x)
{
	__m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	y = _mm_max_ps(y, _mm_movehl_ps(y, y));
	return _mm_cvtss_f32(_mm_max_ss(y, _mm_shuffle_ps(y, y, 1)));
}

INLINE float
sum_of(__m256 x)
{
	__m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	y = _mm_add_ps(y, _mm_movehl_ps(y, y));
	return _mm_cvtss_f32(_mm_add_ss(y, _mm_shuffle_ps(y, y, 1)));
}

TARGET static void
softmax(float *s, size_t n, float *max, float *sum, float *scale)
{
	for (size_t i = 0; i < GROUP; i++, s += ATTENTION_BLOCK) {
		__m256 top = _mm256_set1_ps(max[i]), even = _mm256_setzero_ps(), odd = even, lower;

		for (size_t j = 0; j < n; j += 8)
			top = _mm256_max_ps(top, _mm256_loadu_ps(s + j));
		top = _mm256_set1_ps(max_of(top));
		for (size_t j = 0; j < n; j += PANEL) {
			__m256 x = exp2_of(_mm256_sub_ps(_mm256_loadu_ps(s + j), top));
			__m256 y = exp2_of(_mm256_sub_ps(_mm256_loadu_ps(s + j + 8), top));

			_mm256_storeu_ps(s + j, x);
			_mm256_storeu_ps(s + j + 8, y);
			even = _mm256_add_ps(even, x);
			odd = _mm256_add_ps(odd, y);
		}
		lower = exp2_of(_mm256_sub_ps(_mm256_set1_ps(max[i]), top));
		scale[i] = _mm256_cvtss_f32(lower);
		sum[i] = sum[i] * scale[i] + sum_of(_mm256_add_ps(even, odd));
		max[i] = _mm256_cvtss_f32(top);
	}
}

#define VALUE_START(i)                                                          \
	__m256 f##i = _mm256_broadcast_ss(scale + i);                           \
	__m256 a##i = _mm256_mul_ps(_mm256_loadu_ps(o + i * width + at), f##i); \
	__m256 b##i = _mm256_mul_ps(_mm256_loadu_ps(o + i * width + at + 8), f##i);
#define VALUE_STEP(i)                                         \
	w = _mm256_broadcast_ss(s + i * ATTENTION_BLOCK + j); \
	STEP(i)
#define VALUE_END(i)                                \
	_mm256_storeu_ps(o + i * width + at, a##i); \
	_mm256_storeu_ps(o + i * width + at + 8, b##i);

TARGET static void
values(const float *s, const void *packed_v, size_t n, size_t width, const float *scale, float *o)
{
	const float *v = packed_v;

	for (size_t at = 0; at < width; at += 16) {
		ROWS(VALUE_START)
		for (size_t j = 0; j < n; j++) {
			__m256 x = _mm256_loadu_ps(v + j * width + at);
			__m256 y = _mm256_loadu_ps(v + j * width + at + 8), w;

			ROWS(VALUE_STEP)
		}
		ROWS(VALUE_END)
	}
}

const struct attention_kernel attention_avx2 = {
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
