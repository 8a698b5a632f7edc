/* gene_medians.h - the median of every gene over the values of any number of cells, in bounded
 * memory.
 *
 * Exact: pairs of gene and value gather in memory. When that is full they are grouped by gene and
 * written as a run to an unnamed file in TMPDIR; at the end the groups of one gene are brought
 * together again, gene by gene. Nothing is sorted: the middle value is found by counting digits of
 * the numbers' bits (radix selection), in memory, or on the file where one gene alone has more
 * values than memory holds. The result does not depend on the order of values.
 *
 * By digest: one t-digest a gene (tdigest.h): constant memory and no file, approximate from 43
 * values on, and slightly dependent on order. */

#ifndef STAT_GENE_MEDIANS_H
#define STAT_GENE_MEDIANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct gene_medians;

/* Exact medians in about max_memory bytes (at least one value is held), or digests. Freed by
 * gene_medians_free. */
struct gene_medians *gene_medians_exact(size_t max_memory);
struct gene_medians *gene_medians_digest(void);

/* Adds n values, each of the gene with that number. Values are positive and finite (asserted); gene
 * numbers should be dense, since tables are as long as the highest. -1 where the file cannot be
 * written. */
int gene_medians_add(
    struct gene_medians *m, const uint32_t *genes, const double *values, size_t n, struct err *e);

/* How many values the gene has. */
uint64_t gene_medians_count(const struct gene_medians *m, uint32_t gene);

/* The medians of genes 0..n-1 into ret_medians[n]: the middle value, or the mean of the two middle
 * ones; NaN where a gene has no values. Nothing can be added afterwards. -1 where the file cannot
 * be written or read. */
int gene_medians_finish(struct gene_medians *m, double *ret_medians, size_t n, struct err *e);

/* True where values did not fit into memory. */
bool gene_medians_spilled(const struct gene_medians *m);

void gene_medians_free(struct gene_medians *m);

#endif
