/* arrow_encode.h - the messages of a stream as bytes: schema, dictionary, batch, closing batch.
 *
 * Metadata V5, little-endian. Buffers lie in the body in the order of the fields, each at a
 * multiple of 8, padded with zeros. Validity is left out where nothing is null; bits behind the
 * last row are 0; lists and texts without rows have their one offset. Dictionaries have int32
 * indices and are numbered in the order of the fields, depth first. Every field is nullable (a
 * map's entries and keys aside, which Arrow forbids), list children are named "item". Equal content
 * gives equal bytes. */

#ifndef FORMATS_ARROW_ENCODE_H
#define FORMATS_ARROW_ENCODE_H

#include "cell/batch.h"
#include "formats/arrow_compress.h"

/* One message: `frame` is prefix and metadata; the body is `body` where that has bytes, else the
 * spans, each padded to 8. Zero-initialise before the first use, encoded_free after the last; each
 * encode_* starts it anew. */
struct span {
	const void *bytes;
	size_t size;
};

struct encoded {
	struct buffer frame;
	struct buffer nodes;   /* FieldNode structs */
	struct buffer spans;   /* struct span */
	struct buffer regions; /* Buffer structs */
	struct buffer body;    /* of a compressed message */
	struct arena scratch;
	uint64_t body_size;
};

void encode_schema(struct encoded *m, const struct schema *s);

/* Dictionary `id`. */
void encode_dictionary(struct encoded *m, int64_t id, const struct strings *values);

/* The batch must outlive m; c may be NULL: not compressed. */
void encode_batch(
    struct encoded *m, const struct schema *s, const struct batch *b, struct compressor *c);

/* A batch without rows; with `counts` NULL without message metadata. */
struct closing {
	uint64_t rows, batches, xxh64;
};
void encode_closing(struct encoded *m, const struct schema *s, const struct closing *counts);

/* Calls f for each dictionary of the schema, in order of their numbers, until it returns -1. */
typedef int encode_visit(int64_t id, const struct strings *dictionary, void *context);
int encode_each_dictionary(const struct schema *s, encode_visit *f, void *context);

/* The body's bytes put behind *out. */
void encoded_add_body(const struct encoded *m, struct buffer *out);

void encoded_free(struct encoded *m);

#endif
