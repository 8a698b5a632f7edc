/* bytes.h - little-endian numbers in byte strings, at any alignment. */

#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "cellpipe runs on little-endian machines only"
#endif

static inline uint16_t
le16(const void *bytes)
{
	uint16_t v;
	memcpy(&v, bytes, sizeof(v));
	return v;
}

static inline uint32_t
le32(const void *bytes)
{
	uint32_t v;
	memcpy(&v, bytes, sizeof(v));
	return v;
}

static inline uint64_t
le64(const void *bytes)
{
	uint64_t v;
	memcpy(&v, bytes, sizeof(v));
	return v;
}

static inline float
le_f32(const void *bytes)
{
	float v;
	memcpy(&v, bytes, sizeof(v));
	return v;
}

static inline double
le_f64(const void *bytes)
{
	double v;
	memcpy(&v, bytes, sizeof(v));
	return v;
}

#endif
