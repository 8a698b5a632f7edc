/* gaussian_mixture.h - two normal distributions fitted to numbers.
 *
 * Expectation and maximisation (Dempster, Laird and Rubin 1977), from the best division of the
 * sorted numbers into two (least squares), so there is no chance in it. A small number is added to
 * each variance, as sklearn.mixture.GaussianMixture does (reg_covar), so that a component cannot
 * shrink to a point. */

#ifndef STAT_GAUSSIAN_MIXTURE_H
#define STAT_GAUSSIAN_MIXTURE_H

#include <stdbool.h>
#include <stddef.h>

struct gaussian_mixture {
	double weights[2], means[2], variances[2]; /* means[0] <= means[1] */
	double log_likelihood;                     /* mean over the numbers */
	double single_log_likelihood;              /* the same of one normal distribution */
	size_t iterations;
	bool is_converged;
};

/* Fits x[n] (n at least 1, finite) until the mean log-likelihood grows by less than `tolerance`, or
 * for max_iterations. */
void gaussian_mixture_fit(const double *x, size_t n, double regularization, double tolerance,
    size_t max_iterations, struct gaussian_mixture *ret);

/* The probability that x is of the lower component, given that it is of one. */
double gaussian_mixture_lower(const struct gaussian_mixture *m, double x);

/* Schwarz 1978: how much better (above 0) two components describe n numbers than one does, each
 * parameter paid for. */
double gaussian_mixture_gain(const struct gaussian_mixture *m, size_t n);

#endif
