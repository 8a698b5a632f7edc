#include "formats/hdf5_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#include "base/utf8.h"

struct hdf5_texts {
	const struct hdf5_file *file;
	char *path; /* with the member, for messages */
	hid_t dataset;
	hid_t memory; /* what HDF5 writes to memory; a table of one member where the file has a
			 table */
	bool is_variable;
	H5T_str_t padding;
	size_t width;
	uint64_t length;
};

hid_t
hdf5_type(const struct hdf5_file *f, const char *path, const char *member)
{
	hid_t dataset, type, inner;
	int i;

	if (hdf5_object(f, path) != HDF5_DATASET ||
	    (dataset = H5Dopen2(f->id, path, H5P_DEFAULT)) < 0)
		return -1;
	type = H5Dget_type(dataset);
	H5Dclose(dataset);
	if (!member || type < 0)
		return type;
	inner = -1;
	if (H5Tget_class(type) == H5T_COMPOUND && (i = H5Tget_member_index(type, member)) >= 0)
		inner = H5Tget_member_type(type, (unsigned)i);
	H5Tclose(type);
	H5Eclear2(H5E_DEFAULT);
	return inner;
}

bool
hdf5_is_text(const struct hdf5_file *f, const char *path, const char *member)
{
	hid_t type = hdf5_type(f, path, member);
	bool is_text = type >= 0 && H5Tget_class(type) == H5T_STRING;

	if (type >= 0)
		H5Tclose(type);
	return is_text;
}

/* HDF5's cache of chunks is 1 MiB; a larger chunk would be decoded again for each range that is
 * read. */
hid_t
hdf5_dataset_open(const struct hdf5_file *f, const char *path)
{
	hid_t dataset = H5Dopen2(f->id, path, H5P_DEFAULT), list, access, type;
	hsize_t shape[H5S_MAX_RANK];
	size_t bytes;
	int rank;

	if (dataset < 0)
		return dataset;
	list = H5Dget_create_plist(dataset);
	type = H5Dget_type(dataset);
	bytes = H5Tget_size(type);
	rank = H5Pget_layout(list) == H5D_CHUNKED ? H5Pget_chunk(list, H5S_MAX_RANK, shape) : 0;
	for (int i = 0; i < rank; i++)
		if (!mem_mul(bytes, (size_t)shape[i], &bytes))
			bytes = 0;
	H5Tclose(type);
	H5Pclose(list);
	if (rank <= 0 || bytes <= 1 << 20)
		return dataset;
	H5Dclose(dataset);
	access = H5Pcreate(H5P_DATASET_ACCESS);
	H5Pset_chunk_cache(access, 1, bytes, 1.0);
	dataset = H5Dopen2(f->id, path, access);
	H5Pclose(access);
	return dataset;
}

int
hdf5_read_range(hid_t dataset, hid_t memory, uint64_t from, size_t n, void *out)
{
	hid_t space = H5Dget_space(dataset), block;
	hsize_t start = from, count = n;
	int status;

	if (H5Sget_simple_extent_ndims(space) == 0) {
		H5Sclose(space);
		return H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0 ? -1 : 0;
	}
	block = H5Screate_simple(1, &count, NULL);
	if (n == 0)
		status = 0;
	else if (H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) < 0)
		status = -1;
	else
		status = H5Dread(dataset, memory, block, space, H5P_DEFAULT, out) < 0 ? -1 : 0;
	H5Sclose(block);
	H5Sclose(space);
	return status;
}

hid_t
hdf5_member_type(hid_t type, const char *member)
{
	hid_t table;

	if (!member)
		return H5Tcopy(type);
	table = H5Tcreate(H5T_COMPOUND, H5Tget_size(type));
	H5Tinsert(table, member, 0, type);
	return table;
}

/* The length of a one-dimensional dataset, 1 for a scalar; false for other shapes. */
static bool
read_length(struct hdf5_texts *t)
{
	hid_t space = H5Dget_space(t->dataset);
	hssize_t n = H5Sget_simple_extent_npoints(space);
	bool is_line = H5Sget_simple_extent_ndims(space) <= 1 && n >= 0;

	t->length = is_line ? (uint64_t)n : 0;
	H5Sclose(space);
	return is_line;
}

