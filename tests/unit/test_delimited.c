/* Rows of tables as people and programs write them, and how others are refused. */

#include <stdio.h>
#include <string.h>

#include "formats/delimited.h"
#include "reader_aid.h"

/* "LINE:field|field|" for each row. */
static int
show_row(void *context, const struct delimited_row *row, struct err *e)
{
	struct buffer *text = context;
	char line[20];

	snprintf(line, sizeof(line), "%zu:", row->line);
	buffer_add(text, line, strlen(line));
	for (size_t i = 0; i < row->n; i++) {
		assert_int_equal(strlen(row->fields[i]), row->sizes[i]);
		buffer_add(text, row->fields[i], row->sizes[i]);
		buffer_add(text, "|", 1);
	}
	return strcmp(row->fields[0], "stop") == 0 ? err_set(e, "line %zu: stopped", row->line) : 0;
}

static void
expect(unsigned flags, const char *text, const char *rows)
{
	struct err e = { 0 };
	struct buffer got = { 0 };

	aid_write(aid_folder, "new", text, strlen(text));
	assert_int_equal(delimited_read(aid_path, false, flags, show_row, &got, &e), 0);
	aid_expect_no_error(&e);
	buffer_add(&got, "", 1);
	assert_string_equal((char *)got.data, rows);
	buffer_free(&got);
}

static void
refuse(const char *text, size_t n, const char *reason)
{
	struct err e = { 0 };
	struct buffer got = { 0 };
	char whole[400];

	aid_write(aid_folder, "new", text, n);
	assert_int_equal(delimited_read(aid_path, false, 0, show_row, &got, &e), -1);
	snprintf(whole, sizeof(whole), "%s: %s", aid_path, reason);
	assert_string_equal(e.text, whole);
	buffer_free(&got);
}

static void
commas(void **state)
{
	(void)state;
	expect(0, "a,b\n1,2\n", "1:a|b|2:1|2|");
	expect(0, "a,b\r\n1,", "1:a|b|2:1||");
	expect(0, "a\n\n\r\n b \n", "1:a|4: b |");
	expect(DELIMITED_TRIM, "a , b\n", "1:a|b|");
	expect(0, "\"a \"\"b\"\"\",\"x,y\"\n,\"\"\n", "1:a \"b\"|x,y|2:||");
	expect(0, "\"two\nlines\",b\nc\n", "1:two\nlines|b|3:c|");
	expect(0, "\xef\xbb\xbfmark,\xc3\xa4\n", "1:mark|\xc3\xa4|");
	expect(0, "", "");
}

static void
tabs(void **state)
{
	(void)state;
	expect(0, "a\tb, c\n5\" cap\t\"q\"\n", "1:a|b, c|2:5\" cap|\"q\"|");
	expect(DELIMITED_TSV_QUOTES, "\"a\"\t\"b\tc\"\n1\t\n", "1:a|b\tc|2:1||");
	expect(0, "a,b\n1\t2,3\n", "1:a|b|2:1\t2|3|"); /* the first line tells */
}

/* A table that is longer than what is read at once, with a line across each border. */
static void
long_tables(void **state)
{
	enum { ROWS = 30000 };
	struct err e = { 0 };
	struct buffer text = { 0 }, got = { 0 }, rows = { 0 };
	char line[40];

	(void)state;
	for (int i = 1; i <= ROWS; i++) {
		snprintf(line, sizeof(line), "%d,\"x\"\"%d\"\n", i, i);
		buffer_add(&text, line, strlen(line));
		snprintf(line, sizeof(line), "%d:%d|x\"%d|", i, i, i);
		buffer_add(&rows, line, strlen(line));
	}
	assert_true(text.size > 4 * 65536);
	aid_write(aid_folder, "new", text.data, text.size);
	assert_int_equal(delimited_read(aid_path, false, 0, show_row, &got, &e), 0);
	assert_int_equal(got.size, rows.size);
	assert_memory_equal(got.data, rows.data, rows.size);
	buffer_free(&text);
	buffer_free(&got);
	buffer_free(&rows);
}

static void
refusals(void **state)
{
	(void)state;
	refuse("a,b\n1,\"2\n", 9, "line 2: a quote that is never closed");
	refuse("a\n1,2\"2\n", 8, "line 2: a quote where none belongs");
	refuse("a\nb\nx\xff\n", 7, "line 3: not UTF-8");
	refuse("a\0b\n", 4, "a zero byte: this is no text");
	refuse("a\nstop\nx\xff\n", 10, "line 2: stopped");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas),
		cmocka_unit_test(tabs),
		cmocka_unit_test(long_tables),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, aid_begin_folder, aid_end_folder);
}
