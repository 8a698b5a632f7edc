/* h5ad2cells.c - the cells of an AnnData file as a stream of counts.
 *
 * In: an .h5ad of any age. Out: counts, with all obs columns. Cells whose filter_pass is not 1 are
 * left out, and obs n_counts is trusted, as in Geneformer's tokenizer. */

#include "base/cli.h"
#include "formats/cells.h"
#include "formats/h5ad_counts.h"

struct options {
	struct cli common;
	struct h5ad_counts_options counts;
};

static const struct cli_option table[] = { CLI_STRING_H('x', "matrix", "NAME", struct options,
					       counts.matrix,
					       "the counts: X, raw, or the name of a layer (X)"),
	CLI_STRING_H('g', "genes", "COLUMN", struct options, counts.gene_column,
	    "var column of the gene ids (ensembl_id, gene_ids or feature_id, else the index)"),
	CLI_STRING_H('c', "cells", "COLUMN", struct options, counts.cell_column,
	    "obs column of the barcodes (the index)"),
	CLI_STRING_H(0, "obs", "COLUMNS", struct options, counts.obs,
	    "obs columns to carry, divided by commas, or none (all)"),
	CLI_FLAG_H(0, "keep-filtered", struct options, counts.keep_filtered,
	    "keep cells whose filter_pass is not 1"),
	CLI_FLAG_H(0, "recount", struct options, counts.recount,
	    "make n_counts the sum of the row even where obs has it"),
	CLI_FLAG_H(0, "allow-non-integer", struct options, counts.allow_non_integer,
	    "accept numbers that are not whole"),
	CLI_SIZE(0, "max-memory", "BYTES", struct options, counts.max_memory, 1 << 20, 1e15,
	    "for turning columns into rows before it spills to TMPDIR (1G)"),
	CLI_END };

static const struct cli_program program = { "h5ad2cells", "read the cells of an AnnData file",
	"FILE.h5ad", CLI_THREADS | CLI_STREAM_OUT | CLI_FILE_IN, table };

static void
copy_cells(struct h5ad_counts *counts, struct cells_writer *out, struct err *e)
{
	struct batch b = { 0 };

	while (h5ad_counts_read(counts, &b, e) > 0) {
		cells_progress(out, h5ad_counts_progress(counts));
		cells_write(out, &b, e);
	}
	batch_free(&b);
}

int
main(int argc, char **argv)
{
	struct options opt = { .counts = { .matrix = "X", .max_memory = (size_t)1 << 30 } };
	struct cli *cli = &opt.common;
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);

	struct h5ad *file = h5ad_open(cli, cli->input, &e);
	struct h5ad_counts *counts = h5ad_counts_open(cli, file, &opt.counts, &e);
	struct cells_writer *out = cells_create(cli, KIND_COUNTS, h5ad_counts_schema(counts), &e);

	copy_cells(counts, out, &e);
	if (!e.is_set)
		h5ad_counts_report(counts);

	int status = cells_finish(cli, NULL, out, &e);

	h5ad_counts_close(counts);
	h5ad_close(file);
	return status;
}
