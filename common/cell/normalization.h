/* normalization.h - scaling each count to a common depth and by its gene's median.
 *
 * value = count / n_counts * target_sum / median(gene): Theodoris et al. 2023, Methods, "rank value
 * encoding".
 *
 * Rounding decides near-ties, so the order of operations is the reference's on a sparse matrix
 * (scipy >= 1.11): with float32 n_counts ((count * (1 / n_counts)) * target_sum), each step rounded
 * to float32, then times (1 / median) in float64; with float64 n_counts the same steps in float64.
 */

#ifndef CELL_NORMALIZATION_H
#define CELL_NORMALIZATION_H

#include "cell/gene_lookup.h"

struct normalize;

/* For counts of that schema (columns gene, count, and n_counts where there is one), which must
 * outlive the plan, as must the dictionary. NULL, with e set, where no gene is known or none has a
 * median, or where e was set before. */
struct normalize *normalize_plan(
    const struct schema *in, const struct genes *genes, double target_sum, struct err *e);

/* Whether n_counts is missing, so that the sum of the counts that are there takes its place. */
bool normalize_sums_counts(const struct normalize *p);

/* The schema of the values that come out: `value` list<float64> in the place of `count`. The
 * caller's. */
struct schema *normalize_schema(const struct normalize *p);

/* Turns a batch of counts into values (a cells_work). Entries of genes without a median are
 * dropped, explicit zeros kept. Errors name the cell: a count that is negative or not finite;
 * n_counts that is null, negative, not finite, 0 while there are counts, or so small that values
 * are not finite. */
int normalize_batch(struct batch *b, void *normalize, struct err *e);

/* The share of names with a median; -1 with e set where none has one. */
int normalize_check(const struct normalize *p, double *ret_share, struct err *e);
uint64_t normalize_dropped(const struct normalize *p);
void normalize_free(struct normalize *p);

#endif
