#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_attention_int8_avx512.h"
#include "nn/cpu_attention_int8_weigh.h"
#include "nn/cpu_exp2.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { PANEL = 64, LINE = 64 };

/* Sixteen values of a row of d, from c on; 0 beyond it. */
INLINE __m512
load(const float *row, size_t c, size_t d)
{
	size_t left = c >= d ? 0 : d - c >= 16 ? 16 : d - c;

	return _mm512_maskz_loadu_ps((__mmask16)((1u << left) - 1), row + c);
}

INLINE void
store(float *row, size_t c, size_t d, __m512 x)
{
	size_t left = c >= d ? 0 : d - c >= 16 ? 16 : d - c;

	_mm512_mask_storeu_ps(row + c, (__mmask16)((1u << left) - 1), x);
}

/* The functions below are written for any d, and made twice: for the usual one as well. */
enum { USUAL = 64 };

INLINE void
sums_of(const float *x, size_t stride, size_t n, size_t d, float *ret)
{
	for (size_t c = 0; c < d; c += 64) {
		__m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
		const float *row = x;

		for (size_t i = 0; i < n; i++, row += stride) {
			s0 = _mm512_add_ps(s0, load(row, c, d));
			s1 = _mm512_add_ps(s1, load(row, c + 16, d));
			s2 = _mm512_add_ps(s2, load(row, c + 32, d));
			s3 = _mm512_add_ps(s3, load(row, c + 48, d));
		}
		store(ret, c, d, s0);
		store(ret, c + 16, d, s1);
		store(ret, c + 32, d, s2);
		store(ret, c + 48, d, s3);
	}
}

TARGET void
attention_int8_avx512_sums(const float *x, size_t stride, size_t n, size_t d, float *ret)
{
	if (d == USUAL)
		sums_of(x, stride, n, USUAL, ret);
	else
		sums_of(x, stride, n, d, ret);
}

/* row - mean; mean may be NULL. */
INLINE __m512
difference(const float *row, const float *mean, size_t c, size_t d)
{
	return mean ? _mm512_sub_ps(load(row, c, d), load(mean, c, d)) : load(row, c, d);
}

/* Without its sign, a number is ordered as the integer of its bits; NaN above all. */
INLINE __m512i
greater(__m512i a, __m512 x)
{
	const __m512i unsigned_bits = _mm512_set1_epi32(0x7fffffff);

	return _mm512_max_epu32(a, _mm512_and_si512(_mm512_castps_si512(x), unsigned_bits));
}

INLINE void
amplitudes_of(const float *x, size_t stride, size_t n, size_t d, const float *mean, float *ret)
{
	for (size_t c = 0; c < d; c += 64) {
		__m512i a0 = _mm512_setzero_si512(), a1 = a0, a2 = a0, a3 = a0;
		const float *row = x;

		for (size_t i = 0; i < n; i++, row += stride) {
			a0 = greater(a0, difference(row, mean, c, d));
			a1 = greater(a1, difference(row, mean, c + 16, d));
			a2 = greater(a2, difference(row, mean, c + 32, d));
			a3 = greater(a3, difference(row, mean, c + 48, d));
		}
		store(ret, c, d, _mm512_castsi512_ps(a0));
		store(ret, c + 16, d, _mm512_castsi512_ps(a1));
		store(ret, c + 32, d, _mm512_castsi512_ps(a2));
		store(ret, c + 48, d, _mm512_castsi512_ps(a3));
	}
}

TARGET void
attention_int8_avx512_amplitudes(
    const float *x, size_t stride, size_t n, size_t d, const float *mean, float *ret)
{
	if (d == USUAL)
		amplitudes_of(x, stride, n, USUAL, mean, ret);
	else
		amplitudes_of(x, stride, n, d, mean, ret);
}

