/* evaluation.h - everything that is said of predicted classes: one struct from the rows.
 *
 * Scores of all rows together come from the confusion matrix (classification.h) and, where there
 * are probabilities, from those (probability_scores.h) and from a curve for each class against the
 * rest (roc_curve.h). With several folds each has its own scores, and each class a mean ROC curve.
 */

#ifndef STAT_EVALUATION_H
#define STAT_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stat/classification.h"
#include "stat/probability_scores.h"
#include "stat/roc_curve.h"

/* The caller's. */
struct evaluation_rows {
	size_t n, n_classes, n_folds;
	size_t n_scored;            /* classes with probabilities, the first ones; 0: none */
	const uint32_t *truth;      /* [n] */
	const uint32_t *predicted;  /* [n] */
	const uint32_t *fold;       /* [n] */
	const float *scores;        /* [n][n_scored] */
	const char *const *classes; /* [n_classes] */
	const char *const *folds;   /* [n_folds] */
};

/* Of a class against the rest; NaN where it has all rows or none. */
struct class_areas {
	double roc, pr;
	double average_precision;
};

struct fold_scores {
	uint64_t n;
	double accuracy, balanced_accuracy, macro_f1, weighted_f1;
};

/* A class's ROC curves over folds. Folds in which it has all rows or none have no curve and no part
 * in the mean. */
struct class_folds {
	size_t n_curves;
	double *areas;        /* [n_folds] NaN: no curve */
	size_t *n_points;     /* [n_folds] 0: no curve */
	struct roc_mean mean; /* NaN where there is no curve */
};

struct evaluation {
	const struct evaluation_rows *rows;
	uint64_t *matrix; /* [n_classes][n_classes], rows the truth */
	struct classification scores;
	/* With probabilities only. */
	struct class_areas *areas; /* [n_scored] */
	double macro_area,
	    weighted_area; /* of the classes that have a curve; weights: their rows */
	double pair_area;  /* area_of_pairs */
	struct probability_scores probability;
	double top2_accuracy;
	/* With two folds or more. */
	struct fold_scores *folds;       /* [n_folds] */
	struct class_folds *class_folds; /* [n_scored] */
};

/* Rows, classes and folds are at least one (asserted). Freed by evaluation_free. */
void evaluation_find(struct evaluation *v, const struct evaluation_rows *rows);
void evaluation_free(struct evaluation *v);

/* The curve of a class against the rest over all rows. */
void evaluation_rank(const struct evaluation_rows *rows, size_t class, struct score_counts *r);

/* Mean and standard deviation (divided by n) of n numbers `stride` bytes apart. */
void fold_spread(const double *first, size_t stride, size_t n, double *ret_mean, double *ret_sd);

#endif
