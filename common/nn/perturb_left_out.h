/* perturb_left_out.h - which cells and groups of genes a perturbation leaves out, and how many.
 */

#ifndef NN_PERTURB_LEFT_OUT_H
#define NN_PERTURB_LEFT_OUT_H

#include "cell/genes.h"
#include "cell/string_set.h"
#include "formats/label_column.h"
#include "nn/perturb_stream.h"

struct perturb_left_out {
	const struct genes *genes;
	const struct perturbation_options *what;
	const struct schema *in;
	const char *by, *start; /* NULL: cells of all states */
	struct label_column label;
	struct string_set states; /* `start` is the first */
	uint64_t n_other_states, n_lack_anchor, n_absent, n_emptied, n_cells;
	bool *is_met; /* [tokens] in some cell */
};

/* Everything that is given must outlive it. -1 with e set where there is no column `by`. */
int perturb_left_out_init(struct perturb_left_out *l, const struct genes *genes,
    const struct perturbation_options *what, const struct schema *in, const char *by,
    const char *start, struct err *e);
void perturb_left_out_free(struct perturb_left_out *l);

/* Whether the cell is of the state. It and perturb_left_out_count may run at the same time. */
bool perturb_left_out_filter(struct perturb_left_out *l, const struct batch *b, size_t row);

/* Counts what the first part of a cell tells. */
void perturb_left_out_count(struct perturb_left_out *l, const struct perturbed_part *part);

/* With -v the numbers; warnings of a state that no cell has, and of given genes that are in none
 * of the cells (overexpression puts them in). */
void perturb_left_out_say(const struct perturb_left_out *l, const struct cli *cli);

#endif