/* Rows of 16 numbers to columns. */
INLINE void
transpose(__m512i x[16])
{
	__m512i y[16];

#pragma GCC unroll 16
	for (int i = 0; i < 16; i += 2) {
		y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
		y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
	}
#pragma GCC unroll 16
	for (int i = 0; i < 16; i += 4) { /* x[i + j]: column 4 l + j of rows i to i + 3 */
		x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
		x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
		x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
		x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
	}
#pragma GCC unroll 16
	for (int j = 0; j < 4; j++) {
		y[j] = _mm512_shuffle_i32x4(x[j], x[j + 4], 0x88);
		y[j + 4] = _mm512_shuffle_i32x4(x[j], x[j + 4], 0xdd);
		y[j + 8] = _mm512_shuffle_i32x4(x[j + 8], x[j + 12], 0x88);
		y[j + 12] = _mm512_shuffle_i32x4(x[j + 8], x[j + 12], 0xdd);
	}
#pragma GCC unroll 16
	for (int j = 0; j < 4; j++) {
		x[j] = _mm512_shuffle_i32x4(y[j], y[j + 8], 0x88);
		x[j + 8] = _mm512_shuffle_i32x4(y[j], y[j + 8], 0xdd);
		x[j + 4] = _mm512_shuffle_i32x4(y[j + 4], y[j + 12], 0x88);
		x[j + 12] = _mm512_shuffle_i32x4(y[j + 4], y[j + 12], 0xdd);
	}
}

/* Sixteen rows of d, less the mean where there is one, and what they are to be multiplied by. */
struct rows16 {
	const float *row[16], *mean;
	float inverse[16];
	size_t d;
};

/* Rows from n on are the last one. Returns the amplitudes. */
INLINE __m512
find_rows(const float *x, size_t stride, size_t n, size_t d, const float *mean, struct rows16 *ret)
{
	__m512i most[16];
	__m512 amplitude;
	__mmask16 is_some;

	ret->d = d;
	ret->mean = mean;
#pragma GCC unroll 16
	for (size_t i = 0; i < 16; i++) {
		ret->row[i] = x + (i < n ? i : n - 1) * stride;
		most[i] = _mm512_setzero_si512();
		for (size_t c = 0; c < d; c += 16)
			most[i] = greater(most[i], difference(ret->row[i], mean, c, d));
	}
	transpose(most);
#pragma GCC unroll 16
	for (size_t step = 1; step < 16; step *= 2)
#pragma GCC unroll 16
		for (size_t i = 0; i < 16; i += 2 * step)
			most[i] = _mm512_max_epu32(most[i], most[i + step]);
	amplitude = _mm512_castsi512_ps(most[0]);
	is_some = _mm512_cmp_ps_mask(amplitude, _mm512_set1_ps(INT8_LEAST), _CMP_NLT_UQ);
	_mm512_storeu_ps(
	    ret->inverse, _mm512_maskz_div_ps(is_some, _mm512_set1_ps(127), amplitude));
	return amplitude;
}

INLINE __m512i
whole(__m512 x, __m512 factor)
{
	return _mm512_cvtps_epi32(_mm512_mul_ps(x, factor));
}

/* 64 values of a row as bytes: quad 4 l + b is of the values 16 b + 4 l to 16 b + 4 l + 3. */
INLINE __m512i
row_bytes(const struct rows16 *r, size_t i, size_t c)
{
	__m512 f = _mm512_set1_ps(r->inverse[i]);
	__m512i w = whole(difference(r->row[i], r->mean, c, r->d), f);
	__m512i x = whole(difference(r->row[i], r->mean, c + 16, r->d), f);
	__m512i y = whole(difference(r->row[i], r->mean, c + 32, r->d), f);
	__m512i z = whole(difference(r->row[i], r->mean, c + 48, r->d), f);

	return _mm512_packs_epi16(_mm512_packs_epi32(w, x), _mm512_packs_epi32(y, z));
}

INLINE void
rows_of(const float *x, size_t stride, size_t n, size_t d, unsigned char *to, float *amplitude)
{
	const __m512i in_order =
	    _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
	__mmask16 mask = (__mmask16)((1u << n) - 1);
	struct rows16 r;

	_mm512_storeu_ps(
	    amplitude, _mm512_maskz_mov_ps(mask, find_rows(x, stride, n, d, NULL, &r)));
	for (size_t i = 0; i < 16; i++)
		for (size_t c = 0; c < d; c += 64, to += 64)
			_mm512_store_si512(
			    to, i < n ? _mm512_permutexvar_epi32(in_order, row_bytes(&r, i, c))
				      : _mm512_setzero_si512());
}

