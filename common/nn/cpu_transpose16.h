/* cpu_transpose16.h - sixteen registers of sixteen words, rows to columns. AVX-512 only. */

#ifndef NN_CPU_TRANSPOSE16_H
#define NN_CPU_TRANSPOSE16_H

#include <immintrin.h>

/* By pairs of words, pairs of double words, then lanes of 128 bits. */
__attribute__((target("avx512f"), always_inline)) static inline void
transpose16(__m512i r[16])
{
	__m512i t[16];

	for (int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
	}
	for (int i = 0; i < 16; i += 4)
		for (int k = 0; k < 2; k++) {
			r[i + 2 * k] = _mm512_unpacklo_epi64(t[i + k], t[i + 2 + k]);
			r[i + 2 * k + 1] = _mm512_unpackhi_epi64(t[i + k], t[i + 2 + k]);
		}
	/* r[4 g + c]: lane l holds column 4 l + c of the rows 4 g .. 4 g + 3 */
	for (int c = 0; c < 4; c++) {
		t[c] = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88);
		t[4 + c] = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xdd);
		t[8 + c] = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88);
		t[12 + c] = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xdd);
	}
	for (int c = 0; c < 4; c++) {
		r[c] = _mm512_shuffle_i32x4(t[c], t[8 + c], 0x88);
		r[8 + c] = _mm512_shuffle_i32x4(t[c], t[8 + c], 0xdd);
		r[4 + c] = _mm512_shuffle_i32x4(t[4 + c], t[12 + c], 0x88);
		r[12 + c] = _mm512_shuffle_i32x4(t[4 + c], t[12 + c], 0xdd);
	}
}

#endif
