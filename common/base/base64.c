#include "base/base64.h"

void
base64_add(struct buffer *b, const void *bytes, size_t n)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *from = bytes;
	char *to = buffer_grow(b, (n + 2) / 3 * 4);

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t x = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] : 0) << 8 |
			     (left > 2 ? from[i + 2] : 0);

		*to++ = digits[x >> 18];
		*to++ = digits[x >> 12 & 63];
		*to++ = left > 1 ? digits[x >> 6 & 63] : '=';
		*to++ = left > 2 ? digits[x & 63] : '=';
	}
}
