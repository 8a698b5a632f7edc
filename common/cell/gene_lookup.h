/* gene_lookup.h - from the gene column of a stream to the rows of a gene dictionary.
 *
 * Where the column has a dictionary, each of its names is looked up once; a plain text column is
 * looked up entry by entry. Both count how much was found, for the error or warning about a
 * dictionary that does not fit. Special tokens are no genes, whatever a cell says. */

#ifndef CELL_GENE_LOOKUP_H
#define CELL_GENE_LOOKUP_H

#include <stdatomic.h>

#include "cell/batch.h"
#include "cell/genes.h"

enum lookup {
	LOOKUP_TOKENS,  /* exactly the ids that have a token */
	LOOKUP_MEDIANS, /* exactly the ids that have a median */
	LOOKUP_NAMES,   /* any name, by genes_map */
	LOOKUP_MAPPING  /* what the reference maps: ids and the mapping dictionary, no versioned
			   ids */
};

struct gene_lookup {
	const struct genes *genes;
	const struct strings *names; /* of the column's dictionary; NULL: plain text */
	int32_t *rows;               /* [names->n] row of the dictionary, or -1 */
	enum lookup mode;
	struct name_rules rules;
	atomic_uint_least64_t n_known,
	    n_unknown; /* names of the dictionary, or entries of plain text */
};

/* For the field `gene` (a list of utf8). Nothing is freed by gene_lookup_free that others point at.
 */
void gene_lookup_init(
    struct gene_lookup *l, const struct field *gene, const struct genes *genes, enum lookup mode);
void gene_lookup_free(struct gene_lookup *l);

/* Row of each entry of the list column (its child), or -1; [gene->children[0].length], in the
 * arena. */
const int32_t *gene_lookup_rows(
    struct gene_lookup *l, struct arena *arena, const struct array *gene);

/* -1 where no gene at all was known (of at least one): the error names one of a dictionary.
 * ret_share: the known share, 1 where there were none. */
int gene_lookup_check(const struct gene_lookup *l, double *ret_share, struct err *e);

#endif
