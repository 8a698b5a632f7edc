/* Expected: sklearn 1.9.1, GaussianMixture(2, n_init=10, tol=1e-13, reg_covar=1e-8). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "stat/gaussian_mixture.h"

static const double means[] = { 0.99, 0.985, 0.9925, 0.9805, 0.9991, 0.9995, 0.9989, 0.9993, 0.9985,
	0.9997, 0.9990, 0.9994, 0.9988 };

static void
expect(double got, double expected, double relative)
{
	assert_true(fabs(got / expected - 1) < relative);
}

static void
as_sklearn(void **state)
{
	struct gaussian_mixture m;

	(void)state;
	gaussian_mixture_fit(means, 13, 1e-8, 1e-13, 10000, &m);
	assert_true(m.is_converged);
	expect(m.means[0], 0.9870666080007061, 1e-9);
	expect(m.means[1], 0.9991337180305029, 1e-9);
	expect(m.weights[0], 0.3094127774822347, 1e-6);
	expect(m.weights[1], 0.6905872225177653, 1e-6);
	expect(m.variances[0], 2.206068527598638e-05, 1e-6);
	expect(m.variances[1], 1.3643680931815567e-07, 1e-6);
	expect(m.log_likelihood, 5.116363229972444, 1e-12);
	expect(m.single_log_likelihood, 3.6696998668473197, 1e-12);
	expect(gaussian_mixture_lower(&m, 0.998), 0.20673247815603896, 1e-4);
	expect(gaussian_mixture_lower(&m, 0.997), 0.9999849238146635, 1e-8);
	expect(gaussian_mixture_gain(&m, 13), 29.91839936886862, 1e-10);
}

static void
stops_where_it_is_told(void **state)
{
	struct gaussian_mixture m;

	(void)state;
	gaussian_mixture_fit(means, 13, 1e-8, 1e-3, 10000, &m);
	assert_int_equal(m.iterations, 4);
	expect(m.means[0], 0.987066584982182, 1e-12);
	expect(m.weights[0], 0.3094121802201196, 1e-11);
	gaussian_mixture_fit(means, 13, 1e-8, 0, 3, &m);
	assert_int_equal(m.iterations, 3);
	assert_false(m.is_converged);
}

/* One normal distribution: two are not worth their parameters. */
static void
one_component(void **state)
{
	static const double x[] = { 0.99917, 0.99941, 0.99917, 0.99835, 0.99945, 0.99922, 0.99873,
		0.99929, 0.99918, 0.99915, 0.99901, 0.99927 };
	struct gaussian_mixture m;

	(void)state;
	gaussian_mixture_fit(x, 12, 1e-8, 1e-13, 10000, &m);
	assert_true(gaussian_mixture_gain(&m, 12) < 0);
}

static void
few_numbers(void **state)
{
	static const double two[] = { 0.9, 0.1 }, same[] = { 0.5, 0.5, 0.5 };
	struct gaussian_mixture m;

	(void)state;
	gaussian_mixture_fit(two, 2, 1e-6, 1e-3, 100, &m);
	expect(m.means[0], 0.1, 1e-9);
	expect(m.means[1], 0.9, 1e-9);
	expect(m.weights[0], 0.5, 1e-9);
	gaussian_mixture_fit(same, 3, 1e-6, 1e-3, 100, &m);
	expect(m.means[0], 0.5, 1e-9);
	gaussian_mixture_fit(two, 1, 1e-6, 1e-3, 100, &m);
	assert_true(isfinite(m.log_likelihood));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_sklearn),
		cmocka_unit_test(stops_where_it_is_told),
		cmocka_unit_test(one_component),
		cmocka_unit_test(few_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
