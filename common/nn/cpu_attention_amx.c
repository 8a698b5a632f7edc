/* cpu_attention_amx.c - the attention kernel for AMX: bfloat16 tiles, float32 sums, 32 queries x 32
 * keys.
 *
 * A tile is 16 rows of 64 bytes. Tiles 0 to 3 are the sums of two tiles of queries by two of keys
 * (or of values), 4 and 5 hold the queries (or weights): 16 rows x 32 values; 6 and 7 the keys (or
 * values), in pairs: 16 rows of 16 columns x 2 values. Nine tenths of the time goes into the
 * exponential, so that a polynomial of degree 3 (1e-4) serves, which is below the rounding of the
 * weights to bfloat16 (4e-3). */

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#include "nn/cpu_amx.h"
#include "nn/cpu_attention.h"
#include "nn/cpu_exp2_avx512.h"

#define TARGET          \
	__attribute__(( \
	    target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")))
#define INLINE TARGET static inline __attribute__((always_inline))

/* Rows and values of a tile; bytes of a tile. */
enum { GROUP = 32, PANEL = 32, ROWS = 16, PAIRS = 16, DEPTH = 32, TILE = 1024, LINE = 64 };

/* The values from c of a row of d, times unit, as 16 bfloat16 in the lower half; 0 beyond the row.
 */
INLINE __m256i
narrow(const float *row, size_t c, size_t d, __m512 unit)
{
	size_t left = c >= d ? 0 : d - c >= 16 ? 16 : d - c;
	__mmask16 mask = (__mmask16)((1u << left) - 1);
	__m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, row + c), unit);

	return (__m256i)_mm512_cvtneps_pbh(x);
}

/* to: [steps of 32 values][tiles of 16 queries][16 rows][32 values] */
TARGET static void
pack_queries(const float *q, size_t stride, size_t n, size_t d, float unit, void *to)
{
	for (size_t c = 0; c < d; c += DEPTH)
		for (size_t i = 0; i < GROUP; i++) {
			unsigned char *line = (unsigned char *)to + (c / DEPTH * GROUP + i) * LINE;
			size_t width = i < n ? d : 0;

			_mm256_storeu_si256((__m256i *)(void *)line,
			    narrow(q + (i < n ? i : 0) * stride, c, width, _mm512_set1_ps(unit)));
			_mm256_storeu_si256((__m256i *)(void *)(line + LINE / 2),
			    narrow(
				q + (i < n ? i : 0) * stride, c + 16, width, _mm512_set1_ps(unit)));
		}
}

/* to: [steps of 32 values][tiles of 16 keys][16 pairs of values][16 keys][2] */
TARGET static void
pack_keys(const float *k, size_t stride, size_t n, size_t d, void *to)
{
	const __m512 one = _mm512_set1_ps(1);

	for (size_t c = 0; c < d; c += DEPTH)
		for (size_t i = 0; i < PANEL; i++) {
			uint32_t *tile = (uint32_t *)to + (c / DEPTH * 2 + i / ROWS) * (TILE / 4);
			uint32_t pair[PAIRS];
			size_t width = i < n ? d : 0;
			const float *row = k + (i < n ? i : 0) * stride;

			_mm256_storeu_si256((__m256i *)(void *)pair, narrow(row, c, width, one));
			_mm256_storeu_si256(
			    (__m256i *)(void *)(pair + 8), narrow(row, c + 16, width, one));
			for (size_t l = 0; l < PAIRS; l++)
				tile[l * ROWS + i % ROWS] = pair[l];
		}
}

/* to: [tiles of 16 values][16 pairs of keys][16 values][2] */
TARGET static void
pack_values(const float *v, size_t stride, size_t n, size_t d, void *to)
{
	const __m512 one = _mm512_set1_ps(1);

	for (size_t c = 0; c < d; c += ROWS)
		for (size_t i = 0; i < PANEL; i += 2) {
			const float *row = v + (i < n ? i : 0) * stride;
			const float *next = v + (i + 1 < n ? i + 1 : 0) * stride;
			__m512i x = _mm512_cvtepu16_epi32(narrow(row, c, i < n ? d : 0, one));
			__m512i y = _mm512_cvtepu16_epi32(narrow(next, c, i + 1 < n ? d : 0, one));
			unsigned char *line =
			    (unsigned char *)to + (c / ROWS * PAIRS + i / 2) * LINE;

			_mm512_storeu_si512(line, _mm512_or_si512(x, _mm512_slli_epi32(y, 16)));
		}
}

TARGET static void
scores(const void *packed_q, const void *packed_k, size_t d, size_t n, float *s)
{
	const unsigned char *q = packed_q, *k = packed_k;
	const int row = ATTENTION_BLOCK * sizeof(float);
	size_t steps = (d + DEPTH - 1) / DEPTH;

	AMX_BARRIER;
	for (size_t j = 0; j < n; j += PANEL) {
		_tile_zero(0);
		_tile_zero(1);
		_tile_zero(2);
		_tile_zero(3);
		for (size_t i = 0; i < steps; i++, k += 2 * TILE) {
			_tile_loadd(4, q + i * 2 * TILE, LINE);
			_tile_loadd(6, k, LINE);
			_tile_loadd(7, k + TILE, LINE);
			_tile_loadd(5, q + i * 2 * TILE + TILE, LINE);
			_tile_dpbf16ps(0, 4, 6);
			_tile_dpbf16ps(1, 4, 7);
			_tile_dpbf16ps(2, 5, 6);
			_tile_dpbf16ps(3, 5, 7);
		}
		_tile_stored(0, s + j, row);
		_tile_stored(1, s + j + 16, row);
		_tile_stored(2, s + 16 * ATTENTION_BLOCK + j, row);
		_tile_stored(3, s + 16 * ATTENTION_BLOCK + j + 16, row);
	}
}

