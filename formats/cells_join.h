/* cells_join.h - columns of a table, and constant ones, for the rows of a stream.
 *
 * First come the constants, then what the table has for the row's key, which may be made of
 * constants. New columns stand behind the others; one that is replaced keeps its place. A name that
 * the kinds use becomes obs.NAME. */

#ifndef FORMATS_CELLS_JOIN_H
#define FORMATS_CELLS_JOIN_H

#include "formats/cells.h"

enum join_unmatched { JOIN_KEEP, JOIN_DROP, JOIN_REFUSE };

struct join_options {
	const char *constants; /* "NAME=VALUE,...", texts; NULL: none */
	const char *keys;      /* "COLUMN=TABLE_COLUMN,..."; NULL: no table */
	const char *columns;   /* "TABLE_COLUMN=NAME,..."; NULL: all but the keys */
	const char *nulls;     /* "NA,..."; NULL: the empty text only */
	const char *table;     /* path or "-" */
	bool force, is_text, is_replacing;
	enum join_unmatched unmatched;
};

struct join;

/* Reads the table. `source` must outlive the plan. NULL with e set. */
struct join *join_plan(const struct schema *source, const struct join_options *o, struct err *e);

/* What comes out; the plan's. */
const struct schema *join_schema(const struct join *j);

/* XXH3-128 of what was taken from the table; NULL without one. */
const char *join_hash(const struct join *j);

/* Brings a batch to join_schema. -1 with e set where a row has no match and that is an error. */
int join_batch(struct join *j, struct batch *b, struct err *e);

struct join_counts {
	uint64_t rows, unmatched; /* of the stream */
	size_t table_rows, unused;
	const char *first_unmatched; /* "donor 'a', batch '3'"; the plan's */
};

/* What has been done so far. */
struct join_counts join_count(const struct join *j);

/* NULL is fine. */
void join_free(struct join *j);

#endif
