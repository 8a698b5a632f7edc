/* Means of tokens over cells, worked out on paper. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/token_summary.h"

static void
expect_mean(struct token_summary *s, size_t token, uint64_t n, float x, float y)
{
	struct err e = { 0 };
	float mean[2];

	assert_int_equal(vector_summary_count(s->vectors, token), n);
	assert_int_equal(vector_summary_get(s->vectors, token, mean, &e), 0);
	assert_true(mean[0] == x && mean[1] == y);
}

/* Two groups of cells; token 3 stands twice in one cell, where its last place counts. */
static void
averages_over_cells(void **state)
{
	static const int32_t first_ids[] = { 1, 3, 5, 3, 1 }, second_ids[] = { 3 };
	static const size_t first_offsets[] = { 0, 4, 5 }, second_offsets[] = { 0, 1 };
	static const float first[] = { 1, 10, 100, 100, 4, 40, 2, 20, 3, 30 }, second[] = { 6, 0 };
	const struct token_cells a = { .n = 2, .ids = first_ids, .offsets = first_offsets };
	const struct token_cells b = { .n = 1, .ids = second_ids, .offsets = second_offsets };
	struct token_summary *s = token_summary_new(2, 8);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(token_summary_add(s, &a, first, &e), 0);
	assert_int_equal(token_summary_add(s, &b, second, &e), 0);
	assert_int_equal(s->n_cells, 3);
	assert_int_equal(vector_summary_groups(s->vectors), 6);
	assert_int_equal(vector_summary_count(s->vectors, 4), 0);
	expect_mean(s, 1, 2, 2, 20);
	expect_mean(s, 3, 2, 4, 10);
	expect_mean(s, 5, 1, 4, 40);
	token_summary_free(s);
	token_summary_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(averages_over_cells) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
