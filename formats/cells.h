/* cells.h - the stream that all programs exchange (cells.5): kinds of rows, reading, writing,
 *history.
 *
 * This layer knows the profile: which columns make a kind, how they are typed, what the history
 *holds. The bytes are arrow.h's business. A filter is
 *
 *	struct cells_reader *in = cells_open(cli, cli->input, KIND_COUNTS, &e);
 *	struct schema *s = schema_copy(cells_schema(in));      ... changed for the output
 *	struct cells_writer *out = cells_create(cli, KIND_VALUES, s, &e);
 *	cells_map(in, out, work, context, &e);                 threads, order, progress
 *	return cells_finish(cli, in, out, &e);
 *
 * and needs no test in between, since errors are sticky (err.h): every function here does nothing,
 *and returns NULL or -1, once e is set. */

#ifndef FORMATS_CELLS_H
#define FORMATS_CELLS_H

#include "base/cli.h"
#include "cell/batch.h"

enum kind {
	KIND_COUNTS = 1,
	KIND_VALUES = 2,
	KIND_TOKENS = 4,
	KIND_EMBEDDINGS = 8,
	KIND_PREDICTIONS = 16,
	KIND_PERTURBATIONS = 32,
	KIND_GENES = 64,
	KIND_TABLE = 128, /* a foreign stream that is none of these */
	KIND_ANY = 255
};

struct cells_reader;
struct cells_writer;

/* "counts", "values", ... */
const char *kind_name(enum kind kind);

/* Opens a stream of one of `kinds` (a file, or "-"). The kind is the one that the stream says, in a
 * foreign stream what its columns make it. A wrong kind is an error that says what came and which
 * program makes what is needed.
 *
 * Unless any kind is asked for (KIND_ANY), the columns of the kind that came are brought to the
 * profile's types, so that a filter sees only these: counts: gene list of (dictionary or plain)
 * utf8, count list<float32>, n_counts float32 or float64; values: gene, value list<float64>,
 * n_counts; tokens: input_ids list<uint16> or list<int32>, length int64; embeddings:
 * fixed_size_list<float32>; and cell utf8, added as the row number where a foreign stream has none
 * (cells of tokens and embeddings; counts and values too). Values that do not fit their type are
 * errors. In counts and values, whoever asks for them, a row must have as many counts or values as
 * genes. */
struct cells_reader *cells_open(
    const struct cli *cli, const char *path, unsigned kinds, struct err *e);

enum kind cells_kind(const struct cells_reader *r);
/* NULL where r is NULL. */
const struct schema *cells_schema(const struct cells_reader *r);
/* Valid until cells_close, for messages. */
const char *cells_name(const struct cells_reader *r);

/* The next batch: 1, 0 at the end, -1 on failure. The batch keeps its own memory. */
int cells_read(struct cells_reader *r, struct batch *b, struct err *e);
/* How much of a file has been read, 0 to 1; negative for a pipe. */
double cells_fraction(const struct cells_reader *r);
void cells_close(struct cells_reader *r);

/* Starts the output stream of the program (cli->output, cli->level). Takes over `schema`, sets its
 * `cells:version`, `cells:kind` and adds the program's entry to `cells:history`. NULL on failure
 * (schema freed). */
struct cells_writer *cells_create(
    const struct cli *cli, enum kind kind, struct schema *schema, struct err *e);
/* The same to another place than cli->output; for programs that write several streams. */
struct cells_writer *cells_create_at(
    const struct cli *cli, const char *path, enum kind kind, struct schema *schema, struct err *e);

/* The same for work that may be interrupted: the stream grows as cli->output.part, batch by batch,
 * and stays there whatever happens. Where there is one already, it is gone on with behind its whole
 * batches, which are handed to `visit` first (0, or -1 with e set); its bytes must be those that
 * these options would have written. ret_rows: how many rows it has. */
typedef int cells_part_visit(
    void *context, const struct schema *s, const struct batch *b, struct err *e);
struct cells_writer *cells_resume(const struct cli *cli, enum kind kind, struct schema *schema,
    cells_part_visit *visit, void *context, uint64_t *ret_rows, struct err *e);
const struct schema *cells_written_schema(const struct cells_writer *w);

/* Writes the rows of b, split where they exceed 1,000 rows or 8 MB. Zero rows: nothing. */
int cells_write(struct cells_writer *w, const struct batch *b, struct err *e);

/* The same for a batch that r has read, unchanged: it is passed on at little cost. */
int cells_pass(
    struct cells_writer *w, const struct cells_reader *r, const struct batch *b, struct err *e);

/* How much of the whole work the next rows complete (0 to 1), for the progress line of sources that
 * know. */
void cells_progress(struct cells_writer *w, double fraction);

/* Counts n cells for the progress line, in programs whose rows are not the cells they work through;
 * the rows written are not counted then. */
void cells_count(struct cells_writer *w, uint64_t n);

/* Closes a complete stream: closing batch, end, rename. Frees w. With e set before: removes what
 * was written. -1 on failure. */
int cells_commit(struct cells_writer *w, struct err *e);

/* Reads all of `in`, has `work` change each batch, writes them in order; with cli->threads > 1
 * batches are worked on in parallel, so `work` must only read what `context` points at. work
 * returns 0, or -1 with e filled. */
typedef int cells_work(struct batch *b, void *context, struct err *e);
int cells_map(const struct cli *cli, struct cells_reader *in, struct cells_writer *out,
    cells_work *work, void *context, struct err *e);

/* Passes on the first `rows` rows, and reads no further; with cli->threads > 1 reading and writing
 * go on at once. */
int cells_pass_rows(const struct cli *cli, struct cells_reader *in, struct cells_writer *out,
    size_t rows, struct err *e);

/* Warns of columns of `in` that stand as obs.NAME in `out`, since NAME is there another one.
 * cells_map does. */
void cells_warn_renamed(const struct cli *cli, const struct schema *in, const struct schema *out);

/* The end of a filter: commits `out` (unless an error stands), closes `in`, prints the error. The
 * exit status. Either may be NULL. */
int cells_finish(
    const struct cli *cli, struct cells_reader *in, struct cells_writer *out, struct err *e);

/* Places of the columns of a kind in a schema (-1: not there). */
struct kind_columns {
	ptrdiff_t cell, gene, count, n_counts, value, input_ids, length, embedding;
};
struct kind_columns kind_columns_find(const struct schema *s);

/* An obs column that would take a name the kinds use gets "obs." before it (arena). NULL where the
 * name is free. */
const char *kind_renamed(struct arena *a, const char *obs_name);

#endif
