/* An attention pool against its definition in double precision, and its gradients against finite
 * differences of that. */

#include <math.h>

#include "near_aid.h"
#include "network_aid.h"
#include "nn/cpu_gradient_pool.h"

enum { N = 7, COLUMNS = 37 };

/* The loss: the pooled row times d. */
static double
loss(const double *in, const double *weight, const float *d, double *ret_out)
{
	double shares[N], sum = 0, total = 0;

	for (size_t i = 0; i < N; i++) {
		double score = 0;

		for (size_t k = 0; k < COLUMNS; k++)
			score += in[i * COLUMNS + k] * weight[k];
		sum += shares[i] = exp(score);
	}
	for (size_t k = 0; k < COLUMNS; k++) {
		double x = 0;

		for (size_t i = 0; i < N; i++)
			x += shares[i] / sum * in[i * COLUMNS + k];
		if (ret_out)
			ret_out[k] = x;
		total += x * (double)d[k];
	}
	return total;
}

static void
widen(const float *from, size_t n, double *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (double)from[i];
}

/* Of the value x, which is part of what the loss takes. */
static double
slope(double *x, const double *in, const double *weight, const float *d)
{
	const double step = 1e-5, at = *x;
	double up, down;

	*x = at + step;
	up = loss(in, weight, d, NULL);
	*x = at - step;
	down = loss(in, weight, d, NULL);
	*x = at;
	return (up - down) / (2 * step);
}

static void
pool_and_gradients(void **state)
{
	struct arena a = { 0 };
	const float *in = aid_numbers(&a, N * COLUMNS, 1), *weight = aid_numbers(&a, COLUMNS, 1);
	const float *d = aid_numbers(&a, COLUMNS, 1);
	float shares[N], out[COLUMNS], *d_in = arena_zero(&a, N * COLUMNS, sizeof(*d_in));
	float d_weight[COLUMNS] = { 0 };
	double wide_in[N * COLUMNS], wide_weight[COLUMNS], expected[COLUMNS];

	(void)state;
	widen(in, N * COLUMNS, wide_in);
	widen(weight, COLUMNS, wide_weight);
	loss(wide_in, wide_weight, d, expected);
	pool_rows(in, weight, N, COLUMNS, shares, out);
	for (size_t k = 0; k < COLUMNS; k++)
		assert_near((double)out[k], expected[k], 1e-6);
	d_in[0] = d_weight[0] = 1; /* is added to */
	pool_rows_back(in, weight, shares, N, COLUMNS, d, d_in, NULL);
	pool_rows_back(in, weight, shares, N, COLUMNS, d, NULL, d_weight);
	d_in[0] -= 1;
	d_weight[0] -= 1;
	for (size_t i = 0; i < (size_t)N * COLUMNS; i++)
		assert_near((double)d_in[i], slope(&wide_in[i], wide_in, wide_weight, d), 2e-6);
	for (size_t k = 0; k < COLUMNS; k++)
		assert_near(
		    (double)d_weight[k], slope(&wide_weight[k], wide_in, wide_weight, d), 2e-6);
	arena_free(&a);
}

static void
large_scores(void **state)
{
	static const float in[] = { 1000, 1, -1000, 2 }, weight[] = { 1, 0 };
	float shares[2], out[2];

	(void)state;
	pool_rows(in, weight, 2, 2, shares, out);
	assert_near((double)shares[0], 1, 0);
	assert_near((double)out[1], 1, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_and_gradients),
		cmocka_unit_test(large_scores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
