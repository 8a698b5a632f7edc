/* hdf5_vector.h - a one-dimensional dataset of numbers, read from front to back in ranges.
 *
 * Whatever the size of its chunks, each is decoded once, as long as the ranges follow each other:
 * the last chunk of a range is kept for the next. */

#ifndef FORMATS_HDF5_VECTOR_H
#define FORMATS_HDF5_VECTOR_H

#include "formats/hdf5_decode.h"

struct hdf5_vector {
	const struct hdf5_file *file;
	char *path; /* with the member, for messages */
	uint64_t length;
	enum hdf5_number number;
	size_t width;  /* bytes a value in memory */
	bool is_exact; /* the file's type is the one in memory */

	hid_t dataset, memory;
	struct hdf5_decoder *decoder;
	bool is_direct; /* decoded by us */
	struct hdf5_chunks chunks;
	uint8_t *kept;       /* one decoded chunk */
	uint64_t kept_chunk; /* its number; UINT64_MAX: none */
};

/* Opens the dataset; of a table the member of that name, else member NULL. File and decoder must
 * outlive it. NULL on failure: not there, no numbers, not one-dimensional. */
struct hdf5_vector *hdf5_vector_open(const struct hdf5_file *f, const char *path,
    const char *member, struct hdf5_decoder *d, struct err *e);
void hdf5_vector_close(struct hdf5_vector *v);

/* Has values from..from+n brought to `out` ([n] of width) until hdf5_decoder_wait returns; one
 * range of a vector at a time. from + n must be <= the length. */
int hdf5_vector_start(struct hdf5_vector *v, uint64_t from, size_t n, void *out, struct err *e);

/* The same, waiting. */
int hdf5_vector_read(struct hdf5_vector *v, uint64_t from, size_t n, void *out, struct err *e);

#endif
