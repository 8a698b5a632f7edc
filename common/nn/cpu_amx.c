#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#include "nn/cpu_amx.h"

#define TARGET __attribute__((target("amx-tile")))

#define EIGHT(x)                       \
	{                              \
		x, x, x, x, x, x, x, x \
	}

TARGET void
amx_begin(void)
{
	static const struct {
		uint8_t palette, start_row, reserved[14];
		uint16_t bytes[16]; /* of a row of each tile */
		uint8_t rows[16];
	} config = { .palette = 1, .bytes = EIGHT(64), .rows = EIGHT(16) };

	_tile_loadconfig(&config);
}

TARGET void
amx_end(void)
{
	_tile_release();
}

#endif
