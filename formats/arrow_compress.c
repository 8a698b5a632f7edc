#include <assert.h>
#include <inttypes.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/bytes.h"
#include "formats/arrow_compress.h"

/* What a byte of a frame can stand for at most: a zstd block takes 4 bytes and gives 128 KiB, an
 * LZ4 byte lengthens a match by 255. */
enum { ZSTD_BLOCK = 128 << 10, ZSTD_LEAST = 4, LZ4_MOST = 255 };

/* Tokens in their order hardly repeat. Where the lowest level takes less than an eighth off the
 * first SAMPLE bytes of a buffer, higher ones search three times as long for a few per cent more,
 * and so the buffer is left to the lowest. */
enum { SAMPLE = 1 << 16, LEAST_GAIN = SAMPLE / 8, HIGHEST_CHOSEN = 3 };

struct compressor {
	ZSTD_CCtx *zstd;
	int level;
	struct buffer sample;
};

struct decompressor {
	ZSTD_DCtx *zstd;
	LZ4F_dctx *lz4;
};

static void
check_zstd(size_t r)
{
	bool is_good = !ZSTD_isError(r);

	assert(is_good);
	(void)is_good;
}

struct compressor *
compressor_new(int level)
{
	struct compressor *c = mem_zero(1, sizeof(*c));

	c->zstd = ZSTD_createCCtx();
	c->level = level;
	assert(c->zstd);
	check_zstd(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_checksumFlag, 1));
	return c;
}

static size_t
compress(struct compressor *c, int level, const void *bytes, size_t n, void *out, size_t room)
{
	size_t size;

	check_zstd(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, level));
	size = ZSTD_compress2(c->zstd, out, room, bytes, n);
	check_zstd(size);
	return size;
}

/* The level that is worth its time. */
static int
choose_level(struct compressor *c, const void *bytes, size_t n)
{
	size_t room = ZSTD_compressBound(SAMPLE);

	if (c->level <= 1 || c->level > HIGHEST_CHOSEN || n < 2 * SAMPLE)
		return c->level;
	c->sample.size = 0;
	return compress(c, 1, bytes, SAMPLE, buffer_grow(&c->sample, room), room) >
		       SAMPLE - LEAST_GAIN
		   ? 1
		   : c->level;
}

void
compressor_add(struct compressor *c, const void *bytes, size_t n, struct buffer *out)
{
	int64_t length = (int64_t)n;
	size_t start = out->size, size;

	if (n == 0)
		return;
	buffer_grow(out, 8 + ZSTD_compressBound(n));
	size = compress(
	    c, choose_level(c, bytes, n), bytes, n, out->data + start + 8, ZSTD_compressBound(n));
	if (size >= n) {
		length = -1;
		size = n;
		memcpy(out->data + start + 8, bytes, n);
	}
	memcpy(out->data + start, &length, sizeof(length));
	out->size = start + 8 + size;
}

void
compressor_free(struct compressor *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->zstd);
	buffer_free(&c->sample);
	free(c);
}

struct decompressor *
decompressor_new(void)
{
	return mem_zero(1, sizeof(struct decompressor));
}

static int
unpack_zstd(
    struct decompressor *d, const uint8_t *bytes, size_t n, void *out, size_t size, struct err *e)
{
	size_t r;

	if (!d->zstd)
		d->zstd = ZSTD_createDCtx();
	assert(d->zstd);
	r = ZSTD_decompressDCtx(d->zstd, out, size, bytes, n);
	if (ZSTD_isError(r))
		return err_set(e, "damaged zstd frame (%s)", ZSTD_getErrorName(r));
	if (r != size)
		return err_set(e, "its zstd frame gives %zu of %zu bytes", r, size);
	return 0;
}

static int
unpack_lz4(struct decompressor *d, const uint8_t *bytes, size_t n, uint8_t *out, size_t size,
    struct err *e)
{
	size_t used = 0, made = 0, r = 1;

	if (!d->lz4)
		LZ4F_createDecompressionContext(&d->lz4, LZ4F_VERSION);
	assert(d->lz4);
	LZ4F_resetDecompressionContext(d->lz4);
	while (r && !LZ4F_isError(r)) {
		size_t in_step = n - used, out_step = size - made;

		r = LZ4F_decompress(d->lz4, out + made, &out_step, bytes + used, &in_step, NULL);
		used += in_step;
		made += out_step;
		if (!in_step && !out_step)
			break;
	}
	if (LZ4F_isError(r))
		return err_set(e, "damaged LZ4 frame (%s)", LZ4F_getErrorName(r));
	if (r || made != size || used != n)
		return err_set(e, "its LZ4 frame gives %zu of %zu bytes", made, size);
	return 0;
}

/* True where n bytes can stand for `length`. */
static bool
is_possible(enum codec codec, uint64_t length, size_t n)
{
	if (codec == CODEC_ZSTD)
		return length / ZSTD_BLOCK <= n / ZSTD_LEAST;
	return length / LZ4_MOST <= n;
}

const void *
decompressor_unpack(struct decompressor *d, enum codec codec, const uint8_t *bytes, size_t n,
    size_t need, struct arena *arena, size_t *ret_size, struct err *e)
{
	int64_t length;
	uint8_t *out;
	int r;

	if (n < 8) {
		err_set(e, "compressed buffer of %zu bytes", n);
		return NULL;
	}
	length = (int64_t)le64(bytes);
	bytes += 8;
	n -= 8;
	if (length < -1 || (length >= 0 && !is_possible(codec, (uint64_t)length, n))) {
		err_set(e, "%zu compressed bytes cannot hold the %" PRId64 " that they promise", n,
		    length);
		return NULL;
	}
	*ret_size = length < 0 ? n : (size_t)length;
	if (*ret_size < need) {
		err_set(e, "buffer of %zu bytes where %zu are needed", *ret_size, need);
		return NULL;
	}
	if (length < 0)
		return bytes;
	out = arena_alloc(arena, *ret_size, 1);
	r = codec == CODEC_ZSTD ? unpack_zstd(d, bytes, n, out, *ret_size, e)
				: unpack_lz4(d, bytes, n, out, *ret_size, e);
	return r < 0 ? NULL : out;
}

void
decompressor_free(struct decompressor *d)
{
	if (!d)
		return;
	ZSTD_freeDCtx(d->zstd);
	LZ4F_freeDecompressionContext(d->lz4);
	free(d);
}
