/* h5ad_gather.h - columns of a stream collected until its end, then taken in the order of the cells
 * of an .h5ad.
 *
 * An .h5ad wants whole columns, in the order of its own cells; a stream brings rows. Values of one
 * number or text a row are held in memory (texts by number); rows of many numbers (embeddings) go
 * to a spill file in TMPDIR and are read back row by row. */

#ifndef FORMATS_H5AD_GATHER_H
#define FORMATS_H5AD_GATHER_H

#include "base/err.h"
#include "cell/batch.h"

struct gather_column;

/* A row of the stream that stands for no cell. */
#define GATHER_NONE SIZE_MAX

/* A column of the field's type: utf8, bool, int, float, or fixed_size_list of floats. NULL for
 * other types. The field must outlive it. */
struct gather_column *gather_new(const struct field *field);
bool gather_can(const struct field *field);
void gather_free(struct gather_column *g);

/* Appends the rows of a batch's column. -1 on failure (spill file full, a category that is not in
 * its dictionary). */
int gather_add(struct gather_column *g, const struct array *column, struct err *e);

/* Values of the stream's rows[0..n) (GATHER_NONE: a null), memory in the arena. *ret_field says the
 * type: texts come with a dictionary if they had one, or where there are nulls. Not for lists. */
void gather_take(const struct gather_column *g, const size_t *rows, size_t n, struct arena *a,
    struct field *ret_field, struct array *ret);

/* Lists: numbers a row, and those of rows[0..n) as [n][width]; NaN where there is none. */
size_t gather_width(const struct gather_column *g);
int gather_take_lists(
    struct gather_column *g, const size_t *rows, size_t n, float *values, struct err *e);

#endif
