/* Scores of a confusion matrix: numbers of scikit-learn 1.9.1, and what is not defined. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "near_aid.h"
#include "stat/classification.h"

#define CLOSE 1e-15

static void
scores_like_scikit_learn(void **state)
{
	/* Class 3 is only predicted, class 5 is in neither. */
	static const uint32_t truth[] = { 0, 0, 0, 1, 1, 2, 2, 2, 2, 4 };
	static const uint32_t predicted[] = { 0, 0, 1, 1, 3, 2, 2, 0, 3, 4 };
	uint64_t matrix[36] = { 0 };
	struct classification c;

	(void)state;
	confusion_add(matrix, 6, truth, predicted, 10);
	assert_int_equal(matrix[0], 2);
	assert_int_equal(matrix[1], 1);
	assert_int_equal(matrix[2 * 6 + 3], 1);
	classification_score(&c, matrix, 6);
	assert_int_equal(c.n, 10);
	assert_near(c.accuracy, 0.6, CLOSE);
	assert_near(c.balanced_accuracy, 0.6666666666666666, CLOSE);
	assert_near(c.macro.f1, 0.5666666666666667, CLOSE);
	assert_near(c.macro.precision, 0.6333333333333333, CLOSE);
	assert_near(c.weighted.f1, 0.6666666666666666, CLOSE);
	assert_near(c.matthews, 0.5142653638627284, CLOSE);
	assert_near(c.kappa, 0.4871794871794872, CLOSE);
	assert_near(c.classes[1].precision, 0.5, CLOSE);
	assert_near(c.classes[2].recall, 0.5, CLOSE);
	assert_int_equal(c.classes[2].support, 4);
	assert_int_equal(c.classes[3].predicted, 2);
	assert_true(c.classes[3].is_present);
	assert_near(c.classes[3].f1, 0, 0);
	assert_false(c.classes[5].is_present);
	classification_free(&c);
}

/* One class that is always right: chance agrees as well, so kappa says nothing. */
static void
one_class(void **state)
{
	static const uint64_t matrix[] = { 7, 0, 0, 0 };
	struct classification c;

	(void)state;
	classification_score(&c, matrix, 2);
	assert_near(c.accuracy, 1, 0);
	assert_near(c.macro.f1, 1, 0);
	assert_near(c.matthews, 0, 0);
	assert_true(isnan(c.kappa));
	classification_free(&c);
}

static void
no_rows(void **state)
{
	static const uint64_t matrix[4];
	struct classification c;

	(void)state;
	classification_score(&c, matrix, 2);
	assert_int_equal(c.n, 0);
	assert_true(isnan(c.accuracy) && isnan(c.macro.f1) && isnan(c.weighted.f1));
	assert_true(isnan(c.balanced_accuracy) && isnan(c.matthews) && isnan(c.kappa));
	assert_near(c.classes[0].f1, 0, 0);
	classification_free(&c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_like_scikit_learn),
		cmocka_unit_test(one_class),
		cmocka_unit_test(no_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
