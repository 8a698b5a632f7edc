/* arrow.h - Apache Arrow IPC streams, in and out.
 *
 * Specification: Arrow Columnar Format 1.4, "Serialization and Interprocess Communication";
 * Message.fbs and Schema.fbs, metadata V5 (V4 and the framing before 0.15 are read as well, and so
 * is the stream inside an Arrow file). What our own streams add (cells.5): one dictionary batch a
 * dictionary right after the schema, and a closing zero-row batch whose message metadata counts
 * rows and batches and holds the XXH64 of every byte before it.
 *
 * A reader trusts nothing: each length is compared with what holds it before it is used or
 * allocated; offsets must ascend, indices lie inside their dictionary, texts be UTF-8. What it
 * returns is valid by construction, so no later code checks again. Buffers are pointed at where
 * they lie in the message (the batch's body); only compressed, misaligned or converted ones are
 * copied.
 *
 * Forms that the reader brings to ours: large_utf8, utf8_view -> utf8; large_list -> list;
 * large_binary, binary_view -> binary; offsets that do not start at 0 are rebased; every dictionary
 * of a stream without `cells:version` is decoded (its values may change from batch to batch, so its
 * column goes on as plain values); non-text dictionaries too. Unions and run-end encodings are
 * refused by name, and so are list views and dictionaries of nested values. The schema metadata
 * keys `huggingface` and `pandas` are dropped; extension fields keep their metadata and are read as
 * their storage type. Two columns of one name are refused, texts of the schema that are no UTF-8 or
 * hold a NUL as well. Names of list children become "item". An index outside its
 * dictionary, where a null is, becomes 0.
 *
 * Our own streams are held to the forms that the writer writes (32-bit offsets, dictionary<int32,
 * utf8>), and their closing message to its very bytes. */

#ifndef FORMATS_ARROW_H
#define FORMATS_ARROW_H

#include "base/io.h"
#include "cell/batch.h"

struct arrow_reader;
struct arrow_writer;

/* Reads the schema and, in a stream of ours, the dictionaries. Takes over `in` (closed with the
 * reader, and on failure). NULL on failure, with e naming the input, the message and the field. */
struct arrow_reader *arrow_open(struct input *in, struct err *e);

/* Valid until arrow_close. */
const struct schema *arrow_schema(const struct arrow_reader *r);

/* True for a stream that carries `cells:version` (and so everything that cells.5 promises). */
bool arrow_is_cells(const struct arrow_reader *r);

/* Rows and batches read so far, closing batch aside. */
uint64_t arrow_rows(const struct arrow_reader *r);
uint64_t arrow_batches(const struct arrow_reader *r);

/* Fills b with the next batch that has rows (empty ones are skipped). 1; 0 at a complete and proper
 * end; -1 on failure: truncated, trailing bytes, closing counts or hash that differ, invalid data.
 * The batch stays valid when the reader is closed, but for dictionaries, which are the schema's. */
int arrow_read(struct arrow_reader *r, struct batch *b, struct err *e);

const struct input *arrow_input(const struct arrow_reader *r);

/* Bytes consumed, for progress. */
uint64_t arrow_offset(const struct arrow_reader *r);
/* Bytes of the whole file; 0 where it is a pipe. */
uint64_t arrow_size(const struct arrow_reader *r);
const char *arrow_name(const struct arrow_reader *r);
void arrow_close(struct arrow_reader *r);

/* Writes schema and dictionary batches (uncompressed). `out` stays the caller's (commit or abort it
 * after arrow_finish). The schema must outlive the writer. level: zstd level of bodies (frames with
 * checksum), 0 = uncompressed. NULL on failure. */
struct arrow_writer *arrow_create(
    struct output *out, const struct schema *s, int level, struct err *e);

/* What arrow_create writes, put behind *out. */
void arrow_head(const struct schema *s, struct buffer *out);

/* A writer behind the head and some batches that are in `out` already. */
struct arrow_writer *arrow_continue(
    struct output *out, const struct schema *s, int level, uint64_t rows, uint64_t batches);

/* Writes one record batch: b's columns must fit the schema (asserted). Zero rows: nothing is
 * written. */
int arrow_write(struct arrow_writer *w, const struct batch *b, struct err *e);

/* Writes b, which r has just read and nobody has changed. Where its body is, to the byte, what
 * would be written, it is handed on in one piece, from a file to a pipe without a copy
 * (output_pass). */
int arrow_pass(
    struct arrow_writer *w, const struct arrow_reader *r, const struct batch *b, struct err *e);

/* Writes the closing batch (if the schema has `cells:version`; else, as foreign streams are, none
 * unless no batch was written) and the end-of-stream marker. */
int arrow_finish(struct arrow_writer *w, struct err *e);
uint64_t arrow_written_rows(const struct arrow_writer *w);
void arrow_writer_free(struct arrow_writer *w);

#endif
