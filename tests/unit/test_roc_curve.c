/* Curves: points and areas of scikit-learn 1.9.1; means over folds by arithmetic. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "near_aid.h"
#include "stat/roc_curve.h"

#define CLOSE 1e-15

/* y 0 0 1 1 1 0; the scores 0.4 tie. */
static void
count(struct score_counts *r)
{
	static const double scores[] = { 0.1, 0.4, 0.4, 0.8, 0.35, 0.05 };
	static const bool is_positive[] = { false, false, true, true, true, false };

	score_counts_start(r, scores, is_positive, 6);
}

static void
expect(const double *got, const double *expected, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isnan(expected[i]) || isinf(expected[i]))
			assert_true(isnan(expected[i]) ? isnan(got[i]) : got[i] == expected[i]);
		else
			assert_near(got[i], expected[i], CLOSE);
}

static void
roc_of_ties(void **state)
{
	static const double fpr[] = { 0, 0, 1 / 3.0, 1 / 3.0, 1 };
	static const double tpr[] = { 0, 1 / 3.0, 2 / 3.0, 1, 1 };
	static const double thresholds[] = { (double)INFINITY, 0.8, 0.4, 0.35, 0.05 };
	static const double all_fpr[] = { 0, 0, 1 / 3.0, 1 / 3.0, 2 / 3.0, 1 };
	struct score_counts r;
	struct curve c;

	(void)state;
	count(&r);
	roc_curve(&c, &r, false);
	assert_int_equal(c.n, 5);
	expect(c.x, fpr, 5);
	expect(c.y, tpr, 5);
	expect(c.thresholds, thresholds, 5);
	assert_near(curve_area(&c), 0.8333333333333334, CLOSE);
	curve_free(&c);
	roc_curve(&c, &r, true);
	assert_int_equal(c.n, 6);
	expect(c.x, all_fpr, 6);
	curve_free(&c);
	score_counts_free(&r);
}

static void
precision_and_recall(void **state)
{
	static const double recall[] = { 1, 1, 2 / 3.0, 1 / 3.0, 0 };
	static const double precision[] = { 0.5, 0.75, 2 / 3.0, 1, 1 };
	static const double thresholds[] = { 0.05, 0.35, 0.4, 0.8, (double)NAN };
	struct score_counts r;
	struct curve c;
	double area;

	(void)state;
	count(&r);
	precision_recall_curve(&c, &r, false);
	assert_int_equal(c.n, 5);
	expect(c.x, recall, 5);
	expect(c.y, precision, 5);
	expect(c.thresholds, thresholds, 5);
	area = curve_area(&c);
	assert_near(average_precision(&r), 0.8055555555555556, CLOSE);
	curve_free(&c);
	precision_recall_curve(&c, &r, true);
	assert_int_equal(c.n, 6);
	assert_near(curve_area(&c), area, CLOSE);
	curve_free(&c);
	score_counts_free(&r);
}

static void
one_class_only(void **state)
{
	static const double scores[] = { 0.1, 0.2, 0.3 };
	static const bool none[] = { false, false, false }, all[] = { true, true, true };
	struct score_counts r;
	struct curve c;

	(void)state;
	score_counts_start(&r, scores, none, 3);
	roc_curve(&c, &r, false);
	assert_true(isnan(curve_area(&c)));
	assert_true(isnan(c.y[0]));
	assert_near(average_precision(&r), 0, 0);
	curve_free(&c);
	score_counts_free(&r);
	score_counts_start(&r, scores, all, 3);
	roc_curve(&c, &r, false);
	assert_true(isnan(curve_area(&c)));
	assert_near(average_precision(&r), 1, 0);
	curve_free(&c);
	score_counts_free(&r);
}

/* At an x that several points share the last counts, as in numpy.interp. */
static void
on_a_grid(void **state)
{
	double x[] = { 0, 0, 0.25, 0.25, 1 }, y[] = { 0, 0.5, 0.5, 0.75, 1 };
	static const double expected[] = { 0, 0.75, 0.75 + 0.25 / 3, 0.75 + 0.5 / 3, 1 };
	struct curve c = { .n = 5, .x = x, .y = y };
	double got[5];

	(void)state;
	roc_interpolate(&c, got, 5);
	expect(got, expected, 5);
}

static void
mean_of_folds(void **state)
{
	struct roc_fold folds[2] = { { .area = 0.5, .n_points = 3 },
		{ .area = 0.9, .n_points = 1 } };
	struct roc_mean mean;

	(void)state;
	folds[0].tpr[50] = 0.2;
	folds[1].tpr[50] = 1;
	mean = roc_average(folds, 2);
	assert_near(mean.area, 0.6, CLOSE);
	assert_near(mean.sd, sqrt(0.75 * 0.01 + 0.25 * 0.09), CLOSE);
	assert_near(mean.tpr[50], 0.4, CLOSE);
	assert_near(mean.tpr[ROC_GRID - 1], 1, 0);
	mean = roc_average(folds, 1);
	assert_near(mean.area, 0.5, 0);
	assert_near(mean.sd, 0, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(roc_of_ties),
		cmocka_unit_test(precision_and_recall),
		cmocka_unit_test(one_class_only),
		cmocka_unit_test(on_a_grid),
		cmocka_unit_test(mean_of_folds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
