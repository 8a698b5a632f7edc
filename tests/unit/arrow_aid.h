/* arrow_aid.h - a schema and a batch of every type, streams in memory, and comparison of arrays. */

#ifndef TESTS_UNIT_ARROW_AID_H
#define TESTS_UNIT_ARROW_AID_H

#include "formats/arrow.h"

enum { SAMPLE_ROWS = 5 };

/* A column of each type, nulls in most, lists of dictionary values, structs, a map; with
 * `cells:version` where is_cells. For schema_free. */
struct schema *sample_schema(bool is_cells);

/* Its SAMPLE_ROWS rows, for batch_free. */
struct batch sample_batch(void);

/* A small stream of cells: one text, one dictionary and one list column, two batches. */
struct buffer small_stream(int level);

/* Writes the batches as a stream of that schema; the bytes are for buffer_free. */
struct buffer stream_bytes(
    const struct schema *s, const struct batch *batches, size_t n, int level);

/* A temporary file with these bytes; the path is for unlink and free. */
char *temporary_file(const void *bytes, size_t n);

/* Reads the file to its end. 0, or -1 with e filled; *ret_rows gets how many came. */
int read_all(const char *path, uint64_t *ret_rows, struct err *e);
int read_all_bytes(const void *bytes, size_t n, uint64_t *ret_rows, struct err *e);

/* Fails the test where two arrays differ in length, nulls or values (values of nulls aside). */
void expect_same_array(const struct field *f, const struct array *a, const struct array *b);
/* The same for fields: type, names, metadata, dictionaries. */
void expect_same_field(const struct field *a, const struct field *b);

#endif
