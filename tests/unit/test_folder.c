/* Folders that go as a whole, and links that are replaced. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"

static char top[] = "/tmp/test_folder.XXXXXX";

static void
touch(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
}

static void
removes(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdir("a", 0777) | mkdir("a/b", 0777) | mkdir("kept", 0777), 0);
	touch("a/.hidden");
	touch("a/b/file");
	touch("kept/file");
	assert_int_equal(symlink("../../kept", "a/b/link") | symlink("nowhere", "a/broken"), 0);
	assert_int_equal(folder_remove("a", &e), 0);
	assert_int_not_equal(access("a", F_OK), 0);
	assert_int_equal(access("kept/file", F_OK), 0);
	assert_int_equal(folder_remove("a", &e), 0); /* nothing has the name */
	assert_int_equal(symlink("kept", "link"), 0);
	assert_int_equal(folder_remove("link", &e), 0);
	assert_int_equal(access("kept/file", F_OK), 0);
	assert_int_equal(folder_remove("kept/file", &e), 0);
	assert_int_not_equal(access("kept/file", F_OK), 0);
	assert_false(e.is_set);
}

static void
links(void **state)
{
	struct err e = { 0 };
	char target[20] = "";

	(void)state;
	assert_int_equal(folder_link("best", "one", &e), 0);
	assert_int_equal(folder_link("best", "two", &e), 0);
	assert_int_equal(readlink("best", target, sizeof(target) - 1), 3);
	assert_string_equal(target, "two");
	touch("file");
	assert_int_equal(folder_link("file", "two", &e), -1);
	assert_non_null(strstr(e.text, "file: is there, and no link"));
	assert_int_equal(access("file", F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(removes), cmocka_unit_test(links) };
	struct err e = { 0 };
	int r;

	if (!mkdtemp(top) || chdir(top))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	if (chdir("/") || folder_remove(top, &e))
		return 1;
	return r;
}
