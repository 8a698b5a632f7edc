/* Softmax and the winning class. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/class_scores.h"

static void
expect_softmax(const float *logits, size_t n, const double *expected)
{
	float p[8];

	assert_int_equal(class_probabilities(logits, n, p), 0);
	for (size_t i = 0; i < n; i++)
		assert_true(fabs((double)p[i] - expected[i]) <= 1e-7);
}

/* exp(k log 2) = 2^k, so the shares are those of 1, 2, 4, 8. */
static void
computes_shares(void **state)
{
	static const float l = 0.6931471805599453f;
	static const float logits[] = { 0, l, 2 * l, 3 * l };
	static const double shares[] = { 1.0 / 15, 2.0 / 15, 4.0 / 15, 8.0 / 15 }, one[] = { 1 };

	(void)state;
	expect_softmax(logits, 4, shares);
	expect_softmax(logits + 2, 1, one);
}

/* exp(89) is beyond a float, exp(710) beyond a double. */
static void
takes_large_logits(void **state)
{
	static const float large[] = { 1000, 1000, -1000 }, huge[] = { -3e38f, 3e38f };
	static const double halves[] = { 0.5, 0.5, 0 }, second[] = { 0, 1 };

	(void)state;
	expect_softmax(large, 3, halves);
	expect_softmax(huge, 2, second);
}

static void
refuses_what_is_no_number(void **state)
{
	static const float rows[][3] = { { 1, NAN, 2 }, { NAN, 1, 2 }, { 1, 2, NAN },
		{ INFINITY, 0, 0 }, { 0, -INFINITY, 0 } };
	float p[3] = { 7, 7, 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(class_probabilities(rows[i], 3, p), -1);
	assert_true(p[0] == 7 && p[1] == 7 && p[2] == 7);
}

static void
finds_the_first_greatest(void **state)
{
	static const float x[] = { -3, 2, 2, -5, 2 };

	(void)state;
	assert_int_equal(class_best(x, 5), 1);
	assert_int_equal(class_best(x + 2, 3), 0);
	assert_int_equal(class_best(x, 1), 0);
	assert_int_equal(class_best(x + 3, 2), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(computes_shares),
		cmocka_unit_test(takes_large_logits),
		cmocka_unit_test(refuses_what_is_no_number),
		cmocka_unit_test(finds_the_first_greatest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
