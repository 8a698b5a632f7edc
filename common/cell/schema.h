/* schema.h - what the columns of a stream of cells are: names, types, dictionaries, metadata.
 *
 * A schema is a list of fields, one a column, in the terms of Apache Arrow (Columnar Format, 1.4).
 * Any Arrow type that has a fixed width, offsets or children can be described, so that a column no
 * program knows passes through all of them. A schema owns everything it points at (its arena) and
 * is not changed once batches have been read or written with it, so threads may share it.
 *
 * Readers bring what they read to few forms: 32-bit offsets, dictionary indices of int32, every
 * field nullable, list children named "item". */

#ifndef CELL_SCHEMA_H
#define CELL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum type {
	TYPE_NULL,         /* no buffers */
	TYPE_BOOL,         /* a bit a value */
	TYPE_INT,          /* bit_width 8, 16, 32 or 64; is_signed */
	TYPE_FLOAT,        /* bit_width 16, 32 or 64 */
	TYPE_UTF8,         /* offsets and bytes; with a dictionary: int32 indices */
	TYPE_BINARY,       /* offsets and bytes */
	TYPE_FIXED_BINARY, /* bit_width = 8 * bytes a value */
	TYPE_LIST,         /* offsets, one child */
	TYPE_FIXED_LIST,   /* list_size values of the one child a row */
	TYPE_STRUCT,       /* any number of children */
	TYPE_MAP,          /* a list of structs of key and value */
	TYPE_DECIMAL,      /* precision, scale, bit_width: carried, never computed with */
	TYPE_DATE,         /* unit (Arrow's DateUnit) */
	TYPE_TIME,         /* unit (TimeUnit), bit_width */
	TYPE_TIMESTAMP,    /* unit (TimeUnit), timezone */
	TYPE_DURATION,     /* unit (TimeUnit) */
	TYPE_INTERVAL      /* unit (IntervalUnit), bit_width */
};

/* Key and value texts of a schema, field or message, in order. Values may be any UTF-8. */
struct metadata {
	size_t n;
	struct metadata_pair {
		const char *key;
		const char *value;
	} * pairs;
};

/* A list of texts: i is the bytes offsets[i] up to offsets[i + 1]; not NUL-terminated. */
struct strings {
	size_t n;
	const int32_t *offsets; /* [n + 1], ascending from 0 */
	const char *bytes;
};

struct field {
	const char *name;
	enum type type;
	int bit_width;  /* of a value of the fixed-width types */
	bool is_signed; /* TYPE_INT */
	int32_t list_size;
	int precision, scale, unit;
	const char *timezone;             /* NULL: none */
	const struct strings *dictionary; /* TYPE_UTF8 only; NULL: plain */
	bool is_ordered; /* the order of the dictionary's texts (of a map's keys) means something */
	struct metadata metadata;
	size_t n_children;
	struct field *children;
};

struct schema {
	struct arena arena;
	size_t n_fields;
	struct field *fields;
	struct metadata metadata;
};

/* A schema with no fields; freed by schema_free (NULL is fine). */
struct schema *schema_new(void);
void schema_free(struct schema *s);

/* A deep copy: fields, dictionaries, metadata. */
struct schema *schema_copy(const struct schema *s);

/* The number of the field with that name, or -1. */
ptrdiff_t schema_find(const struct schema *s, const char *name);

/* Deep-copies `field` (its name, children, dictionary and metadata) into the schema: at the end, at
 * place i (later fields move up), or instead of field i. Returns the place. */
size_t schema_append(struct schema *s, const struct field *field);
size_t schema_insert(struct schema *s, size_t i, const struct field *field);
void schema_replace(struct schema *s, size_t i, const struct field *field);
void schema_remove(struct schema *s, size_t i);

/* A column of that name, which is going to be that of another one, becomes "obs.NAME". */
void schema_vacate(struct schema *s, const char *name);

/* The value of a key, or NULL. metadata_set replaces or appends (copied into the schema's arena;
 * value NULL removes). */
const char *metadata_get(const struct metadata *m, const char *key);
void metadata_set(struct schema *s, struct metadata *m, const char *key, const char *value);

/* Fields of the common types, to be given to schema_append. The result points at `name` and
 * `dictionary` only. */
struct field field_utf8(const char *name);
struct field field_dictionary(const char *name, const struct strings *dictionary);
struct field field_bool(const char *name);
struct field field_int(const char *name, int bit_width, bool is_signed);
struct field field_float(const char *name, int bit_width);
/* A list of `item`, which the caller keeps until the field was given to a schema; item->name is
 * "item". */
struct field field_list(const char *name, struct field *item);
struct field field_fixed_list(const char *name, struct field *item, int32_t size);

/* True where both have the same type, all the way down (names, dictionaries, metadata aside). */
bool field_same_type(const struct field *a, const struct field *b);

/* A type as a person reads it, "list<dictionary<int32, utf8>>", written into text[size]; returns
 * text. */
const char *field_type_text(const struct field *f, char *text, size_t size);

/* Text i and its length. */
const char *strings_get(const struct strings *s, size_t i, size_t *ret_size);
/* A copy in the arena. */
struct strings *strings_copy(struct arena *a, const struct strings *s);
/* n NUL-terminated texts brought into this form, in the arena. */
struct strings *strings_from(struct arena *a, const char *const *texts, size_t n);

/* Hash table from the texts of a list to their numbers (the first, where a text stands twice). It
 * points at the texts, which must outlive it. */
struct string_index {
	const struct strings *strings;
	size_t n_slots;  /* a power of two */
	uint32_t *slots; /* number + 1, 0: empty */
};

void string_index_build(struct string_index *x, const struct strings *s);
/* The number of the text, or -1. */
ptrdiff_t string_index_find(const struct string_index *x, const char *text, size_t size);
void string_index_free(struct string_index *x);

#endif
