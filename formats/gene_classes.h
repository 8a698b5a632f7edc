/* gene_classes.h - which class a gene belongs to, from a table of two columns.
 *
 * CSV or TSV (delimited.h): the first field of a line is a gene, the second its class; more fields
 * are left alone. A first line that begins with gene, gene_id or ensembl_id, in any case, is a
 * header. A gene with an empty class has none. */

#ifndef FORMATS_GENE_CLASSES_H
#define FORMATS_GENE_CLASSES_H

#include "base/err.h"
#include "cell/string_set.h"

struct gene_classes {
	const char *path; /* the caller's */
	struct string_set genes, classes;
	struct buffer numbers; /* uint32_t [genes.n], the class of each gene */
	struct strings texts;  /* of the genes */
	struct string_index index;
	bool has_rows;
};

/* Reads the table. NULL with e set where a line has one field only, a gene has
 * two different classes, or no gene has one. */
struct gene_classes *gene_classes_open(const char *path, struct err *e);

/* The number of the gene in g->genes, or -1; its class is gene_classes_class of that. */
ptrdiff_t gene_classes_find(const struct gene_classes *g, const char *gene, size_t size);
const char *gene_classes_class(const struct gene_classes *g, size_t gene, size_t *ret_size);

/* NULL is fine. */
void gene_classes_free(struct gene_classes *g);

#endif