TARGET void
attention_int8_avx512_rows(
    const float *x, size_t stride, size_t n, size_t d, unsigned char *to, float *amplitude)
{
	if (d == USUAL)
		rows_of(x, stride, n, USUAL, to, amplitude);
	else
		rows_of(x, stride, n, d, to, amplitude);
}

/* To lines of 16 keys x 4 values; returns 128 times the sum of each. */
INLINE __m512i
pack_sixteen(const struct rows16 *r, size_t depth, unsigned char *to)
{
	__m512i sum = _mm512_setzero_si512(), x[16];

	for (size_t c = 0; c < depth; c += 64) {
#pragma GCC unroll 16
		for (size_t i = 0; i < 16; i++)
			x[i] = row_bytes(r, i, c);
		transpose(x);
#pragma GCC unroll 16
		for (size_t i = 0; i < 16; i++) {
			__m512i line = x[i % 4 * 4 + i / 4];

			if (c + 4 * i >= depth)
				break;
			_mm512_store_si512(to + (c / 4 + i) * LINE, line);
			sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8((char)128), line);
		}
	}
	return sum;
}

/* The i-th sixteen of a panel, whose first is key `at`: to their places halfway, and as weights. */
INLINE void
place_keys(const struct attention_int8_keys *keys, size_t at, size_t i, size_t n, __m512 amplitude)
{
	__m128i is_key = _mm_maskz_set1_epi8((__mmask16)((1u << n) - 1), 1);
	float *halfway = keys->amplitude + at + i / 2 * 32 + i % 2 * 4;
	unsigned char *last = keys->is_key + at + i * 4;

	_mm_storeu_ps(halfway, _mm512_castps512_ps128(amplitude));
	_mm_storeu_ps(halfway + 8, _mm512_extractf32x4_ps(amplitude, 1));
	_mm_storeu_ps(halfway + 16, _mm512_extractf32x4_ps(amplitude, 2));
	_mm_storeu_ps(halfway + 24, _mm512_extractf32x4_ps(amplitude, 3));
	_mm_storeu_si32(last, is_key);
	_mm_storeu_si32(last + 16, _mm_srli_si128(is_key, 4));
	_mm_storeu_si32(last + 32, _mm_srli_si128(is_key, 8));
	_mm_storeu_si32(last + 48, _mm_srli_si128(is_key, 12));
}

INLINE void
keys_of(const float *k, size_t stride, size_t n, size_t d, size_t depth, const float *mean,
    unsigned char *to, const struct attention_int8_keys *keys, size_t at)
{
	for (size_t i = 0; i < PANEL / 16; i++) {
		size_t first = 16 * i < n ? 16 * i : n - 1;
		size_t left = 16 * i < n ? n - first : 0;
		struct rows16 r;
		__m512 amplitude =
		    find_rows(k + first * stride, stride, left > 0 ? left : 1, d, mean, &r);
		__m512i sum = pack_sixteen(&r, depth, to + 16 * i * depth);

		place_keys(keys, at, i, left < 16 ? left : 16, amplitude);
		_mm512_storeu_si512(
		    keys->start + at + 16 * i, _mm512_sub_epi32(_mm512_setzero_si512(), sum));
	}
}

TARGET void
attention_int8_avx512_pack_keys(const float *k, size_t stride, size_t n, size_t d, size_t depth,
    const float *mean, void *to, const struct attention_int8_keys *keys, size_t at)
{
	if (d == USUAL)
		keys_of(k, stride, n, USUAL, USUAL, mean, to, keys, at);
	else
		keys_of(k, stride, n, d, depth, mean, to, keys, at);
}

