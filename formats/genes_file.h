/* genes_file.h - where a gene dictionary comes from: a stream of kind `genes`, or a folder of
 * upstream pickles. */

#ifndef FORMATS_GENES_FILE_H
#define FORMATS_GENES_FILE_H

#include "cell/genes.h"
#include "formats/cells.h"

/* DICT of the command line: V1 or V2 (the dictionaries under $GENEFORMER_DIR), a folder of upstream
 * dictionaries, or a `genes` stream. Adds its hash to the history (cli_note "dictionary"). NULL on
 * failure, or when e is set already. */
struct genes *genes_open(struct cli *cli, const char *dictionary, struct err *e);

/* As genes_open, without a note. */
struct genes *genes_read(const struct cli *cli, const char *dictionary, struct err *e);

/* The schema of a `genes` stream: gene, token int32, median float64, symbol, aliases list<utf8>.
 * The caller's. */
struct schema *genes_schema(void);

#endif
