#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/agreement.h"

struct table {
	size_t n_a, n_b;
	double n;
	double *cells; /* [n_a][n_b] */
	double *a;     /* [n_a] sums of rows */
	double *b;     /* [n_b] sums of columns */
};

static void
table_start(struct table *t, const uint32_t *a, const uint32_t *b, size_t n)
{
	size_t room;

	if (!mem_mul(t->n_a, t->n_b, &room))
		mem_give_up("too many parts to compare");
	t->n = (double)n;
	t->cells = mem_zero(room, sizeof(*t->cells));
	t->a = mem_zero(t->n_a, sizeof(*t->a));
	t->b = mem_zero(t->n_b, sizeof(*t->b));
	for (size_t i = 0; i < n; i++) {
		assert(a[i] < t->n_a && b[i] < t->n_b);
		t->cells[a[i] * t->n_b + b[i]]++;
		t->a[a[i]]++;
		t->b[b[i]]++;
	}
}

static void
table_free(struct table *t)
{
	free(t->cells);
	free(t->a);
	free(t->b);
}

static double
sum_of_squares(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * x[i];
	return sum;
}

/* Ordered pairs of rows: together in both, apart in both, together in one only. */
static double
adjusted_rand(const struct table *t)
{
	double together = sum_of_squares(t->cells, t->n_a * t->n_b);
	double in_a = sum_of_squares(t->a, t->n_a), in_b = sum_of_squares(t->b, t->n_b);
	double both = together - t->n, only_a = in_a - together, only_b = in_b - together;
	double neither = t->n * t->n - in_a - in_b + together;

	if (only_a == 0 && only_b == 0)
		return 1;
	return 2 * (both * neither - only_a * only_b) /
	       ((both + only_a) * (only_a + neither) + (both + only_b) * (only_b + neither));
}

static double
entropy(const double *x, size_t size, double n)
{
	double sum = 0;

	for (size_t i = 0; i < size; i++)
		if (x[i] > 0)
			sum -= x[i] / n * log(x[i] / n);
	return sum > 0 ? sum : 0;
}

static double
mutual_information(const struct table *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->n_a; i++)
		for (size_t j = 0; j < t->n_b; j++) {
			double x = t->cells[i * t->n_b + j];

			if (x > 0)
				sum += x / t->n *
				       (log(x / t->n) - log(t->a[i] / t->n) - log(t->b[j] / t->n));
		}
	return sum > DBL_EPSILON ? sum : 0;
}

/* log_factorial[k] = log k! */
static double
expected_in_cell(double a, double b, double n, const double *log_factorial)
{
	size_t first = a + b > n ? (size_t)(a + b - n) : 1, last = (size_t)(a < b ? a : b);
	double fixed = log_factorial[(size_t)a] + log_factorial[(size_t)b] +
		       log_factorial[(size_t)(n - a)] + log_factorial[(size_t)(n - b)] -
		       log_factorial[(size_t)n];
	double sum = 0;

	for (size_t k = first > 1 ? first : 1; k <= last; k++) {
		double x = (double)k;
		double log_p = fixed - log_factorial[k] - log_factorial[(size_t)(a - x)] -
			       log_factorial[(size_t)(b - x)] -
			       log_factorial[(size_t)(n - a - b + x)];

		sum += x / n * (log(n * x) - log(a * b)) * exp(log_p);
	}
	return sum;
}

static double
expected_information(const struct table *t)
{
	size_t n = (size_t)t->n;
	double *log_factorial = mem_alloc(n + 1, sizeof(*log_factorial));
	double sum = 0;

	for (size_t k = 0; k <= n; k++)
		log_factorial[k] = lgamma((double)k + 1);
	for (size_t i = 0; i < t->n_a; i++)
		for (size_t j = 0; j < t->n_b; j++)
			if (t->a[i] > 0 && t->b[j] > 0)
				sum += expected_in_cell(t->a[i], t->b[j], t->n, log_factorial);
	free(log_factorial);
	return sum;
}

static size_t
count_parts(const double *x, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += x[i] > 0;
	return n;
}

/* Away from 0, on its side. */
static double
away_from_zero(double x)
{
	return x < 0 ? fmin(x, -DBL_EPSILON) : fmax(x, DBL_EPSILON);
}

static void
score_information(struct agreement *s, const struct table *t)
{
	double h_a = entropy(t->a, t->n_a, t->n), h_b = entropy(t->b, t->n_b, t->n);
	double mutual = mutual_information(t), mean = (h_a + h_b) / 2, expected;

	s->homogeneity = h_a > 0 ? mutual / h_a : 1;
	s->completeness = h_b > 0 ? mutual / h_b : 1;
	if (mutual == 0) {
		s->nmi = s->ami = 0;
		return;
	}
	expected = expected_information(t);
	s->nmi = mutual / mean;
	s->ami = (mutual - expected) / away_from_zero(mean - expected);
}

struct agreement
agreement_find(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, size_t n)
{
	struct table t = { .n_a = n_a, .n_b = n_b };
	struct agreement s = { 1, 1, 1, 1, 1 };

	table_start(&t, a, b, n);
	if (count_parts(t.a, n_a) > 1 || count_parts(t.b, n_b) > 1) {
		s.ari = adjusted_rand(&t);
		score_information(&s, &t);
	}
	table_free(&t);
	return s;
}
