/* rank_sum.h - Wilcoxon's rank-sum test of two samples, from sums over their common ranks.
 *
 * As scipy.stats.ranksums: ranks of equal values are averaged, the statistic is taken as normal,
 * without continuity correction and, unless asked for, without correction of the variance for ties
 * (with it: scipy.stats.mannwhitneyu(method="asymptotic", use_continuity=False)). Source: Hollander
 * and Wolfe, "Nonparametric Statistical Methods", section 4.1. */

#ifndef STAT_RANK_SUM_H
#define STAT_RANK_SUM_H

#include <stdbool.h>
#include <stdint.h>

struct rank_sum {
	uint64_t n_x, n_y; /* sizes of the samples */
	double ranks;      /* sum of the ranks of x among x and y together, from 1 */
	double ties;       /* sum of t^3 - t over the t values of each run of equal ones */
};

/* How many standard deviations x lies above what equal distributions would give; ret_p: the
 * two-sided probability. Both NaN where a sample is empty; 0 and 1 where, corrected for ties, all
 * values are equal. */
double rank_sum_z(const struct rank_sum *r, bool is_tie_corrected, double *ret_p);

#endif
