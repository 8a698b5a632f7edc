/* Expected values: scikit-learn 1.9.1, PCA(svd_solver='full') of the same numbers, signs turned so
 * that the largest loading is positive; for the small cases arithmetic. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "stat/pca.h"

enum { MAX_K = 4 };

static double numbers[70 * 12];
static float singles[70 * 12];

/* Eighths, so that single precision holds them as well. */
static struct vectors
vectors_of(size_t n, size_t d)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < d; j++) {
			size_t x = (i * i * 7 + i * j * 13 + j * j * 5 + j * 31 + i * 17) % 101;

			numbers[i * d + j] = (double)x / 8;
			singles[i * d + j] = (float)x / 8;
		}
	return (struct vectors){ n, d, NULL, numbers };
}

static void
assert_near(double got, double expected)
{
	if (!(fabs(got - expected) <= 1e-10 * (1 + fabs(expected))))
		fail_msg("got %.17g, expected %.17g", got, expected);
}

static const struct sample {
	size_t n, d, k;
	double variances[MAX_K], ratios[MAX_K];
	double loadings[MAX_K][3]; /* the first three */
	double first[MAX_K], last[MAX_K];
} samples[] = {
	{ 70, 9, 3, { 20.958730654429043, 18.69215236718686, 16.819576124136265 },
	    { 0.17114626707310854, 0.15263768373919923, 0.13734646982495535 },
	    { { -0.17706053102706784, -0.21702707199201754, 0.11615289733305804 },
		{ -0.2059512674310431, 0.09516676442121036, 0.746342994750663 },
		{ 0.6836382305451877, -0.4391216293776257, 0.22596378114058321 } },
	    { -3.123440682545805, 4.294048998349606, -5.192284720694488 },
	    { -5.590155696062947, -3.2567398616567713, -2.14811733783414 } },
	/* Fewer points than dimensions. */
	{ 5, 12, 4,
	    { 76.01476953533417, 51.39794485866672, 26.723251037334684, 11.142159568664457 },
	    { 0.4599203284483906, 0.3109785088538892, 0.1616865573549717, 0.06741460534274851 },
	    { { 0.4140630027675097, 0.09419122142540488, -0.1386806647956766 },
		{ -0.28726332720554676, 0.4031315495504142, -0.35443832383979695 },
		{ 0.07488093674561928, 0.2862948010453357, 0.21112793037376731 },
		{ 0.10708036211702207, -0.08992818776177218, 0.018917325523495208 } },
	    { -11.005590443740253, -2.511862051043339, -3.1985593029054975, -3.502480750407951 },
	    { 12.27093536886063, -2.045411374274609, 1.6159208048914153, -3.4041133112093043 } },
};

static void
check_sample(const struct sample *s, const struct vectors *x)
{
	struct pca p;
	struct err e = { 0 };
	double scores[70 * MAX_K];

	assert_int_equal(pca_fit(&p, x, s->k, &e), 0);
	pca_scores(&p, x, scores);
	for (size_t c = 0; c < s->k; c++) {
		assert_near(p.variances[c], s->variances[c]);
		assert_near(p.ratios[c], s->ratios[c]);
		for (size_t j = 0; j < 3; j++)
			assert_near(p.components[c * s->d + j], s->loadings[c][j]);
		assert_near(scores[c], s->first[c]);
		assert_near(scores[(s->n - 1) * s->k + c], s->last[c]);
	}
	pca_free(&p);
}

static void
components_are_those_of_scikit_learn(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct vectors x = vectors_of(samples[i].n, samples[i].d);

		check_sample(&samples[i], &x);
		x.f64 = NULL;
		x.f32 = singles;
		check_sample(&samples[i], &x);
	}
}

/* What lies beyond the rank has no variance; all directions are orthonormal all the same. */
static void
all_components_are_orthonormal(void **state)
{
	struct vectors x = vectors_of(5, 12);
	struct pca p;
	struct err e = { 0 };
	double total = 0;

	(void)state;
	assert_int_equal(pca_fit(&p, &x, 12, &e), 0);
	for (size_t a = 0; a < 12; a++) {
		total += p.ratios[a];
		assert_true(p.variances[a] >= 0 && (a < 4 || p.variances[a] < 1e-12));
		for (size_t b = 0; b < 12; b++) {
			double sum = 0;

			for (size_t j = 0; j < 12; j++)
				sum += p.components[a * 12 + j] * p.components[b * 12 + j];
			assert_true(fabs(sum - (a == b)) < 1e-12);
		}
	}
	assert_near(total, 1);
	pca_free(&p);
}

/* Along (3, -4) / 5: the larger loading is the second one, and becomes positive. */
static void
the_largest_loading_is_positive(void **state)
{
	static const float line[3][2] = { { 3, -4 }, { 6, -8 }, { 0, 0 } };
	struct vectors x = { 3, 2, line[0], NULL };
	struct pca p;
	struct err e = { 0 };
	double scores[6];

	(void)state;
	assert_int_equal(pca_fit(&p, &x, 2, &e), 0);
	assert_near(p.components[0], -0.6);
	assert_near(p.components[1], 0.8);
	assert_near(p.variances[0], 25);
	assert_near(p.ratios[0], 1);
	pca_scores(&p, &x, scores);
	assert_near(scores[0], 0);
	assert_near(scores[2], -5);
	assert_near(scores[4], 5);
	pca_free(&p);
}

static void
one_point_has_no_variance(void **state)
{
	static const float point[2] = { 3, 4 };
	struct vectors x = { 1, 2, point, NULL };
	struct pca p;
	struct err e = { 0 };
	double scores[2];

	(void)state;
	assert_int_equal(pca_fit(&p, &x, 2, &e), 0);
	pca_scores(&p, &x, scores);
	for (size_t c = 0; c < 2; c++) {
		assert_true(p.variances[c] == 0 && p.ratios[c] == 0);
		assert_true(scores[c] == 0);
	}
	pca_free(&p);
}

static void
what_has_no_components_is_refused(void **state)
{
	static const float bad[4] = { 1, 2, 3, NAN };
	struct vectors none = { 0, 2, bad, NULL }, x = { 2, 2, bad, NULL };
	struct pca p;
	struct err e = { 0 }, e2 = { 0 };

	(void)state;
	assert_int_equal(pca_fit(&p, &none, 1, &e), -1);
	assert_true(e.is_set);
	assert_int_equal(pca_fit(&p, &x, 1, &e2), -1);
	assert_string_equal(e2.text, "row 1: a number of the vector is not finite");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_are_those_of_scikit_learn),
		cmocka_unit_test(all_components_are_orthonormal),
		cmocka_unit_test(the_largest_loading_is_positive),
		cmocka_unit_test(one_point_has_no_variance),
		cmocka_unit_test(what_has_no_components_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
