#include <string.h>

#include "nn/cpu_bf16.h"

static inline uint16_t
narrow(float x)
{
	uint32_t u;

	memcpy(&u, &x, sizeof(u));
	if ((u & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(u >> 16 | 0x40);
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

#if defined(__x86_64__)

#include <immintrin.h>

/* The same arithmetic, 16 at a time. */
__attribute__((target("avx512f,avx512bw,avx512vl"))) static size_t
narrow_avx512(uint16_t *out, const float *in, size_t n)
{
	const __m512i half = _mm512_set1_epi32(0x7fff), one = _mm512_set1_epi32(1);
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		__m512 x = _mm512_loadu_ps(in + i);
		__m512i u = _mm512_castps_si512(x), top = _mm512_srli_epi32(u, 16);
		__m512i r = _mm512_add_epi32(_mm512_add_epi32(u, half), _mm512_and_si512(top, one));
		__mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);

		r = _mm512_srli_epi32(r, 16);
		r = _mm512_mask_or_epi32(r, nan, top, _mm512_set1_epi32(0x40));
		_mm256_storeu_si256((__m256i *)(void *)(out + i), _mm512_cvtepi32_epi16(r));
	}
	return i;
}

void
bf16_from_f32(uint16_t *out, const float *in, size_t n)
{
	size_t i = 0;

	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
		i = narrow_avx512(out, in, n);
	for (; i < n; i++)
		out[i] = narrow(in[i]);
}

#else

void
bf16_from_f32(uint16_t *out, const float *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = narrow(in[i]);
}

#endif
