/* Expected: scipy 1.17.1, ranksums and, corrected for ties, mannwhitneyu(use_continuity=False,
 * method="asymptotic"). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "stat/group_tests.h"

/* Three groups with ties in and between them. */
static const float values[] = { 0.5f, 1.5f, 1.5f, -2, 0.25f, 1.5f, 3, -2, -2, 0.75f, 4, 5 };
static const uint32_t groups[] = { 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2 };

static void
run(enum group_test test, size_t max_memory, bool is_tie_corrected, struct group_result *ret,
    size_t n)
{
	struct group_tests *t = group_tests_new(test, max_memory);
	struct err e = { 0 };

	for (size_t i = 0; i < 12; i++)
		assert_int_equal(group_tests_add(t, groups[i], false, values[i], &e), 0);
	assert_int_equal(group_tests_finish(t, is_tie_corrected, ret, n, &e), 0);
	assert_int_equal(group_tests_spilled(t), max_memory == 0);
	group_tests_free(t);
}

static void
expect(const struct group_result *r, const double *z, const double *p)
{
	for (size_t i = 0; i < 3; i++) {
		assert_true(!z || fabs(r[i].z / z[i] - 1) < 1e-12);
		assert_true(fabs(r[i].p / p[i] - 1) < 1e-12);
	}
}

static void
against_others(void **state)
{
	static const double z[] = { -0.5095246653650681, 0.4622501635210242, 0.08119979429411502 };
	static const double p[] = { 0.610384513874678, 0.643901933779651, 0.935283063107044 };
	static const double tied[] = { 0.6052930168497537, 0.6391739470125015, 0.934360562498886 };
	struct group_result r[4];

	(void)state;
	run(TEST_OTHERS, 1 << 20, false, r, 4);
	expect(r, z, p);
	assert_true(r[0].mean == 0.375 && r[2].mean == 1.15);
	assert_int_equal(r[2].n, 5);
	assert_true(r[3].n == 0 && isnan(r[3].p) && isnan(r[3].mean));
	run(TEST_OTHERS, 1 << 20, true, r, 3);
	expect(r, NULL, tied);
	run(TEST_OTHERS, 0, false, r, 3);
	expect(r, z, p);
}

static void
against_all(void **state)
{
	static const double z[] = { -0.36380343755449945, 0.36084391824351614,
		0.05270462766947299 };
	static const double p[] = { 0.716004795504331, 0.718216129533986, 0.9579672518055619 };
	static const double tied[] = { 0.7096019261943889, 0.7142815099999253, 0.9572547869547606 };
	struct group_result r[3];

	(void)state;
	run(TEST_POOL, 1 << 20, false, r, 3);
	expect(r, z, p);
	run(TEST_POOL, 0, true, r, 3);
	expect(r, NULL, tied);
}

static void
against_null(void **state)
{
	static const float test[] = { 0.5f, 0.5f, 1.5f, 2 }, null[] = { 0.5f, 1.5f, 1.5f, 3, 4 };
	struct group_result r[3];
	struct err e = { 0 };

	(void)state;
	for (int is_corrected = 0; is_corrected < 2; is_corrected++) {
		struct group_tests *t = group_tests_new(TEST_NULL, 1 << 20);

		/* The second group has the same values, its sides changed; the third no null. */
		for (size_t i = 0; i < 4; i++) {
			group_tests_add(t, 0, false, test[i], &e);
			group_tests_add(t, 1, true, test[i], &e);
			group_tests_add(t, 2, false, test[i], &e);
		}
		for (size_t i = 0; i < 5; i++) {
			group_tests_add(t, 0, true, null[i], &e);
			group_tests_add(t, 1, false, null[i], &e);
		}
		assert_int_equal(group_tests_finish(t, is_corrected, r, 3, &e), 0);
		assert_true(
		    fabs(r[0].p / (is_corrected ? 0.3104944343172349 : 0.32718687779030575) - 1) <
		    1e-12);
		assert_true(fabs(r[1].z + r[0].z) < 1e-12 && r[0].z < 0);
		assert_true(fabs(r[1].p - r[0].p) < 1e-12);
		assert_true(r[0].mean == 1.125 && r[0].null_mean == 2.1);
		assert_true(r[0].n == 4 && r[0].n_null == 5);
		assert_true(isnan(r[2].p) && isnan(r[2].null_mean) && r[2].mean == 1.125);
		group_tests_free(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_others),
		cmocka_unit_test(against_all),
		cmocka_unit_test(against_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
