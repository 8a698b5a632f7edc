/* statistics.c - ranks, rates and mixtures of ../shared/golden/stat, case by case.
 *
 *	statistics ranksums|fdr|gmm FILE.json       a line a case; exit status 1 where one is wrong
 *
 * Tolerances: golden/stat/README.md. */

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/false_discovery.h"
#include "stat/gaussian_mixture.h"
#include "stat/group_tests.h"

static int n_wrong;

/* Numbers may be the texts "nan", "inf". */
static double
number(const json_t *v)
{
	return json_is_string(v) ? strtod(json_string_value(v), NULL) : json_number_value(v);
}

static double
member(const json_t *c, const char *key)
{
	return number(json_object_get(c, key));
}

static double *
numbers(const json_t *list, size_t *ret_n)
{
	double *x = mem_alloc(json_array_size(list), sizeof(*x));

	*ret_n = json_array_size(list);
	for (size_t i = 0; i < *ret_n; i++)
		x[i] = number(json_array_get(list, i));
	return x;
}

/* Prints the case; relative: by how much got may be off. */
static void
check(const char *name, const char *what, double got, double expected, double relative)
{
	double off = fabs(got - expected) / fmax(fabs(expected), 1e-300);
	bool is_right = (isnan(got) && isnan(expected)) || got == expected || off <= relative;

	n_wrong += !is_right;
	printf("%s %s: %.17g, off by %.2g%s\n", name, what, got, off, is_right ? "" : " WRONG");
}

static bool
has_nan(const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isnan(x[i]))
			return true;
	return false;
}

/* How many values are less: the same order in floats, which group_tests holds. */
static float
place(double value, double *const *x, const size_t *n)
{
	float n_less = 0;

	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < n[side]; i++)
			n_less += x[side][i] < value;
	return n_less;
}

static void
check_ranks(const json_t *c)
{
	struct group_tests *t = group_tests_new(TEST_NULL, 1 << 20);
	struct group_result r;
	struct err e = { 0 };
	size_t n[2];
	double *x[2];
	const char *name = json_string_value(json_object_get(c, "name"));
	const char *policy = json_string_value(json_object_get(c, "nan_policy"));

	x[0] = numbers(json_object_get(c, "x"), &n[0]);
	x[1] = numbers(json_object_get(c, "y"), &n[1]);
	if (strcmp(policy, "propagate") == 0 && (has_nan(x[0], n[0]) || has_nan(x[1], n[1])))
		n[0] = n[1] = 0;
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < n[side]; i++)
			if (!isnan(x[side][i]))
				group_tests_add(t, 0, side, place(x[side][i], x, n), &e);
	group_tests_finish(t, false, &r, 1, &e);
	check(name, "z", r.z, member(c, "statistic"), 1e-10);
	if (strcmp(json_string_value(json_object_get(c, "alternative")), "two-sided") == 0)
		check(name, "p", r.p, member(c, "pvalue"), 1e-10);
	group_tests_free(t);
	free(x[0]);
	free(x[1]);
}

/* A NaN is no test of ours, so the case that has one is left out, as are other methods. */
static void
check_rates(const json_t *c)
{
	const char *name = json_string_value(json_object_get(c, "name"));
	size_t n, n_expected;
	double *p = numbers(json_object_get(c, "p"), &n);
	double *q = numbers(json_object_get(c, "q"), &n_expected);

	if (strcmp(json_string_value(json_object_get(c, "method")), "indep") == 0 &&
	    !has_nan(p, n)) {
		double worst = 0;

		false_discovery(p, n, p);
		for (size_t i = 0; i < n; i++)
			worst = fmax(worst, fabs(p[i] - q[i]));
		check(name, "largest difference", 1 + worst, 1, 1e-12);
	}
	free(p);
	free(q);
}

/* The converged cases in full, the others by their likelihood. */
static void
check_mixture(const json_t *c)
{
	const char *name = json_string_value(json_object_get(c, "name"));
	const json_t *means = json_object_get(c, "means"), *weights = json_object_get(c, "weights");
	const json_t *shares = json_object_get(c, "responsibility_of_component_0");
	struct gaussian_mixture fit;
	size_t n, first;
	double *x = numbers(json_object_get(c, "x"), &n), worst = 0;

	gaussian_mixture_fit(
	    x, n, member(c, "reg_covar"), member(c, "tol"), (size_t)member(c, "max_iter"), &fit);
	first = number(json_array_get(means, 0)) <= number(json_array_get(means, 1)) ? 0 : 1;
	if (strcmp(name, "overlapping_flat") == 0) {
		check(name, "not below the likelihood",
		    fmin(fit.log_likelihood, member(c, "mean_loglik") - 1e-6),
		    member(c, "mean_loglik") - 1e-6, 0);
	} else if (strstr(name, "tight")) {
		for (size_t k = 0; k < 2; k++) {
			size_t there = k ^ first;

			check(
			    name, "mean", fit.means[k], number(json_array_get(means, there)), 1e-6);
			check(name, "weight", fit.weights[k],
			    number(json_array_get(weights, there)), 1e-5);
		}
		for (size_t i = 0; i < n; i++) {
			double share = number(json_array_get(shares, i));

			worst = fmax(worst,
			    fabs(gaussian_mixture_lower(&fit, x[i]) - (first ? 1 - share : share)));
		}
		check(name, "shares", 1 + worst, 1, 1e-5);
	} else {
		check(name, "likelihood", fit.log_likelihood, member(c, "mean_loglik"),
		    0.02 / fabs(member(c, "mean_loglik")));
	}
	free(x);
}

int
main(int argc, char **argv)
{
	json_t *file = argc == 3 ? json_load_file(argv[2], 0, NULL) : NULL;
	const json_t *cases = json_object_get(file, "cases");

	if (!json_array_size(cases))
		return 2;
	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *c = json_array_get(cases, i);

		if (strcmp(argv[1], "ranksums") == 0)
			check_ranks(c);
		else if (strcmp(argv[1], "fdr") == 0)
			check_rates(c);
		else
			check_mixture(c);
	}
	json_decref(file);
	return n_wrong > 0;
}
