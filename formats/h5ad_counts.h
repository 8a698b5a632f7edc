/* h5ad_counts.h - an .h5ad as a stream of counts: which genes, which cells, which totals.
 *
 * Gene names come from a var column, cell names from the obs index or a column; `filter_pass` and
 * `n_counts` of obs are honoured as Geneformer's tokenizer does (TranscriptomeTokenizer,
 * "tokenize_anndata"). Every count is checked: a finite whole number >= 0 that float32 holds, or an
 * error that names cell and gene and says where whole numbers are. */

#ifndef FORMATS_H5AD_COUNTS_H
#define FORMATS_H5AD_COUNTS_H

#include "base/cli.h"
#include "formats/h5ad_frame.h"
#include "formats/h5ad_matrix.h"

struct h5ad_counts_options {
	const char *matrix;      /* "X", "raw", a layer */
	const char *gene_column; /* of var; NULL: ensembl_id, gene_ids, feature_id or the index */
	const char *cell_column; /* of obs; NULL: the index */
	const char *obs;    /* columns to carry, divided by commas; NULL: all; "" or "none": none */
	bool keep_filtered; /* filter_pass is a column like others */
	bool recount;       /* n_counts is the row sum even where obs has it */
	bool allow_non_integer;
	size_t max_memory;
};

struct h5ad_counts;

/* Opens matrix and tables. `a`, cli and options must outlive it. NULL on failure. */
struct h5ad_counts *h5ad_counts_open(const struct cli *cli, struct h5ad *a,
    const struct h5ad_counts_options *options, struct err *e);
void h5ad_counts_close(struct h5ad_counts *c);

/* The schema of the stream, the caller's: cell, gene, count, n_counts, then obs columns. NULL for c
 * NULL. */
struct schema *h5ad_counts_schema(const struct h5ad_counts *c);

/* Fills b with the next cells: 1, 0 at the end, -1 on failure. The columns are valid until the next
 * call. */
int h5ad_counts_read(struct h5ad_counts *c, struct batch *b, struct err *e);

/* The part of the rows that has been read, 0 to 1. */
double h5ad_counts_progress(const struct h5ad_counts *c);

/* Warns of what was seen on the way: obs columns left out or renamed, cells left out by
 * filter_pass, a barcode that occurs twice. */
void h5ad_counts_report(const struct h5ad_counts *c);

#endif