/* Sixteen columns of four keys; those at and beyond n are 0. */
INLINE __m512i
value_bytes(
    const float *v, size_t stride, size_t n, size_t c, size_t d, __m512 mean, __m512 inverse)
{
	const __m512i by_column = _mm512_broadcast_i32x4(
	    _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
	__m512i x[4];

	for (size_t i = 0; i < 4; i++)
		x[i] = i < n ? whole(_mm512_sub_ps(load(v + i * stride, c, d), mean), inverse)
			     : _mm512_setzero_si512();
	x[0] = _mm512_packs_epi16(_mm512_packs_epi32(x[0], x[1]), _mm512_packs_epi32(x[2], x[3]));
	return _mm512_shuffle_epi8(x[0], by_column);
}

INLINE void
values_of(const float *v, size_t stride, size_t n, size_t d, const float *mean,
    const float *inverse, unsigned char *line)
{
	for (size_t c = 0; c < d; c += 16) {
		__m512 m = load(mean, c, d), f = load(inverse, c, d);

		for (size_t quad = 0; quad < PANEL / 4; quad++, line += LINE) {
			size_t key = quad % 4 * 16 + quad / 4 * 4;

			_mm512_store_si512(line, value_bytes(v + key * stride, stride,
						     key < n ? n - key : 0, c, d, m, f));
		}
	}
}

TARGET void
attention_int8_avx512_pack_values(const float *v, size_t stride, size_t n, size_t d,
    const float *mean, const float *inverse, void *to)
{
	if (d == USUAL && n == PANEL)
		values_of(v, stride, PANEL, USUAL, mean, inverse, to);
	else
		values_of(v, stride, n, d, mean, inverse, to);
}

INLINE void
weigh_rows(
    int panels, const struct attention_int8_block *b, size_t n, struct attention_int8_tops *ret)
{
	struct weigh_tables t = weigh_tables_of(b);

	for (size_t i = 0; i < n; i++)
		weigh_row(panels, &t, b->s + i * ATTENTION_BLOCK, b->rows, b->first + i,
		    ret->top + i, ret->sum + i);
}

/* exp2_plain */
INLINE __m512
exp2_of(__m512 x)
{
	__m512 integer, part, p;

	x = _mm512_max_ps(x, _mm512_set1_ps(EXP2_MIN));
	integer = _mm512_roundscale_ps(
	    _mm512_sub_ps(x, _mm512_set1_ps(0.5f)), _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
	part = _mm512_sub_ps(x, integer);
	p = _mm512_set1_ps(EXP2_5);
	p = _mm512_add_ps(_mm512_mul_ps(p, part), _mm512_set1_ps(EXP2_4));
	p = _mm512_add_ps(_mm512_mul_ps(p, part), _mm512_set1_ps(EXP2_3));
	p = _mm512_add_ps(_mm512_mul_ps(p, part), _mm512_set1_ps(EXP2_2));
	p = _mm512_add_ps(_mm512_mul_ps(p, part), _mm512_set1_ps(EXP2_1));
	p = _mm512_add_ps(_mm512_mul_ps(p, part), _mm512_set1_ps(1));
	return _mm512_scalef_ps(p, integer);
}

TARGET void
attention_int8_avx512_join_rows(
    const struct attention_int8_block *b, size_t n, const struct attention_int8_tops *tops)
{
	struct attention_int8_rows *r = b->rows;
	size_t i = b->first;
	__mmask16 mask = (__mmask16)((1u << n) - 1);
	__m512 top = _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(mask, tops->top));
	__m512 sum = _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(mask, tops->sum));
	__m512 unit = _mm512_maskz_loadu_ps(mask, r->unit + i);
	__m512 old = _mm512_maskz_loadu_ps(mask, r->max + i), max = _mm512_max_ps(old, top);
	__m512 scale = exp2_of(_mm512_mul_ps(_mm512_sub_ps(old, max), unit));
	__m512 gain = exp2_of(_mm512_mul_ps(_mm512_sub_ps(top, max), unit));
	__m512 before = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, r->sum + i), scale);

	_mm512_mask_storeu_ps(r->sum + i, mask, _mm512_add_ps(before, _mm512_mul_ps(sum, gain)));
	_mm512_mask_storeu_ps(r->max + i, mask, max);
	_mm512_mask_storeu_ps(r->scale + i, mask, scale);
	_mm512_mask_storeu_ps(r->gain + i, mask, gain);
}

TARGET void
attention_int8_avx512_softmax(const struct attention_int8_block *b, size_t group)
{
	struct attention_int8_tops tops;

	if (b->n == PANEL)
		weigh_rows(1, b, group, &tops);
	else if (b->n == 2 * PANEL)
		weigh_rows(2, b, group, &tops);
	else if (b->n == 3 * PANEL)
		weigh_rows(3, b, group, &tops);
	else
		weigh_rows(4, b, group, &tops);
	attention_int8_avx512_join_rows(b, group, &tops);
}

#endif
