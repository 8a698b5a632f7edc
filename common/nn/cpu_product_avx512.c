/* cpu_product_avx512.c - packing for products in bfloat16, and their blocks for AVX-512 with and
 * without its bfloat16 instructions.
 *
 * Without them a pair is two float32: bfloat16 in the upper half. Their product is exact in
 * float32, so only the order of rounding differs. */

#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_bf16_lanes.h"
#include "nn/cpu_product_bf16.h"
#include "nn/cpu_transpose16.h"

/* ---- packing ---- */

INLINE __mmask16
mask_of(size_t n, size_t from)
{
	return n <= from ? 0 : n - from >= 16 ? 0xffff : (__mmask16)((1u << (n - from)) - 1);
}

/* Lines are read as they lie: along k, a line an x; or along x, a line a pair of k. What is wanted
 * the other way round is transposed. All three flags are constants where this is called; is_plain:
 * nothing is missing, and the unit is 1. */
#define LINES(name, inline_target, neighbours, interleave)                                     \
	inline_target void name(const struct bf16_part *p, __m512i *tile, bool is_along_k,     \
	    bool is_plain, bool is_turned)                                                     \
	{                                                                                      \
		const __m512 unit = _mm512_set1_ps(p->unit);                                   \
		const __mmask16 x_mask = is_plain ? 0xffff : mask_of(p->n_x, 0),               \
				k_mask = is_plain ? 0xffff : mask_of(p->n_k, 0),               \
				k_next = is_plain ? 0xffff : mask_of(p->n_k, 16);              \
		__m512i line[BF16_LINES];                                                      \
                                                                                               \
		for (size_t i = 0; i < BF16_LINES; i++) {                                      \
			const float *at =                                                      \
			    p->at + (is_along_k ? i * p->x_step : 2 * i * p->k_step);          \
			__mmask16 first = is_along_k ? k_mask : x_mask,                        \
				  second = is_along_k ? k_next : x_mask;                       \
			__m512 x, y;                                                           \
                                                                                               \
			if (!is_plain && is_along_k && i >= p->n_x)                            \
				first = second = 0;                                            \
			if (!is_plain && !is_along_k && 2 * i >= p->n_k)                       \
				first = 0;                                                     \
			if (!is_plain && !is_along_k && 2 * i + 1 >= p->n_k)                   \
				second = 0;                                                    \
			x = _mm512_maskz_loadu_ps(first, at);                                  \
			y = _mm512_maskz_loadu_ps(second, at + (is_along_k ? 16 : p->k_step)); \
			if (!is_plain) {                                                       \
				x = _mm512_mul_ps(x, unit);                                    \
				y = _mm512_mul_ps(y, unit);                                    \
			}                                                                      \
			line[i] = is_along_k ? neighbours(x, y) : interleave(x, y);            \
		}                                                                              \
		if (is_turned)                                                                 \
			transpose16(line);                                                     \
		for (size_t i = 0; i < BF16_LINES; i++)                                        \
			_mm512_storeu_si512(tile + i, line[i]);                                \
	}

LINES(lines_plain, INLINE, neighbours_plain, interleave_plain)
LINES(lines_native, INLINE_BF16, neighbours_native, interleave_native)

#define PACK(name, target, lines)                                                             \
	target void name(const struct bf16_part *p, void *tile)                               \
	{                                                                                     \
		bool is_plain = p->n_x == BF16_LINES && p->n_k == BF16_DEPTH && p->unit == 1; \
		bool is_along_k = p->k_step == 1;                                             \
                                                                                              \
		if (is_plain && is_along_k && p->is_by_pair)                                  \
			lines(p, tile, true, true, true);                                     \
		else if (is_plain && is_along_k)                                              \
			lines(p, tile, true, true, false);                                    \
		else if (is_plain && p->is_by_pair)                                           \
			lines(p, tile, false, true, false);                                   \
		else if (is_plain)                                                            \
			lines(p, tile, false, true, true);                                    \
		else if (is_along_k)                                                          \
			lines(p, tile, true, false, p->is_by_pair);                           \
		else                                                                          \
			lines(p, tile, false, false, !p->is_by_pair);                         \
	}

PACK(pack_plain, TARGET static, lines_plain)
PACK(bf16_pack_native, TARGET_BF16, lines_native)

/* ---- blocks ---- */

/* acc += the two products of a pair of A, in every lane, with the pairs of b. */
INLINE __m512
add_plain(__m512 acc, __m512i a, __m512i b)
{
	const __m512i upper = _mm512_set1_epi32((int)0xffff0000);

	acc = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(a, 16)),
	    _mm512_castsi512_ps(_mm512_slli_epi32(b, 16)), acc);
	return _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(a, upper)),
	    _mm512_castsi512_ps(_mm512_and_si512(b, upper)), acc);
}

INLINE_BF16 __m512
add_native(__m512 acc, __m512i a, __m512i b)
{
	return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b);
}

#define ROWS8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define START(i)                                                    \
	__m512 x##i = _mm512_setzero_ps(), y##i = x##i;             \
	if (is_added) {                                             \
		x##i = _mm512_loadu_ps(c + (row + i) * c_row);      \
		y##i = _mm512_loadu_ps(c + (row + i) * c_row + 16); \
	}
#define STEP(i)                                               \
	pair = _mm512_set1_epi32(a_line[i * BF16_PAIRS + k]); \
	x##i = ADD(x##i, pair, u);                            \
	y##i = ADD(y##i, pair, v);
#define END(i)                                         \
	_mm512_storeu_ps(c + (row + i) * c_row, x##i); \
	_mm512_storeu_ps(c + (row + i) * c_row + 16, y##i);

/* Eight rows and 32 columns at a time. */
#define BLOCK(name, target)                                                                      \
	target static void name(                                                                 \
	    const void *a, const void *b, size_t steps, float *c, size_t c_row, bool is_added)   \
	{                                                                                        \
		for (size_t row = 0; row < BF16_SIDE; row += 8) {                                \
			const int *a_line = (const int *)a + row * BF16_PAIRS;                   \
			const __m512i *b_line = b;                                               \
			__m512i pair;                                                            \
                                                                                                 \
			ROWS8(START)                                                             \
			for (size_t i = 0; i < steps; i++) {                                     \
				for (size_t k = 0; k < BF16_PAIRS; k++) {                        \
					__m512i u = _mm512_loadu_si512(b_line + k);              \
					__m512i v = _mm512_loadu_si512(b_line + BF16_LINES + k); \
                                                                                                 \
					ROWS8(STEP)                                              \
				}                                                                \
				a_line += 2 * BF16_LINES * BF16_PAIRS;                           \
				b_line += 2 * BF16_LINES;                                        \
			}                                                                        \
			ROWS8(END)                                                               \
		}                                                                                \
	}

#define ADD add_plain
BLOCK(block_plain, TARGET)
#undef ADD
#define ADD add_native
BLOCK(block_native, TARGET_BF16)
#undef ADD

const struct bf16_kernel bf16_kernel_avx512 = { .pack = pack_plain, .block = block_plain };
const struct bf16_kernel bf16_kernel_avx512_bf16 = { .pack = bf16_pack_native,
	.block = block_native };

#endif
