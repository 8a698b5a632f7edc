#include <assert.h>
#include <string.h>

#include "formats/pickle_write.h"

static void
put_le32(struct buffer *b, uint32_t x)
{
	uint8_t *to = buffer_grow(b, 4);

	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(x >> 8 * i);
}

void
pickle_put_start(struct buffer *b)
{
	buffer_add(b, "\x80\x02", 2); /* PROTO 2 */
}

void
pickle_put_dict(struct buffer *b)
{
	buffer_add(b, "}(", 2); /* EMPTY_DICT, MARK */
}

void
pickle_put_dict_end(struct buffer *b)
{
	buffer_add(b, "u", 1); /* SETITEMS */
}

void
pickle_put_text(struct buffer *b, const char *text, size_t size)
{
	assert(size <= UINT32_MAX);
	buffer_add(b, "X", 1); /* BINUNICODE */
	put_le32(b, (uint32_t)size);
	buffer_add(b, text, size);
}

void
pickle_put_int(struct buffer *b, int32_t x)
{
	buffer_add(b, "J", 1); /* BININT */
	put_le32(b, (uint32_t)x);
}

void
pickle_put_end(struct buffer *b)
{
	buffer_add(b, ".", 1); /* STOP */
}
