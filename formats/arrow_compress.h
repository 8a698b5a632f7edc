/* arrow_compress.h - compressed buffers of a body: zstd and LZ4 frames behind an 8-byte length.
 *
 * Message.fbs, BodyCompression: each buffer is its length uncompressed (int64) and one frame; a
 * length of -1 says that the bytes behind it are as they are. An empty buffer has neither. */

#ifndef FORMATS_ARROW_COMPRESS_H
#define FORMATS_ARROW_COMPRESS_H

#include "base/err.h"
#include "base/mem.h"

enum codec { CODEC_LZ4 = 0, CODEC_ZSTD = 1, CODEC_NONE = -1 };

struct compressor;
struct decompressor;

/* zstd of that level, frames with checksum. Of levels 2 and 3 (that of files) buffers are left to
 * level 1 which hardly get shorter. Freed by compressor_free (NULL is fine). */
struct compressor *compressor_new(int level);
/* Appends the buffer as it stands in a body; stored as it is where a frame is not smaller. */
void compressor_add(struct compressor *c, const void *bytes, size_t n, struct buffer *out);
void compressor_free(struct compressor *c);

struct decompressor *decompressor_new(void);
/* The n bytes of a buffer unpacked into the arena (or pointed at, where they are stored as they
 * are): at least `need` bytes, *ret_size of them; NULL on failure. A length that so few bytes
 * cannot stand for is refused before anything is allocated. */
const void *decompressor_unpack(struct decompressor *d, enum codec codec, const uint8_t *bytes,
    size_t n, size_t need, struct arena *arena, size_t *ret_size, struct err *e);
void decompressor_free(struct decompressor *d);

#endif
