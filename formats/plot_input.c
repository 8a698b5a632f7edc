/* plot_input.c - whole texts; see plot_input.h. */

#include "formats/plot_input.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 16 };

char *
plot_input_read(const char *path, bool force, size_t limit, size_t *ret_size, struct err *e)
{
	struct input *in = e->is_set ? NULL : input_open(path, force, e);
	struct buffer b = { 0 };
	ptrdiff_t n = CHUNK;

	while (in && n == CHUNK) {
		uint8_t *chunk = buffer_grow(&b, CHUNK);

		n = input_read(in, chunk, CHUNK, e);
		b.size -= (size_t)(CHUNK - (n > 0 ? n : 0));
		if (b.size > limit) {
			err_set(e, "%s: longer than %zu bytes", plot_input_name(path), limit);
			break;
		}
	}
	if (in)
		input_close(in);
	*ret_size = b.size;
	buffer_add(&b, "", 1);
	if (e->is_set)
		buffer_free(&b);
	return (char *)b.data;
}

const char *
plot_input_name(const char *path)
{
	return strcmp(path, "-") ? path : "stdin";
}
