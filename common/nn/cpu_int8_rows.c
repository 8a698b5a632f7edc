#include <float.h>
#include <math.h>
#include <string.h>

#include "nn/cpu_int8_rows.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

/* x rounded to the nearest integer, ties to even, for |x| < 2^22: added to this, it loses the bits
 * after the point, and the integer is the difference of the two bit patterns. */
static const float rounder = 12582912;

static inline int32_t
nearest(float x)
{
	float y = x + rounder;
	int32_t u, v;

	memcpy(&u, &y, sizeof(u));
	memcpy(&v, &rounder, sizeof(v));
	return u - v;
}

/* The least and greatest value so far, 0 among them; doubt: 0, or NaN after a value that is NaN or
 * infinite. */
struct spread {
	float least, most, doubt;
};

static void
spread(const float *x, size_t from, size_t n, struct spread *s)
{
	for (size_t i = from; i < n; i++) {
		s->least = x[i] < s->least ? x[i] : s->least;
		s->most = x[i] > s->most ? x[i] : s->most;
		s->doubt += x[i] * 0;
	}
}

/* Where both ends round outwards, the greatest would be 256. */
static void
encode(const float *x, size_t from, size_t n, float factor, int32_t zero, uint8_t *code)
{
	for (size_t i = from; i < n; i++) {
		int32_t c = nearest(x[i] * factor) + zero;

		code[i] = (uint8_t)(c > 255 ? 255 : c);
	}
}

static void
restore(const int32_t *sums, size_t from, const struct int8_scale *scale,
    const struct int8_columns *w, float *out)
{
	for (size_t i = from; i < w->n; i++) {
		float y = (float)(sums[i] - scale->zero * w->sum[i]);

		y = y * (scale->unit * w->unit[i]) + w->bias[i];
		y = w->is_relu && y < 0 ? 0 : y;
		out[i] = w->is_added ? out[i] + y : y;
	}
}

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

/* The same as above, 16 at a time; each returns how many it did. */
AVX512 static size_t
spread_avx512(const float *x, size_t n, struct spread *s)
{
	const __m512 none = _mm512_setzero_ps();
	__m512 least = none, most = none, doubt = none;
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		__m512 v = _mm512_loadu_ps(x + i);

		least = _mm512_min_ps(v, least);
		most = _mm512_max_ps(v, most);
		doubt = _mm512_add_ps(doubt, _mm512_mul_ps(v, none));
	}
	s->least = _mm512_reduce_min_ps(least);
	s->most = _mm512_reduce_max_ps(most);
	s->doubt = _mm512_reduce_add_ps(doubt);
	return i;
}

AVX512 static size_t
encode_avx512(const float *x, size_t n, float factor, int32_t zero, uint8_t *code)
{
	const __m512 round = _mm512_set1_ps(rounder), by = _mm512_set1_ps(factor);
	const __m512i offset =
	    _mm512_sub_epi32(_mm512_set1_epi32(zero), _mm512_castps_si512(round));
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		__m512 y = _mm512_add_ps(_mm512_mul_ps(_mm512_loadu_ps(x + i), by), round);
		__m512i c = _mm512_add_epi32(_mm512_castps_si512(y), offset);

		_mm_storeu_si128((__m128i *)(void *)(code + i), _mm512_cvtusepi32_epi8(c));
	}
	return i;
}

AVX512 static size_t
restore_avx512(
    const int32_t *sums, const struct int8_scale *scale, const struct int8_columns *w, float *out)
{
	const __m512i zero = _mm512_set1_epi32(scale->zero);
	const __m512 unit = _mm512_set1_ps(scale->unit), none = _mm512_setzero_ps();
	size_t i = 0;

	for (; i + 16 <= w->n; i += 16) {
		__m512i shift = _mm512_mullo_epi32(zero, _mm512_loadu_si512(w->sum + i));
		__m512i sum = _mm512_sub_epi32(_mm512_loadu_si512(sums + i), shift);
		__m512 by = _mm512_mul_ps(unit, _mm512_loadu_ps(w->unit + i));
		__m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), by);

		y = _mm512_add_ps(y, _mm512_loadu_ps(w->bias + i));
		if (w->is_relu)
			y = _mm512_max_ps(none, y); /* of two, the second where one is NaN */
		if (w->is_added)
			y = _mm512_add_ps(_mm512_loadu_ps(out + i), y);
		_mm512_storeu_ps(out + i, y);
	}
	return i;
}

#endif

/* False where a value is NaN or infinite. */
static bool
find_spread(enum cpu_isa isa, const float *x, size_t n, struct spread *s)
{
	size_t done = 0;

	*s = (struct spread){ 0, 0, 0 };
#if defined(__x86_64__)
	if (isa >= CPU_ISA_AVX512)
		done = spread_avx512(x, n, s);
#endif
	(void)isa;
	spread(x, done, n, s);
	return s->doubt == 0;
}

static void
make_row(enum cpu_isa isa, const float *in, size_t n, uint8_t *code, struct int8_scale *scale)
{
	struct spread s;
	bool is_finite = find_spread(isa, in, n, &s);
	float unit = s.most / 255 - s.least / 255, factor;
	size_t done = 0;

	if (!is_finite || unit < FLT_MIN) {
		*scale = (struct int8_scale){ is_finite ? 0 : NAN, 0 };
		memset(code, 0, n);
		return;
	}
	factor = 1 / unit;
	*scale = (struct int8_scale){ unit, nearest(-s.least * factor) };
#if defined(__x86_64__)
	if (isa >= CPU_ISA_AVX512)
		done = encode_avx512(in, n, factor, scale->zero, code);
#endif
	encode(in, done, n, factor, scale->zero, code);
}

void
int8_rows_make(enum cpu_isa isa, const float *in, size_t rows, size_t n, const struct int8_rows *to)
{
	for (size_t r = 0; r < rows; r++)
		make_row(isa, in + r * n, n, to->code + r * n, to->scale + r);
}

void
int8_rows_restore(enum cpu_isa isa, const int32_t *sums, const struct int8_scale *scale,
    const struct int8_columns *w, float *out)
{
	size_t done = 0;

#if defined(__x86_64__)
	if (isa >= CPU_ISA_AVX512)
		done = restore_avx512(sums, scale, w, out);
#endif
	(void)isa;
	restore(sums, done, scale, w, out);
}

static void
make_weights(enum cpu_isa isa, const float *w, size_t n, int8_t *code, float *unit, int32_t *sum)
{
	struct spread s;
	bool is_finite = find_spread(isa, w, n, &s);
	float factor;

	*unit = (s.most > -s.least ? s.most : -s.least) / 127;
	*sum = 0;
	if (!is_finite || *unit < FLT_MIN) {
		*unit = is_finite ? 0 : NAN;
		memset(code, 0, n);
		return;
	}
	factor = 1 / *unit;
	for (size_t i = 0; i < n; i++) {
		code[i] = (int8_t)nearest(w[i] * factor);
		*sum += code[i];
	}
}

void
int8_rows_make_weights(enum cpu_isa isa, const float *weight, size_t n_out, size_t n_in,
    int8_t *code, float *unit, int32_t *sum)
{
	for (size_t o = 0; o < n_out; o++)
		make_weights(isa, weight + o * n_in, n_in, code + o * n_in, unit + o, sum + o);
}
