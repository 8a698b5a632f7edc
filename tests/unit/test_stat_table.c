/* Order of rows, and which tests take part in the false discovery rates. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "stat/stat_table.h"

static void
sorts_by_several_columns(void **state)
{
	static const uint32_t places[] = { 0, 3, 2, 1, 4 }, expected[] = { 1, 3, 2, 0, 4 };
	static const double a[] = { 1, 2, 2, 2, NAN }, b[] = { 0, 1, 5, 1, 0 };
	const struct stat_order orders[] = { { a, true }, { b, false } };
	uint32_t rows[] = { 0, 1, 2, 3, 4 };
	struct stat_table t = { .n_rows = 5, .rows = rows };

	(void)state;
	stat_table_sort(&t, orders, 2, places);
	assert_int_equal(rows[0], 3); /* equal to row 1, but before it by its place */
	assert_int_equal(rows[1], 1);
	assert_memory_equal(rows + 2, expected + 2, 3 * sizeof(*rows));
}

/* Four groups with p = 0.01, 0.04, none and 0.9. */
static const struct group_result results[] = { { 3, 2, 0.5, 0.25, 2, 0.01 },
	{ 2, 2, 0.75, 0.5, 1, 0.04 }, { 5, 0, 0.25, NAN, NAN, NAN }, { 1, 9, 1, 1, 0, 0.9 },
	{ 0, 4, NAN, 1, NAN, NAN } };
static const uint32_t in_place[] = { 0, 1, 2, 3, 4 };

static const double *
column(const struct stat_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->columns[i].name, name) == 0)
			return t->columns[i].values;
	fail_msg("no column %s", name);
	return NULL;
}

static void
against_null(void **state)
{
	struct stat_groups g = { 5, 0, in_place, false };
	static const uint32_t rows[] = { 0, 1, 3, 2 };

	(void)state;
	for (int as_reference = 0; as_reference < 2; as_reference++) {
		struct stat_table t = { 0 };
		const double *q;

		g.as_reference = as_reference;
		stat_table_null(&t, &g, results);
		q = column(&t, "Test_vs_null_FDR");
		assert_int_equal(t.n_rows, 4);
		/* 0.01 * 3 (or 4), 0.04 * 3 / 2 (or 4 / 2) */
		assert_true(fabs(q[0] - (as_reference ? 0.04 : 0.03)) < 1e-15);
		assert_true(fabs(q[1] - (as_reference ? 0.08 : 0.06)) < 1e-15);
		assert_true(as_reference ? q[2] == 1 : isnan(q[2]));
		assert_memory_equal(t.rows, rows, sizeof(rows));
		assert_true(column(&t, "Test_vs_null_avg_shift")[0] == 0.25);
		assert_true(column(&t, "N_Detections_null")[3] == 9);
		assert_true(column(&t, "Sig")[0] == 1 && column(&t, "Sig")[1] == 0);
		stat_table_free(&t);
	}
}

static void
towards_a_goal(void **state)
{
	const struct group_result *both[] = { results, results };
	static const char *const states[] = { "B cell" };
	struct stat_groups g = { 5, 2, in_place, false };
	struct stat_table t = { 0 };

	(void)state;
	stat_table_goal(&t, &g, both, states, 1);
	/* Only the first two groups have rows, and only their tests count. */
	assert_int_equal(t.n_rows, 2);
	assert_true(column(&t, "Alt_end_FDR_B cell")[0] == 0.02);
	assert_true(column(&t, "Goal_end_FDR")[1] == 0.04);
	assert_true(column(&t, "Shift_to_alt_end_B cell")[1] == 0.75);
	/* Both are significant; the greater shift comes first. */
	assert_int_equal(t.rows[0], 1);
	assert_string_equal(t.columns[0].name, "Shift_to_goal_end");
	assert_string_equal(t.columns[t.n_columns - 1].name, "Sig");
	stat_table_free(&t);
}

static void
impact_first(void **state)
{
	static const struct impact_result impacts[] = { { 4, 0.99, false, 0.25 },
		{ 4, 0.9, true, 1 }, { 0, NAN, false, NAN }, { 2, 0.8, true, 0.5 } };
	static const uint32_t rows[] = { 3, 1, 0 };
	static const double means[][3] = { { 0.5, 0.75, 0.5 }, { 1, 1, 0.5 }, { NAN, NAN, NAN },
		{ 1, 1, 0.25 } };
	struct stat_groups g = { 4, 0, in_place, false };
	struct stat_table t = { 0 }, pairs = { 0 };

	(void)state;
	stat_table_impact(&t, &g, impacts);
	assert_int_equal(t.n_rows, 3);
	assert_memory_equal(t.rows, rows, sizeof(rows));
	assert_true(column(&t, "Impact_component_percent")[0] == 25);
	stat_table_free(&t);
	stat_table_combos(&pairs, &g, impacts, means);
	assert_memory_equal(pairs.rows, rows, sizeof(rows));
	assert_true(column(&pairs, "Sum_of_indiv_shifts")[0] == 0.25);
	assert_true(column(&pairs, "Combo_minus_sum_shift")[0] == 0.25);
	stat_table_free(&pairs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_by_several_columns),
		cmocka_unit_test(against_null),
		cmocka_unit_test(towards_a_goal),
		cmocka_unit_test(impact_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
