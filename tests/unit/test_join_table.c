/* Types of columns and what equals what, from tables as people write them. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/join_table.h"
#include "formats/text_value.h"
#include "reader_aid.h"

/* The table, whose key k is compared with texts unless a type is given. */
static struct join_table *
open_table(const char *text, const struct field *type, struct join_table_options o, struct err *e)
{
	static const char *const keys[] = { "k", "k2" };
	struct field text_field = field_utf8("k");
	const struct field *types[] = { type ? type : &text_field, &text_field };

	aid_write(aid_folder, "new", text, strlen(text));
	o.path = aid_path;
	o.keys = o.keys ? o.keys : keys;
	o.n_keys = o.n_keys ? o.n_keys : 1;
	o.types = types;
	return join_table_open(&o, e);
}

/* "NAME TYPE: value value ... null" of the first column. */
static void
expect_column(const char *text, struct join_table_options o, const char *expected)
{
	struct err e = { 0 };
	struct join_table *t = open_table(text, NULL, o, &e);
	struct buffer got = { 0 };
	char type[100];

	aid_expect_no_error(&e);
	field_type_text(&t->fields[0], type, sizeof(type));
	buffer_add(&got, t->fields[0].name, strlen(t->fields[0].name));
	buffer_add(&got, " ", 1);
	buffer_add(&got, type, strlen(type));
	buffer_add(&got, ":", 1);
	for (size_t i = 0; i <= t->n_rows; i++) {
		buffer_add(&got, " ", 1);
		text_short(&got, &t->fields[0], &t->columns[0], i, 1);
	}
	buffer_add(&got, "", 1);
	assert_string_equal((char *)got.data, expected);
	assert_int_equal(t->columns[0].length, t->n_rows + 1);
	buffer_free(&got);
	join_table_free(t);
}

static void
types_of_columns(void **state)
{
	static const struct join_table_options none = { 0 }, as_text = { .is_text = true };
	static const char *const na[] = { "NA", "-" };
	struct join_table_options nulls = { .nulls = na, .n_nulls = 2 };

	(void)state;
	expect_column("k,x\na,1\nb,\nc,-7\n", none, "x int64: 1 null -7 null");
	expect_column("k,x\na,1\nb,2.50\n", none, "x float64: 1 2.5 null");
	expect_column("x,k\n1e3,a\n\"2\",b\n", none, "x float64: 1000 2 null");
	expect_column("k,x\na,1\nb,z\n", none, "x dictionary<int32, utf8>: 1 z null");
	expect_column("k,x\na,007\n", none, "x dictionary<int32, utf8>: 007 null");
	expect_column("k,x\na,0\nb,-0.5\n", none, "x float64: 0 -0.5 null");
	expect_column("k,x\na,+1\n", none, "x dictionary<int32, utf8>: +1 null");
	expect_column("k,x\na, 1\n", none, "x dictionary<int32, utf8>:  1 null");
	expect_column("k,x\na,9223372036854775807\n", none, "x int64: 9223372036854775807 null");
	expect_column("k,x\na,9223372036854775808\n", none,
	    "x dictionary<int32, utf8>: 9223372036854775808 null");
	expect_column("k,x\na,9007199254740993\nb,0.5\n", none,
	    "x dictionary<int32, utf8>: 9007199254740993 0.5 null");
	expect_column("k,x\na,1e999\n", none, "x dictionary<int32, utf8>: 1e999 null");
	expect_column("k,x\na,1\n", as_text, "x dictionary<int32, utf8>: 1 null");
	expect_column("k,x\na,NA\nb,3\nc,-\n", nulls, "x int64: null 3 null null");
	expect_column("k,x\na,NA\nb,3\n", none, "x dictionary<int32, utf8>: NA 3 null");
	expect_column("k,x\na,\n", none, "x dictionary<int32, utf8>: null null");
	expect_column("k,x\n", none, "x dictionary<int32, utf8>: null");
	expect_column("\tk\tx\n0\ta\t5\n", none, "x int64: 5 null");
	expect_column("k,x,y\nb,2,0\na,1,0\nb,2,0\n", none, "x int64: 2 1 null");
}

/* Value i of an array is found in the row `rows[i]` of the table. */
static void
expect_rows(const char *text, const struct field *f, struct array a, const int *rows)
{
	struct err e = { 0 };
	struct join_table *t = open_table(text, f, (struct join_table_options){ 0 }, &e);
	struct buffer key = { 0 };

	aid_expect_no_error(&e);
	for (size_t i = 0; i < a.length; i++) {
		key.size = 0;
		join_key_add(&key, f, &a, i);
		assert_int_equal(join_table_find(t, &key), rows[i]);
	}
	buffer_free(&key);
	join_table_free(t);
}

