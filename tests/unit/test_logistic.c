/* Expected values: scikit-learn 1.9.1, LogisticRegression(solver="newton-cholesky", tol=1e-14) of
 * the same numbers; for the case without features arithmetic. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/logistic.h"

enum { N = 60, D = 6, MAX_CLASSES = 4 };

/* The same numbers, dense and sparse. */
struct sample {
	float dense[N * D], values[N * D];
	uint32_t columns[N * D], labels[N];
	size_t offsets[N + 1];
};

static void
sample_make(struct sample *s, size_t n_classes)
{
	size_t n = 0;

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < N; i++) {
		for (size_t j = 0; j < D; j++) {
			size_t x = (i * i * 7 + i * j * 13 + j * j * 5 + j * 31 + i * 17) % 101;

			if (x <= 50)
				continue;
			s->dense[i * D + j] = s->values[n] = (float)(x - 50) / 8;
			s->columns[n++] = (uint32_t)j;
		}
		s->offsets[i + 1] = n;
		s->labels[i] = (uint32_t)((i * i * 3 + i * 5 + i / 7) % 11 % n_classes);
	}
}

static struct logistic_rows
sample_rows(const struct sample *s, bool is_dense)
{
	return (struct logistic_rows){ N, D, is_dense ? s->dense : NULL, s->offsets, s->columns,
		s->values };
}

static const struct expected {
	size_t n_classes;
	double cost;
	bool is_balanced;
	double objective;
	double first[MAX_CLASSES], last[MAX_CLASSES]; /* coefficients of these features */
	double intercepts[MAX_CLASSES];               /* of several classes: less their mean */
} cases[] = {
	{ 4, 1, false, 71.20447493409499,
	    { -0.04517724360194956, -0.08045314836643679, 0.013775812463072929,
		0.11185457950531684 },
	    { 0.06867514637983857, -0.25892607991086986, 0.13146800188552724, 0.05878293164550666 },
	    { 0.3970843180494912, 0.17885782874607203, 0.3726055317634358, -0.948547678558999 } },
	{ 4, 0.05, true, 3.750983893772285,
	    { -0.03274210297010318, -0.05969141468739719, 0.002953390401247051,
		0.0894801272562533 },
	    { 0.055887082999742696, -0.16640854288959994, 0.09038981432095856,
		0.020131645568898952 },
	    { 0.00329703558258089, 0.09891119083766971, 0.2672254222071415,
		-0.36943364862739214 } },
	{ 2, 2, false, 73.67050858565777, { 0, 0.03337198387007255 }, { 0, -0.23508758833468896 },
	    { 0, -0.5763220456941978 } },
};

static void
assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance * (1 + fabs(expected))))
		fail_msg("got %.17g, expected %.17g", got, expected);
}

static void
fit_case(const struct sample *s, const struct expected *c, bool is_dense, struct logistic *m)
{
	struct logistic_rows rows = sample_rows(s, is_dense);
	double *weights = c->is_balanced ? logistic_balance(s->labels, N, c->n_classes) : NULL;
	struct logistic_options o = { .cost = c->cost,
		.class_weights = weights,
		.tolerance = 1e-6,
		.max_iterations = 1000,
		.threads = 1 };
	struct err e = { 0 };

	assert_int_equal(logistic_fit(m, &rows, s->labels, c->n_classes, &o, &e), 0);
	free(weights);
}

static void
is_the_optimum(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const struct expected *c = &cases[i / 2];
		size_t n = c->n_classes;
		struct sample s;
		struct logistic m;
		double middle = 0;

		sample_make(&s, n);
		fit_case(&s, c, i % 2, &m);
		assert_true(m.is_converged && m.gradient_norm <= 1e-6);
		assert_near(m.objective, c->objective, 1e-12);
		for (size_t k = 0; k < n && n > 2; k++)
			middle += m.intercepts[k] / (double)n;
		for (size_t k = 0; k < n; k++) {
			assert_near(m.weights[k], c->first[k], 1e-6);
			assert_near(m.weights[(D - 1) * n + k], c->last[k], 1e-6);
			assert_near(m.intercepts[k] - middle, c->intercepts[k], 1e-5);
		}
		logistic_free(&m);
	}
}

