/* logistic.h - multinomial logistic regression with an L2 penalty (library liblbfgs).
 *
 * Minimises 0.5 * sum of W^2 + cost * sum over rows of weight(class) * cross-entropy, where the
 * probabilities of a row x are the softmax of x W + b; the intercepts b are not penalised. With two
 * classes the first one's coefficients stay 0, so that the second one's are those of a plain
 * logistic regression. These are the conventions of scikit-learn's LogisticRegression (C = cost).
 *
 * In W the objective is strongly convex with modulus 1, so once the intercepts are right the norm
 * of the gradient bounds how far W is from the only optimum. Rounding of the objective ends the
 * descent at norms of about 1e-7. Rows are added up in blocks that depend on the data alone: the
 * same bits for any number of threads. */

#ifndef STAT_LOGISTIC_H
#define STAT_LOGISTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Rows of n_features numbers, the caller's: all of them, or those that are not 0. */
struct logistic_rows {
	size_t n, n_features;
	const float *dense;      /* [n][n_features]; NULL: sparse */
	const size_t *offsets;   /* [n + 1] */
	const uint32_t *columns; /* [offsets[n]] below n_features */
	const float *values;     /* [offsets[n]] */
};

/* Called after each iteration. */
typedef void logistic_progress(void *context, size_t iteration, double gradient_norm);

struct logistic_options {
	double cost;
	const double *class_weights; /* [n_classes]; NULL: 1 each */
	double tolerance;            /* norm of the gradient at which it ends */
	size_t max_iterations;
	size_t threads;
	logistic_progress *progress; /* NULL: none */
	void *context;
};

struct logistic {
	size_t n_classes, n_features;
	double *weights;    /* [n_features][n_classes] */
	double *intercepts; /* [n_classes] */
	double objective;
	double gradient_norm; /* Euclidean, by W and b, features counted from their means */
	size_t n_iterations;
	bool is_converged; /* gradient_norm <= tolerance */
};

/* Fits; labels[rows->n] are below n_classes, which is 2 or more, and there is a row (asserted). -1
 * with e set where the problem is too large for the library (2^31 - 1 coefficients) or its numbers
 * leave the range of doubles; not having converged is no error. logistic_free frees. */
int logistic_fit(struct logistic *m, const struct logistic_rows *rows, const uint32_t *labels,
    size_t n_classes, const struct logistic_options *options, struct err *e);

/* Weights that give each class the same sum: n / (n_classes * its rows); the caller's. Every class
 * has a row (asserted). */
double *logistic_balance(const uint32_t *labels, size_t n, size_t n_classes);

void logistic_free(struct logistic *m);

#endif
