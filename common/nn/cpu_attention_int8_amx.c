/* cpu_attention_int8_amx.c - the integer attention kernel for AMX-INT8, 32 queries x 32 keys, then
 * 32 x 32 values; what lies between the products is cpu_attention_int8_avx512.c's.
 *
 * A tile is 16 rows of 64 bytes. Tiles 0 to 3 are the sums of two tiles of queries by two of keys
 * (or of values), 4 and 5 hold the queries (or weights): 16 rows x 64 values; 6 and 7 the keys (or
 * values), in quads: 16 rows of 16 columns x 4 values. */

#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_amx.h"
#include "nn/cpu_attention_int8_avx512.h"
#include "nn/cpu_attention_int8_weigh.h"

#define TARGET \
	__attribute__((target("amx-tile,amx-int8,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

enum { GROUP = 16, PANEL = 64, DEPTH = 64, LINE = 64, TILE = 1024, ROW = ATTENTION_BLOCK * 4 };

static void
pack_queries(const float *q, size_t stride, size_t n, size_t d, void *to, float *amplitude)
{
	attention_int8_avx512_rows(q, stride, n, d, to, amplitude);
}

static void
pack_keys(const float *k, size_t stride, size_t n, size_t d, const float *mean, void *to,
    const struct attention_int8_keys *keys, size_t at)
{
	attention_int8_avx512_pack_keys(
	    k, stride, n, d, attention_round_up(d, DEPTH), mean, to, keys, at);
}

/* Any number of panels, any head size. */
TARGET static void
scores(const struct attention_int8_block *b)
{
	const unsigned char *k = b->k;
	size_t depth = attention_round_up(b->d, DEPTH);

	for (size_t j = 0; j < b->n; j += PANEL, k += depth * PANEL)
		for (size_t i = 0; i < PANEL; i += 16) {
			_tile_zero(6);
			for (size_t c = 0; c < depth; c += DEPTH) {
				_tile_loadd(4, b->q + c, depth);
				_tile_loadd(5, k + i * depth + c * 16, LINE);
				_tile_dpbssd(6, 4, 5);
			}
			_tile_stored(6, b->s + j + i, ROW);
		}
}

TARGET static void
values(const struct attention_int8_block *b)
{
	_Alignas(64) int32_t sums[GROUP * 16];

	for (size_t c = 0; c < b->width; c += 16) {
		_tile_zero(0);
		for (size_t j = 0; j < b->n; j += PANEL) {
			_tile_loadd(7, (const unsigned char *)b->s + j, ROW);
			_tile_loadd(5, b->v + j * b->width + c * PANEL, LINE);
			_tile_dpbusd(0, 7, 5);
		}
		_tile_stored(0, sums, 16 * 4);
		AMX_BARRIER;
		for (size_t i = 0; i < GROUP; i++)
			attention_int8_avx512_join(b->out + i * b->width + c,
			    _mm512_load_si512(sums + i * 16), b->rows->scale[b->first + i],
			    b->rows->gain[b->first + i]);
		AMX_BARRIER;
	}
}

/* A tile of scores of `next`, and a quarter of one of the sums of `last`. */
/* A tile of scores of `next`, a row of weights of `now`, a quarter of a tile of sums of `last`. */
#define STEP(i)                                                                         \
	_tile_zero(6);                                                                  \
	_tile_loadd(5, next->k + j * DEPTH + i * TILE, LINE);                           \
	_tile_dpbssd(6, 4, 5);                                                          \
	_tile_stored(6, next->s + j + i * 16, ROW);                                     \
	_tile_loadd(5, last->v + j * 64 + i * TILE, LINE);                              \
	_tile_dpbusd(i, 7, 5);                                                          \
	weigh_row(4, &tables, s + i * ATTENTION_BLOCK, now->rows, now->first + row + i, \
	    tops.top + row + i, tops.sum + row + i);

/* Whole blocks of a head of 64. Tiles work while vectors do: each has the other's time. */
TARGET static void
pass_three(const struct attention_int8_block *next, const struct attention_int8_block *now,
    const struct attention_int8_block *last)
{
	_Alignas(64) int32_t sums[GROUP * 64];
	const float *scale = last->rows->scale + last->first,
		    *gain = last->rows->gain + last->first;
	struct weigh_tables tables = weigh_tables_of(now);
	struct attention_int8_tops tops;

	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	_tile_loadd(4, next->q, DEPTH);
	for (size_t j = 0, row = 0; j < ATTENTION_BLOCK; j += PANEL, row += 4) {
		int32_t *s = now->s + row * ATTENTION_BLOCK;

		_tile_loadd(7, (const unsigned char *)last->s + j, ROW);
		STEP(0)
		STEP(1)
		STEP(2)
		STEP(3)
	}
	_tile_stored(0, sums, 64 * 4);
	_tile_stored(1, sums + 16, 64 * 4);
	_tile_stored(2, sums + 32, 64 * 4);
	_tile_stored(3, sums + 48, 64 * 4);
	AMX_BARRIER;
	for (size_t i = 0; i < GROUP; i++)
		for (size_t c = 0; c < 64; c += 16)
			attention_int8_avx512_join(last->out + i * 64 + c,
			    _mm512_load_si512(sums + i * 64 + c), scale[i], gain[i]);
	attention_int8_avx512_join_rows(now, GROUP, &tops);
}

static int
is_whole(const struct attention_int8_block *b)
{
	return b && b->n == ATTENTION_BLOCK && b->d > 48 && b->d <= 64;
}

static void
pass(const struct attention_int8_block *next, const struct attention_int8_block *now,
    const struct attention_int8_block *last)
{
	AMX_BARRIER;
	if (is_whole(next) && is_whole(now) && is_whole(last)) {
		pass_three(next, now, last);
		return;
	}
	if (last)
		values(last);
	if (next)
		scores(next);
	if (now)
		attention_int8_avx512_softmax(now, GROUP);
}

const struct attention_int8_kernel attention_int8_amx = {
	.base = { .group = GROUP,
	    .panel = PANEL,
	    .depth = DEPTH,
	    .element = 1,
	    .begin = amx_begin,
	    .end = amx_end,
	    .run_head = attention_int8_head },
	.blocks_at_once = 3,
	.sums = attention_int8_avx512_sums,
	.amplitudes = attention_int8_avx512_amplitudes,
	.pack_queries = pack_queries,
	.pack_keys = pack_keys,
	.pack_values = attention_int8_avx512_pack_values,
	.pass = pass,
};

#endif
