/* Columns of a stream collected and taken in another order, and barcodes that say which order. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/h5ad_gather.h"
#include "formats/h5ad_match.h"

enum { N = 5 };

static const size_t order[] = { 4, GATHER_NONE, 0, 2, 2, 7, 9 };
enum { TAKEN = sizeof(order) / sizeof(order[0]) };

/* Collects the column twice (rows 0-4 and 5-9) and takes `order`. */
static struct array
take(const struct field *f, const struct array *x, struct arena *a, struct field *ret_field)
{
	struct gather_column *g = gather_new(f);
	struct err e = { 0 };
	struct array taken;

	assert_non_null(g);
	assert_int_equal(gather_add(g, x, &e), 0);
	assert_int_equal(gather_add(g, x, &e), 0);
	gather_take(g, order, TAKEN, a, ret_field, &taken);
	gather_free(g);
	return taken;
}

static void
test_numbers(void **state)
{
	(void)state;
	static const int64_t integers[N] = { 10, 11, 12, 13, 14 };
	static const uint8_t there = 0x1b; /* row 2 (and 7) is null */
	struct field f = field_int("x", 64, true), taken_field;
	struct array x = array_fixed(N, integers), t;
	struct arena a = { 0 };
	const double expected[TAKEN] = { 14, NAN, 10, NAN, NAN, NAN, 14 };

	x.validity = &there;
	x.null_count = 1;
	t = take(&f, &x, &a, &taken_field);
	assert_int_equal(t.length, TAKEN);
	assert_int_equal(t.null_count, 4);
	for (size_t i = 0; i < TAKEN; i++) {
		assert_int_equal(array_is_valid(&t, i), !isnan(expected[i]));
		if (!isnan(expected[i]))
			assert_true(array_number(&taken_field, &t, i) == expected[i]);
	}
	arena_free(&a);
}

static void
test_bools(void **state)
{
	(void)state;
	static const uint8_t bits = 0x15; /* rows 0, 2, 4 */
	struct field f = field_bool("x"), taken_field;
	struct array x = array_fixed(N, &bits), t;
	struct arena a = { 0 };

	t = take(&f, &x, &a, &taken_field);
	for (size_t i = 0; i < TAKEN; i++)
		if (order[i] == GATHER_NONE)
			assert_false(array_is_valid(&t, i));
		else
			assert_true(array_number(&taken_field, &t, i) == (order[i] % N % 2 == 0));
	arena_free(&a);
}

static void
expect_text(const struct field *f, const struct array *x, size_t i, const char *expected)
{
	size_t size = 0;
	const char *text = array_text(f, x, i, &size);

	if (!expected) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(text, expected, size);
}

/* Plain texts stay plain without nulls, and become a dictionary with them. */
static void
test_texts(void **state)
{
	(void)state;
	static const char *const texts[N] = { "a", "", "ccc", "a", "e" };
	static const size_t backwards[] = { 4, 3, 2, 1, 0 };
	struct field f = field_utf8("x"), taken_field;
	struct arena a = { 0 };
	struct array x = array_from_texts(&a, texts, N), t;
	struct gather_column *g;
	struct err e = { 0 };

	t = take(&f, &x, &a, &taken_field);
	assert_non_null(taken_field.dictionary);
	for (size_t i = 0; i < TAKEN; i++)
		expect_text(
		    &taken_field, &t, i, order[i] == GATHER_NONE ? NULL : texts[order[i] % N]);
	g = gather_new(&f);
	assert_int_equal(gather_add(g, &x, &e), 0);
	gather_take(g, backwards, N, &a, &taken_field, &t);
	assert_null(taken_field.dictionary);
	for (size_t i = 0; i < N; i++)
		expect_text(&taken_field, &t, i, texts[N - 1 - i]);
	gather_free(g);
	arena_free(&a);
}

/* Categories keep their order, those that nobody has included; equal ones become one. */
static void
test_categories(void **state)
{
	(void)state;
	static const char *const names[] = { "z", "b", "z", "unused" };
	static const int32_t numbers[N] = { 1, 2, 0, 1, 2 };
	static const char *const expected[N] = { "b", "z", "z", "b", "z" };
	struct arena a = { 0 };
	struct strings *dictionary = strings_from(&a, names, 4);
	struct field f = field_dictionary("x", dictionary), taken_field;
	struct array x = array_fixed(N, numbers), t;
	size_t size;

	t = take(&f, &x, &a, &taken_field);
	assert_int_equal(taken_field.dictionary->n, 3);
	assert_memory_equal(strings_get(taken_field.dictionary, 2, &size), "unused", 6);
	for (size_t i = 0; i < TAKEN; i++)
		expect_text(
		    &taken_field, &t, i, order[i] == GATHER_NONE ? NULL : expected[order[i] % N]);
	arena_free(&a);
}

