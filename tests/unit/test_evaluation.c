/* Folds: their scores, and a class that one of them has not. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "near_aid.h"
#include "stat/evaluation.h"

#define CLOSE 1e-15

static void
folds(void **state)
{
	static const uint32_t truth[] = { 0, 0, 1, 1, 0, 0 }, predicted[] = { 0, 1, 1, 1, 0, 0 };
	static const uint32_t fold[] = { 0, 0, 0, 0, 1, 1 };
	static const float scores[] = { 0.9f, 0.1f, 0.4f, 0.6f, 0.3f, 0.7f, 0.45f, 0.55f, 0.8f,
		0.2f, 0.7f, 0.3f };
	static const char *const names[] = { "a", "b" };
	struct evaluation_rows rows = { .n = 6,
		.n_classes = 2,
		.n_folds = 2,
		.n_scored = 2,
		.truth = truth,
		.predicted = predicted,
		.fold = fold,
		.scores = scores,
		.classes = names,
		.folds = names };
	struct evaluation v;

	(void)state;
	evaluation_find(&v, &rows);
	assert_near(v.scores.accuracy, 5 / 6.0, CLOSE);
	assert_int_equal(v.matrix[1], 1);
	assert_int_equal(v.folds[0].n, 4);
	assert_near(v.folds[0].accuracy, 0.75, CLOSE);
	assert_near(v.folds[1].macro_f1, 1, CLOSE);
	/* b: of the four pairs of fold 0 three are in order; fold 1 has no b. */
	assert_int_equal(v.class_folds[1].n_curves, 1);
	assert_near(v.class_folds[1].areas[0], 0.75, CLOSE);
	assert_true(isnan(v.class_folds[1].areas[1]));
	assert_int_equal(v.class_folds[1].n_points[1], 0);
	assert_near(v.class_folds[1].mean.area, 0.75, CLOSE);
	/* Over all rows: two b against four others, seven of eight pairs. */
	assert_near(v.areas[1].roc, 7 / 8.0, CLOSE);
	assert_near(v.macro_area, 7 / 8.0, CLOSE);
	evaluation_free(&v);
}

/* No probabilities: no curves. */
static void
classes_only(void **state)
{
	static const uint32_t truth[] = { 0, 1, 2 }, predicted[] = { 0, 1, 1 },
			      fold[] = { 0, 1, 1 };
	static const char *const names[] = { "a", "b", "c" };
	struct evaluation_rows rows = { .n = 3,
		.n_classes = 3,
		.n_folds = 2,
		.truth = truth,
		.predicted = predicted,
		.fold = fold,
		.classes = names,
		.folds = names };
	struct evaluation v;

	(void)state;
	evaluation_find(&v, &rows);
	assert_null(v.areas);
	assert_near(v.scores.accuracy, 2 / 3.0, CLOSE);
	assert_near(v.folds[1].accuracy, 0.5, CLOSE);
	evaluation_free(&v);
}

static void
spread(void **state)
{
	static const double pairs[] = { 1, 99, 2, 99, 6, 99 };
	double mean, sd;

	(void)state;
	fold_spread(pairs, 2 * sizeof(double), 3, &mean, &sd);
	assert_near(mean, 3, CLOSE);
	assert_near(sd, sqrt(14 / 3.0), CLOSE);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds),
		cmocka_unit_test(classes_only),
		cmocka_unit_test(spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
