/* pca.h - principal components of vectors.
 *
 * Columns are centred, not scaled; variances are over n - 1. The eigenvectors of the covariance
 * matrix come from LAPACK, in double; the covariance is added up in the order of the rows, whatever
 * the number of threads. Signs: the loading of the largest absolute value is positive (the first
 * of equals), so that pictures do not flip.
 *
 * Memory: two d x d matrices of double. Time: n d^2 / 2 multiplications, and d^3 for the
 * eigenvectors: seconds for 50,000 cells and d = 512. With fewer points than dimensions the
 * components beyond n - 1 have variance 0, and directions that mean nothing. */

#ifndef STAT_PCA_H
#define STAT_PCA_H

#include "stat/vectors.h"

struct pca {
	size_t d, k;
	double *mean;       /* [d] */
	double *components; /* [k][d], rows of length 1, by falling variance */
	double *variances;  /* [k] >= 0 */
	double *ratios;     /* [k] of the total variance; 0 where that is 0 */
};

/* The first k components; 1 <= k <= d (asserted). -1 with a message where there are no vectors, a
 * number is not finite, or LAPACK gives up; then nothing is to be freed. */
int pca_fit(struct pca *p, const struct vectors *x, size_t k, struct err *e);

/* Where vectors of the same length lie along the components: ret_scores [n][k]. */
void pca_scores(const struct pca *p, const struct vectors *x, double *ret_scores);

void pca_free(struct pca *p);

#endif
