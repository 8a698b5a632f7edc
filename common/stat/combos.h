/* combos.h - what two genes do together, beside what each does alone, cell by cell.
 *
 * A pair is the anchor and another gene. Its three numbers in a cell (cosines: anchor alone, gene
 * alone, both) may come in any order, and from different files; they are sorted by cell and gene
 * (key_sort.h). Pairs that lack one of the two alone are counted, and left out. What both do beyond
 * the sum of the two is judged as impact.h judges the effect of one gene. */

#ifndef STAT_COMBOS_H
#define STAT_COMBOS_H

#include <stdint.h>

#include "base/err.h"
#include "stat/impact.h"

struct combos;

/* For the pairs with the gene of that number. */
struct combos *combos_new(uint32_t anchor, size_t max_memory);

/* Adds the number of a cell whose genes[n] were perturbed together; of interest are the anchor
 * alone, another gene alone, and the anchor with one other. Where one comes twice in a cell, the
 * last one counts. Numbers of cells and genes are dense. -1 where the temporary file cannot be
 * written. */
int combos_add(
    struct combos *c, uint32_t cell, const uint32_t *genes, size_t n, float value, struct err *e);

enum combo_part { COMBO_ANCHOR, COMBO_GENE, COMBO_BOTH };

/* The same for a number that is known to be of the pair with `gene`. */
int combos_add_part(struct combos *c, uint32_t cell, uint32_t gene, enum combo_part part,
    float value, struct err *e);

/* Means of genes 0..n-1: anchor, gene, both (NaN where there are none), and the mixture of both
 * less the sum of the two. ret_incomplete: pairs that were left out. -1 as impacts_finish. */
int combos_finish(struct combos *c, double (*ret_means)[3], struct impact_result *ret, size_t n,
    struct gaussian_mixture *ret_fit, uint64_t *ret_incomplete, struct err *e);

/* NULL is fine. */
void combos_free(struct combos *c);

#endif