/* Many rows, so that there are blocks and threads; whatever their number, the same bits. */
static void
any_number_of_threads(void **state)
{
	enum { COPIES = 400 };
	static struct sample s;
	float *many = mem_alloc((size_t)COPIES * N * D, sizeof(*many));
	uint32_t *labels = mem_alloc((size_t)COPIES * N, sizeof(*labels));
	struct logistic_rows rows = { (size_t)COPIES * N, D, many, NULL, NULL, NULL };
	struct logistic first = { 0 };

	(void)state;
	sample_make(&s, 4);
	for (size_t i = 0; i < COPIES; i++) {
		memcpy(many + i * N * D, s.dense, sizeof(s.dense));
		memcpy(labels + i * N, s.labels, sizeof(s.labels));
	}
	for (size_t threads = 1; threads <= 5; threads += 2) {
		struct logistic_options o = { .cost = 1.0 / COPIES,
			.tolerance = 1e-6,
			.max_iterations = 1000,
			.threads = threads };
		struct logistic m;
		struct err e = { 0 };

		assert_int_equal(logistic_fit(&m, &rows, labels, 4, &o, &e), 0);
		assert_near(m.objective, cases[0].objective, 1e-9);
		if (threads == 1)
			first = m;
		else {
			assert_memory_equal(m.weights, first.weights, D * 4 * sizeof(double));
			assert_memory_equal(m.intercepts, first.intercepts, 4 * sizeof(double));
			assert_true(m.objective == first.objective);
			logistic_free(&m);
		}
	}
	logistic_free(&first);
	free(many);
	free(labels);
}

/* A feature that is always 0 tells nothing: what is left are the frequencies of the classes. */
static void
frequencies_alone(void **state)
{
	static const uint32_t labels[] = { 0, 1, 1, 2, 2, 2, 2, 2 };
	static const double frequencies[] = { 1.0 / 8, 2.0 / 8, 5.0 / 8 };
	static const float zeros[8];
	struct logistic_rows rows = { 8, 1, zeros, NULL, NULL, NULL };
	struct logistic_options o = {
		.cost = 3, .tolerance = 1e-6, .max_iterations = 99, .threads = 1
	};
	struct logistic m;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(logistic_fit(&m, &rows, labels, 3, &o, &e), 0);
	for (size_t k = 0; k < 3; k++) {
		assert_true(m.weights[k] == 0);
		assert_near(
		    m.intercepts[k] - m.intercepts[0], log(frequencies[k] / frequencies[0]), 1e-6);
	}
	assert_near(m.objective, -3 * (log(1 / 8.0) + 2 * log(2 / 8.0) + 5 * log(5 / 8.0)), 1e-12);
	logistic_free(&m);
}

static void
count_iteration(void *context, size_t iteration, double gradient_norm)
{
	size_t *n = context;

	assert_int_equal(iteration, ++*n);
	assert_true(gradient_norm > 0);
}

static void
ends_where_it_is_told(void **state)
{
	struct sample s;
	struct logistic_rows rows;
	size_t n = 0;
	struct logistic_options o = { .cost = 1,
		.tolerance = 1e-9,
		.max_iterations = 3,
		.threads = 1,
		.progress = count_iteration,
		.context = &n };
	struct logistic m;
	struct err e = { 0 };

	(void)state;
	sample_make(&s, 4);
	rows = sample_rows(&s, false);
	assert_int_equal(logistic_fit(&m, &rows, s.labels, 4, &o, &e), 0);
	assert_true(n == 3 && m.n_iterations == 3 && !m.is_converged);
	assert_true(m.gradient_norm > 1e-9 && m.objective > cases[0].objective);
	logistic_free(&m);
}

static void
refuses_what_is_too_large(void **state)
{
	struct sample s;
	struct logistic_rows rows;
	struct logistic_options o = {
		.cost = 1, .tolerance = 1, .max_iterations = 9, .threads = 1
	};
	struct logistic m;
	struct err e = { 0 };

	(void)state;
	sample_make(&s, 2);
	rows = sample_rows(&s, false);
	rows.n_features = (size_t)1 << 30;
	assert_int_equal(logistic_fit(&m, &rows, s.labels, 2, &o, &e), -1);
	assert_non_null(strstr(e.text, "too many"));

	e.is_set = false;
	rows = sample_rows(&s, true);
	s.dense[5] = INFINITY;
	assert_int_equal(logistic_fit(&m, &rows, s.labels, 2, &o, &e), -1);
	assert_non_null(strstr(e.text, "left the range of numbers"));
	logistic_free(&m);
}

static void
balanced_weights(void **state)
{
	static const uint32_t labels[] = { 1, 0, 1, 1 };
	double *w = logistic_balance(labels, 4, 2);

	(void)state;
	assert_true(w[0] == 2 && fabs(w[1] - 4.0 / 6) < 1e-15);
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_optimum),
		cmocka_unit_test(any_number_of_threads),
		cmocka_unit_test(frequencies_alone),
		cmocka_unit_test(ends_where_it_is_told),
		cmocka_unit_test(refuses_what_is_too_large),
		cmocka_unit_test(balanced_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
