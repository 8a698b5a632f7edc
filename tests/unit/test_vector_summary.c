/* Means and medians of groups; the medians also through the spill file, which must change nothing.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/vector_summary.h"

/* Group 1 has 4 rows, group 0 has 3. */
static const float rows[7][2] = { { 1, -1 }, { 5, 2 }, { 2, 8 }, { 9, 3 }, { 4, 4 }, { 6, 0 },
	{ 8, 7 } };
static const size_t groups[7] = { 1, 0, 1, 0, 1, 0, 1 };

static void
summarise(bool is_median, size_t max_memory, float ret[2][2])
{
	struct vector_summary *v = vector_summary_new(2, is_median, max_memory);
	struct err e = { 0 };

	for (size_t i = 0; i < 7; i++)
		assert_int_equal(vector_summary_add(v, groups[i], rows[i], &e), 0);
	assert_int_equal(vector_summary_groups(v), 2);
	assert_int_equal(vector_summary_count(v, 0), 3);
	assert_int_equal(vector_summary_count(v, 1), 4);
	for (size_t g = 0; g < 2; g++)
		assert_int_equal(vector_summary_get(v, g, ret[g], &e), 0);
	vector_summary_free(v);
}

static void
finds_means(void **state)
{
	float got[2][2];

	(void)state;
	summarise(false, 1 << 20, got);
	assert_true(got[0][0] == 20.0f / 3 && got[0][1] == 5.0f / 3);
	assert_true(got[1][0] == 3.75f && got[1][1] == 4.5f);
}

static void
finds_medians_with_and_without_spilling(void **state)
{
	static const size_t limits[] = { 1 << 20, 8, 16, 24, 40 };

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		float got[2][2];

		summarise(true, limits[i], got);
		assert_true(got[0][0] == 6 && got[0][1] == 2);
		assert_true(got[1][0] == 3 && got[1][1] == 5.5f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_means),
		cmocka_unit_test(finds_medians_with_and_without_spilling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
