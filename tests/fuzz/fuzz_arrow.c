/* fuzz_arrow.c - any bytes as a stream: what is accepted must be fit for the rest of the code.
 *
 * Each batch is written again and has rows taken out of it, so that offsets, indices and lengths
 * are followed. */

#define _GNU_SOURCE /* memfd_create */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/arrow.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The last rows, some of them twice. */
static void
take_rows(struct batch *b, const struct schema *s)
{
	size_t rows[8], n = 0;

	for (size_t i = 0; i < 4 && i < b->rows; i++) {
		rows[n++] = b->rows - 1 - i;
		rows[n++] = i;
	}
	batch_take(b, s, rows, n);
}

static void
pass_through(struct arrow_reader *r, struct err *e)
{
	struct output *out = output_create("/dev/null", true, true, e);
	struct arrow_writer *w = arrow_create(out, arrow_schema(r), arrow_offset(r) % 3 ? 0 : 1, e);
	struct batch b = { 0 };

	while (arrow_read(r, &b, e) > 0) {
		arrow_write(w, &b, e);
		take_rows(&b, arrow_schema(r));
		arrow_write(w, &b, e);
	}
	if (w)
		arrow_finish(w, e);
	batch_free(&b);
	arrow_writer_free(w);
	output_abort(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err e = { 0 };
	struct arrow_reader *r;
	char path[40];
	int fd = memfd_create("input", 0);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = arrow_open(input_open(path, true, &e), &e);
	close(fd);
	if (r)
		pass_through(r, &e);
	arrow_close(r);
	return 0;
}
