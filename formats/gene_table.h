/* gene_table.h - tables of genes as TSV, a line at a time.
 *
 * Text is written as text_table.h writes TSV, numbers with the digits of text_scalar.h; a number
 * that is not there (NaN) is empty. A set of genes is three fields: tokens, symbols, ids, each with
 * '+' between the genes of a set. */

#ifndef FORMATS_GENE_TABLE_H
#define FORMATS_GENE_TABLE_H

#include "base/io.h"
#include "cell/gene_sets.h"
#include "cell/genes.h"

struct gene_table {
	struct output *output;
	const struct gene_sets *sets;
	const struct genes *genes; /* NULL: tokens and symbols are empty */
	struct buffer line, field;
};

/* Zero-initialise, then set the first three members; gene_table_free at the end. */

/* A line of names, the last of which is NULL. */
int gene_table_header(struct gene_table *t, const char *const *names, struct err *e);

/* Fields of the line, one after the other. */
void gene_table_text(struct gene_table *t, const char *text, size_t size);
void gene_table_name(struct gene_table *t, const char *text);
void gene_table_number(struct gene_table *t, double x, bool is_whole);
/* Tokens, symbols, ids of a set; of one gene, or "cell_emb" and two empty fields for NO_SET. */
void gene_table_set(struct gene_table *t, uint32_t set);
void gene_table_gene(struct gene_table *t, uint32_t gene);
/* The symbols of a set alone; ids where it has none. */
void gene_table_symbols(struct gene_table *t, uint32_t set);
void gene_table_ids(struct gene_table *t, uint32_t set);

/* Writes the line and begins a new one. */
int gene_table_end(struct gene_table *t, struct err *e);

void gene_table_free(struct gene_table *t);

#endif
