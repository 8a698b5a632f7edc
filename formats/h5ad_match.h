/* h5ad_match.h - cells of a stream found among the cells of an .h5ad by their barcodes.
 *
 * Barcodes that occur once decide by themselves. Where the file has one twice, the stream must have
 * the same cells in the same order, which is the only way in which they can be told apart. */

#ifndef FORMATS_H5AD_MATCH_H
#define FORMATS_H5AD_MATCH_H

#include "base/err.h"
#include "cell/schema.h"

struct h5ad_match;

/* The file's barcodes and its name, which must outlive it; stream: the name of the stream, for
 * messages. */
struct h5ad_match *h5ad_match_new(
    const struct strings *barcodes, const char *file, const char *stream);
void h5ad_match_free(struct h5ad_match *m);

/* The next cell of the stream. -1 where the file does not have it, the stream had it before, or it
 * cannot be told from another. */
int h5ad_match_add(struct h5ad_match *m, const char *barcode, size_t size, struct err *e);

/* At the end: rows [barcodes->n], for each cell of the file its row in the stream, or SIZE_MAX;
 * valid until m is freed. NULL where barcodes that occur twice leave it open. *ret_n_found: cells
 * that were found. */
const size_t *h5ad_match_rows(struct h5ad_match *m, size_t *ret_n_found, struct err *e);

#endif
