/* gene_rows.h - the rows of a new gene dictionary: vocabulary and medians. */

#ifndef CELL_GENE_ROWS_H
#define CELL_GENE_ROWS_H

#include "cell/batch.h"
#include "cell/genes.h"

struct gene_row {
	const char *id; /* not NUL-terminated */
	size_t size;
	double median;
};

/* Sorts the rows by id (bytewise) and puts them into b (empty so far) as the columns gene, token,
 * median, symbol, aliases of kind `genes`: <pad> 0, <mask> 1, with `special` <cls> 2 and <eos> 3,
 * then the genes. Symbols and aliases come from `names`, where it knows a gene (NULL: none have
 * any). The batch points at the ids and at `names`. -1 where an id is that of a special token, or
 * holds a control character (the vocabulary of a stream has one name a line). */
int gene_rows_batch(struct gene_row *rows, size_t n, bool special, const struct genes *names,
    struct batch *b, struct err *e);

/* Some row whose id is not an Ensembl gene id without version ("ENSG00000141510"), or NULL. */
const struct gene_row *gene_rows_find_odd(const struct gene_row *rows, size_t n);

#endif
