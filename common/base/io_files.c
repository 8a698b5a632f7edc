/* Whole files and spill files; the rest of io.h is in io.c. */

#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"

enum { STEP = 1 << 16 };

char *
io_read_file(const char *path, size_t limit, size_t *ret_size, struct err *e)
{
	struct input *in = input_open(path, true, e);
	struct buffer b = { 0 };
	ptrdiff_t r = 1;

	if (!in)
		return NULL;
	while (r > 0 && b.size <= limit) {
		uint8_t *place = buffer_grow(&b, STEP);

		r = input_read(in, place, STEP, e);
		b.size -= (size_t)(STEP - (r > 0 ? r : 0));
	}
	if (r >= 0 && b.size > limit)
		err_set(e, "%s: longer than %zu bytes", path, limit);
	input_close(in);
	if (e->is_set) {
		buffer_free(&b);
		return NULL;
	}
	if (ret_size)
		*ret_size = b.size;
	buffer_add(&b, "", 1);
	return (char *)b.data;
}

int
io_spill_file(struct err *e)
{
	const char *folder = getenv("TMPDIR");
	char *path = mem_printf("%s/cellpipe.XXXXXX", folder && *folder ? folder : "/tmp");
	int fd = mkstemp(path);

	if (fd < 0)
		err_sys(e, "%s", path);
	else
		unlink(path);
	free(path);
	return fd;
}