/* The weights take the place of the scores, as bfloat16 in the first half of each row. */
TARGET static void
softmax(float *s, size_t n, float *max, float *sum, float *scale)
{
	for (size_t i = 0; i < GROUP; i++, s += ATTENTION_BLOCK) {
		__m512 top = _mm512_set1_ps(max[i]), even = _mm512_setzero_ps(), odd = even, lower;
		unsigned char *weights = (unsigned char *)s;
		__m512 top_odd = top;

		for (size_t j = 0; j < n; j += PANEL) {
			top = _mm512_max_ps(top, _mm512_loadu_ps(s + j));
			top_odd = _mm512_max_ps(top_odd, _mm512_loadu_ps(s + j + 16));
		}
		top = _mm512_set1_ps(_mm512_reduce_max_ps(_mm512_max_ps(top, top_odd)));
		for (size_t j = 0; j < n; j += PANEL) {
			__m512 x = exp2_cubic(_mm512_sub_ps(_mm512_loadu_ps(s + j), top));
			__m512 y = exp2_cubic(_mm512_sub_ps(_mm512_loadu_ps(s + j + 16), top));

			_mm512_storeu_si512(weights + 2 * j, (__m512i)_mm512_cvtne2ps_pbh(y, x));
			even = _mm512_add_ps(even, x);
			odd = _mm512_add_ps(odd, y);
		}
		lower = exp2_cubic(_mm512_sub_ps(_mm512_set1_ps(max[i]), top));
		scale[i] = _mm512_cvtss_f32(lower);
		sum[i] = sum[i] * scale[i] + _mm512_reduce_add_ps(_mm512_add_ps(even, odd));
		max[i] = _mm512_cvtss_f32(top);
	}
}

INLINE void
scale_sums(float *o, size_t width, const float *scale)
{
	for (size_t i = 0; i < GROUP; i++)
		for (size_t c = 0; c < width; c += 16, o += 16)
			_mm512_storeu_ps(
			    o, _mm512_mul_ps(_mm512_loadu_ps(o), _mm512_set1_ps(scale[i])));
}

/* Two tiles of columns, or one (the last of an odd number). */
TARGET static void
add_two(const float *s, const unsigned char *v, size_t n, size_t width, float *o)
{
	const int row = ATTENTION_BLOCK * sizeof(float), out = (int)(width * sizeof(float));

	_tile_loadd(0, o, out);
	_tile_loadd(1, o + 16, out);
	_tile_loadd(2, o + 16 * width, out);
	_tile_loadd(3, o + 16 * width + 16, out);
	for (size_t j = 0; j < n; j += PANEL, v += width * LINE) {
		_tile_loadd(4, s + j / 2, row);
		_tile_loadd(6, v, LINE);
		_tile_loadd(7, v + TILE, LINE);
		_tile_loadd(5, s + 16 * ATTENTION_BLOCK + j / 2, row);
		_tile_dpbf16ps(0, 4, 6);
		_tile_dpbf16ps(1, 4, 7);
		_tile_dpbf16ps(2, 5, 6);
		_tile_dpbf16ps(3, 5, 7);
	}
	_tile_stored(0, o, out);
	_tile_stored(1, o + 16, out);
	_tile_stored(2, o + 16 * width, out);
	_tile_stored(3, o + 16 * width + 16, out);
}

TARGET static void
add_one(const float *s, const unsigned char *v, size_t n, size_t width, float *o)
{
	const int row = ATTENTION_BLOCK * sizeof(float), out = (int)(width * sizeof(float));

	_tile_loadd(0, o, out);
	_tile_loadd(2, o + 16 * width, out);
	for (size_t j = 0; j < n; j += PANEL, v += width * LINE) {
		_tile_loadd(4, s + j / 2, row);
		_tile_loadd(6, v, LINE);
		_tile_loadd(5, s + 16 * ATTENTION_BLOCK + j / 2, row);
		_tile_dpbf16ps(0, 4, 6);
		_tile_dpbf16ps(2, 5, 6);
	}
	_tile_stored(0, o, out);
	_tile_stored(2, o + 16 * width, out);
}

TARGET static void
values(const float *s, const void *packed_v, size_t n, size_t width, const float *scale, float *o)
{
	const unsigned char *v = packed_v;

	scale_sums(o, width, scale);
	AMX_BARRIER;
	for (size_t c = 0; c < width; c += 32) {
		if (width - c >= 32)
			add_two(s, v + c / ROWS * TILE, n, width, o + c);
		else
			add_one(s, v + c / ROWS * TILE, n, width, o + c);
	}
}

const struct attention_kernel attention_amx = {
	.group = GROUP,
	.panel = PANEL,
	.depth = DEPTH,
	.element = 2,
	.begin = amx_begin,
	.end = amx_end,
	.pack_queries = pack_queries,
	.pack_keys = pack_keys,
	.pack_values = pack_values,
	.scores = scores,
	.softmax = softmax,
	.values = values,
};

#endif