struct hdf5_texts *
hdf5_texts_open(const struct hdf5_file *f, const char *path, const char *member, struct err *e)
{
	struct hdf5_texts *t;
	hid_t type, text;

	if (e->is_set)
		return NULL;
	type = hdf5_type(f, path, member);
	t = mem_zero(1, sizeof(*t));
	t->file = f;
	t->path = mem_printf("%s%s%s", path, member ? "/" : "", member ? member : "");
	t->dataset = t->memory = -1;
	if (type < 0)
		hdf5_fail(f, t->path, e, "not there");
	else if (H5Tget_class(type) != H5T_STRING)
		hdf5_fail(f, t->path, e, "not texts");
	else if ((t->dataset = hdf5_dataset_open(f, path)) < 0)
		hdf5_fail(f, t->path, e, "cannot be opened");
	else if (!read_length(t))
		hdf5_fail(f, t->path, e, "not one-dimensional");
	if (!e->is_set) {
		t->is_variable = H5Tis_variable_str(type) > 0;
		t->width = t->is_variable ? sizeof(char *) : H5Tget_size(type);
		t->padding = H5Tget_strpad(type);
		text = H5Tcopy(H5T_C_S1);
		H5Tset_size(text, t->is_variable ? H5T_VARIABLE : t->width);
		H5Tset_cset(text, H5Tget_cset(type));
		H5Tset_strpad(text, t->padding);
		t->memory = hdf5_member_type(text, member);
		H5Tclose(text);
	}
	if (type >= 0)
		H5Tclose(type);
	if (!e->is_set)
		return t;
	hdf5_texts_close(t);
	return NULL;
}

uint64_t
hdf5_texts_length(const struct hdf5_texts *t)
{
	return t->length;
}

void
hdf5_texts_close(struct hdf5_texts *t)
{
	if (!t)
		return;
	if (t->memory >= 0)
		H5Tclose(t->memory);
	if (t->dataset >= 0)
		H5Dclose(t->dataset);
	free(t->path);
	free(t);
}

static const char *
text_at(const struct hdf5_texts *t, const char *bytes, size_t i, size_t *ret_size)
{
	const char *text =
	    t->is_variable ? ((char *const *)(const void *)bytes)[i] : bytes + i * t->width;
	size_t n;

	if (t->is_variable || t->padding == H5T_STR_NULLTERM) {
		*ret_size = !text ? 0 : t->is_variable ? strlen(text) : strnlen(text, t->width);
		return text;
	}
	n = t->width;
	while (n && text[n - 1] == (t->padding == H5T_STR_SPACEPAD ? ' ' : '\0'))
		n--;
	*ret_size = n;
	return text;
}

/* Copies what HDF5 delivered into the form of the stream. */
static int
gather(const struct hdf5_texts *t, const char *bytes, uint64_t from, size_t n, struct arena *a,
    struct strings *ret, struct err *e)
{
	int32_t *offsets = arena_alloc(a, n + 1, sizeof(*offsets));
	size_t total = 0, size;
	char *out;

	for (size_t i = 0; i < n; i++) {
		text_at(t, bytes, i, &size);
		total += size;
		if (total > INT32_MAX)
			return err_set(
			    e, "%s: %s: more than 2 GiB of text", t->file->name, t->path);
	}
	out = arena_alloc(a, total, 1);
	offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		const char *text = text_at(t, bytes, i, &size);

		if (size && (!utf8_is_valid(text, size) || memchr(text, '\0', size)))
			return err_set(e, "%s: %s: row %zu: text is not UTF-8", t->file->name,
			    t->path, (size_t)from + i);
		if (size)
			memcpy(out + offsets[i], text, size);
		offsets[i + 1] = offsets[i] + (int32_t)size;
	}
	*ret = (struct strings){ n, offsets, out };
	return 0;
}

int
hdf5_texts_read(struct hdf5_texts *t, uint64_t from, size_t n, struct arena *a, struct strings *ret,
    struct err *e)
{
	char *bytes;
	size_t room;
	int status;
	bool is_read;

	if (e->is_set)
		return -1;
	assert(from <= t->length && n <= t->length - from);
	if (!t->is_variable && (!mem_mul(n, t->width, &room) || room > (size_t)1 << 32))
		return hdf5_fail(t->file, t->path, e, "more than 4 GiB of text");
	bytes = mem_zero(n, t->width);
	hdf5_watch(true);
	is_read = hdf5_read_range(t->dataset, t->memory, from, n, bytes) == 0;
	hdf5_watch(false);
	if (!is_read)
		status = hdf5_fail(t->file, t->path, e, "rows %zu to %zu cannot be read",
		    (size_t)from, (size_t)from + n);
	else
		status = gather(t, bytes, from, n, a, ret, e);
	if (t->is_variable && n && is_read) {
		hsize_t count = n;
		hid_t space = H5Screate_simple(1, &count, NULL);

		H5Dvlen_reclaim(t->memory, space, H5P_DEFAULT, bytes);
		H5Sclose(space);
	}
	free(bytes);
	return status;
}
