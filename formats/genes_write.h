/* genes_write.h - a gene dictionary as a stream of kind `genes`. */

#ifndef FORMATS_GENES_WRITE_H
#define FORMATS_GENES_WRITE_H

#include "cell/genes.h"
#include "formats/cells.h"

/* Writes the whole dictionary to a file: genes, tokens, medians, symbols, and as aliases the other
 * names of each (in upper case, as dictionaries hold them; none of V1, where they are no mapping).
 * genes_open reads it back. 0 or -1. */
int genes_write(const struct cli *cli, const char *path, const struct genes *genes, struct err *e);

#endif
