/* arrow_dictionary.h - the dictionaries of a stream while it is read: values that come, grow and
 * change.
 *
 * A dictionary message gives the values of an id, or more of them (a delta), or others instead. In
 * our own streams they come once and become the schema's; in foreign ones each batch gets plain
 * values in their place, as they are at that time. */

#ifndef FORMATS_ARROW_DICTIONARY_H
#define FORMATS_ARROW_DICTIONARY_H

#include "cell/batch.h"
#include "formats/arrow_schema.h"

struct dictionary {
	int64_t id;
	const char *column;  /* the column that has it, for messages */
	struct field *field; /* the values' type */
	const struct wire *wire;
	bool is_loaded;
	size_t n;
	size_t n_nulls;
	struct buffer validity; /* bits of the n values */
	struct buffer offsets;  /* [n + 1], of utf8 and binary */
	struct buffer values;
};

struct dictionaries {
	size_t n;
	struct dictionary *list; /* [n], by id */
	size_t n_fields;         /* that have one; more than n where some share */
};

/* Finds the dictionaries that the fields of the schema use, and points their wires at them. -1
 * where fields of different types share one. Freed by dictionaries_free in any case. */
int dictionaries_collect(
    struct dictionaries *d, const struct schema *s, struct wire *wires, struct err *e);
void dictionaries_free(struct dictionaries *d);

/* NULL where no field uses that id. */
struct dictionary *dictionaries_find(const struct dictionaries *d, int64_t id);

/* Adds values (copied) to those that are there, or puts them in their place. -1 above 2^31 bytes or
 * values. */
int dictionary_load(struct dictionary *d, const struct array *values, bool is_delta, struct err *e);

/* The texts, copied to the arena; there must be no nulls. */
struct strings *dictionary_strings(const struct dictionary *d, struct arena *a);

/* Plain values in place of n indices (those of valid rows are inside the dictionary, the others 0);
 * validity may be NULL. -1 above 2^31 bytes. */
int dictionary_gather(const struct dictionary *d, struct arena *arena, const int32_t *indices,
    const uint8_t *validity, size_t n, struct array *ret, struct err *e);

#endif
