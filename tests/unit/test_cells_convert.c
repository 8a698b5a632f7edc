/* Columns of foreign streams brought to the profile's types: exactly, or not at all. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "formats/cells_convert.h"

static const int32_t one_each[] = { 0, 1, 2 };

/* Two cells of one gene each: counts and names (NULL: no such column) as given. */
static void
convert(const struct field *cell, const void *cells, const struct field *item, const void *counts,
    struct batch *b, struct schema *s, struct conversion **ret, struct err *e)
{
	static const char *const genes[] = { "A", "B" };
	struct field name = field_utf8("item"), number = *item;
	struct field gene = field_list("gene", &name), count = field_list("count", &number);

	*b = (struct batch){ .rows = 2 };
	if (cell) {
		schema_append(s, cell);
		batch_append(b, array_fixed(2, cells));
	}
	schema_append(s, &gene);
	batch_append(b, array_list(&b->arena, 2, one_each, array_from_texts(&b->arena, genes, 2)));
	schema_append(s, &count);
	batch_append(b, array_list(&b->arena, 2, one_each, array_fixed(2, counts)));
	*ret = conversion_plan(s, KIND_COUNTS, e);
	if (*ret)
		conversion_apply(*ret, b, 7, e);
}

static void
expect_cells(struct field cell, const void *cells, const char *first, const char *second)
{
	static const float counts[] = { 1, 2 };
	const struct field item = field_float("item", 32), text = field_utf8("cell");
	struct schema *s = schema_new();
	struct err e = { 0 };
	struct batch b;
	struct conversion *c;
	const char *expected[] = { first, second };

	convert(cell.name ? &cell : NULL, cells, &item, counts, &b, s, &c, &e);
	assert_false(e.is_set);
	assert_int_equal(b.n_columns, 3);
	for (size_t i = 0; i < 2; i++) {
		size_t size;
		const char *got = array_text(&text, &b.columns[0], i, &size);

		assert_int_equal(size, strlen(expected[i]));
		assert_memory_equal(got, expected[i], size);
	}
	conversion_free(c);
	batch_free(&b);
	schema_free(s);
}

/* 2^53 + 1 is no double. */
static void
numbers_cells_with_all_digits(void **state)
{
	static const int64_t wide[] = { 9007199254740993, -100000000000000000 };
	static const uint64_t unsigned_wide[] = { 18446744073709551615u, 5 };
	static const double reals[] = { 0.1, 12 };
	static const float singles[] = { 0.1f, 16777216 };

	(void)state;
	expect_cells(field_int("cell", 64, true), wide, "9007199254740993", "-100000000000000000");
	expect_cells(field_int("cell", 64, false), unsigned_wide, "18446744073709551615", "5");
	expect_cells(field_float("cell", 64), reals, "0.1", "12");
	expect_cells(field_float("cell", 32), singles, "0.1", "16777216");
	expect_cells((struct field){ 0 }, NULL, "7", "8");
}

static void
expect_count(struct field item, const void *counts, const char *error)
{
	struct schema *s = schema_new();
	struct err e = { 0 };
	struct batch b;
	struct conversion *c;

	convert(NULL, NULL, &item, counts, &b, s, &c, &e);
	assert_int_equal(e.is_set, error != NULL);
	if (error)
		assert_string_equal(e.text, error);
	conversion_free(c);
	batch_free(&b);
	schema_free(s);
}

static void
keeps_whole_numbers_or_refuses_them(void **state)
{
	static const int64_t fits[] = { 16777216, 0 }, odd[] = { 1, 16777217 },
			     rounded[] = { 1, 9007199254740993 };
	static const double real[] = { 0.1, 16777217 }, fraction[] = { 0.1, 16777216.5 };

	(void)state;
	expect_count(field_int("item", 64, true), fits, NULL);
	expect_count(field_int("item", 64, true), odd,
	    "column count: entry 1: 16777217 does not fit float32");
	expect_count(field_int("item", 64, true), rounded,
	    "column count: entry 1: 9007199254740992 does not fit float32");
	expect_count(
	    field_float("item", 64), real, "column count: entry 1: 16777217 does not fit float32");
	expect_count(field_float("item", 64), fraction, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_cells_with_all_digits),
		cmocka_unit_test(keeps_whole_numbers_or_refuses_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
