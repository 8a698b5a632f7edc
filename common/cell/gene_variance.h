/* gene_variance.h - which genes vary most over cells, as the cells come.
 *
 * The variance of a gene's features over all cells (divided by their number less one), cells that
 * do not have the gene counting as 0. Constant memory a gene. */

#ifndef CELL_GENE_VARIANCE_H
#define CELL_GENE_VARIANCE_H

#include "cell/gene_features.h"

/* Zero-initialise to start. */
struct gene_variance {
	size_t n;             /* cells */
	struct buffer totals; /* struct gene_total [genes met] */
};

/* Adds a cell: the entries from..to of the features. */
void gene_variance_add(
    struct gene_variance *v, const struct gene_features *x, size_t from, size_t to);

/* How many cells have the gene. */
size_t gene_variance_count(const struct gene_variance *v, uint32_t gene);

/* 0 for genes that were not met. */
double gene_variance_of(const struct gene_variance *v, uint32_t gene);

/* The numbers of the `most` genes of greatest variance, none of variance 0, of equal ones those
 * that come first by the bytes of their names; sorted by these bytes. ret_n: how many. The caller's
 * to free. */
uint32_t *gene_variance_top(
    const struct gene_variance *v, const struct strings *names, size_t most, size_t *ret_n);

void gene_variance_free(struct gene_variance *v);

#endif