/* Enough rows to be spilled several times. */
static void
test_lists(void **state)
{
	(void)state;
	enum { WIDTH = 300, ROWS = 1000, BATCHES = 4 };
	static float values[ROWS * WIDTH], taken[3 * WIDTH];
	static const size_t rows[] = { 3999, GATHER_NONE, 1234 };
	struct field item = field_float("item", 32), f = field_fixed_list("x", &item, WIDTH);
	struct arena a = { 0 };
	struct gather_column *g = gather_new(&f);
	struct err e = { 0 };

	for (size_t b = 0; b < BATCHES; b++) {
		struct array child = array_fixed(ROWS * WIDTH, values);
		struct array x = { .length = ROWS, .children = &child };

		for (size_t i = 0; i < ROWS * WIDTH; i++)
			values[i] = (float)(b * ROWS * WIDTH + i);
		assert_int_equal(gather_add(g, &x, &e), 0);
	}
	assert_int_equal(gather_width(g), WIDTH);
	assert_int_equal(gather_take_lists(g, rows, 3, taken, &e), 0);
	for (size_t k = 0; k < WIDTH; k++) {
		assert_true(taken[k] == (float)(3999 * WIDTH + k));
		assert_true(isnan(taken[WIDTH + k]));
		assert_true(taken[2 * WIDTH + k] == (float)(1234 * WIDTH + k));
	}
	gather_free(g);
	arena_free(&a);
}

/* Adds texts; the error's text, or "". */
static const char *
match_all(struct h5ad_match *m, const char *const *texts, size_t n, struct err *e)
{
	*e = (struct err){ 0 };
	for (size_t i = 0; i < n && !e->is_set; i++)
		h5ad_match_add(m, texts[i], strlen(texts[i]), e);
	return e->is_set ? e->text : "";
}

static void
test_match(void **state)
{
	(void)state;
	static const char *const cells[] = { "a", "b", "c", "d" };
	static const char *const some[] = { "c", "a", "d" }, *const other[] = { "x" },
				 *const twice[] = { "c", "c" };
	static const size_t expected[] = { 1, SIZE_MAX, 0, 2 };
	struct arena a = { 0 };
	struct strings *names = strings_from(&a, cells, 4);
	struct h5ad_match *m = h5ad_match_new(names, "F", "S");
	struct err e;
	const size_t *rows;
	size_t n;

	assert_string_equal(match_all(m, some, 3, &e), "");
	rows = h5ad_match_rows(m, &n, &e);
	assert_int_equal(n, 3);
	assert_memory_equal(rows, expected, sizeof(expected));
	h5ad_match_free(m);
	m = h5ad_match_new(names, "F", "S");
	assert_string_equal(match_all(m, other, 1, &e), "S: row 0: cell x is not in F");
	h5ad_match_free(m);
	m = h5ad_match_new(names, "F", "S");
	assert_string_equal(match_all(m, twice, 2, &e), "S: row 1: cell c occurs more than once");
	h5ad_match_free(m);
	arena_free(&a);
}

static void
test_match_repeated(void **state)
{
	(void)state;
	static const char *const cells[] = { "a", "b", "a", "d" }, *const moved[] = { "a", "b", "d",
		"a" };
	struct arena a = { 0 };
	struct strings *names = strings_from(&a, cells, 4);
	struct h5ad_match *m = h5ad_match_new(names, "F", "S");
	struct err e;
	const size_t *rows;
	size_t n;

	assert_string_equal(match_all(m, cells, 4, &e), "");
	rows = h5ad_match_rows(m, &n, &e);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(rows[i], i);
	h5ad_match_free(m);
	m = h5ad_match_new(names, "F", "S");
	assert_non_null(strstr(match_all(m, moved, 4, &e), "F: cell a occurs more than once"));
	h5ad_match_free(m);
	m = h5ad_match_new(names, "F", "S");
	assert_string_equal(match_all(m, cells, 3, &e), "");
	assert_null(h5ad_match_rows(m, &n, &e));
	assert_true(e.is_set);
	h5ad_match_free(m);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bools),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_categories),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
