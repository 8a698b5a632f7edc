/* arrow_schema.h - the schema message of a stream, read: our fields, and how each lies in the
 * messages.
 *
 * A field's type is what the reader makes of it (32-bit offsets, utf8); struct wire, one beside
 * each field, is how the stream holds it. Type tables: Schema.fbs of Arrow 1.4. */

#ifndef FORMATS_ARROW_SCHEMA_H
#define FORMATS_ARROW_SCHEMA_H

#include "base/err.h"
#include "cell/schema.h"
#include "formats/arrow_flatbuffer.h"

/* The number of each type in the union `Type` of Schema.fbs. */
enum arrow_type {
	ARROW_NULL = 1,
	ARROW_INT,
	ARROW_FLOAT,
	ARROW_BINARY,
	ARROW_UTF8,
	ARROW_BOOL,
	ARROW_DECIMAL,
	ARROW_DATE,
	ARROW_TIME,
	ARROW_TIMESTAMP,
	ARROW_INTERVAL,
	ARROW_LIST,
	ARROW_STRUCT,
	ARROW_UNION,
	ARROW_FIXED_BINARY,
	ARROW_FIXED_LIST,
	ARROW_MAP,
	ARROW_DURATION,
	ARROW_LARGE_BINARY,
	ARROW_LARGE_UTF8,
	ARROW_LARGE_LIST,
	ARROW_RUN_END_ENCODED,
	ARROW_BINARY_VIEW,
	ARROW_UTF8_VIEW,
	ARROW_LIST_VIEW,
	ARROW_LARGE_LIST_VIEW
};

struct dictionary;

enum wire_form {
	WIRE_PLAIN, /* 32-bit offsets, or none */
	WIRE_LARGE, /* 64-bit offsets */
	WIRE_VIEW   /* views of 16 bytes and any number of data buffers */
};

struct wire {
	enum wire_form form; /* of the dictionary's values where there is one */
	bool has_dictionary;
	int64_t dictionary_id;
	struct dictionary *dictionary; /* set when they are collected (arrow_dictionary.h) */
	int index_width;               /* bits */
	bool index_is_signed;
	struct wire *children; /* one a child of the field */
};

/* Reads a Schema table. The schema is for the caller to free; the wires lie in its arena, one a
 * field, at *ret_wires. No field has its dictionary yet. NULL on failure: big-endian, a type that
 * is not read (by name), a name that comes twice, too deep, damaged. */
struct schema *arrow_schema_parse(
    struct flat *f, const struct flat_table *table, struct wire **ret_wires, struct err *e);

/* Reads a vector of KeyValue tables in slot `slot`. -1 on failure. */
int arrow_metadata_parse(struct flat *f, const struct flat_table *table, unsigned slot,
    struct arena *a, struct metadata *ret, struct err *e);

#endif
