/* Scores of probabilities: numbers of scikit-learn 1.9.1; classes that the model does not know. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "near_aid.h"
#include "stat/probability_scores.h"

#define CLOSE 1e-15

static const double numbers[] = { 0.7, 0.2, 0.1, 0.3, 0.3, 0.4, 0.2, 0.5, 0.3, 0, 0.1, 0.9, 0.4,
	0.4, 0.2 };

static void
scores_like_scikit_learn(void **state)
{
	static const uint32_t truth[] = { 0, 1, 1, 2, 0 };
	struct probabilities p = { .n = 5, .k = 3, .f64 = numbers, .truth = truth };
	struct probability_scores s = probability_score(&p);

	(void)state;
	assert_int_equal(s.n_known, 5);
	assert_near(s.log_loss, 0.655089235271319, CLOSE);
	assert_near(s.brier, 0.368, CLOSE);
	assert_near(top_accuracy(&p, 2), 1, 0);
	/* Row 1: 0.4 is before the true class, 0.3 of class 0 is not; row 4: the later of two. */
	assert_near(top_accuracy(&p, 1), 0.6, CLOSE);
	assert_near(area_of_pairs(&p), 0.9583333333333334, CLOSE);
}

/* A probability of 0 for the truth costs -log 2^-52; one of 1 next to nothing. */
static void
certain_and_wrong(void **state)
{
	static const float certain[] = { 1, 0, 1, 0 };
	static const uint32_t truth[] = { 0, 1 };
	struct probabilities p = { .n = 2, .k = 2, .f32 = certain, .truth = truth };
	struct probability_scores s = probability_score(&p);

	(void)state;
	assert_near(s.log_loss, 26 * log(2), 1e-13);
	assert_near(s.brier, 1, 0);
}

static void
unknown_classes(void **state)
{
	static const uint32_t truth[] = { 0, 1, 7, 2, 7 };
	struct probabilities p = { .n = 5, .k = 3, .f64 = numbers, .truth = truth };
	struct probability_scores s = probability_score(&p);
	struct score_counts r;

	(void)state;
	assert_int_equal(s.n_known, 3);
	assert_near(s.log_loss, -(log(0.7) + log(0.3) + log(0.9)) / 3, CLOSE);
	assert_near(top_accuracy(&p, 3), 0.6, CLOSE);
	rank_class(&r, &p, 1);
	assert_near(r.positives, 1, 0);
	assert_near(r.negatives, 4, 0);
	score_counts_free(&r);
}

static void
nothing_known(void **state)
{
	static const uint32_t truth[] = { 3 };
	struct probabilities p = { .n = 1, .k = 3, .f64 = numbers, .truth = truth };
	struct probability_scores s = probability_score(&p);

	(void)state;
	assert_true(isnan(s.log_loss) && isnan(s.brier) && isnan(area_of_pairs(&p)));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_like_scikit_learn),
		cmocka_unit_test(certain_and_wrong),
		cmocka_unit_test(unknown_classes),
		cmocka_unit_test(nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
