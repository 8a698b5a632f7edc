/* cpu_attention_int8_vnni.c - the integer attention kernel for AVX512-VNNI, 12 queries x 32 keys,
 * then 6 x 64 values.
 *
 * An instruction adds four products of an unsigned and a signed byte. Queries are stored with 128
 * added; a key's sums begin with -128 times the sum of its values. The instruction is written in
 * assembly language, because compilers (GCC 12) keep the sums in memory around the intrinsic. */

#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_attention_int8_avx512.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { GROUP = 12, HALF = 6, PANEL = 64, DEPTH = 4, TILE = 256 };

#define DOT(sum, u, s) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(u), "v"(s))

/* to: [quads of d][GROUP][4] */
static void
pack_queries(const float *q, size_t stride, size_t n, size_t d, void *to, float *amplitude)
{
	_Alignas(64) uint32_t rows[16 * INT8_MOST / DEPTH];
	float amplitudes[16];
	size_t depth = attention_round_up(d, 64) / DEPTH;
	uint32_t *quads = to;

	attention_int8_avx512_rows(q, stride, n, d, (unsigned char *)rows, amplitudes);
	memcpy(amplitude, amplitudes, GROUP * sizeof(*amplitude));
	for (size_t c = 0; c < (d + DEPTH - 1) / DEPTH; c++, quads += GROUP)
		for (size_t i = 0; i < GROUP; i++)
			quads[i] = rows[i * depth + c] ^ 0x80808080;
}

static void
pack_keys(const float *k, size_t stride, size_t n, size_t d, const float *mean, void *to,
    const struct attention_int8_keys *keys, size_t at)
{
	attention_int8_avx512_pack_keys(
	    k, stride, n, d, attention_round_up(d, DEPTH), mean, to, keys, at);
}

#define ROWS6(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define ROWS12(X) ROWS6(X) X(6) X(7) X(8) X(9) X(10) X(11)

#define SCORE_START(i) __m512i a##i = first, b##i = second;
#define SCORE_STEP(i)                            \
	w = _mm512_set1_epi32(q[c * GROUP + i]); \
	DOT(a##i, w, x);                         \
	DOT(b##i, w, y);
#define SCORE_END(i)                                            \
	_mm512_storeu_si512(s + i * ATTENTION_BLOCK + j, a##i); \
	_mm512_storeu_si512(s + i * ATTENTION_BLOCK + j + 16, b##i);

TARGET static void
scores(const struct attention_int8_block *b)
{
	const int32_t *q = (const int32_t *)(const void *)b->q, *start = b->keys->start + b->from;
	int32_t *s = b->s;
	size_t quads = (b->d + DEPTH - 1) / DEPTH;

	for (size_t j = 0; j < b->n; j += PANEL / 2) {
		const int32_t *k = (const int32_t *)(const void *)b->k + j * quads;
		__m512i first = _mm512_loadu_si512(start + j),
			second = _mm512_loadu_si512(start + j + 16);
		ROWS12(SCORE_START)

		for (size_t c = 0; c < quads; c++, k += 16) {
			__m512i x = _mm512_loadu_si512(k), y = _mm512_loadu_si512(k + 16 * quads),
				w;

			ROWS12(SCORE_STEP)
		}
		ROWS12(SCORE_END)
	}
}

#define LOAD(p) _mm512_loadu_si512(p)
#define VALUE_START(i) __m512i a##i = _mm512_setzero_si512(), b##i = a##i, c##i = a##i, d##i = a##i;
#define VALUE_STEP(i)                                             \
	w = _mm512_set1_epi32(s[i * ATTENTION_BLOCK + j + quad]); \
	DOT(a##i, w, x);                                          \
	if (vectors > 1)                                          \
		DOT(b##i, w, y);                                  \
	if (vectors > 2)                                          \
		DOT(c##i, w, z);                                  \
	if (vectors > 3)                                          \
		DOT(d##i, w, u);
#define VALUE_END(i)                                                                     \
	attention_int8_avx512_join(o + i * width, a##i, scale[i], gain[i]);              \
	if (vectors > 1)                                                                 \
		attention_int8_avx512_join(o + i * width + 16, b##i, scale[i], gain[i]); \
	if (vectors > 2)                                                                 \
		attention_int8_avx512_join(o + i * width + 32, c##i, scale[i], gain[i]); \
	if (vectors > 3)                                                                 \
		attention_int8_avx512_join(o + i * width + 48, d##i, scale[i], gain[i]);

/* Six queries and 16 * vectors columns; `vectors` is a constant where this is called. */
INLINE void
values_of(int vectors, const int32_t *s, const int32_t *v, size_t n, size_t width,
    const float *scale, const float *gain, float *o)
{
	ROWS6(VALUE_START)
	for (size_t j = 0; j < n / 4; j += PANEL / 4, v += PANEL / 4 * width)
		for (size_t quad = 0; quad < PANEL / 4; quad++) {
			const int32_t *line = v + quad * 16;
			__m512i x = LOAD(line), y = x, z = x, u = x, w;

			if (vectors > 1)
				y = LOAD(line + TILE);
			if (vectors > 2)
				z = LOAD(line + 2 * TILE);
			if (vectors > 3)
				u = LOAD(line + 3 * TILE);
			ROWS6(VALUE_STEP)
		}
	ROWS6(VALUE_END)
}

TARGET static void
values(const struct attention_int8_block *b)
{
	const float *scale = b->rows->scale + b->first, *gain = b->rows->gain + b->first;
	const int32_t *s = b->s;
	const int32_t *v = (const int32_t *)(const void *)b->v;
	size_t width = b->width;
	float *o = b->out;

	for (size_t i = 0; i < GROUP;
	     i += HALF, s += HALF * ATTENTION_BLOCK, scale += HALF, gain += HALF, o += HALF * width)
		for (size_t at = 0; at < width; at += 64) {
			switch (width - at) {
			case 16:
				values_of(1, s, v + at * 16, b->n, width, scale, gain, o + at);
				break;
			case 32:
				values_of(2, s, v + at * 16, b->n, width, scale, gain, o + at);
				break;
			case 48:
				values_of(3, s, v + at * 16, b->n, width, scale, gain, o + at);
				break;
			default:
				values_of(4, s, v + at * 16, b->n, width, scale, gain, o + at);
				break;
			}
		}
}

static void
pass(const struct attention_int8_block *next, const struct attention_int8_block *now,
    const struct attention_int8_block *last)
{
	(void)next, (void)last;
	if (!now)
		return;
	scores(now);
	attention_int8_avx512_softmax(now, GROUP);
	values(now);
}

const struct attention_int8_kernel attention_int8_vnni = {
	.base = { .group = GROUP,
	    .panel = PANEL,
	    .depth = DEPTH,
	    .element = 1,
	    .run_head = attention_int8_head },
	.blocks_at_once = 1,
	.sums = attention_int8_avx512_sums,
	.amplitudes = attention_int8_avx512_amplitudes,
	.pack_queries = pack_queries,
	.pack_keys = pack_keys,
	.pack_values = attention_int8_avx512_pack_values,
	.pass = pass,
};

#endif
