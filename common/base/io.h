/* io.h - bytes in and out: short reads, interrupted writes, temporary names, and terminals.
 *
 * An output file is written under a temporary name beside the final one and renamed by
 * output_commit; whatever ends the program before (an error, a signal, lack of memory), nothing
 * stays. What is written is hashed on the way (XXH64), since the stream ends with that hash. */

#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

struct input;
struct output;

/* Opens a file, or standard input for "-" or NULL. Refuses a terminal unless `force`, a folder
 * always. NULL on failure. */
struct input *input_open(const char *path, bool force, struct err *e);
/* "stdin", or the path as it was given; for messages. */
const char *input_name(const struct input *in);
/* Up to n bytes, waiting until n are there or the input ends. Returns how many, or -1. */
ptrdiff_t input_read(struct input *in, void *bytes, size_t n, struct err *e);
/* Bytes read so far. */
uint64_t input_offset(const struct input *in);
/* XXH64 (seed 0) of every byte read so far. */
uint64_t input_xxh64(const struct input *in);
/* Size of a regular file, or 0 where it is a pipe or so. */
uint64_t input_size(const struct input *in);
void input_close(struct input *in);

/* Opens a file to write, or standard output for "-" or NULL. Refuses to write binary to a terminal
 * unless `force`. Where the name is a link to a file, that file is the one that is replaced. */
struct output *output_create(const char *path, bool is_binary, bool force, struct err *e);
/* For work that is taken up again: writes to the file PATH.part (beside the file, where PATH is a
 * link), which stays whatever ends the program before output_commit renames it. output_part is its
 * name, the caller's; NULL with e set where PATH is no name of a file. output_continue cuts the
 * part to `keep` bytes, which count as written, and refuses one that another process writes. */
char *output_part(const char *path, struct err *e);
struct output *output_continue(const char *path, uint64_t keep, struct err *e);
const char *output_name(const struct output *out);
/* True for a regular file (whose bodies are compressed), false for a pipe. */
bool output_is_file(const struct output *out);
int output_write(struct output *out, const void *bytes, size_t n, struct err *e);
/* The same for n bytes that were read from `in` at `offset` and lie at `bytes`: from a file to a
 * pipe the system moves them without a copy. Where the file has changed since, the hash is still
 * that of `bytes`, so that who reads the stream finds it damaged. */
int output_pass(struct output *out, const struct input *in, uint64_t offset, const void *bytes,
    size_t n, struct err *e);
int output_printf(struct output *out, struct err *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Brings everything written so far to the reader of a pipe. */
int output_flush(struct output *out, struct err *e);
uint64_t output_offset(const struct output *out);
uint64_t output_xxh64(const struct output *out);
/* The path bytes go to before the rename, for libraries that open files themselves; NULL for
 * standard output. */
const char *output_temporary(const struct output *out);
/* Flushes, checks the close, renames. Frees `out` whatever happens; on failure nothing stays. */
int output_commit(struct output *out, struct err *e);
/* Frees `out` and removes what was written. NULL is fine. */
void output_abort(struct output *out);

/* Removes every output that was not committed; may be called in a signal handler before _exit. */
void io_remove_unfinished(void);

/* A file mapped to memory, read-only. A file that another process cuts short while it is mapped
 * ends this one (SIGBUS). */
struct io_map {
	const uint8_t *bytes;
	size_t size;
};

int io_map_open(struct io_map *m, const char *path, struct err *e);
void io_map_close(struct io_map *m);

/* Gives back the memory of the whole pages inside p[0..n), where they belong to a map: they are
 * read from the file again when they are next touched. Does nothing to other memory. Any thread. */
void io_map_forget(const void *p, size_t n);

/* For outputs that are made of several files: a file or folder that goes when a signal or lack of
 * memory ends the program, until it is taken from the list again; the text must stay as long. At
 * most 8,192 (asserted), output files that are being written among them. */
void io_unfinished_add(const char *path);
void io_unfinished_remove(const char *path);

/* A whole file as NUL-terminated memory of the caller; at most `limit` bytes. NULL on failure. */
char *io_read_file(const char *path, size_t limit, size_t *ret_size, struct err *e);

/* An unnamed temporary file in $TMPDIR (/tmp), open for reading and writing; -1 on failure. */
int io_spill_file(struct err *e);

#endif
