/* Silhouettes: numbers of scikit-learn 1.9.1, arithmetic, and groups that have none. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "near_aid.h"
#include "stat/silhouette.h"

#define CLOSE 1e-14

static const double points[] = { 0, 0, 1, 0, 0, 2, 5, 5, 6, 5, 9, 9 };
static const struct vectors six = { .n = 6, .d = 2, .f64 = points };

static void
scores_like_scikit_learn(void **state)
{
	static const double expected[] = { 0.7984049461705875, 0.7598321320002033,
		0.6621727940997418, 0.8232233047033631, 0.8, 0 };
	static const uint32_t groups[] = { 0, 0, 0, 3, 3, 2 }; /* group 1 is empty */
	struct err e = { 0 };
	double scores[6];

	(void)state;
	assert_int_equal(silhouette_find(&six, METRIC_EUCLIDEAN, groups, 4, 1, scores, &e), 0);
	for (size_t i = 0; i < 6; i++)
		assert_near(scores[i], expected[i], CLOSE);
}

/* Directions 0, 90, 180 degrees: distances 0, 1, 2. */
static void
directions(void **state)
{
	static const float x[] = { 1, 0, 5, 0, 0, 2, -3, 0 };
	static const uint32_t groups[] = { 0, 0, 1, 1 };
	static const double expected[] = { 1, 1, 0, 0.5 };
	struct vectors v = { .n = 4, .d = 2, .f32 = x };
	struct err e = { 0 };
	double scores[4];

	(void)state;
	assert_int_equal(silhouette_find(&v, METRIC_COSINE, groups, 2, 2, scores, &e), 0);
	for (size_t i = 0; i < 4; i++)
		assert_near(scores[i], expected[i], CLOSE);
}

static void
equal_points(void **state)
{
	static const float x[4];
	static const uint32_t groups[] = { 0, 0, 1, 1 };
	struct vectors v = { .n = 4, .d = 1, .f32 = x };
	struct err e = { 0 };
	double scores[4] = { 9, 9, 9, 9 };

	(void)state;
	assert_int_equal(silhouette_find(&v, METRIC_EUCLIDEAN, groups, 2, 1, scores, &e), 0);
	for (size_t i = 0; i < 4; i++)
		assert_near(scores[i], 0, 0);
}

static void
refuse(const struct vectors *v, const uint32_t *groups, size_t n_groups, const char *text)
{
	struct err e = { 0 };
	double scores[6];

	assert_int_equal(silhouette_find(v, METRIC_EUCLIDEAN, groups, n_groups, 1, scores, &e), -1);
	assert_non_null(strstr(e.text, text));
}

static void
groups_without_silhouette(void **state)
{
	static const uint32_t one[6], all[] = { 0, 1, 2, 3, 4, 5 };
	static const float odd[] = { 0, 1, (float)NAN, 2 };
	static const struct vectors nan = { .n = 4, .d = 1, .f32 = odd };

	(void)state;
	refuse(&six, one, 3, "two groups");
	refuse(&six, all, 6, "alone");
	refuse(&nan, all, 6, "row 2: a number of the vector is not finite");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_like_scikit_learn),
		cmocka_unit_test(directions),
		cmocka_unit_test(equal_points),
		cmocka_unit_test(groups_without_silhouette),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
