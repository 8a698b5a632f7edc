/* h5ad_output.h - a stream of any kind written into an .h5ad, a new one or a copy of one that is
 * there.
 *
 * Columns of one value a row go to obs, lists of a fixed size (embeddings, probabilities) to obsm,
 * counts and values without a source to X, with the genes as var. With a source everything it holds
 * is kept; rows are matched by barcode. */

#ifndef FORMATS_H5AD_OUTPUT_H
#define FORMATS_H5AD_OUTPUT_H

#include "formats/cells.h"

struct h5ad_output_options {
	const char *source;      /* NULL: a new AnnData */
	const char *key;         /* of embeddings in obsm */
	const char *cell_column; /* obs column of the source with the barcodes; NULL: its index */
	bool subset;             /* only the cells of the stream */
};

/* Reads all of `in` and writes cli->output. Warns of columns that have no place in an .h5ad. -1 on
 * failure, with nothing left under the final name. */
int h5ad_output_write(const struct cli *cli, struct cells_reader *in,
    const struct h5ad_output_options *options, struct err *e);

#endif
