/* delimited.h - the rows of a text table, CSV or TSV, one after the other.
 *
 * Tabs divide the fields where the first line has one, else commas. CSV is RFC 4180 as libcsv reads
 * it: quotes around a field, doubled inside of it; a line ends with LF, CR or both; empty lines are
 * no rows. Whether quotes mean that in TSV too is said by a flag: R and pandas write them so, our
 * own tables have none. A byte order mark at the beginning is left out. All is UTF-8 without zero
 * bytes, or an error. */

#ifndef FORMATS_DELIMITED_H
#define FORMATS_DELIMITED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct delimited_row {
	size_t line; /* of the text, from 1, where it begins */
	size_t n;
	const char *const *fields; /* [n], NUL-terminated */
	const size_t *sizes;       /* [n] */
};

enum delimited_flag {
	DELIMITED_TSV_QUOTES = 1, /* quotes mean in TSV what they mean in CSV */
	DELIMITED_TRIM = 2,       /* blanks around a field do not belong to it */
};

/* What is done with a row: 0, or -1 with e set, which ends the reading. The row is valid until it
 * returns. */
typedef int delimited_visit(void *context, const struct delimited_row *row, struct err *e);

/* Reads all rows of a file, or of standard input for "-" (a terminal: only with `force`). Errors,
 * those of `visit` too, get the name of the file before them; "line N: " is the visitor's. Returns
 * 0 or -1. */
int delimited_read(const char *path, bool force, unsigned flags, delimited_visit *visit,
    void *context, struct err *e);

#endif
