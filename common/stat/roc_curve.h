/* roc_curve.h - curves over all thresholds of a score: ROC, precision and recall.
 *
 * With scores s and positives P among n rows, the threshold t calls the rows with s >= t positive:
 * tp(t) of them are, fp(t) are not. Thresholds are the distinct scores, descending; rows of equal
 * score go together. As in scikit-learn:
 *	ROC: (fp / negatives, tp / positives), from (0, 0) at threshold infinity
 *	PR:  (recall tp / positives, precision tp / (tp + fp)), ending in (0, 1) without a threshold
 * Both lose the points that lie on a straight line between their neighbours, where asked: of the
 * ROC curve those at which neither count changes its step, of the other those between two of the
 * same recall. Areas are the same with and without. */

#ifndef STAT_ROC_CURVE_H
#define STAT_ROC_CURVE_H

#include <stdbool.h>
#include <stddef.h>

/* Scores in descending order, with the counts at each distinct one. Freed by score_counts_free. */
struct score_counts {
	size_t n;         /* distinct scores */
	double *scores;   /* [n] */
	double *tp, *fp;  /* [n] rows with this score or a higher one */
	double positives; /* in all */
	double negatives;
};

/* Ranks n rows. Scores are numbers (asserted not NaN). */
void score_counts_start(
    struct score_counts *r, const double *scores, const bool *is_positive, size_t n);
void score_counts_free(struct score_counts *r);

struct curve {
	size_t n;           /* points */
	double *x, *y;      /* [n]: fpr and tpr, or recall and precision */
	double *thresholds; /* [n]; infinity at the first point of ROC, NaN at the last of PR */
};

/* fpr ascending. Where there are no positives or no negatives that rate is NaN. */
void roc_curve(struct curve *c, const struct score_counts *r, bool all_points);
/* Recall descending, thresholds ascending. Without positives recall is 1, as in scikit-learn. */
void precision_recall_curve(struct curve *c, const struct score_counts *r, bool all_points);
void curve_free(struct curve *c);

/* The area by trapezoids; x goes one way. */
double curve_area(const struct curve *c);
/* Sum over thresholds of (recall gained) * precision, no interpolation; 0 without positives. */
double average_precision(const struct score_counts *r);

/* y where x is 0, 1/(n-1), 2/(n-1) ... 1, linear between points, the first set to 0: the
 * reference's common grid of ROC curves (n = 100 there), with numpy's choice where several points
 * share an x: the last. */
void roc_interpolate(const struct curve *c, double *ret_y, size_t n);

enum { ROC_GRID = 100 };

/* One fold's part of a mean ROC curve. */
struct roc_fold {
	double tpr[ROC_GRID]; /* by roc_interpolate */
	double area;          /* of the curve itself */
	size_t n_points;      /* of the curve without needless points: its weight */
};

/* The reference's mean of folds (get_cross_valid_roc_metrics): each weighs as many points as its
 * curve has; the last of the mean is set to 1. sd is the weighted standard deviation of the areas
 * around their weighted mean, not corrected for the number of folds. */
struct roc_mean {
	double tpr[ROC_GRID];
	double area, sd;
};

struct roc_mean roc_average(const struct roc_fold *folds, size_t n);

#endif
