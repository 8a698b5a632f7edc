/* Groups with an effect and without, far enough apart that the answer is plain. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "stat/impact.h"

/* Groups 0 to 4 about 0.9, with one value of 0.999; groups 5 to 14 about 0.999. The spread of the
 * first is the wider: above 0.999 it is the likelier one again. */
static struct impacts *
sample(size_t max_memory)
{
	struct impacts *m = impacts_new(max_memory);
	struct err e = { 0 };

	for (uint32_t g = 0; g < 15; g++)
		for (int i = 0; i < 4; i++) {
			float low = 0.88f + 0.01f * (float)g + 0.001f * (float)i;
			float high = 0.9985f + 0.0001f * (float)((g * 7 + (uint32_t)i) % 10);

			impacts_add(m, g == 14 ? 20 : g, g < 5 && i ? low : high, &e);
		}
	impacts_add(m, 20, 1.0f, &e);
	assert_false(e.is_set);
	return m;
}

static void
check(size_t max_memory)
{
	struct impacts *m = sample(max_memory);
	struct impact_result r[22];
	struct gaussian_mixture fit;
	struct err e = { 0 };

	assert_int_equal(impacts_finish(m, r, 22, &fit, &e), 0);
	assert_int_equal(impacts_spilled(m), max_memory == 0);
	for (uint32_t g = 0; g < 22; g++) {
		bool is_there = g < 14 || g == 20;

		assert_int_equal(r[g].n, !is_there ? 0 : g == 20 ? 5 : 4);
		assert_int_equal(r[g].is_impact, g < 5);
		if (is_there)
			assert_true(r[g].share == (g < 5 ? 0.75 : 0));
		else
			assert_true(isnan(r[g].mean));
	}
	assert_true(fabs(r[0].mean - (0.9985 + 0.881 + 0.882 + 0.883) / 4) < 1e-7);
	assert_true(fit.means[0] < 0.95 && fit.means[1] > 0.998);
	assert_true(gaussian_mixture_gain(&fit, 15) > 0);
	impacts_free(m);
}

static void
two_groups(void **state)
{
	(void)state;
	check(1 << 20);
	check(0);
}

static void
nothing_to_tell_apart(void **state)
{
	struct impacts *m = impacts_new(1 << 20);
	struct impact_result r[3];
	struct gaussian_mixture fit;
	struct err e = { 0 };

	(void)state;
	for (uint32_t g = 0; g < 3; g++)
		impacts_add(m, g, 0.5f, &e);
	assert_int_equal(impacts_finish(m, r, 3, &fit, &e), -1);
	assert_non_null(strstr(e.text, "two different effects"));
	impacts_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_groups),
		cmocka_unit_test(nothing_to_tell_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
