/* cpu_bf16_lanes.h - rounding of float32 to pairs of bfloat16, 16 lanes at a time, with and without
 * AVX-512's bfloat16 instructions. Only for files of AVX-512 kernels. */

#ifndef NN_CPU_BF16_LANES_H
#define NN_CPU_BF16_LANES_H

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma")))
#define TARGET_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,avx512bf16")))
#define INLINE TARGET static inline __attribute__((always_inline))
#define INLINE_BF16 TARGET_BF16 static inline __attribute__((always_inline))

/* To the nearest, ties to even; as bfloat16 in the lower halves. NaN stays NaN. */
INLINE __m512i
round_one(__m512 x)
{
	__m512i u = _mm512_castps_si512(x), top = _mm512_srli_epi32(u, 16);
	__m512i odd = _mm512_and_si512(top, _mm512_set1_epi32(1));
	__m512i r = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
	__mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);

	return _mm512_mask_or_epi32(_mm512_srli_epi32(r, 16), nan, top, _mm512_set1_epi32(0x40));
}

/* 16 pairs of (lower, upper). */
INLINE __m512i
interleave_plain(__m512 lower, __m512 upper)
{
	return _mm512_or_si512(round_one(lower), _mm512_slli_epi32(round_one(upper), 16));
}

/* 16 pairs of neighbours: of the 32 values of first, then second. */
INLINE __m512i
neighbours_plain(__m512 first, __m512 second)
{
	return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(round_one(first))),
	    _mm512_cvtepi32_epi16(round_one(second)), 1);
}

INLINE_BF16 __m512i
interleave_native(__m512 lower, __m512 upper)
{
	const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25,
	    9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);

	return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(upper, lower));
}

INLINE_BF16 __m512i
neighbours_native(__m512 first, __m512 second)
{
	return (__m512i)_mm512_cvtne2ps_pbh(second, first);
}

#endif
