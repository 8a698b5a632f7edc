/* Every operator on every type, nulls, precedence, and what is refused where. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell/row_filter.h"

/* Six rows:
 *
 *	row  text   type (dictionary)  n     real  single  truth  odd name  big
 *	0    a      B                  1     0.5   0.1     true   x         9007199254740993
 *	1    null   T                  2     NaN   0.2     false  y         0
 *	2    b      null               null  -1    0.3     null   z         1
 *	3    ab     T                  4     2     0.4     true   x"'y      2
 *	4    ""     CD4+ T             5     null  null    false  w         3
 *	5    c      B                  -6    1e9   0.6     true   v         4 */
enum { ROWS = 6 };

static const char *const texts[] = { "a", NULL, "b", "ab", "", "c" };
static const char *const types[] = { "B", "T", "CD4+ T" };
static const int32_t codes[] = { 0, 1, 0, 1, 2, 0 };
static const int32_t whole[] = { 1, 2, 0, 4, 5, -6 };
static const double reals[] = { 0.5, (double)NAN, -1, 2, 0, 1e9 };
static const float singles[] = { 0.1F, 0.2F, 0.3F, 0.4F, 0, 0.6F };
static const uint8_t truths = 1 | 8 | 32;
static const char *const odd[] = { "x", "y", "z", "x\"'y", "w", "v" };
static const int64_t big[] = { 9007199254740993, 0, 1, 2, 3, 4 };
static const uint8_t not_2 = 0x3b, not_4 = 0x2f;

static struct schema *schema;
static struct batch batch;

static void
add_fixed(const struct field *f, const void *values, const uint8_t *validity)
{
	struct array a = array_fixed(ROWS, values);

	a.validity = validity;
	a.null_count = validity ? 1 : 0;
	schema_append(schema, f);
	batch_append(&batch, a);
}

static int
make_rows(void **state)
{
	struct field text = field_utf8("text"), odd_name = field_utf8("odd name"), lists, item;
	struct field type, n = field_int("n", 32, true), real = field_float("real", 64);
	struct field single = field_float("single", 32), truth = field_bool("truth");
	struct field number = field_int("big", 64, true);
	static const int32_t offsets[ROWS + 1] = { 0 };

	(void)state;
	schema = schema_new();
	batch.rows = ROWS;
	type = field_dictionary("type", strings_from(&schema->arena, types, 3));
	item = field_int("item", 32, true);
	lists = field_list("lists", &item);
	schema_append(schema, &text);
	batch_append(&batch, array_from_texts(&batch.arena, texts, ROWS));
	add_fixed(&type, codes, &not_2);
	add_fixed(&n, whole, &not_2);
	add_fixed(&real, reals, &not_4);
	add_fixed(&single, singles, &not_4);
	add_fixed(&truth, &truths, &not_2);
	schema_append(schema, &odd_name);
	batch_append(&batch, array_from_texts(&batch.arena, odd, ROWS));
	add_fixed(&number, big, NULL);
	schema_append(schema, &lists);
	batch_append(&batch, array_list(&batch.arena, ROWS, offsets, array_fixed(0, NULL)));
	return 0;
}

static int
free_rows(void **state)
{
	(void)state;
	batch_free(&batch);
	schema_free(schema);
	return 0;
}

/* "013": the rows that fulfil it; those that do not are all others. */
static void
expect(const char *expression, const char *rows)
{
	struct err e = { 0 };
	struct row_filter *f = row_filter_parse(expression, &e);
	size_t kept[ROWS], left_out[ROWS], n, k = 0;
	char got[ROWS + 1] = "";

	if (f)
		row_filter_bind(f, schema, &e);
	if (e.is_set)
		fail_msg("%s: %s", expression, e.text);
	n = row_filter_select(f, &batch, false, kept);
	for (size_t i = 0; i < n; i++)
		got[i] = (char)('0' + kept[i]);
	if (strcmp(got, rows) != 0)
		fail_msg("%s: rows %s, not %s", expression, got, rows);
	assert_int_equal(row_filter_select(f, &batch, true, left_out), ROWS - n);
	for (size_t row = 0; row < ROWS; row++)
		if (!strchr(rows, (int)('0' + row)))
			assert_int_equal(left_out[k++], row);
	row_filter_free(f);
}

