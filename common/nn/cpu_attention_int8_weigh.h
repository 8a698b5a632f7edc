/* cpu_attention_int8_weigh.h - scores to weights, a row at a time, in AVX512-VNNI: for those who
 * have something to do in between. */

#ifndef NN_CPU_ATTENTION_INT8_WEIGH_H
#define NN_CPU_ATTENTION_INT8_WEIGH_H

#include <immintrin.h>

#include "nn/cpu_attention_int8_loops.h"

#define WEIGH_INLINE    \
	__attribute__(( \
	    target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"), always_inline)) static inline

enum { WEIGH_PANEL = 64 };

/* What the weights of all rows need. */
struct weigh_tables {
	__m512i shift, base, step, power;
	const int16_t *weight;
	const unsigned char *is_key;
};

WEIGH_INLINE struct weigh_tables
weigh_tables_of(const struct attention_int8_block *b)
{
	return (struct weigh_tables){ .shift = _mm512_set1_epi32(b->keys->shift),
		.base = _mm512_loadu_si512(attention_int8_base),
		.step = _mm512_loadu_si512(attention_int8_step),
		.power = _mm512_loadu_si512(attention_int8_power),
		.weight = b->keys->weight + b->from,
		.is_key = b->keys->is_key + b->from };
}

/* What those of one row need. */
struct weigh_row_numbers {
	__m512i top, limit, power, factor;
};

/* The scores of 32 keys. */
WEIGH_INLINE __m512i
weigh_score(const struct weigh_tables *t, const int32_t *s, size_t j)
{
	__m512i x = _mm512_srav_epi32(_mm512_loadu_si512(s + j), t->shift);
	__m512i y = _mm512_srav_epi32(_mm512_loadu_si512(s + j + 16), t->shift);

	return _mm512_mulhrs_epi16(_mm512_packs_epi32(x, y), _mm512_loadu_si512(t->weight + j));
}

WEIGH_INLINE __m512i
weigh_weight_of(const struct weigh_tables *t, const struct weigh_row_numbers *r, __m512i score)
{
	__m512i x = _mm512_min_epi16(_mm512_subs_epi16(r->top, score), r->limit);
	__m512i y = _mm512_mulhrs_epi16(_mm512_mullo_epi16(x, r->power), r->factor);
	__m512i part = _mm512_srli_epi16(y, 5); /* permutations see five bits of it */
	__m512i less =
	    _mm512_mulhi_epu16(_mm512_permutexvar_epi16(part, t->step), _mm512_slli_epi16(y, 11));

	x = _mm512_sub_epi16(_mm512_permutexvar_epi16(part, t->base), less);
	return _mm512_mulhrs_epi16(x, _mm512_permutexvar_epi16(_mm512_srli_epi16(y, 10), t->power));
}

/* In all lanes, the greatest of 32. */
WEIGH_INLINE __m512i
weigh_greatest_score(__m512i x)
{
	const __m128i reversed = _mm_set1_epi16(0x7fff);
	__m256i y = _mm256_max_epi16(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
	__m128i z = _mm_max_epi16(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));

	z = _mm_xor_si128(_mm_minpos_epu16(_mm_xor_si128(z, reversed)), reversed);
	return _mm512_broadcastw_epi16(z);
}

#define MAX(a, b) _mm512_max_epi16(a, b)
/* The weights of 64 keys, added to total. */
#define WEIGH(i, x, y)                                                                         \
	do {                                                                                   \
		__m512i p =                                                                    \
		    _mm512_packus_epi16(weigh_weight_of(t, &r, x), weigh_weight_of(t, &r, y)); \
                                                                                               \
		_mm512_storeu_si512((unsigned char *)s + (i)*WEIGH_PANEL, p);                  \
		total = _mm512_dpbusd_epi32(                                                   \
		    total, p, _mm512_loadu_si512(t->is_key + (i)*WEIGH_PANEL));                \
	} while (0)

/* One row of `panels` panels, which is a constant where this is called; the greatest score and the
 * sum of the weights. */
WEIGH_INLINE void
weigh_row(int panels, const struct weigh_tables *t, int32_t *s,
    const struct attention_int8_rows *rows, size_t i, int32_t *ret_top, int32_t *ret_sum)
{
	__m512i a = weigh_score(t, s, 0), b = weigh_score(t, s, 32), c = a, d = a, e = a, f = a,
		g = a, h = a;
	__m512i total = _mm512_setzero_si512();
	struct weigh_row_numbers r = { .limit = _mm512_set1_epi32((int)rows->limit[i]),
		.power = _mm512_set1_epi32((int)rows->power[i]),
		.factor = _mm512_set1_epi32((int)rows->factor[i]) };

	if (panels > 1)
		c = weigh_score(t, s, 64), d = weigh_score(t, s, 96);
	if (panels > 2)
		e = weigh_score(t, s, 128), f = weigh_score(t, s, 160);
	if (panels > 3)
		g = weigh_score(t, s, 192), h = weigh_score(t, s, 224);
	r.top = weigh_greatest_score(MAX(MAX(MAX(a, b), MAX(c, d)), MAX(MAX(e, f), MAX(g, h))));
	WEIGH(0, a, b);
	if (panels > 1)
		WEIGH(1, c, d);
	if (panels > 2)
		WEIGH(2, e, f);
	if (panels > 3)
		WEIGH(3, g, h);
	*ret_top = (int16_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(r.top));
	*ret_sum = _mm512_reduce_add_epi32(total);
}

#undef MAX
#undef WEIGH

#endif
