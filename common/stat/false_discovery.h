/* false_discovery.h - the false discovery rate of many tests.
 *
 * Benjamini and Hochberg 1995, "Controlling the false discovery rate": q of the i-th smallest of n
 * probabilities is the least p_k * n / k over all k >= i, at most 1. As
 * statsmodels.stats.multitest.fdrcorrection, but a test that gave no probability (NaN) is none: its
 * q is NaN, and it does not count in n (there a single NaN makes all NaN). */

#ifndef STAT_FALSE_DISCOVERY_H
#define STAT_FALSE_DISCOVERY_H

#include <stddef.h>

/* From p[n] to ret_q[n], which may be the same array. Probabilities are 0 to 1, or NaN. */
void false_discovery(const double *p, size_t n, double *ret_q);

#endif
