/* Columns of several batches: which categories there are, in which order, and what is null. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "formats/plot_column.h"
#include "plot_aid.h"

static void
assert_names(const struct plot_column *c, const char *const *names, size_t n)
{
	assert_int_equal(c->names->n, n);
	for (size_t i = 0; i < n; i++) {
		size_t size;
		const char *name = strings_get(c->names, i, &size);

		assert_int_equal(size, strlen(names[i]));
		assert_memory_equal(name, names[i], size);
	}
}

static void
texts_are_sorted_with_their_numbers(void **state)
{
	static const char *const texts[] = { "T10", "T2", NULL, "b", "T2", "", "T02b", "T2a", "a",
		"9", "10" };
	static const char *const names[] = { "", "9", "10", "T2", "T2a", "T02b", "T10", "a", "b" };
	static const int32_t codes[] = { 6, 3, -1, 8, 3, 0, 5, 4, 7, 1, 2 };
	struct plot_column c = plot_aid_texts("type", texts, 11);

	(void)state;
	assert_string_equal(c.name, "type");
	assert_false(c.is_numbers);
	assert_int_equal(c.n, 11);
	assert_names(&c, names, 9);
	assert_memory_equal(c.codes, codes, sizeof(codes));
	assert_int_equal(plot_column_nulls(&c), 1);
	plot_column_free(&c);
}

/* Two batches; "unused" does not occur. */
static void
dictionaries_keep_their_order(void **state)
{
	static const char *const texts[] = { "unused", "late", "early", "middle" };
	static const char *const names[] = { "late", "early", "middle" };
	static const int32_t first[] = { 3, 2 }, second[] = { 1, 0, 2 };
	static const uint8_t second_missing[] = { 5 };
	static const int32_t codes[] = { 2, 1, 0, -1, 1 };
	struct arena arena = { 0 };
	struct strings *dictionary = strings_from(&arena, texts, 4);
	struct field f = field_dictionary("stage", dictionary);
	struct array a = array_fixed(2, first), b = array_fixed(3, second);
	struct plot_column c;

	(void)state;
	b.validity = second_missing;
	plot_column_start(&c, &f, false);
	plot_column_add(&c, &f, &a);
	plot_column_add(&c, &f, &b);
	plot_column_finish(&c);
	arena_free(&arena);
	assert_names(&c, names, 3);
	assert_memory_equal(c.codes, codes, sizeof(codes));
	plot_column_free(&c);
}

static void
numbers_are_numbers(void **state)
{
	static const int64_t numbers[] = { 10, -3, 7 };
	static const uint8_t third_missing[] = { 3 };
	struct field f = field_int("cluster", 64, true);
	struct array a = array_fixed(3, numbers);
	struct plot_column c;

	(void)state;
	a.validity = third_missing;
	plot_column_start(&c, &f, false);
	plot_column_add(&c, &f, &a);
	plot_column_finish(&c);
	assert_true(c.is_numbers && c.is_whole && !c.names && !c.codes);
	assert_true(c.numbers[0] == 10 && c.numbers[1] == -3 && isnan(c.numbers[2]));
	assert_int_equal(plot_column_nulls(&c), 1);
	plot_column_free(&c);
}

static void
numbers_become_categories_where_asked(void **state)
{
	static const float numbers[] = { 10, -3, 1.5f, NAN, 1.25f, 10 };
	static const char *const names[] = { "-3", "1.25", "1.5", "10" };
	static const int32_t codes[] = { 3, 0, 2, -1, 1, 3 };
	struct field f = field_float("cluster", 32);
	struct array a = array_fixed(6, numbers);
	struct plot_column c;

	(void)state;
	plot_column_start(&c, &f, true);
	plot_column_add(&c, &f, &a);
	plot_column_finish(&c);
	assert_false(c.is_numbers);
	assert_names(&c, names, 4);
	assert_memory_equal(c.codes, codes, sizeof(codes));
	plot_column_free(&c);
}

static void
bools_are_categories(void **state)
{
	static const uint8_t bits[] = { 5 };
	static const char *const names[] = { "false", "true" };
	static const int32_t codes[] = { 1, 0, 1 };
	struct field f = field_bool("is_doublet");
	struct array a = array_fixed(3, bits);
	struct plot_column c;

	(void)state;
	plot_column_start(&c, &f, false);
	plot_column_add(&c, &f, &a);
	plot_column_finish(&c);
	assert_names(&c, names, 2);
	assert_memory_equal(c.codes, codes, sizeof(codes));
	plot_column_free(&c);
}

static void
no_rows_and_no_end_do_no_harm(void **state)
{
	struct field f = field_utf8("x");
	struct plot_column c;

	(void)state;
	plot_column_start(&c, &f, false);
	plot_column_free(&c); /* not finished */
	c = plot_aid_texts("x", NULL, 0);
	assert_int_equal(c.n, 0);
	assert_names(&c, NULL, 0);
	assert_int_equal(plot_column_nulls(&c), 0);
	plot_column_free(&c);
	c = plot_aid_numbers("x", NULL, 0);
	assert_int_equal(plot_column_nulls(&c), 0);
	plot_column_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_sorted_with_their_numbers),
		cmocka_unit_test(dictionaries_keep_their_order),
		cmocka_unit_test(numbers_are_numbers),
		cmocka_unit_test(numbers_become_categories_where_asked),
		cmocka_unit_test(bools_are_categories),
		cmocka_unit_test(no_rows_and_no_end_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