static void
refuse(const char *expression, const char *message)
{
	struct err e = { 0 };
	struct row_filter *f = row_filter_parse(expression, &e);

	if (f)
		assert_int_equal(row_filter_bind(f, schema, &e), -1);
	assert_true(e.is_set);
	if (!strstr(e.text, message))
		fail_msg("%s: %s", expression, e.text);
	row_filter_free(f);
}

static void
texts_are_compared(void **state)
{
	(void)state;
	expect("text == \"a\"", "0");
	expect("text != 'a'", "2345");
	expect("text < \"b\"", "034");
	expect("text <= \"b\"", "0234");
	expect("text > \"ab\"", "25");
	expect("text >= \"ab\"", "235");
	expect("\"b\" > text", "034");
	expect("text == \"\"", "4");
	expect("type == \"B\"", "05");
	expect("type != \"B\"", "134");
	expect("type > text", "4");
	expect("text == text", "02345");
	expect("`odd name` == \"x\"\"'y\"", "3");
	expect("`odd name` == 'x\"''y'", "3");
}

static void
numbers_are_compared(void **state)
{
	(void)state;
	expect("n == 1", "0");
	expect("n != 1", "1345");
	expect("n<4", "015");
	expect("4>=n", "0135");
	expect("n > -6.5", "01345");
	expect("n == 4.0", "3");
	expect("real >= 0.5", "035");
	expect("real != 0.5", "235");
	expect("real == 1000000000", "5");
	expect("single == 0.1", "0");
	expect("single >= 0.3", "235");
	expect("single in (0.2, 0.6)", "15");
	expect("big == 9007199254740993", "0");
	expect("big == 9007199254740992", "");
	expect("big > 9007199254740992.0", "0");
	expect("n > real", "03");
	expect("n < big", "05");
	expect("n == +4", "3");
}

static void
truths_are_compared(void **state)
{
	(void)state;
	expect("truth", "035");
	expect("not truth", "124");
	expect("truth == true", "035");
	expect("truth != TRUE", "14");
	expect("truth == false", "14");
	expect("false == truth", "14");
	expect("truth in (false)", "14");
	expect("truth not in (false)", "035");
	expect("truth == truth", "01345");
}

static void
lists_of_values(void **state)
{
	(void)state;
	expect("text in (\"a\", 'c', \"a\")", "05");
	expect("text not in (\"a\", \"c\")", "234");
	expect("type in (\"T\")", "13");
	expect("type not in (\"T\")", "045");
	expect("n in (1, 5.0, 7)", "04");
	expect("n not in (1, 5)", "135");
	expect("n NOT IN(1,5)", "135");
}

static void
patterns(void **state)
{
	(void)state;
	expect("type =~ \"^CD4\"", "4");
	expect("type !~ \"^CD4\"", "0135");
	expect("type =~ \"T$\"", "134");
	expect("text =~ \"^(a|c)b?$\"", "035");
	expect("text =~ \"\"", "02345");
	expect("`odd name` =~ \"\"\"\"", "3");
	expect("type =~ \"\\+\"", "4");
}

static void
nulls(void **state)
{
	(void)state;
	expect("text is null", "1");
	expect("text is not null", "02345");
	expect("n is null", "2");
	expect("real is null", "14");
	expect("real is not null", "0235");
	expect("type IS NULL or truth is null", "2");
	expect("lists is null", "");
	expect("not n == 1", "12345");
	expect("not n != 1", "02");
	expect("not n in (1)", "12345");
}

static void
precedence(void **state)
{
	(void)state;
	expect("n == 1 or n == 2 and truth", "0");
	expect("(n == 1 or n == 2) and truth", "0");
	expect("truth and n == 1 or n == 2", "01");
	expect("truth and (n == 1 or n == 2)", "0");
	expect("not truth and n == 2", "1");
	expect("not (truth and n == 2)", "012345");
	expect("not not truth", "035");
	expect("not truth or n == 4", "1234");
	expect(" ( ( truth ) )\n", "035");
	expect("n==1 or n==2 or n==4 or n==5", "0134");
	expect("n>0 and n<5 and n!=2 and truth", "03");
}

