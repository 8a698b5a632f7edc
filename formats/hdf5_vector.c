#include "formats/hdf5_vector.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "formats/hdf5_text.h"

static int
open_dataset(struct hdf5_vector *v, const char *path, const char *member, hid_t type, struct err *e)
{
	hid_t space, memory;
	hssize_t n;

	v->number = hdf5_number(type, &v->is_exact);
	v->width = hdf5_number_width(v->number);
	if (v->number == HDF5_ODD)
		return hdf5_fail(v->file, v->path, e, "not numbers");
	if ((v->dataset = hdf5_dataset_open(v->file, path)) < 0)
		return hdf5_fail(v->file, v->path, e, "cannot be opened");
	space = H5Dget_space(v->dataset);
	n = H5Sget_simple_extent_npoints(space);
	if (H5Sget_simple_extent_ndims(space) > 1 || n < 0)
		hdf5_fail(v->file, v->path, e, "not one-dimensional");
	H5Sclose(space);
	if (e->is_set)
		return -1;
	v->length = (uint64_t)n;
	memory = hdf5_number_memory(v->number, type);
	v->memory = hdf5_member_type(memory, member);
	H5Tclose(memory);
	v->is_direct = !member && hdf5_chunks_open(&v->chunks, v->file, v->path, v->dataset) &&
		       v->chunks.rank == 1;
	return 0;
}

struct hdf5_vector *
hdf5_vector_open(const struct hdf5_file *f, const char *path, const char *member,
    struct hdf5_decoder *d, struct err *e)
{
	struct hdf5_vector *v;
	hid_t type;

	if (e->is_set)
		return NULL;
	v = mem_zero(1, sizeof(*v));
	v->file = f;
	v->path = mem_printf("%s%s%s", path, member ? "/" : "", member ? member : "");
	v->dataset = v->memory = -1;
	v->decoder = d;
	v->kept_chunk = UINT64_MAX;
	type = hdf5_type(f, path, member);
	if (type < 0)
		hdf5_fail(f, v->path, e, "not there");
	else
		open_dataset(v, path, member, type, e);
	if (type >= 0)
		H5Tclose(type);
	if (!e->is_set)
		return v;
	hdf5_vector_close(v);
	return NULL;
}

void
hdf5_vector_close(struct hdf5_vector *v)
{
	if (!v)
		return;
	if (v->memory >= 0)
		H5Tclose(v->memory);
	if (v->dataset >= 0)
		H5Dclose(v->dataset);
	free(v->kept);
	free(v->path);
	free(v);
}

/* The part of chunk k that lies in from..to goes to its place behind `out`. */
static int
start_chunk(
    struct hdf5_vector *v, uint64_t k, uint64_t from, uint64_t to, uint8_t *out, struct err *e)
{
	hsize_t size = v->chunks.chunk[0], first = k * size;
	uint64_t lo = first > from ? first : from, hi = first + size < to ? first + size : to;
	struct hdf5_copy copy = { .from = (size_t)(lo - first) * v->width,
		.rows = 1,
		.size = (size_t)(hi - lo) * v->width,
		.to = out + (size_t)(lo - from) * v->width };
	bool is_last = hi == to;

	if (k == v->kept_chunk) {
		memcpy(copy.to, v->kept + copy.from, copy.size);
		return 0;
	}
	if (hi - lo == size)
		return hdf5_decoder_add(v->decoder, &v->chunks, &first, copy.to, NULL, e);
	if (!is_last)
		return hdf5_decoder_add(v->decoder, &v->chunks, &first, NULL, &copy, e);
	if (!v->kept)
		v->kept = mem_alloc(v->chunks.bytes, 1);
	v->kept_chunk = k;
	return hdf5_decoder_add(v->decoder, &v->chunks, &first, v->kept, &copy, e);
}

int
hdf5_vector_start(struct hdf5_vector *v, uint64_t from, size_t n, void *out, struct err *e)
{
	if (e->is_set)
		return -1;
	assert(from <= v->length && n <= v->length - from);
	if (n == 0)
		return 0;
	if (!v->is_direct) {
		if (hdf5_read_range(v->dataset, v->memory, from, n, out))
			return hdf5_fail(v->file, v->path, e, "values %llu to %llu cannot be read",
			    (unsigned long long)from, (unsigned long long)(from + n));
		return 0;
	}
	for (uint64_t k = from / v->chunks.chunk[0]; k <= (from + n - 1) / v->chunks.chunk[0]; k++)
		if (start_chunk(v, k, from, from + n, out, e))
			return -1;
	return 0;
}

int
hdf5_vector_read(struct hdf5_vector *v, uint64_t from, size_t n, void *out, struct err *e)
{
	int status = hdf5_vector_start(v, from, n, out, e);

	return v && hdf5_decoder_wait(v->decoder, e) ? -1 : status;
}
