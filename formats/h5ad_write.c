/* 1. Attributes
 * 2. Groups
 * 3. Datasets
 * 4. Columns
 * 5. Matrices */

#include "formats/h5ad_write.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROWING_CHUNK = 1 << 16, TEXTS_AT_ONCE = 4096 };

/* 1. Attributes */

static hid_t
text_type(void)
{
	hid_t type = H5Tcopy(H5T_C_S1);

	H5Tset_size(type, H5T_VARIABLE);
	H5Tset_cset(type, H5T_CSET_UTF8);
	return type;
}

/* Takes over space. */
static int
set_attribute(const struct hdf5_file *f, const char *path, const char *name, hid_t type,
    hid_t memory, hid_t space, const void *value, struct err *e)
{
	hid_t object = H5Oopen(f->id, path, H5P_DEFAULT), id = -1;
	bool is_written = false;

	if (object >= 0 && H5Aexists(object, name) > 0)
		H5Adelete(object, name);
	if (object >= 0)
		id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
	if (id >= 0) {
		is_written = H5Awrite(id, memory, value) >= 0;
		H5Aclose(id);
	}
	if (object >= 0)
		H5Oclose(object);
	H5Sclose(space);
	return is_written ? 0 : hdf5_fail(f, path, e, "attribute %s cannot be written", name);
}

int
hdf5_set_text(
    const struct hdf5_file *f, const char *path, const char *name, const char *text, struct err *e)
{
	hid_t type;
	int status;

	if (e->is_set)
		return -1;
	type = text_type();
	status = set_attribute(f, path, name, type, type, H5Screate(H5S_SCALAR), &text, e);
	H5Tclose(type);
	return status;
}

int
hdf5_set_texts(const struct hdf5_file *f, const char *path, const char *name,
    const char *const *texts, size_t n, struct err *e)
{
	hsize_t count = n;
	double none = 0;
	hid_t type;
	int status;

	if (e->is_set)
		return -1;
	if (n == 0) /* numpy's empty array, as anndata writes it */
		return set_attribute(f, path, name, H5T_NATIVE_DOUBLE, H5T_NATIVE_DOUBLE,
		    H5Screate_simple(1, &count, NULL), &none, e);
	type = text_type();
	status =
	    set_attribute(f, path, name, type, type, H5Screate_simple(1, &count, NULL), texts, e);
	H5Tclose(type);
	return status;
}

int
hdf5_set_ints(const struct hdf5_file *f, const char *path, const char *name, const int64_t *values,
    size_t n, struct err *e)
{
	hsize_t count = n;

	if (e->is_set)
		return -1;
	return set_attribute(f, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64,
	    H5Screate_simple(1, &count, NULL), values, e);
}

/* One byte that is TRUE or FALSE, as h5py writes bools. */
static hid_t
bool_type(void)
{
	hid_t type = H5Tenum_create(H5T_STD_I8LE);
	int8_t value = 0;

	H5Tenum_insert(type, "FALSE", &value);
	value = 1;
	H5Tenum_insert(type, "TRUE", &value);
	return type;
}

static int
set_encoding(const struct hdf5_file *f, const char *path, const char *encoding, const char *version,
    struct err *e)
{
	hdf5_set_text(f, path, "encoding-type", encoding, e);
	return hdf5_set_text(f, path, "encoding-version", version, e);
}

/* 2. Groups */

int
hdf5_remove(const struct hdf5_file *f, const char *path, struct err *e)
{
	if (e->is_set)
		return -1;
	if (hdf5_object(f, path) != HDF5_NOTHING && H5Ldelete(f->id, path, H5P_DEFAULT) < 0)
		return hdf5_fail(f, path, e, "cannot be removed");
	return 0;
}

