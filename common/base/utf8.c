/* utf8.c - see utf8.h. */

#include "base/utf8.h"

#include "base/bytes.h"

/* Bytes of the character that p begins, or 0 where it is none. */
static size_t
character_size(const uint8_t *p, size_t n)
{
	size_t size = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;

	if (size == 1)
		return 1;
	if (p[0] < 0xC2 || p[0] > 0xF4 || size > n)
		return 0;
	for (size_t k = 1; k < size; k++)
		if ((p[k] & 0xC0) != 0x80)
			return 0;
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
	    (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return size;
}

bool
utf8_is_valid(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n;) {
		/* Most texts are ASCII: eight bytes at once. */
		if (n - i >= 8 && !(le64(p + i) & 0x8080808080808080)) {
			i += 8;
			continue;
		}
		size_t size = character_size(p + i, n - i);
		if (size == 0)
			return false;
		i += size;
	}
	return true;
}
