/* classification.h - how well classes were predicted, from the confusion matrix.
 *
 * C[i][j] counts the rows whose true class is i and whose predicted class is j. For class i with
 * tp = C[i][i], true rows t = sum_j C[i][j] (the support) and predicted rows p = sum_j C[j][i]:
 *	precision = tp / p, recall = tp / t, F1 = 2 tp / (t + p), each 0 where the divisor is 0.
 * A class is present where t + p > 0. Means over classes are over those that are present, as
 * scikit-learn takes them when it is given no list of labels. */

#ifndef STAT_CLASSIFICATION_H
#define STAT_CLASSIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct class_measures {
	double precision, recall, f1;
	uint64_t support, predicted;
	bool is_present;
};

/* Precision, recall and F1 as a mean over classes. */
struct mean_scores {
	double precision, recall, f1;
};

struct classification {
	size_t n_classes;
	uint64_t n;                     /* rows */
	struct class_measures *classes; /* [n_classes] */
	struct mean_scores macro;       /* every present class alike */
	struct mean_scores weighted;    /* by support */
	double accuracy;                /* sum of C[i][i] / n; micro F1 is the same number */
	double balanced_accuracy;       /* mean recall of the classes with support */
	double matthews;                /* Gorodkin 2004, R_K; 0 where it is undefined */
	double kappa;                   /* Cohen 1960; NaN where chance alone would agree wholly */
};

/* The scores of a matrix [n_classes][n_classes]; NaN, but for 0 in the classes, where it is all 0.
 * Freed by classification_free. */
void classification_score(struct classification *c, const uint64_t *matrix, size_t n_classes);
void classification_free(struct classification *c);

/* Adds one to the matrix for each row; classes are below n_classes (asserted). */
void confusion_add(
    uint64_t *matrix, size_t n_classes, const uint32_t *truth, const uint32_t *predicted, size_t n);

#endif
