/* perturb_rows.h - what gfperturb writes: a row a perturbation, or a perturbed cell as tokens.
 *
 * Rows of perturbations have `cell`, the columns that were asked for, `perturbed`, `cos_sim`, with
 * states `shift:STATE` each, per gene `affected` and `gene_cos`. Perturbed cells have all columns
 * of the input and `perturbed`. A batch ends with the cell, and within it at 1,000 rows, counted
 * from its first copy: so a stream that is gone on with has the same batches. */

#ifndef NN_PERTURB_ROWS_H
#define NN_PERTURB_ROWS_H

#include "cell/genes.h"
#include "nn/perturb_states.h"
#include "nn/perturb_stream.h"

struct perturb_rows_options {
	const struct perturbation_options *what;
	const char *keep;                    /* columns of the input, with commas; NULL: none */
	const struct perturb_states *states; /* NULL: none */
	const char *by, *start;              /* the cells of this state; NULL: all */
	bool is_per_gene, is_tokens, is_resumable;
};

struct perturb_rows;

/* Opens the output (cli->output); options must outlive it. A column that has a name of this kind
 * becomes obs.NAME, with a warning. NULL with e set, or where it was set before: a column that is
 * not there; an output that was begun otherwise. */
struct perturb_rows *perturb_rows_new(const struct cli *cli, const struct cells_reader *in,
    const struct genes *genes, const struct perturb_rows_options *options, struct err *e);

/* How many rows are there already, of an output that is gone on with. */
uint64_t perturb_rows_there(const struct perturb_rows *r);

/* A perturb_filter and a perturb_sink, with the rows as context. */
bool perturb_rows_filter(void *perturb_rows, const struct batch *b, size_t row);
int perturb_rows_take(void *perturb_rows, const struct perturbed_part *part, struct err *e);

/* Says what was left out; the writer is the caller's to commit. NULL where r is NULL. */
struct cells_writer *perturb_rows_finish(struct perturb_rows *r, struct err *e);
void perturb_rows_free(struct perturb_rows *r);

#endif