int
h5ad_write_group(const struct hdf5_file *f, const char *path, const char *encoding,
    const char *version, struct err *e)
{
	hid_t group;

	if (hdf5_remove(f, path, e))
		return -1;
	group = H5Gcreate2(f->id, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	if (group < 0)
		return hdf5_fail(f, path, e, "group cannot be made");
	H5Gclose(group);
	return set_encoding(f, path, encoding, version, e);
}

int
h5ad_write_skeleton(const struct hdf5_file *f, struct err *e)
{
	static const char *const groups[] = { "layers", "obsm", "obsp", "uns", "varm", "varp" };

	set_encoding(f, "/", "anndata", "0.1.0", e);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		h5ad_write_group(f, groups[i], "dict", "0.1.0", e);
	return e->is_set ? -1 : 0;
}

int
h5ad_write_frame(const struct hdf5_file *f, const char *path, const char *index_name,
    const struct strings *index, struct err *e)
{
	char *index_path = mem_printf("%s/%s", path, index_name);

	h5ad_write_group(f, path, "dataframe", "0.2.0", e);
	hdf5_set_text(f, path, "_index", index_name, e);
	h5ad_write_order(f, path, NULL, 0, e);
	h5ad_write_texts(f, index_path, index, e);
	free(index_path);
	return e->is_set ? -1 : 0;
}

int
h5ad_write_order(
    const struct hdf5_file *f, const char *path, const char *const *names, size_t n, struct err *e)
{
	return hdf5_set_texts(f, path, "column-order", names, n, e);
}

/* 3. Datasets */

/* A one-dimensional dataset of n values, written at once. */
static int
write_vector(const struct hdf5_file *f, const char *path, hid_t type, hid_t memory, size_t n,
    const void *values, struct err *e)
{
	hsize_t count = n;
	hid_t space, dataset;
	bool is_written = false;

	if (hdf5_remove(f, path, e))
		return -1;
	space = H5Screate_simple(1, &count, NULL);
	dataset = hdf5_dataset_create(f, path, type, space, H5P_DEFAULT);
	if (dataset >= 0) {
		is_written =
		    n == 0 || H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
		H5Dclose(dataset);
	}
	H5Sclose(space);
	if (!is_written)
		return hdf5_fail(f, path, e, "cannot be written");
	return set_encoding(f, path, "array", "0.2.0", e);
}

/* Texts from..from+n of a dataset, as the terminated ones that HDF5 wants. */
static bool
write_some_texts(hid_t dataset, hid_t type, const struct strings *texts, size_t from, size_t n)
{
	const char **pointers = mem_alloc(n, sizeof(*pointers));
	struct arena copies = { 0 };
	hsize_t start = from, count = n;
	hid_t space = H5Dget_space(dataset), block = H5Screate_simple(1, &count, NULL);
	char *bytes =
	    arena_alloc(&copies, (size_t)(texts->offsets[from + n] - texts->offsets[from]) + n, 1);
	bool is_written;

	for (size_t i = 0; i < n; i++) {
		size_t size;
		const char *text = strings_get(texts, from + i, &size);

		pointers[i] = bytes;
		memcpy(bytes, text, size);
		bytes[size] = '\0';
		bytes += size + 1;
	}
	is_written = H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
		     H5Dwrite(dataset, type, block, space, H5P_DEFAULT, pointers) >= 0;
	H5Sclose(block);
	H5Sclose(space);
	arena_free(&copies);
	free(pointers);
	return is_written;
}

int
h5ad_write_texts(
    const struct hdf5_file *f, const char *path, const struct strings *texts, struct err *e)
{
	hsize_t count = texts->n;
	hid_t type, space, dataset;
	bool is_written;

	if (hdf5_remove(f, path, e))
		return -1;
	type = text_type();
	space = H5Screate_simple(1, &count, NULL);
	dataset = hdf5_dataset_create(f, path, type, space, H5P_DEFAULT);
	is_written = dataset >= 0;
	for (size_t i = 0; i < texts->n && is_written; i += TEXTS_AT_ONCE)
		is_written = write_some_texts(dataset, type, texts, i,
		    texts->n - i < TEXTS_AT_ONCE ? texts->n - i : TEXTS_AT_ONCE);
	if (dataset >= 0)
		H5Dclose(dataset);
	H5Sclose(space);
	H5Tclose(type);
	if (!is_written)
		return hdf5_fail(f, path, e, "cannot be written");
	return set_encoding(f, path, "string-array", "0.2.0", e);
}

/* 4. Columns */

static bool
can_write(const struct field *field)
{
	return field->type == TYPE_UTF8 || field->type == TYPE_BOOL || field->type == TYPE_INT ||
	       (field->type == TYPE_FLOAT && field->bit_width >= 32);
}

/* Bytes that are 1 where a value is missing. */
static uint8_t *
missing(const struct array *x)
{
	uint8_t *bytes = mem_alloc(x->length, 1);

	for (size_t i = 0; i < x->length; i++)
		bytes[i] = !array_is_valid(x, i);
	return bytes;
}

static int
write_bools(
    const struct hdf5_file *f, const char *path, const uint8_t *bytes, size_t n, struct err *e)
{
	hid_t type = bool_type();
	int status = write_vector(f, path, type, type, n, bytes, e);

	H5Tclose(type);
	return status;
}

/* Codes in the smallest integers that hold them, as pandas has them. */
static int
write_codes(const struct hdf5_file *f, const char *path, const struct array *x, size_t n_categories,
    struct err *e)
{
	int32_t *codes = mem_alloc(x->length, sizeof(*codes));
	hid_t type = n_categories <= INT8_MAX    ? H5T_STD_I8LE
		     : n_categories <= INT16_MAX ? H5T_STD_I16LE
						 : H5T_STD_I32LE;
	int status;

	for (size_t i = 0; i < x->length; i++)
		codes[i] = array_is_valid(x, i) ? ((const int32_t *)x->values)[i] : -1;
	status = write_vector(f, path, type, H5T_NATIVE_INT32, x->length, codes, e);
	free(codes);
	return status;
}

static int
write_categories(const struct hdf5_file *f, const char *path, const struct field *field,
    const struct array *x, struct err *e)
{
	static const int8_t not_ordered = 0;
	char *categories = mem_printf("%s/categories", path), *codes = mem_printf("%s/codes", path);
	hid_t type = bool_type();

	h5ad_write_group(f, path, "categorical", "0.2.0", e);
	if (!e->is_set)
		set_attribute(
		    f, path, "ordered", type, type, H5Screate(H5S_SCALAR), &not_ordered, e);
	h5ad_write_texts(f, categories, field->dictionary, e);
	write_codes(f, codes, x, field->dictionary->n, e);
	H5Tclose(type);
	free(categories);
	free(codes);
	return e->is_set ? -1 : 0;
}

/* Integers and bools: as they are, or in a group with a mask. */
static int
write_nullable(const struct hdf5_file *f, const char *path, bool is_bool, const struct array *x,
    const void *values, struct err *e)
{
	char *inside = mem_printf("%s/values", path), *mask = mem_printf("%s/mask", path);
	const char *at = x->null_count ? inside : path;
	uint8_t *gaps;

	if (x->null_count)
		h5ad_write_group(
		    f, path, is_bool ? "nullable-boolean" : "nullable-integer", "0.1.0", e);
	if (is_bool)
		write_bools(f, at, values, x->length, e);
	else
		write_vector(f, at, H5T_STD_I64LE, H5T_NATIVE_INT64, x->length, values, e);
	if (x->null_count) {
		gaps = missing(x);
		write_bools(f, mask, gaps, x->length, e);
		free(gaps);
	}
	free(inside);
	free(mask);
	return e->is_set ? -1 : 0;
}

static int64_t
integer_at(const struct field *field, const struct array *x, size_t i)
{
	switch (field->bit_width) {
	case 8:
		return field->is_signed ? ((const int8_t *)x->values)[i]
					: ((const uint8_t *)x->values)[i];
	case 16:
		return field->is_signed ? ((const int16_t *)x->values)[i]
					: ((const uint16_t *)x->values)[i];
	case 32:
		return field->is_signed ? (int64_t)((const int32_t *)x->values)[i]
					: (int64_t)((const uint32_t *)x->values)[i];
	}
	return ((const int64_t *)x->values)[i];
}

static int
write_integers(const struct hdf5_file *f, const char *path, const struct field *field,
    const struct array *x, struct err *e)
{
	int64_t *values = mem_alloc(x->length, sizeof(*values));

	for (size_t i = 0; i < x->length; i++) {
		values[i] = array_is_valid(x, i) ? integer_at(field, x, i) : 0;
		if (!field->is_signed && values[i] < 0)
			hdf5_fail(f, path, e, "row %zu: integer above 2^63 - 1", i);
	}
	write_nullable(f, path, false, x, values, e);
	free(values);
	return e->is_set ? -1 : 0;
}

static int
write_floats(const struct hdf5_file *f, const char *path, const struct field *field,
    const struct array *x, struct err *e)
{
	double *values = mem_alloc(x->length, sizeof(*values));
	hid_t type = field->bit_width == 32 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;

	for (size_t i = 0; i < x->length; i++)
		values[i] = array_number(field, x, i);
	write_vector(f, path, type, H5T_NATIVE_DOUBLE, x->length, values, e);
	free(values);
	return e->is_set ? -1 : 0;
}

static int
write_bits(const struct hdf5_file *f, const char *path, const struct array *x, struct err *e)
{
	uint8_t *values = mem_alloc(x->length, 1);

	for (size_t i = 0; i < x->length; i++)
		values[i] =
		    array_is_valid(x, i) && (((const uint8_t *)x->values)[i >> 3] >> (i & 7) & 1);
	write_nullable(f, path, true, x, values, e);
	free(values);
	return e->is_set ? -1 : 0;
}

static int
write_plain_texts(const struct hdf5_file *f, const char *path, const struct array *x, struct err *e)
{
	struct strings texts = { x->length, x->offsets, x->values };

	assert(x->null_count == 0);
	return h5ad_write_texts(f, path, &texts, e);
}

int
h5ad_write_column(const struct hdf5_file *f, const char *path, const char *name,
    const struct field *field, const struct array *x, struct err *e)
{
	char *at;

	if (e->is_set)
		return -1;
	assert(can_write(field));
	at = mem_printf("%s/%s", path, name);
	if (field->type == TYPE_INT)
		write_integers(f, at, field, x, e);
	else if (field->type == TYPE_FLOAT)
		write_floats(f, at, field, x, e);
	else if (field->type == TYPE_BOOL)
		write_bits(f, at, x, e);
	else if (field->dictionary)
		write_categories(f, at, field, x, e);
	else
		write_plain_texts(f, at, x, e);
	free(at);
	return e->is_set ? -1 : 0;
}

/* 5. Matrices */

hid_t
h5ad_matrix_create(
    const struct hdf5_file *f, const char *path, size_t rows, size_t columns, struct err *e)
{
	hsize_t shape[2] = { rows, columns };
	float fill = NAN;
	hid_t space, list, dataset;

	if (hdf5_remove(f, path, e))
		return -1;
	space = H5Screate_simple(2, shape, NULL);
	list = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_fill_value(list, H5T_NATIVE_FLOAT, &fill);
	dataset = hdf5_dataset_create(f, path, H5T_IEEE_F32LE, space, list);
	H5Pclose(list);
	H5Sclose(space);
	if (dataset < 0)
		return hdf5_fail(f, path, e, "cannot be made");
	if (set_encoding(f, path, "array", "0.2.0", e) == 0)
		return dataset;
	H5Dclose(dataset);
	return -1;
}

int
h5ad_matrix_write(hid_t dataset, size_t from, size_t n, size_t columns, const float *values)
{
	hsize_t start[2] = { from, 0 }, count[2] = { n, columns };
	hid_t space = H5Dget_space(dataset), block = H5Screate_simple(2, count, NULL);
	bool is_written =
	    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
	    H5Dwrite(dataset, H5T_NATIVE_FLOAT, block, space, H5P_DEFAULT, values) >= 0;

	H5Sclose(block);
	H5Sclose(space);
	return is_written ? 0 : -1;
}

hid_t
hdf5_growing_create(const struct hdf5_file *f, const char *path, hid_t type, struct err *e)
{
	hsize_t none = 0, limit = H5S_UNLIMITED, chunk = GROWING_CHUNK;
	hid_t space, list, dataset;

	if (hdf5_remove(f, path, e))
		return -1;
	space = H5Screate_simple(1, &none, &limit);
	list = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_chunk(list, 1, &chunk);
	H5Pset_shuffle(list);
	H5Pset_deflate(list, 1);
	dataset = hdf5_dataset_create(f, path, type, space, list);
	H5Pclose(list);
	H5Sclose(space);
	return dataset < 0 ? hdf5_fail(f, path, e, "cannot be made") : dataset;
}

int
hdf5_growing_append(hid_t dataset, hid_t memory, uint64_t at, size_t n, const void *values)
{
	hsize_t start = at, count = n, length = at + n;
	hid_t space, block;
	bool is_written;

	if (n == 0)
		return 0;
	if (H5Dset_extent(dataset, &length) < 0)
		return -1;
	space = H5Dget_space(dataset);
	block = H5Screate_simple(1, &count, NULL);
	is_written = H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
		     H5Dwrite(dataset, memory, block, space, H5P_DEFAULT, values) >= 0;
	H5Sclose(block);
	H5Sclose(space);
	return is_written ? 0 : -1;
}
