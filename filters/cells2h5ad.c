/* cells2h5ad.c - cells back into AnnData: embeddings as obsm, columns as obs.
 *
 * In: a stream of any kind whose rows are cells, genes or states. Out: a copy of the source .h5ad
 * with what the stream adds, rows matched by barcode, or without a source a new .h5ad. */

#include <string.h>

#include "base/cli.h"
#include "formats/cells.h"
#include "formats/h5ad_output.h"

struct options {
	struct cli common;
	struct h5ad_output_options output;
};

static const struct cli_option table[] = {
	CLI_STRING('i', "source", "SOURCE.h5ad", struct options, output.source,
	    "AnnData file that is kept, with the cells' rows added (without: a new file)"),
	CLI_STRING('k', "key", "NAME", struct options, output.key,
	    "name of embeddings in obsm (X_geneformer)"),
	CLI_STRING('c', "cells", "COLUMN", struct options, output.cell_column,
	    "obs column of the source that holds the barcodes (the index)"),
	CLI_FLAG(0, "subset", struct options, output.subset,
	    "leave out cells of the source that are not in the stream"),
	CLI_END
};

static const struct cli_program program = { "cells2h5ad", "write cells into an AnnData file",
	"FILE", CLI_FILE_OUT | CLI_PROGRESS, table };

int
main(int argc, char **argv)
{
	struct options opt = { .output = { .key = "X_geneformer" } };
	struct cli *cli = &opt.common;
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);
	if (*opt.output.key == '\0' || strchr(opt.output.key, '/'))
		cli_usage(cli, "--key: a name without '/' is needed");
	if (!opt.output.source && (opt.output.subset || opt.output.cell_column))
		cli_usage(cli, "%s needs a source (-i)", opt.output.subset ? "--subset" : "-c");

	struct cells_reader *in = cells_open(cli, cli->input, KIND_ANY, &e);

	h5ad_output_write(cli, in, &opt.output, &e);
	return cells_finish(cli, in, NULL, &e);
}
