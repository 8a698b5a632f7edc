#include "formats/hdf5_number.h"

#include <assert.h>
#include <string.h>

static const size_t widths[] = {
	[HDF5_ODD] = 0,
	[HDF5_BOOL] = 1,
	[HDF5_INT8] = 1,
	[HDF5_INT16] = 2,
	[HDF5_INT32] = 4,
	[HDF5_INT64] = 8,
	[HDF5_UINT8] = 1,
	[HDF5_UINT16] = 2,
	[HDF5_UINT32] = 4,
	[HDF5_UINT64] = 8,
	[HDF5_FLOAT16] = 4,
	[HDF5_FLOAT32] = 4,
	[HDF5_FLOAT64] = 8,
};

static hid_t
native(enum hdf5_number number)
{
	switch (number) {
	case HDF5_INT8:
		return H5T_NATIVE_INT8;
	case HDF5_INT16:
		return H5T_NATIVE_INT16;
	case HDF5_INT32:
		return H5T_NATIVE_INT32;
	case HDF5_INT64:
		return H5T_NATIVE_INT64;
	case HDF5_UINT8:
		return H5T_NATIVE_UINT8;
	case HDF5_UINT16:
		return H5T_NATIVE_UINT16;
	case HDF5_UINT32:
		return H5T_NATIVE_UINT32;
	case HDF5_UINT64:
		return H5T_NATIVE_UINT64;
	case HDF5_FLOAT16:
	case HDF5_FLOAT32:
		return H5T_NATIVE_FLOAT;
	case HDF5_FLOAT64:
		return H5T_NATIVE_DOUBLE;
	case HDF5_ODD:
	case HDF5_BOOL:
		break;
	}
	return -1;
}

static bool
is_bool(hid_t type)
{
	int8_t zero = 1, one = 0;

	if (H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2)
		return false;
	if (H5Tenum_valueof(type, "FALSE", &zero) < 0 || H5Tenum_valueof(type, "TRUE", &one) < 0) {
		H5Eclear2(H5E_DEFAULT);
		return false;
	}
	return zero == 0 && one == 1;
}

static enum hdf5_number
integer(hid_t type)
{
	static const enum hdf5_number is_signed[] = { HDF5_INT8, HDF5_INT16, HDF5_INT32,
		HDF5_INT64 };
	static const enum hdf5_number is_unsigned[] = { HDF5_UINT8, HDF5_UINT16, HDF5_UINT32,
		HDF5_UINT64 };
	size_t size = H5Tget_size(type);
	int i = size <= 1 ? 0 : size <= 2 ? 1 : size <= 4 ? 2 : size <= 8 ? 3 : -1;

	if (i < 0)
		return HDF5_ODD;
	return H5Tget_sign(type) == H5T_SGN_NONE ? is_unsigned[i] : is_signed[i];
}

enum hdf5_number
hdf5_number(hid_t type, bool *ret_is_exact)
{
	enum hdf5_number number = HDF5_ODD;
	size_t size = H5Tget_size(type);

	*ret_is_exact = false;
	switch (H5Tget_class(type)) {
	case H5T_INTEGER:
		number = integer(type);
		break;
	case H5T_FLOAT:
		number = size <= 2 ? HDF5_FLOAT16 : size <= 4 ? HDF5_FLOAT32 : HDF5_FLOAT64;
		break;
	case H5T_ENUM:
		number = is_bool(type) ? HDF5_BOOL : HDF5_ODD;
		break;
	default:
		break;
	}
	if (number == HDF5_BOOL)
		*ret_is_exact = true;
	else if (number != HDF5_ODD)
		*ret_is_exact = H5Tequal(type, native(number)) > 0;
	return number;
}

hid_t
hdf5_number_memory(enum hdf5_number number, hid_t type)
{
	return H5Tcopy(number == HDF5_BOOL ? type : native(number));
}

size_t
hdf5_number_width(enum hdf5_number number)
{
	return widths[number];
}

bool
hdf5_number_is_float(enum hdf5_number number)
{
	return number == HDF5_FLOAT16 || number == HDF5_FLOAT32 || number == HDF5_FLOAT64;
}

#define COPY_VALUES(type)              \
	for (size_t i = 0; i < n; i++) \
	out[i] = (((const type *)values)[i])

#define LARGEST_EXACT ((int64_t)1 << 53)

static size_t
wide_to_double(bool is_signed, const void *values, size_t n, double *out)
{
	for (size_t i = 0; i < n; i++) {
		int64_t v = ((const int64_t *)values)[i];

		if (v > LARGEST_EXACT || v < (is_signed ? -LARGEST_EXACT : 0))
			return i;
		out[i] = (double)v;
	}
	return n;
}

size_t
hdf5_to_double(enum hdf5_number number, const void *values, size_t n, double *out)
{
	switch (number) {
	case HDF5_BOOL:
	case HDF5_UINT8:
		COPY_VALUES(uint8_t);
		break;
	case HDF5_INT8:
		COPY_VALUES(int8_t);
		break;
	case HDF5_INT16:
		COPY_VALUES(int16_t);
		break;
	case HDF5_INT32:
		COPY_VALUES(int32_t);
		break;
	case HDF5_UINT16:
		COPY_VALUES(uint16_t);
		break;
	case HDF5_UINT32:
		COPY_VALUES(uint32_t);
		break;
	case HDF5_INT64:
	case HDF5_UINT64:
		return wide_to_double(number == HDF5_INT64, values, n, out);
	case HDF5_FLOAT16:
	case HDF5_FLOAT32:
		COPY_VALUES(float);
		break;
	case HDF5_FLOAT64:
		memcpy(out, values, n * sizeof(double));
		break;
	case HDF5_ODD:
		assert(false && "a number");
	}
	return n;
}

size_t
hdf5_to_int64(enum hdf5_number number, const void *values, size_t n, int64_t *out)
{
	switch (number) {
	case HDF5_BOOL:
	case HDF5_UINT8:
		COPY_VALUES(uint8_t);
		break;
	case HDF5_INT8:
		COPY_VALUES(int8_t);
		break;
	case HDF5_INT16:
		COPY_VALUES(int16_t);
		break;
	case HDF5_INT32:
		COPY_VALUES(int32_t);
		break;
	case HDF5_UINT16:
		COPY_VALUES(uint16_t);
		break;
	case HDF5_UINT32:
		COPY_VALUES(uint32_t);
		break;
	case HDF5_INT64:
		memcpy(out, values, n * sizeof(int64_t));
		break;
	case HDF5_UINT64:
		for (size_t i = 0; i < n; i++) {
			uint64_t v = ((const uint64_t *)values)[i];

			if (v > INT64_MAX)
				return i;
			out[i] = (int64_t)v;
		}
		break;
	default:
		assert(false && "an integer");
	}
	return n;
}
