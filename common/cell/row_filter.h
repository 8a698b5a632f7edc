/* row_filter.h - which rows of a stream fulfil a condition: n_genes >= 200 and not (donor == "a").
 *
 * The language, from what binds least to what binds most:
 *
 *	A or B              B is not looked at where A is true
 *	A and B
 *	not A
 *	X == Y  != < <= > >=  X and Y are columns or values, both numbers, texts or truths
 *	X in (V, ...)  X not in (V, ...)
 *	X =~ "REGEX"  X !~ "REGEX"   POSIX extended; anywhere in the text, bytes as in the C locale
 *	X is null  X is not null
 *	X                   a column of truths
 *	( A )
 *
 * A name is a column; one that is no word of letters, digits, '_', '.', ':' stands in `back
 * quotes`. Texts are in "double" or 'single' quotes, in which the quote itself is written twice;
 * nothing else is special. Words of the language are known in any case.
 *
 * Two truth values: every comparison with a null is false, '!=', 'not in' and '!~' too, and so is a
 * null truth; `not` of it is true. NaN counts as null. Texts are ordered by their bytes. Numbers
 * are compared exactly, but a fraction that is compared with a column of float32 is rounded to that
 * first. */

#ifndef CELL_ROW_FILTER_H
#define CELL_ROW_FILTER_H

#include "base/err.h"
#include "cell/batch.h"

struct row_filter;

/* Reads an expression. NULL with e set, "expression, character 12: ...", where it is none;
 * characters are counted from 1. */
struct row_filter *row_filter_parse(const char *expression, struct err *e);

/* Looks up the columns in a schema, which must outlive the filter, and compiles what they are
 * compared with. Once a filter. -1 where a column is not there or cannot be compared so. */
int row_filter_bind(struct row_filter *f, const struct schema *s, struct err *e);

/* The rows of a batch (of that schema) that fulfil it (or, with is_inverted, that do not), in
 * rows[b->rows]; returns how many. Not for several threads at once. */
size_t row_filter_select(
    struct row_filter *f, const struct batch *b, bool is_inverted, size_t *rows);

/* NULL is fine. */
void row_filter_free(struct row_filter *f);

#endif
