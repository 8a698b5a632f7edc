/* What a network may be given: ids inside the vocabulary, cells inside its positions, no empty
 * cell. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cell/token_cells.h"

static const int32_t offsets[] = { 0, 3, 8 };
static const uint16_t narrow[] = { 2, 7, 3, 2, 9, 8, 7, 3 };
static const int32_t wide[] = { 2, 7, 3, 2, 9, 8, 7, 3 };

static int
take(bool is_wide, const int32_t *ends, struct token_limits limits, struct batch *b,
    struct token_cells *ret, struct err *e)
{
	static const char *const names[] = { "A", "B" };
	struct field item = is_wide ? field_int("item", 32, true) : field_int("item", 16, false);
	struct field cell = field_utf8("cell"), ids = field_list("input_ids", &item);
	struct schema *s = schema_new();
	int status;

	*b = (struct batch){ .rows = 2 };
	schema_append(s, &cell);
	schema_append(s, &ids);
	batch_append(b, array_from_texts(&b->arena, names, 2));
	batch_append(b,
	    array_list(&b->arena, 2, ends,
		array_fixed((size_t)ends[2], is_wide ? (const void *)wide : (const void *)narrow)));
	status = token_cells_take(b, s, &limits, ret, e);
	schema_free(s);
	return status;
}

static void
takes_both_widths(void **state)
{
	(void)state;
	for (int is_wide = 0; is_wide < 2; is_wide++) {
		struct batch b;
		struct token_cells cells;
		struct err e = { 0 };

		assert_int_equal(take(is_wide, offsets, (struct token_limits){ 10, 5, false, 3 },
				     &b, &cells, &e),
		    0);
		assert_int_equal(cells.n, 2);
		assert_memory_equal(cells.ids, wide, sizeof(wide));
		assert_int_equal(cells.offsets[1], 3);
		assert_int_equal(cells.offsets[2], 8);
		batch_free(&b);
	}
}

static void
cuts_and_keeps_eos(void **state)
{
	static const int32_t with_eos[] = { 2, 7, 3, 2, 9, 8, 3 },
			     without[] = { 2, 7, 3, 2, 9, 8, 7 };
	struct batch b;
	struct token_cells cells;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(
	    take(false, offsets, (struct token_limits){ 10, 4, true, 3 }, &b, &cells, &e), 0);
	assert_int_equal(cells.n_truncated, 1);
	assert_int_equal(cells.offsets[2], 7);
	assert_memory_equal(cells.ids, with_eos, sizeof(with_eos));
	batch_free(&b);
	assert_int_equal(
	    take(false, offsets, (struct token_limits){ 10, 4, true, -1 }, &b, &cells, &e), 0);
	assert_memory_equal(cells.ids, without, sizeof(without));
	batch_free(&b);
}

static void
expect_refusal(const int32_t *ends, struct token_limits limits, const char *text)
{
	struct batch b;
	struct token_cells cells;
	struct err e = { 0 };

	assert_int_equal(take(true, ends, limits, &b, &cells, &e), -1);
	assert_string_equal(e.text, text);
	batch_free(&b);
}

static void
refuses(void **state)
{
	static const int32_t first_empty[] = { 0, 0, 8 };

	(void)state;
	expect_refusal(offsets, (struct token_limits){ 9, 5, false, 3 },
	    "cell B: token 9 is not in the model's vocabulary of 9");
	expect_refusal(offsets, (struct token_limits){ 10, 4, false, 3 },
	    "cell B: 5 tokens, but the model has 4 positions (--truncate cuts)");
	expect_refusal(first_empty, (struct token_limits){ 10, 9, false, 3 }, "cell A: no tokens");
}

static void
finds_the_genes(void **state)
{
	size_t from, to;

	(void)state;
	token_cells_genes(wide, 3, 2, 3, &from, &to);
	assert_true(from == 1 && to == 2);
	token_cells_genes(wide, 3, -1, -1, &from, &to);
	assert_true(from == 0 && to == 3);
	token_cells_genes(wide + 1, 1, 2, 3, &from, &to);
	assert_true(from == 0 && to == 1);
	token_cells_genes(wide, 1, 2, 3, &from, &to);
	assert_true(from == 1 && to == 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_both_widths),
		cmocka_unit_test(cuts_and_keeps_eos),
		cmocka_unit_test(refuses),
		cmocka_unit_test(finds_the_genes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
