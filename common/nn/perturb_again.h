/* perturb_again.h - whether an output that is gone on with was made of the cells that come now.
 *
 * The copies that are there already are met again, though not computed: cell and perturbed genes
 * of each must be those of its row. */

#ifndef NN_PERTURB_AGAIN_H
#define NN_PERTURB_AGAIN_H

#include "base/hash.h"
#include "cell/genes.h"
#include "nn/perturb_stream.h"

/* Zero-initialise: then there is nothing to go on with. */
struct perturb_again {
	const struct genes *genes;
	const struct perturbation_options *what;
	uint64_t there, met;         /* rows; copies that came again */
	struct hash128 *old, *again; /* NULL: no more to compare */
	struct buffer list;
};

void perturb_again_init(
    struct perturb_again *a, const struct genes *genes, const struct perturbation_options *what);
void perturb_again_free(struct perturb_again *a);

/* Takes rows that are there (a cells_part_visit). */
int perturb_again_visit(
    void *perturb_again, const struct schema *s, const struct batch *b, struct err *e);

/* Takes the first part of a cell, of which part->first copies are there. -1 with e set where all
 * rows were met again, and differ. in: the schema of part->row. */
int perturb_again_check(struct perturb_again *a, const struct schema *in,
    const struct perturbed_part *part, struct err *e);

/* -1 with e set where rows were not met again. */
int perturb_again_finish(const struct perturb_again *a, struct err *e);

#endif
