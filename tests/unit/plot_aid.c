#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plot_aid.h"

struct plot_column
plot_aid_texts(const char *name, const char *const *texts, size_t n)
{
	struct arena arena = { 0 };
	struct field f = field_utf8(name);
	struct array a = array_from_texts(&arena, texts, n);
	struct plot_column c;

	plot_column_start(&c, &f, false);
	plot_column_add(&c, &f, &a);
	plot_column_finish(&c);
	arena_free(&arena);
	return c;
}

struct plot_column
plot_aid_numbers(const char *name, const double *numbers, size_t n)
{
	struct field f = field_float(name, 64);
	struct array a = array_fixed(n, numbers);
	struct plot_column c;

	plot_column_start(&c, &f, false);
	plot_column_add(&c, &f, &a);
	plot_column_finish(&c);
	return c;
}

static char path[] = "/tmp/cellpipe-plot.XXXXXX";

struct output *
plot_aid_create(void)
{
	struct err e = { 0 };
	struct output *out;
	int file;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	file = mkstemp(path);
	assert_true(file >= 0);
	close(file);
	out = output_create(path, true, true, &e);
	assert_non_null(out);
	return out;
}

char *
plot_aid_bytes(struct output *out)
{
	struct err e = { 0 };
	size_t size;
	char *bytes;

	assert_int_equal(output_commit(out, &e), 0);
	bytes = io_read_file(path, (size_t)1 << 30, &size, &e);
	unlink(path);
	assert_non_null(bytes);
	return bytes;
}

size_t
plot_aid_count(const char *text, const char *wanted)
{
	size_t n = 0;

	for (; (text = strstr(text, wanted)); text += strlen(wanted))
		n++;
	return n;
}

char *
plot_aid_finish(struct canvas *c)
{
	struct err e = { 0 };
	struct output *out = plot_aid_create();

	assert_int_equal(canvas_write(c, out, &e), 0);
	canvas_free(c);
	return plot_aid_bytes(out);
}

void
plot_aid_expect(const char *picture, const char *wanted)
{
	if (!strstr(picture, wanted))
		fail_msg("%s\nis not in\n%s", wanted, picture);
}
