/* plot_table.h - a table of texts with a line of names: TSV or CSV, as perturbstats and pandas
 * write them.
 *
 * Rows as in delimited.h, without quotes in TSV. The whole table is in memory. */

#ifndef FORMATS_PLOT_TABLE_H
#define FORMATS_PLOT_TABLE_H

#include "base/io.h"

struct plot_table {
	const char *path; /* for messages; the caller's */
	struct arena arena;
	size_t n_columns, n_rows;
	const char **names;  /* [n_columns] */
	const char **fields; /* [n_rows][n_columns] */
};

/* Reads a file, or standard input for "-". -1 on failure: no names, or a row of another number of
 * fields. Free it in either case. */
int plot_table_read(struct plot_table *t, const char *path, bool force, struct err *e);
void plot_table_free(struct plot_table *t);

/* The column of that name, or -1. */
ptrdiff_t plot_table_find(const struct plot_table *t, const char *name);

const char *plot_table_text(const struct plot_table *t, size_t row, size_t column);

/* The number there; NaN where the field is empty, "nan" or "NA". Sets *e (and returns NaN) where it
 * is no number. */
double plot_table_number(const struct plot_table *t, size_t row, size_t column, struct err *e);

#endif
