/* join_table.h - a table of columns that are looked up by a key; of formats/cells_join.
 *
 * The table is a CSV or TSV (delimited.h, quotes in TSV too) whose first line has the names of its
 * columns. Some of them are the key: one row a key, or several that say the same. An empty field is
 * null. A column has the type that all its texts have: int64 where they are whole numbers, float64
 * where they are numbers, else a dictionary of texts in the order in which they come first. "007",
 * and a whole number that its type would round, are texts. */

#ifndef FORMATS_JOIN_TABLE_H
#define FORMATS_JOIN_TABLE_H

#include "base/err.h"
#include "cell/batch.h"

struct join_table_options {
	const char *path; /* or "-" */
	bool force;
	const char *const *keys; /* [n_keys] columns of the table; "" is the one without a name */
	const struct field *const
	    *types; /* [n_keys] what each is compared with: text, a number, truths
		     */
	size_t n_keys;
	const char *const *columns; /* [n_columns]; NULL: all that have a name and are no keys */
	size_t n_columns;
	const char *const *nulls; /* [n_nulls] texts that are null, besides the empty one */
	size_t n_nulls;
	bool is_text; /* no numbers */
};

struct join_table {
	struct arena arena;
	size_t n_rows; /* with different keys */
	size_t n_columns;
	struct field *fields;  /* [n_columns], by the names that the table has */
	struct array *columns; /* [n_columns], each of n_rows + 1: the last is null */
	struct strings keys;   /* [n_rows], as join_key_add makes them */
	struct string_index index;
	char hash[33]; /* XXH3-128 of all names and fields that were taken */
};

/* NULL with e set: columns that are not there or there twice, rows of another length than the first
 * line, two rows of one key that differ. Names with the number of a line are the table's. */
struct join_table *join_table_open(const struct join_table_options *o, struct err *e);

/* Adds one part of a key. Value i of a column (NULL: the text itself), null and NaN as an empty
 * text: so they equal an empty field of the table. */
void join_key_add(struct buffer *key, const struct field *f, const struct array *a, size_t i);

/* The row of the table, or -1. */
ptrdiff_t join_table_find(const struct join_table *t, const struct buffer *key);

/* NULL is fine. */
void join_table_free(struct join_table *t);

#endif
