/* batch.h - some rows of a stream in memory: one generic set of columns.
 *
 * Column i of a batch is described by field i of the schema it is used with. A column is an Arrow
 * array: validity bits, offsets, values, children. Buffers belong to the batch (its arena, or the
 * message it was read from) or to somebody who outlives it; nobody writes to a buffer once it is
 * part of a column. So columns can be passed on, dropped or shared without a copy, and a filter
 * writes new buffers only for the columns that it changes.
 *
 * Offsets start at 0 and end at the length of the child or the bytes. Rows are taken and dropped
 * here, for any type. */

#ifndef CELL_BATCH_H
#define CELL_BATCH_H

#include "cell/schema.h"

struct array {
	size_t length;
	size_t null_count;
	const uint8_t *validity; /* bit i is 1: value i is there; NULL: all are */
	const int32_t *offsets;  /* [length + 1]: utf8, binary, list, map; NULL otherwise */
	const void *values;      /* [length] of bit_width; int32 indices where the field has a
				    dictionary; bytes of utf8, binary */
	struct array *children;  /* one a child of the field */
};

struct batch {
	size_t rows;
	size_t n_columns;
	struct array *columns; /* [n_columns], in the arena */
	struct arena arena;    /* reset by the reader when it fills the batch again */
	struct buffer body;    /* the message the columns point into; the reader's */
	uint64_t body_offset;  /* where in the input it began */
	uint64_t number;       /* which batch of its stream, from 0; for messages */
};

void batch_free(struct batch *b);

static inline bool
array_is_valid(const struct array *a, size_t i)
{
	return !a->validity || (a->validity[i >> 3] >> (i & 7) & 1);
}

/* Arrays over buffers that exist already, without nulls. */
struct array array_fixed(size_t length, const void *values);
struct array array_utf8(size_t length, const int32_t *offsets, const char *bytes);
/* A list column over one child (the child struct is copied into the arena). */
struct array array_list(struct arena *a, size_t length, const int32_t *offsets, struct array child);

/* A column of n NULL-terminated texts; a NULL among them is a null. */
struct array array_from_texts(struct arena *a, const char *const *texts, size_t n);

/* n nulls of the field's type. */
struct array array_nulls(struct arena *a, const struct field *f, size_t n);

/* Text i of a utf8 column (its dictionary looked up where the field has one), or NULL where it is
 * null. */
const char *array_text(const struct field *f, const struct array *a, size_t i, size_t *ret_size);

/* Value i of a bool, int or float column as a double; NaN where it is null. */
double array_number(const struct field *f, const struct array *a, size_t i);

/* The values `rows[0..n)` of an array, in that order (a row may come twice); new buffers in the
 * arena. Rows must be < a->length (asserted). Beyond 2^31 - 1 bytes or entries the program ends
 * (mem_give_up). */
struct array array_take(struct arena *arena, const struct field *f, const struct array *a,
    const size_t *rows, size_t n);

/* Rows from..from+n without copying values (validity and bool bits are copied where `from` is not a
 * multiple of 8). */
struct array array_slice(
    struct arena *arena, const struct field *f, const struct array *a, size_t from, size_t n);

/* The same text column without its dictionary: dictionary -> plain utf8; lists of dictionary values
 * too. The field is the one with the dictionary. Beyond 2^31 - 1 bytes the program ends
 * (mem_give_up). */
struct array array_decode(struct arena *arena, const struct field *f, const struct array *a);

/* Keeps `rows` of all columns. */
void batch_take(struct batch *b, const struct schema *s, const size_t *rows, size_t n);

/* Rows from..from+n of all columns as a batch that points at b's buffers; what it needs itself lies
 * in the arena. */
struct batch batch_slice(
    struct arena *arena, const struct schema *s, const struct batch *b, size_t from, size_t n);

/* Rows from..from+n of b in memory of their own, in a batch that is zero so far. */
void batch_copy(
    struct batch *to, const struct schema *s, const struct batch *b, size_t from, size_t n);

/* Column list edits that go with schema_append, schema_insert, schema_remove. */
void batch_append(struct batch *b, struct array column);
void batch_insert(struct batch *b, size_t i, struct array column);
void batch_remove(struct batch *b, size_t i);

/* Bytes of buffers of row i, about (for the 8 MB rule): fixed widths, list and text lengths. Added
 * over rows from..from+n. */
size_t batch_bytes(const struct batch *b, const struct schema *s, size_t from, size_t n);

#endif