static void
odd_expressions(void **state)
{
	(void)state;
	refuse("", "expression: empty");
	refuse("  ", "expression: empty");
	refuse("\xff", "not UTF-8");
	refuse("n ==", "character 5: the end, where a column or a value was expected");
	refuse("n = 1", "character 3: a single '='");
	refuse("n == 1 1", "character 8: '1', where 'and', 'or' or the end was expected");
	refuse("n == 1 && truth", "character 8: '&' (conditions are joined by 'and' and 'or')");
	refuse("(truth", "character 7: the end, where ')', 'and' or 'or' was expected");
	refuse("truth)", "character 6: ')', where");
	refuse("text == \"a", "character 9: the quote is never closed");
	refuse("n in 1", "character 6: '1', where '(' with values was expected");
	refuse("n in ()", "character 7: ')', where a column or a value");
	refuse("n in (1 2)", "character 9: '2', where ',' or ')' was expected");
	refuse("n in (n)", "character 7: a column among values");
	refuse("n is 1", "character 6: '1', where null was expected");
	refuse("n not 1", "character 7: '1', where in was expected");
	refuse("text =~ n", "character 9: a pattern is a text in quotes");
	refuse("n == 10x", "character 6: a number ends in letters");
	refuse("and == 1", "character 1: 'and', where a column");
	refuse("1", "character 2: the end, where a comparison");
	refuse("\xc3\xa4\xc3\xb6 == $", "character 7: '$', where");
	refuse("n == \xe2\x82", "not UTF-8");
}

static void
wrong_types(void **state)
{
	(void)state;
	refuse("m == 1", "character 1: no column m; there are text, type, n");
	refuse("truth and txt == \"a\"", "character 11: no column txt; did you mean text?");
	refuse("text == 1", "character 9: the column text (utf8) cannot be compared with a number "
			    "(a text needs quotes)");
	refuse("n == \"1\"", "the column n (int32) cannot be compared with the text '1'");
	refuse("n == text", "the column n (int32) cannot be compared with the column text (utf8)");
	refuse("n == truth", "cannot be compared");
	refuse("n in (1, \"2\")", "character 10: ");
	refuse("n =~ \"1\"", "cannot be compared with the text");
	refuse("truth < true", "character 7: truths are equal or not");
	refuse("n", "character 1: the column n (int32) is no column of truths");
	refuse("lists == 1", "the column lists is list<int32>, and only texts");
	refuse("1 == 1", "a condition without a column");
	refuse("1 is null", "a condition without a column");
	refuse("1 in (1)", "a condition without a column");
	refuse("text =~ \"(\"", "character 9: the pattern: ");
}

/* Deep, long, and with many values. */
static void
large_expressions(void **state)
{
	struct buffer text = { 0 };
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++)
		buffer_add(&text, "not ", 4);
	buffer_add(&text, "truth", 6);
	assert_null(row_filter_parse((char *)text.data, &e));
	assert_non_null(strstr(e.text, "more than 200 levels"));
	text.size = 0;
	for (int i = 0; i < 10000; i++)
		buffer_add(&text, "n==7 or ", 8);
	buffer_add(&text, "n==4", 5);
	expect((char *)text.data, "3");
	text.size = 0;
	buffer_add(&text, "text in (", 9);
	for (int i = 0; i < 10000; i++)
		buffer_add(&text, "'x' , ", 6);
	buffer_add(&text, "'b')", 5);
	expect((char *)text.data, "2");
	buffer_free(&text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_compared),
		cmocka_unit_test(numbers_are_compared),
		cmocka_unit_test(truths_are_compared),
		cmocka_unit_test(lists_of_values),
		cmocka_unit_test(patterns),
		cmocka_unit_test(nulls),
		cmocka_unit_test(precedence),
		cmocka_unit_test(odd_expressions),
		cmocka_unit_test(wrong_types),
		cmocka_unit_test(large_expressions),
	};

	return cmocka_run_group_tests(tests, make_rows, free_rows);
}
