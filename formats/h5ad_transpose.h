/* h5ad_transpose.h - entries that come by column, given back by row: a counting sort that may be
 * larger than memory.
 *
 * The caller counts the entries of each row first, so the place of every entry is known: in memory
 * where all fit into max_memory, else in a spill file that is divided into ranges of rows, each
 * small enough to be sorted in memory later. Every entry is written and read once. The entries of a
 * row keep the order in which they were added. */

#ifndef FORMATS_H5AD_TRANSPOSE_H
#define FORMATS_H5AD_TRANSPOSE_H

#include "base/err.h"
#include "base/mem.h"

struct h5ad_transpose;

/* starts [n_rows + 1]: where each row's entries begin, ascending from 0; copied. width: bytes of a
 * value, 4 or 8. NULL on failure. */
struct h5ad_transpose *h5ad_transpose_new(
    size_t n_rows, const uint64_t *starts, size_t width, size_t max_memory, struct err *e);
void h5ad_transpose_free(struct h5ad_transpose *t);

/* Adds n entries. The number of entries of a row must come out as counted (asserted). */
int h5ad_transpose_add(struct h5ad_transpose *t, const uint32_t *rows, const int32_t *columns,
    const void *values, size_t n, struct err *e);

/* After everything was added: entries of rows from..from+n, to columns and values (room for all of
 * them). Rows must be asked for in ascending order. */
int h5ad_transpose_read(
    struct h5ad_transpose *t, size_t from, size_t n, int32_t *columns, void *values, struct err *e);

#endif
