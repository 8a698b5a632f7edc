/* embed_rows.h - the rows of an embeddings stream: of cells as they come, of genes or states when
 * all have come. */

#ifndef NN_EMBED_ROWS_H
#define NN_EMBED_ROWS_H

#include "cell/genes.h"
#include "nn/embed_stream.h"

struct embed_rows;

/* Opens the output. Cells: the columns of the input, but input_ids and length, and `embedding`;
 * one that has a name of this kind becomes obs.NAME, with a warning.
 * EMBED_TOKENS: a row a gene that occurs, by token: gene, n_cells, embedding. by, a column of
 * texts, bools or numbers: a row a state, by name: state, n_cells, embedding; cells without a state
 * (null, or not a number) are left out and counted. NULL with e set, or where it was set before. */
struct embed_rows *embed_rows_new(const struct cli *cli, const struct cells_reader *in,
    const struct genes *genes, const struct model *model, const char *by, bool is_median,
    size_t max_memory, enum embed_pool pool, struct err *e);

/* Takes a group (an embed_sink). */
int embed_rows_take(void *embed_rows, const struct embedded_group *group, struct err *e);

/* Writes what waited for the end; the writer is the caller's to commit. NULL where r is NULL. */
struct cells_writer *embed_rows_finish(struct embed_rows *r, struct err *e);
void embed_rows_free(struct embed_rows *r);

#endif
