/* reader_aid.c - see reader_aid.h. */

#include "reader_aid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/io.h"

const char *
fixture(const char *name)
{
	static char paths[3][300];
	static int next;

	next = (next + 1) % 3;
	snprintf(paths[next], sizeof(paths[next]), "tests/unit/data/readers/%s", name);
	return paths[next];
}

struct buffer
fixture_bytes(const char *name)
{
	struct buffer b = { 0 };
	struct err e = { 0 };
	size_t size;
	char *bytes = io_read_file(fixture(name), 1 << 24, &size, &e);

	aid_expect_no_error(&e);
	buffer_add(&b, bytes, size);
	free(bytes);
	return b;
}

char *
aid_make_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path = mem_printf("%s/readers-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	assert_non_null(mkdtemp(path));
	return path;
}

void
aid_remove_folder(char *folder)
{
	struct err e = { 0 };

	assert_int_equal(folder_remove(folder, &e), 0);
	free(folder);
}

char *aid_folder, *aid_path;

int
aid_begin_folder(void **state)
{
	(void)state;
	aid_folder = aid_make_folder();
	aid_path = mem_printf("%s/new", aid_folder);
	return 0;
}

int
aid_end_folder(void **state)
{
	(void)state;
	free(aid_path);
	aid_remove_folder(aid_folder);
	return 0;
}

void
aid_write(const char *folder, const char *name, const void *bytes, size_t n)
{
	char *path = mem_printf("%s/%s", folder, name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	free(path);
}

void
aid_expect_error(struct err *e, const char *part)
{
	if (!e->is_set)
		fail_msg("no error, but it should be: %s", part);
	if (!strstr(e->text, part))
		fail_msg("the error is: %s\nbut should have: %s", e->text, part);
	memset(e, 0, sizeof(*e));
}

void
aid_expect_no_error(const struct err *e)
{
	if (e->is_set)
		fail_msg("%s", e->text);
}
