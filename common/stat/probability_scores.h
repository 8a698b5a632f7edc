/* probability_scores.h - how good the probabilities of classes are, beyond the class that wins.
 *
 * p[n][k] are the probabilities of k classes, truth[n] the true class of each row; a truth of k or
 * above is a class that the model does not know. */

#ifndef STAT_PROBABILITY_SCORES_H
#define STAT_PROBABILITY_SCORES_H

#include <stddef.h>
#include <stdint.h>

#include "stat/roc_curve.h"

struct probabilities {
	size_t n, k;
	const float *f32;  /* [n][k] */
	const double *f64; /* the same, if f32 is NULL */
	const uint32_t *truth;
};

/* Means over the rows whose class is known; NaN where there are none.
 *	log_loss  -log p of the true class, p held in 2^-52 .. 1 - 2^-52
 *	brier     sum over classes of (p - 1 for the true class)^2 or p^2, 0 to 2 */
struct probability_scores {
	double log_loss, brier;
	size_t n_known;
};

struct probability_scores probability_score(const struct probabilities *p);

/* The share of all rows whose true class is among the `top` most probable; of equal
 * probabilities the later class is the more probable, as scikit-learn has it. */
double top_accuracy(const struct probabilities *p, size_t top);

/* The class against the rest: rows of the truth `class` are the positives. Freed by
 * score_counts_free. */
void rank_class(struct score_counts *r, const struct probabilities *p, size_t class);

/* Area under the ROC curve of every pair of classes, on their rows only, the mean of both scores,
 * and the mean over pairs of classes that have rows (Hand and Till 2001); NaN without a pair. */
double area_of_pairs(const struct probabilities *p);

#endif
