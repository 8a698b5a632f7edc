/* Expected: the definition, on paper. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "stat/false_discovery.h"

static void
expect(const double *p, const double *q, size_t n)
{
	double got[8];

	false_discovery(p, n, got);
	for (size_t i = 0; i < n; i++)
		assert_true(isnan(q[i]) ? isnan(got[i]) : fabs(got[i] - q[i]) < 1e-15);
}

static void
by_definition(void **state)
{
	/* 0.01 * 4/1, 0.04 * 4/3, 0.03 * 4/2 (more than the next one's), 0.5 * 4/4 */
	static const double p[] = { 0.01, 0.04, 0.03, 0.5 };
	static const double q[] = { 0.04, 0.16 / 3, 0.16 / 3, 0.5 };
	static const double one[] = { 0.03 }, ones[] = { 1, 1, 1 };
	static const double high[] = { 0.9, 0.8 }, high_q[] = { 0.9, 0.9 };

	(void)state;
	expect(p, q, 4);
	expect(one, one, 1);
	expect(ones, ones, 3);
	expect(high, high_q, 2);
	expect(p, q, 0);
}

/* A test that was not made takes no part. */
static void
without_nan(void **state)
{
	static const double p[] = { NAN, 0.01, NAN, 0.04 }, q[] = { NAN, 0.02, NAN, 0.04 };
	static const double none[] = { NAN };

	(void)state;
	expect(p, q, 4);
	expect(none, none, 1);
}

static void
in_place(void **state)
{
	double p[] = { 0.2, 0.01 };

	(void)state;
	false_discovery(p, 2, p);
	assert_true(p[0] == 0.2 && p[1] == 0.02);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_definition),
		cmocka_unit_test(without_nan),
		cmocka_unit_test(in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
