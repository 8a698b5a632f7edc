/* hdf5_decode.h - chunks of HDF5 datasets, decoded by several threads.
 *
 * The library decodes one chunk at a time in the calling thread. Here the calling thread only
 * fetches a chunk's stored bytes; decoding and copying to the right place is done by workers while
 * it goes on with other things, until hdf5_decoder_wait. With one thread the work is done in that
 * call.
 *
 * Chunks whose filters or types we do not decode ourselves are not for this module: see
 * hdf5_chunks_open. */

#ifndef FORMATS_HDF5_DECODE_H
#define FORMATS_HDF5_DECODE_H

#include "formats/hdf5_base.h"
#include "formats/hdf5_filters.h"
#include "formats/hdf5_number.h"

/* A chunked dataset of one or two dimensions. */
struct hdf5_chunks {
	const struct hdf5_file *file;
	const char *path;
	hid_t dataset;
	int rank;
	hsize_t shape[2]; /* of the dataset */
	hsize_t chunk[2]; /* of a chunk, in elements; [1] is 1 for rank 1 */
	size_t width;     /* bytes an element */
	size_t bytes;     /* a chunk decoded */
	struct hdf5_pipeline pipeline;
};

/* Fills c for an open dataset (which stays the caller's, as `path` does). False where its chunks
 * cannot be decoded here: not chunked, unknown filters, a type that needs conversion, a fill value
 * other than 0. */
bool hdf5_chunks_open(
    struct hdf5_chunks *c, const struct hdf5_file *f, const char *path, hid_t dataset);

struct hdf5_decoder;

/* threads: workers in all; 1 = the caller only. */
struct hdf5_decoder *hdf5_decoder_new(int threads);
void hdf5_decoder_free(struct hdf5_decoder *d);

/* A rectangle of a decoded chunk that is copied out: rows of `size` bytes, `from_step` bytes apart
 * in the chunk, `to_step` apart at `to`. */
struct hdf5_copy {
	size_t from; /* byte in the chunk where it starts */
	size_t rows, size, from_step, to_step;
	uint8_t *to;
};

/* Decodes the chunk that starts at element `at` ([rank]) and copies a part of it (copy may be
 * NULL). keep: memory of c->bytes for the whole decoded chunk, NULL where nobody needs it. All
 * memory must stay until hdf5_decoder_wait has returned. -1 where the bytes cannot be fetched; what
 * cannot be decoded is told by the wait. */
int hdf5_decoder_add(struct hdf5_decoder *d, const struct hdf5_chunks *c, const hsize_t *at,
    uint8_t *keep, const struct hdf5_copy *copy, struct err *e);

/* Waits until all that was added is done. -1 with e naming dataset and chunk. */
int hdf5_decoder_wait(struct hdf5_decoder *d, struct err *e);

#endif
