#include "stat/gaussian_mixture.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int
by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

/* How many of the sorted numbers are in the lower part, where the squares of the distances from the
 * two means are least; they are where the squares of sums, by size, are greatest. Distances are
 * from the smallest number, so that nothing is lost where all are close together. */
static size_t
best_division(const double *sorted, size_t n)
{
	double sum = 0, lower = 0, best = -1;
	size_t n_lower = n > 1 ? n / 2 : 1;

	for (size_t i = 0; i < n; i++)
		sum += sorted[i] - sorted[0];
	for (size_t i = 1; i < n; i++) {
		double upper, gain;

		lower += sorted[i - 1] - sorted[0];
		upper = sum - lower;
		gain = lower * lower / (double)i + upper * upper / (double)(n - i);
		if (gain > best) {
			best = gain;
			n_lower = i;
		}
	}
	return n_lower;
}

/* log of weight * density */
static double
log_density(const struct gaussian_mixture *m, int k, double x)
{
	double d = x - m->means[k];

	return log(m->weights[k]) -
	       0.5 * (log(2 * acos(-1) * m->variances[k]) + d * d / m->variances[k]);
}

/* Fills shares[n], the probability of the lower component; returns the mean log-likelihood. */
static double
expect(const struct gaussian_mixture *m, const double *x, size_t n, double *shares)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double a = log_density(m, 0, x[i]), b = log_density(m, 1, x[i]);
		double most = a > b ? a : b, both = most + log(exp(a - most) + exp(b - most));

		shares[i] = exp(a - both);
		sum += both;
	}
	return sum / (double)n;
}

static void
maximize(struct gaussian_mixture *m, const double *x, size_t n, const double *shares,
    double regularization)
{
	for (int k = 0; k < 2; k++) {
		double weight = 10 * DBL_EPSILON, sum = 0, squares = 0;

		for (size_t i = 0; i < n; i++)
			weight += k ? 1 - shares[i] : shares[i];
		for (size_t i = 0; i < n; i++)
			sum += (k ? 1 - shares[i] : shares[i]) * (x[i] - x[0]);
		m->means[k] = x[0] + sum / weight;
		for (size_t i = 0; i < n; i++)
			squares += (k ? 1 - shares[i] : shares[i]) * (x[i] - m->means[k]) *
				   (x[i] - m->means[k]);
		m->variances[k] = squares / weight + regularization;
		m->weights[k] = weight / ((double)n + 20 * DBL_EPSILON);
	}
}

static double
single_log_likelihood(const double *x, size_t n, double regularization)
{
	double sum = 0, squares = 0, mean, variance;

	for (size_t i = 0; i < n; i++)
		sum += x[i] - x[0];
	mean = x[0] + sum / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (x[i] - mean) * (x[i] - mean);
	squares /= (double)n;
	variance = squares + regularization;
	return -0.5 * (log(2 * acos(-1) * variance) + squares / variance);
}

static void
order_components(struct gaussian_mixture *m)
{
	struct gaussian_mixture old = *m;

	if (m->means[0] <= m->means[1])
		return;
	for (int k = 0; k < 2; k++) {
		m->weights[k] = old.weights[1 - k];
		m->means[k] = old.means[1 - k];
		m->variances[k] = old.variances[1 - k];
	}
}

void
gaussian_mixture_fit(const double *x, size_t n, double regularization, double tolerance,
    size_t max_iterations, struct gaussian_mixture *ret)
{
	double *sorted = mem_alloc(n, sizeof(*sorted)), *shares = mem_alloc(n, sizeof(*shares));
	double before = -INFINITY;
	size_t n_lower;

	assert(n && regularization > 0);
	memcpy(sorted, x, n * sizeof(*x));
	qsort(sorted, n, sizeof(*sorted), by_value);
	n_lower = best_division(sorted, n);
	for (size_t i = 0; i < n; i++)
		shares[i] = i < n_lower;
	*ret = (struct gaussian_mixture){ 0 };
	maximize(ret, sorted, n, shares, regularization);
	while (ret->iterations < max_iterations && !ret->is_converged) {
		double now = expect(ret, sorted, n, shares);

		maximize(ret, sorted, n, shares, regularization);
		ret->iterations++;
		ret->is_converged = fabs(now - before) < tolerance;
		before = now;
	}
	ret->log_likelihood = expect(ret, sorted, n, shares);
	ret->single_log_likelihood = single_log_likelihood(sorted, n, regularization);
	order_components(ret);
	free(sorted);
	free(shares);
}

double
gaussian_mixture_lower(const struct gaussian_mixture *m, double x)
{
	return 1 / (1 + exp(log_density(m, 1, x) - log_density(m, 0, x)));
}

/* A normal distribution has two parameters, two of them with their weights five. */
double
gaussian_mixture_gain(const struct gaussian_mixture *m, size_t n)
{
	double gain = 2 * (double)n * (m->log_likelihood - m->single_log_likelihood);

	return gain - (5 - 2) * log((double)n);
}
