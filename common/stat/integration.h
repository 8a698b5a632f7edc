/* integration.h - how well vectors keep labels apart and batches together.
 *
 *	silhouette       mean over cells (silhouette.h), by label: 1 apart, 0 touching; by batch:
 *near 0 or below where batches are mixed batch ASW        for each label with two batches or more,
 *the mean of 1 - |s| over its cells, s their silhouette by batch among themselves; the mean over
 *these labels (Luecken et al. 2022): 1 mixed, 0 apart kNN purity       mean share of a cell's k
 *nearest neighbours that have its label, or batch chance           what purity is expected to be if
 *neighbours were drawn from all other cells: sum over groups of n_g (n_g - 1) / (n (n - 1)) kNN
 *accuracy     share of cells whose label most of their k nearest neighbours have (the cell itself
 *left out); of equally many the label with the smaller number clusters         k-means (kmeans.h)
 *compared with the labels (agreement.h) */

#ifndef STAT_INTEGRATION_H
#define STAT_INTEGRATION_H

#include "stat/agreement.h"
#include "stat/kmeans.h"
#include "stat/neighbours.h"

/* The caller's. */
struct integration_rows {
	struct vectors vectors;
	size_t n_labels, n_batches; /* n_batches 0: no batches */
	const uint32_t *labels;     /* [n] */
	const uint32_t *batches;    /* [n] */
	const char *const *label_names;
	const char *const *batch_names;
};

struct integration_options {
	enum vector_metric metric; /* of the neighbours */
	size_t k;                  /* neighbours, at least 1 */
	size_t n_clusters;         /* 0: as many as labels */
	uint64_t seed;
	size_t threads;
};

struct grouping_scores {
	double silhouette, silhouette_cosine;
	double purity, chance;
};

struct label_scores {
	uint64_t n;
	double silhouette, purity, knn_recall; /* means over its cells */
};

struct integration {
	const struct integration_rows *rows;
	const struct integration_options *options;
	struct grouping_scores label, batch;
	struct label_scores *labels; /* [n_labels] */
	double knn_accuracy;
	double batch_asw; /* NaN where no label has two batches and more cells than these */
	size_t n_asw_labels;
	size_t n_clusters;
	double inertia;
	struct agreement clusters;
};

/* -1 with e set where there is one label only, one batch only, or fewer cells than neighbours or
 * clusters ask for, or a number is not finite. Freed by integration_free, whatever it returns. The
 * same bytes for any number of threads. */
int integration_find(struct integration *s, const struct integration_rows *rows,
    const struct integration_options *options, struct err *e);
void integration_free(struct integration *s);

/* What most of each row's neighbours have, of equally many the smallest: ret[n], from labels of the
 * points, numbers below n_labels. */
void neighbours_vote(
    const struct neighbours *nn, const uint32_t *labels, size_t n_labels, uint32_t *ret);

#endif