static void
keys_of_every_type(void **state)
{
	static const char *const texts[] = { "b", "B", NULL, "", "3", "b " };
	static const int32_t whole[] = { 3, 4, -5, 0, 1000 };
	static const double reals[] = { 3, 0.1, (double)NAN, 1e20 };
	static const float singles[] = { 0.1F, 3 };
	static const uint8_t truths = 1, not_2 = 3, not_3 = 7;
	struct field text = field_utf8("k"), n = field_int("k", 32, true),
		     real = field_float("k", 64), single = field_float("k", 32),
		     truth = field_bool("k");
	struct array a = array_fixed(3, &truths);
	struct arena arena = { 0 };

	(void)state;
	expect_rows("k,x\nb,1\n,2\n3,3\n", &text, array_from_texts(&arena, texts, 6),
	    (const int[]){ 0, -1, 1, 1, 2, -1 });
	expect_rows("k,x\n3.0,1\n-5,2\nx,3\n1e3,4\n", &n, array_fixed(5, whole),
	    (const int[]){ 0, -1, 1, -1, 3 });
	expect_rows("k,x\n3,1\n0.10,2\n,3\n100000000000000000000,4\n", &real, array_fixed(4, reals),
	    (const int[]){ 0, 1, 2, 3 });
	expect_rows("k,x\n0.1,1\n3.0,2\n", &single, array_fixed(2, singles), (const int[]){ 0, 1 });
	a.validity = &not_2;
	a.null_count = 1;
	expect_rows("k,x\nTRUE,1\nFalse,2\n", &truth, a, (const int[]){ 0, 1, -1 });
	a = array_fixed(4, whole);
	a.validity = &not_3;
	a.null_count = 1;
	expect_rows("k,x\n,1\n0,2\n", &n, a, (const int[]){ -1, -1, -1, 0 });
	arena_free(&arena);
}

/* "a" with "bc" is not "ab" with "c". */
static void
keys_of_two_columns(void **state)
{
	static const char *const first[] = { "ab", "a", "x" }, *const second[] = { "c", "bc", "c" };
	struct join_table_options o = { .n_keys = 2 };
	struct field f = field_utf8("k");
	struct err e = { 0 };
	struct join_table *t = open_table("k,x,k2\na,1,bc\nab,2,c\n,3,abc\n", NULL, o, &e);
	struct buffer key = { 0 };
	struct arena arena = { 0 };
	struct array a = array_from_texts(&arena, first, 3),
		     b = array_from_texts(&arena, second, 3);

	(void)state;
	aid_expect_no_error(&e);
	assert_int_equal(t->n_rows, 3);
	assert_int_equal(t->n_columns, 1);
	for (size_t i = 0; i < 3; i++) {
		static const int rows[] = { 1, 0, -1 };

		key.size = 0;
		join_key_add(&key, &f, &a, i);
		join_key_add(&key, &f, &b, i);
		assert_int_equal(join_table_find(t, &key), rows[i]);
	}
	buffer_free(&key);
	arena_free(&arena);
	join_table_free(t);
}

static void
refuse(const char *text, struct join_table_options o, const char *reason)
{
	struct err e = { 0 };
	char whole[700];

	assert_null(open_table(text, NULL, o, &e));
	snprintf(whole, sizeof(whole), "%s: %s", aid_path, reason);
	assert_string_equal(e.text, whole);
}

static void
refusals(void **state)
{
	static const struct join_table_options none = { 0 };
	static const char *const named[] = { "y" };
	struct join_table_options y = { .columns = named, .n_columns = 1 };

	(void)state;
	refuse("", none, "an empty file, where a table was expected");
	refuse("k\na\n", none, "no columns besides the key");
	refuse("a,b\n1,2\n", none, "no column 'k'; there are a, b");
	refuse("k,x\n1,2\n", y, "no column 'y'; there are k, x");
	refuse("k,k,x\n1,2,3\n", none, "two columns 'k'");
	refuse("k,x,x\n1,2,3\n", none, "two columns 'x'");
	refuse("k,x\n1,2\n3\n", none, "line 3 has 1 fields, but the first line has 2");
	refuse("k,x\n1,2\n3,4\n1,5\n", none,
	    "line 4: the key of line 2 again, with another value of x");
	refuse("k,x\n,2\n,\n", none, "line 3: the key of line 2 again, with another value of x");
}

/* The same content is the same hash, whatever the signs between. */
static void
hashes(void **state)
{
	static const char *const tables[] = { "k,x\na,1\nb,2\n", "k\tx\na\t1\n\"b\"\t2\n",
		"k,x\na,1\nb,3\n", "k,x\na,1\n", "k,y\na,1\nb,2\n" };
	char hash[5][33];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct err e = { 0 };
		struct join_table *t =
		    open_table(tables[i], NULL, (struct join_table_options){ 0 }, &e);

		memcpy(hash[i], t->hash, sizeof(hash[i]));
		join_table_free(t);
	}
	assert_string_equal(hash[0], hash[1]);
	for (size_t i = 1; i < 5; i++)
		for (size_t j = 1; j < i; j++)
			assert_string_not_equal(hash[i], hash[j]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_of_columns),
		cmocka_unit_test(keys_of_every_type),
		cmocka_unit_test(keys_of_two_columns),
		cmocka_unit_test(refusals),
		cmocka_unit_test(hashes),
	};

	return cmocka_run_group_tests(tests, aid_begin_folder, aid_end_folder);
}
