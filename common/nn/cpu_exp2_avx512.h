/* cpu_exp2_avx512.h - 2^x of 16 lanes where 1e-4 is enough: weights that become bfloat16 next. */

#ifndef NN_CPU_EXP2_AVX512_H
#define NN_CPU_EXP2_AVX512_H

#include <immintrin.h>

#include "nn/cpu_exp2.h"

/* Relative error 1e-4, for x that is no more than about 0; what is below EXP2_MIN counts as it. */
__attribute__((target("avx512f"), always_inline)) static inline __m512
exp2_cubic(__m512 x)
{
	__m512 whole, part, p;

	x = _mm512_max_ps(x, _mm512_set1_ps(EXP2_MIN));
	whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	part = _mm512_sub_ps(x, whole);
	p = _mm512_set1_ps(EXP2_CUBIC_3);
	p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_CUBIC_2));
	p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(EXP2_CUBIC_1));
	p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(1));
	return _mm512_scalef_ps(p, whole);
}

#endif
