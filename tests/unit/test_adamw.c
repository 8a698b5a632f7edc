/* AdamW against its definition in double precision; learning rates against values on paper. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "nn/adamw.h"

static void
follows_the_definition(void **state)
{
	enum { N = 37, STEPS = 6 };
	const struct adamw_options o = { .decay = 0.1 };
	float values[N], mean[N] = { 0 }, square[N] = { 0 };
	double x[N], m[N] = { 0 }, v[N] = { 0 };

	(void)state;
	for (int i = 0; i < N; i++)
		x[i] = (double)(values[i] = sinf((float)i));
	for (int t = 1; t <= STEPS; t++) {
		struct adamw_step step = adamw_start(&o, 0.01 * t, (uint64_t)t);
		float gradient[N];

		step.factor = 0.5;
		for (int i = 0; i < N; i++)
			gradient[i] = cosf((float)(i * t)) * (i == 3 ? 0 : 1);
		adamw_run(&step, N, gradient, mean, square, values);
		for (int i = 0; i < N; i++) {
			double g = (double)gradient[i] * 0.5, m_hat, v_hat;

			x[i] -= 0.01 * t * 0.1 * x[i];
			m[i] = 0.9 * m[i] + 0.1 * g;
			v[i] = 0.999 * v[i] + 0.001 * g * g;
			m_hat = m[i] / (1 - pow(0.9, t));
			v_hat = v[i] / (1 - pow(0.999, t));
			x[i] -= 0.01 * t * m_hat / (sqrt(v_hat) + 1e-8);
			assert_true(fabs(x[i] - (double)values[i]) < 2e-6);
		}
	}
}

static void
starts_with_the_options(void **state)
{
	const struct adamw_options own = {
		.rate = 1, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6
	};
	struct adamw_step s = adamw_start(&own, 0.25, 9);

	(void)state;
	assert_true(s.beta1 == 0.8 && s.beta2 == 0.95 && s.epsilon == 1e-6);
	assert_true(s.rate == 0.25 && s.t == 9 && s.factor == 1);
}

static void
expect_rate(enum schedule s, uint64_t t, uint64_t warmup, uint64_t steps, double expected)
{
	double rate = schedule_at(s, t, warmup, steps);

	if (fabs(rate - expected) > 1e-15)
		fail_msg("step %d of %d: %g, not %g", (int)t, (int)steps, rate, expected);
}

static void
has_schedules(void **state)
{
	(void)state;
	expect_rate(SCHEDULE_LINEAR, 0, 4, 12, 0);
	expect_rate(SCHEDULE_LINEAR, 3, 4, 12, 0.75);
	expect_rate(SCHEDULE_LINEAR, 4, 4, 12, 1);
	expect_rate(SCHEDULE_LINEAR, 10, 4, 12, 0.25);
	expect_rate(SCHEDULE_LINEAR, 12, 4, 12, 0);
	expect_rate(SCHEDULE_LINEAR, 40, 4, 12, 0);
	expect_rate(SCHEDULE_LINEAR, 0, 0, 8, 1);
	expect_rate(SCHEDULE_COSINE, 0, 0, 8, 1);
	expect_rate(SCHEDULE_COSINE, 4, 0, 8, 0.5);
	expect_rate(SCHEDULE_COSINE, 8, 0, 8, 0);
	expect_rate(SCHEDULE_COSINE, 1, 2, 8, 0.5);
	expect_rate(SCHEDULE_CONSTANT, 1, 2, 8, 0.5);
	expect_rate(SCHEDULE_CONSTANT, 99, 2, 8, 1);
}

static void
parses_schedules(void **state)
{
	struct err e = { 0 };
	enum schedule s = SCHEDULE_LINEAR;

	(void)state;
	assert_int_equal(schedule_parse("cosine", &s, &e), 0);
	assert_int_equal(s, SCHEDULE_COSINE);
	assert_int_equal(schedule_parse("constant", &s, &e), 0);
	assert_int_equal(s, SCHEDULE_CONSTANT);
	assert_int_equal(schedule_parse("polynomial", &s, &e), -1);
	assert_string_equal(e.text, "schedule polynomial: not one of linear, cosine, constant");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_definition),
		cmocka_unit_test(starts_with_the_options),
		cmocka_unit_test(has_schedules),
		cmocka_unit_test(parses_schedules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
