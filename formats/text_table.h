/* text_table.h - rows of any stream as TSV, CSV or JSON lines.
 *
 * TSV: a line of names, a line a row, tabs between. In a text, tab, line feed, carriage return and
 * backslash are written \t \n \r \\, other control characters \xNN (each byte): a line is always a
 * row. A null and an empty text are both empty. CSV: RFC 4180 with line feeds: quotes (by libcsv)
 * around what holds a quote, a comma or a line end, and around an empty text; a null is empty
 * without quotes. JSON lines: an object a row, with every type as it is. Values: text_value.h. */

#ifndef FORMATS_TEXT_TABLE_H
#define FORMATS_TEXT_TABLE_H

#include "base/io.h"
#include "cell/batch.h"

enum text_form { TEXT_TSV, TEXT_CSV, TEXT_JSONL };

/* Zero-initialise, then set the first four members; text_table_free at the end. */
struct text_table {
	struct output *output; /* the caller's */
	const struct schema *schema;
	enum text_form form;
	bool is_shown; /* on a terminal: no control characters, not in a CSV either */
	struct buffer row, field;
};

/* The line of names; JSON lines have none. */
int text_table_header(struct text_table *t, struct err *e);

/* The rows of b, which fits the schema. */
int text_table_write(struct text_table *t, const struct batch *b, struct err *e);

void text_table_free(struct text_table *t);

/* Adds a text to a row as a field of TSV, without the tab behind it. */
void text_table_tsv(struct buffer *row, const char *text, size_t n);

#endif
