/* arrow_flatbuffer.h - the metadata of Arrow messages: flatbuffers, read with checks and built.
 *
 * Source: "FlatBuffers internals" (binary format). A table is a place in the bytes with a vtable
 * that says where each of its slots lies; absent slots have a default. Reading trusts nothing:
 * whatever points out of the bytes gives the default and sets `is_bad`, so a caller reads all it
 * wants and looks once.
 *
 * Building goes forward: a table is written with empty offsets, then the things it points at, each
 * linked when its place is known. Places are 8-aligned from the start of the buffer, so equal
 * content gives equal bytes. */

#ifndef FORMATS_ARROW_FLATBUFFER_H
#define FORMATS_ARROW_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct flat {
	const uint8_t *bytes;
	size_t size;
	bool is_bad; /* something pointed out of the bytes */
};

/* A table; one that is absent has only absent slots. */
struct flat_table {
	size_t at; /* 0: absent (the root's offset lies there, never a table) */
	size_t vtable, vtable_size, table_size;
};

/* Elements that follow each other at `at`, all inside the bytes. Absent: n = 0. */
struct flat_vector {
	size_t at, n;
};

struct flat_table flat_root(struct flat *f);
int64_t flat_integer(
    struct flat *f, const struct flat_table *t, unsigned slot, unsigned width, int64_t absent);
struct flat_table flat_child(struct flat *f, const struct flat_table *t, unsigned slot);
struct flat_vector flat_vector(
    struct flat *f, const struct flat_table *t, unsigned slot, size_t element);
/* Element i of a vector of tables. */
struct flat_table flat_element(struct flat *f, const struct flat_vector *v, size_t i);
/* A string that is not NUL-terminated for our purposes; NULL where it is absent. */
const char *flat_string(
    struct flat *f, const struct flat_table *t, unsigned slot, size_t *ret_size);

/* One slot to be written: width 0 leaves it out; an offset has width 4 and is linked later. */
struct flat_slot {
	uint8_t width;
	int64_t value;
};

#define FLAT_NONE    \
	{            \
		0, 0 \
	}
#define FLAT_OFFSET  \
	{            \
		4, 0 \
	}

/* Starts a buffer: the offset of its root, linked to the first table that is put. */
void flat_start(struct buffer *b);
/* Each returns the place, for linking. */
size_t flat_put_table(struct buffer *b, const struct flat_slot *slots, size_t n);
size_t flat_put_string(struct buffer *b, const char *text);
/* n offsets, linked by flat_link_element. */
size_t flat_put_vector(struct buffer *b, size_t n);
/* n structs of `size` bytes (a multiple of 8). */
size_t flat_put_structs(struct buffer *b, const void *structs, size_t n, size_t size);
void flat_link(struct buffer *b, size_t table, unsigned slot, size_t target);
void flat_link_element(struct buffer *b, size_t vector, size_t i, size_t target);

#endif
