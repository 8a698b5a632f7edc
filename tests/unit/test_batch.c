/* Taking and slicing rows of every layout; expected values are written out. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell/batch.h"

static const int32_t text_offsets[] = { 0, 1, 1, 3, 6 }; /* "a", "", "bc", "def" */
static const char text_bytes[] = "abcdef";
static const uint8_t third_missing[] = { 0xb };

static void
expect_text(const struct field *f, const struct array *a, size_t i, const char *expected)
{
	size_t size = 0;
	const char *text = array_text(f, a, i, &size);

	if (!expected) {
		assert_null(text);
		return;
	}
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(text, expected, size);
}

static void
takes_texts_with_nulls(void **state)
{
	struct arena arena = { 0 };
	struct field f = field_utf8("x");
	struct array a = array_utf8(4, text_offsets, text_bytes), t;
	const size_t rows[] = { 3, 2, 0, 3 };

	(void)state;
	a.validity = third_missing;
	a.null_count = 1;
	t = array_take(&arena, &f, &a, rows, 4);
	assert_int_equal(t.null_count, 1);
	expect_text(&f, &t, 0, "def");
	expect_text(&f, &t, 1, NULL);
	expect_text(&f, &t, 2, "a");
	expect_text(&f, &t, 3, "def");
	arena_free(&arena);
}

static void
takes_lists(void **state)
{
	struct arena arena = { 0 };
	struct field item = field_int("item", 16, false), f = field_list("x", &item);
	const uint16_t values[] = { 10, 11, 12, 13, 14 };
	const int32_t offsets[] = { 0, 2, 2, 5 };
	struct array a = array_list(&arena, 3, offsets, array_fixed(5, values)), t;
	const size_t rows[] = { 2, 0 };
	const uint16_t expected[] = { 12, 13, 14, 10, 11 };

	(void)state;
	t = array_take(&arena, &f, &a, rows, 2);
	assert_int_equal(t.offsets[1], 3);
	assert_int_equal(t.offsets[2], 5);
	assert_int_equal(t.children[0].length, 5);
	assert_memory_equal(t.children[0].values, expected, sizeof(expected));
	t = array_slice(&arena, &f, &a, 1, 2);
	assert_int_equal(t.offsets[0], 0);
	assert_int_equal(t.offsets[2], 3);
	assert_memory_equal(t.children[0].values, &values[2], 3 * sizeof(values[0]));
	arena_free(&arena);
}

static void
takes_fixed_lists_structs_and_bits(void **state)
{
	struct arena arena = { 0 };
	struct field item = field_float("item", 32), list = field_fixed_list("e", &item, 2),
		     bit = field_bool("b");
	struct field both = { .name = "s", .type = TYPE_STRUCT, .n_children = 2 };
	struct field children[2] = { list, bit };
	const float values[] = { 1, 2, 3, 4, 5, 6 };
	const uint8_t bits[] = { 5 }; /* 1, 0, 1 */
	struct array members[2] = { { .length = 3 }, array_fixed(3, bits) };
	struct array child = array_fixed(6, values), a = { .length = 3, .children = members }, t;
	const size_t rows[] = { 2, 1 };

	(void)state;
	members[0].children = &child;
	both.children = children;
	t = array_take(&arena, &both, &a, rows, 2);
	assert_true(((const float *)t.children[0].children[0].values)[0] == 5);
	assert_true(((const float *)t.children[0].children[0].values)[3] == 4);
	assert_true(array_number(&bit, &t.children[1], 0) == 1);
	assert_true(array_number(&bit, &t.children[1], 1) == 0);
	t = array_slice(&arena, &both, &a, 1, 2);
	assert_true(((const float *)t.children[0].children[0].values)[0] == 3);
	assert_true(array_number(&bit, &t.children[1], 1) == 1);
	arena_free(&arena);
}

static void
decodes_dictionaries(void **state)
{
	struct arena arena = { 0 };
	struct strings dictionary = { 4, text_offsets, text_bytes };
	struct field f = field_dictionary("x", &dictionary), plain = field_utf8("x");
	const int32_t codes[] = { 3, 0, 2 };
	const uint8_t second_missing[] = { 5 };
	struct array a = array_fixed(3, codes), d;

	(void)state;
	a.validity = second_missing;
	a.null_count = 1;
	d = array_decode(&arena, &f, &a);
	expect_text(&plain, &d, 0, "def");
	expect_text(&plain, &d, 1, NULL);
	expect_text(&plain, &d, 2, "bc");
	arena_free(&arena);
}

static void
reads_numbers_of_every_width(void **state)
{
	const uint16_t halves[] = { 0x3c00, 0xc000, 0x0001, 0x7c00, 0x7e00 };
	const uint32_t large[] = { 4000000000u };
	const int32_t small[] = { -2000000000 };
	struct field half = field_float("h", 16), u = field_int("u", 32, false),
		     i = field_int("i", 32, true);
	struct array a = array_fixed(5, halves), b = array_fixed(1, large),
		     c = array_fixed(1, small);

	(void)state;
	assert_true(array_number(&half, &a, 0) == 1.0);
	assert_true(array_number(&half, &a, 1) == -2.0);
	assert_true(array_number(&half, &a, 2) == 0x1p-24);
	assert_true(isinf(array_number(&half, &a, 3)));
	assert_true(isnan(array_number(&half, &a, 4)));
	assert_true(array_number(&u, &b, 0) == 4e9);
	assert_true(array_number(&i, &c, 0) == -2e9);
}

static void
makes_nulls_of_every_type(void **state)
{
	struct arena arena = { 0 };
	struct field item = field_float("item", 64);
	struct field fields[] = { field_utf8("a"), field_bool("b"), field_int("c", 8, true),
		field_list("d", &item), field_fixed_list("e", &item, 3) };
	const size_t rows[] = { 1, 0, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct array a = array_nulls(&arena, &fields[i], 2), t;

		assert_int_equal(a.null_count, 2);
		t = array_take(&arena, &fields[i], &a, rows, 3);
		assert_int_equal(t.length, 3);
		assert_int_equal(t.null_count, 3);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_texts_with_nulls),
		cmocka_unit_test(takes_lists),
		cmocka_unit_test(takes_fixed_lists_structs_and_bits),
		cmocka_unit_test(decodes_dictionaries),
		cmocka_unit_test(reads_numbers_of_every_width),
		cmocka_unit_test(makes_nulls_of_every_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
