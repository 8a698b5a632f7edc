/* cpu_product_amx.c - blocks of products in bfloat16 for AMX: tiles 0 to 3 are the sums of two
 * tiles of rows by two of columns, 4 and 5 are of A, 6 and 7 of B. */

#if defined(__x86_64__)

#include <immintrin.h>

#include "nn/cpu_amx.h"
#include "nn/cpu_attention_gradient_bf16.h"

#define TARGET __attribute__((target("amx-tile,amx-bf16,avx512f")))

TARGET static void
block(
    const void *packed_a, const void *packed_b, size_t steps, float *c, size_t c_row, bool is_added)
{
	const unsigned char *a = packed_a, *b = packed_b;
	int row = (int)(c_row * sizeof(float));
	float *below = c + BF16_LINES * c_row;

	AMX_BARRIER;
	if (is_added) {
		_tile_loadd(0, c, row);
		_tile_loadd(1, c + 16, row);
		_tile_loadd(2, below, row);
		_tile_loadd(3, below + 16, row);
	} else {
		_tile_zero(0);
		_tile_zero(1);
		_tile_zero(2);
		_tile_zero(3);
	}
	for (size_t i = 0; i < steps; i++, a += 2 * BF16_TILE, b += 2 * BF16_TILE) {
		_tile_loadd(4, a, BF16_LINE);
		_tile_loadd(6, b, BF16_LINE);
		_tile_loadd(7, b + BF16_TILE, BF16_LINE);
		_tile_loadd(5, a + BF16_TILE, BF16_LINE);
		_tile_dpbf16ps(0, 4, 6);
		_tile_dpbf16ps(1, 4, 7);
		_tile_dpbf16ps(2, 5, 6);
		_tile_dpbf16ps(3, 5, 7);
	}
	_tile_stored(0, c, row);
	_tile_stored(1, c + 16, row);
	_tile_stored(2, below, row);
	_tile_stored(3, below + 16, row);
	AMX_BARRIER;
}

const struct bf16_kernel bf16_kernel_amx = { .begin = amx_begin,
	.end = amx_end,
	.pack = bf16_pack_native,
	.block = block,
	.strip = bf16_strip,
	.turn = bf16_turn };

#endif
