/* arrow_decode.h - the body of a record batch or dictionary message as arrays, checked.
 *
 * Buffers are pointed at where they lie in the body. Copied are only: compressed ones, those
 * misaligned for their type, 64-bit offsets, offsets that do not start at 0, views, and indices
 * that are not int32 or stand for plain values.
 *
 * What is checked: every node and buffer of the schema is there and no more; buffers follow each
 * other inside the body and hold what the rows need; null counts agree with the bits; offsets;
 * indices; UTF-8. */

#ifndef FORMATS_ARROW_DECODE_H
#define FORMATS_ARROW_DECODE_H

#include "cell/batch.h"
#include "formats/arrow_compress.h"
#include "formats/arrow_dictionary.h"

/* Fills b's columns from a RecordBatch table, for the schema's fields; b->body holds the body,
 * b->arena gets what is copied. -1 on failure. */
int decode_batch(struct decompressor *d, struct flat *f, const struct flat_table *table,
    const struct schema *s, const struct wire *wires, struct batch *b, struct err *e);

/* The values of a dictionary from the RecordBatch table of its message, valid as long as body and
 * arena. -1 on failure. */
int decode_dictionary(struct decompressor *d, struct flat *f, const struct flat_table *table,
    const struct dictionary *dictionary, const struct buffer *body, struct arena *arena,
    struct array *ret, struct err *e);

#endif
