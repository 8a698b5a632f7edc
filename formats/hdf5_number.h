/* hdf5_number.h - the number types of HDF5 files, and their way to ours.
 *
 * A dataset's type is either one of these exactly (so its bytes in the file are its bytes in
 * memory) or is converted by HDF5 to the nearest one that holds all its values: other byte orders,
 * 16-bit floats, odd precisions. */

#ifndef FORMATS_HDF5_NUMBER_H
#define FORMATS_HDF5_NUMBER_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hdf5_number {
	HDF5_ODD,  /* no number */
	HDF5_BOOL, /* an enum of FALSE and TRUE in one byte, as h5py writes it */
	HDF5_INT8,
	HDF5_INT16,
	HDF5_INT32,
	HDF5_INT64,
	HDF5_UINT8,
	HDF5_UINT16,
	HDF5_UINT32,
	HDF5_UINT64,
	HDF5_FLOAT16, /* in memory a float32 */
	HDF5_FLOAT32,
	HDF5_FLOAT64
};

/* What a type of a file is; *ret_is_exact: its bytes need no conversion. */
enum hdf5_number hdf5_number(hid_t type, bool *ret_is_exact);

/* The type in memory, to be closed with H5Tclose; for HDF5_BOOL a copy of `type`, the one in the
 * file. */
hid_t hdf5_number_memory(enum hdf5_number number, hid_t type);

/* Bytes of a value in memory. */
size_t hdf5_number_width(enum hdf5_number number);

bool hdf5_number_is_float(enum hdf5_number number);

/* n values as doubles or 64-bit integers. Returns how many were converted: fewer than n where value
 * number that many cannot be held exactly (integers above 2^53 as double, unsigned ones above 2^63;
 * floats are never asked for as integers: asserted). */
size_t hdf5_to_double(enum hdf5_number number, const void *values, size_t n, double *out);
size_t hdf5_to_int64(enum hdf5_number number, const void *values, size_t n, int64_t *out);

#endif
