/* class_rows.h - the rows of a predictions stream: of cells or of genes of cells as they come, of
 * genes when all have come. */

#ifndef NN_CLASS_ROWS_H
#define NN_CLASS_ROWS_H

#include "cell/genes.h"
#include "nn/class_names.h"
#include "nn/embed_stream.h"

struct class_rows;

/* What a row is, and what it has besides prediction, probability and probabilities. */
struct class_rows_options {
	enum class_rows_of {
		CLASS_ROWS_OF_CELLS,     /* for plans that give a row a cell */
		CLASS_ROWS_OF_GENES,     /* for plans of all tokens: a row a gene, over all cells */
		CLASS_ROWS_OF_POSITIONS, /* the same: a row for each gene of each cell */
	} of;
	bool has_logits;
};

/* Opens the output (cli->output) for cells that come with the columns `in`, which must outlive it,
 * and what `plan` (plan_make_classes) gives; with has_vectors there is `embedding`
 * too. Cells and positions: the columns of the input, but input_ids and length; one that has a name
 * of this kind becomes obs.NAME, with a warning. Positions have `gene` too, genes `gene` and
 * n_cells: probabilities, logits and embeddings are the means over the cells that have the gene,
 * and the prediction is the class of the greatest mean probability. Special tokens get no row.
 * NULL with e set, or where it was set before. */
struct class_rows *class_rows_new(const struct cli *cli, const struct schema *in,
    const struct genes *genes, const struct class_names *names, const struct model *model,
    const struct plan *plan, const struct class_rows_options *options, struct err *e);

/* Takes a group (an embed_sink). */
int class_rows_take(void *class_rows, const struct embedded_group *group, struct err *e);

/* Writes what waited for the end; the writer is the caller's to commit. NULL where r is NULL. */
struct cells_writer *class_rows_finish(struct class_rows *r, struct err *e);
void class_rows_free(struct class_rows *r);

#endif
