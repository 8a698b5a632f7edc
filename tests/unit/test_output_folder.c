/* A folder appears whole or not at all, and the old one goes only for a whole one. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/output_folder.h"
#include "reader_aid.h"

static void
put(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
expect_text(const char *name, const char *text)
{
	char *file = mem_printf("%s/%s", aid_path, name);
	struct err e = { 0 };
	char *got = io_read_file(file, 1000, NULL, &e);

	aid_expect_no_error(&e);
	assert_string_equal(got, text);
	free(got);
	free(file);
}

/* Nothing but the folder itself is there, or with 0 not even that. */
static void
expect_entries(const char *where, int n)
{
	char *command = mem_printf("ls -A '%s' | wc -l", where);
	FILE *f = popen(command, "r");
	int got = -1;

	assert_int_equal(fscanf(f, "%d", &got), 1);
	pclose(f);
	assert_int_equal(got, n);
	free(command);
}

static void
make(const char *text, bool is_replaced)
{
	struct err e = { 0 };
	struct output_folder *f = output_folder_create(aid_path, is_replaced, &e);

	aid_expect_no_error(&e);
	put(output_folder_file(f, "a"), text);
	assert_int_equal(output_folder_commit(f, &e), 0);
	aid_expect_no_error(&e);
}

static void
is_made_and_replaced(void **state)
{
	(void)state;
	make("one", false);
	expect_text("a", "one");
	make("two", true);
	expect_text("a", "two");
	expect_entries(aid_folder, 1);
	expect_entries(aid_path, 1);
}

/* A log that is being written, a folder of somebody's: all but what is dropped and what is new. */
static void
others_go_over(void **state)
{
	struct err e = { 0 };
	struct output_folder *f;
	char *log = mem_printf("%s/log", aid_path), *state_file = mem_printf("%s/state", aid_path);
	char *notes = mem_printf("%s/notes", aid_path);
	FILE *open_log;

	(void)state;
	make("one", false);
	put(state_file, "state");
	assert_int_equal(mkdir(notes, 0777), 0);
	open_log = fopen(log, "w");
	fputs("first ", open_log);
	fflush(open_log);
	f = output_folder_create(aid_path, true, &e);
	put(output_folder_file(f, "a"), "two");
	output_folder_drop(f, "state");
	assert_int_equal(output_folder_commit(f, &e), 0);
	fputs("second", open_log);
	fclose(open_log);
	expect_text("a", "two");
	expect_text("log", "first second");
	assert_int_equal(access(state_file, F_OK), -1);
	assert_int_equal(access(notes, F_OK), 0);
	expect_entries(aid_folder, 1);
	expect_entries(aid_path, 3);
	free(log);
	free(state_file);
	free(notes);
}

static void
stays_when_the_new_one_fails(void **state)
{
	struct err e = { 0 };
	struct output_folder *f;

	(void)state;
	make("one", false);
	f = output_folder_create(aid_path, true, &e);
	put(output_folder_file(f, "a"), "two");
	expect_text("a", "one");
	err_set(&e, "the disk is full");
	assert_int_equal(output_folder_commit(f, &e), -1);
	aid_expect_error(&e, "the disk is full");
	expect_text("a", "one");
	expect_entries(aid_folder, 1);
}

static void
is_not_replaced_unasked(void **state)
{
	struct err e = { 0 };

	(void)state;
	make("one", false);
	assert_null(output_folder_create(aid_path, false, &e));
	aid_expect_error(&e, "exists already");
	expect_text("a", "one");
	expect_entries(aid_folder, 1);
}

static void
a_file_or_no_place_is_refused(void **state)
{
	struct err e = { 0 };
	char *deep = mem_printf("%s/no/model", aid_folder);

	(void)state;
	put(aid_path, "a file");
	assert_null(output_folder_create(aid_path, true, &e));
	aid_expect_error(&e, "is not a folder");
	assert_null(output_folder_create(deep, true, &e));
	aid_expect_error(&e, "No such file");
	assert_null(output_folder_create("", true, &e));
	aid_expect_error(&e, "not the name of a folder");
	free(deep);
}

/* A link to a folder stays a link; slashes at the end mean nothing. */
static void
a_link_is_followed(void **state)
{
	char *link = mem_printf("%s/link", aid_folder), *slashed = mem_printf("%s//", link);
	struct err e = { 0 };
	struct output_folder *f;
	struct stat st;

	(void)state;
	make("one", false);
	assert_int_equal(symlink(aid_path, link), 0);
	f = output_folder_create(slashed, true, &e);
	put(output_folder_file(f, "a"), "two");
	assert_int_equal(output_folder_commit(f, &e), 0);
	expect_text("a", "two");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	free(link);
	free(slashed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    is_made_and_replaced, aid_begin_folder, aid_end_folder),
		cmocka_unit_test_setup_teardown(others_go_over, aid_begin_folder, aid_end_folder),
		cmocka_unit_test_setup_teardown(
		    stays_when_the_new_one_fails, aid_begin_folder, aid_end_folder),
		cmocka_unit_test_setup_teardown(
		    is_not_replaced_unasked, aid_begin_folder, aid_end_folder),
		cmocka_unit_test_setup_teardown(
		    a_file_or_no_place_is_refused, aid_begin_folder, aid_end_folder),
		cmocka_unit_test_setup_teardown(
		    a_link_is_followed, aid_begin_folder, aid_end_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
