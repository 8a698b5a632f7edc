/* hdf5_filters.h - the compressions of HDF5 chunks: deflate, shuffle, lzf, blosc, zstd.
 *
 * HDF5 itself knows deflate and shuffle; h5py adds lzf, hdf5plugin blosc and zstd. They are decoded
 * here, so that chunks can be decoded in any thread, and are also made known to HDF5 for what goes
 * through it (texts, tables). Nothing is encoded. Filter numbers: the HDF Group's registry (lzf
 * 32000, blosc 32001, zstd 32015). */

#ifndef FORMATS_HDF5_FILTERS_H
#define FORMATS_HDF5_FILTERS_H

#include <stdbool.h>
#include <stddef.h>

enum { HDF5_MAX_FILTERS = 8, HDF5_MAX_FILTER_VALUES = 16 };

/* The filters of a dataset, in the order of encoding. */
struct hdf5_pipeline {
	size_t n;
	struct hdf5_filter {
		int id;
		size_t n_values;
		unsigned values[HDF5_MAX_FILTER_VALUES];
	} filters[HDF5_MAX_FILTERS];
};

/* Makes lzf, blosc and zstd known to HDF5; once is enough, more is harmless. */
void hdf5_filters_register(void);

/* True where every filter is one of those above. */
bool hdf5_pipeline_is_known(const struct hdf5_pipeline *p);

/* What a thread needs to decode. Zero-initialise to start. */
struct hdf5_scratch {
	void *inflater;
	unsigned char *spare[2];
	size_t room;
};

void hdf5_scratch_free(struct hdf5_scratch *s);

/* Decodes a chunk of `n` bytes into exactly `size` bytes at `out`. `skipped`: bit i is set for a
 * filter that was left out (HDF5's filter mask). NULL, or what is wrong. */
const char *hdf5_decode(const struct hdf5_pipeline *p, unsigned skipped, const void *in, size_t n,
    void *out, size_t size, struct hdf5_scratch *s);

#endif
