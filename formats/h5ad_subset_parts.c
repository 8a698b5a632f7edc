/* 1. Datasets
 * 2. Sparse matrices */

#include "formats/h5ad_subset_parts.h"

#include <stdlib.h>
#include <string.h>

#include "formats/h5ad_write.h"

enum { BLOCK_BYTES = 8 << 20, LARGEST_BAND = 256 << 20, RUN = 1 << 20, MAX_RANK = 8 };

/* 1. Datasets */

struct cut {
	hid_t from, to, type;
	int rank;
	hsize_t shape[MAX_RANK], new_shape[MAX_RANK];
	size_t width;      /* bytes of a value */
	size_t row;        /* values of a row */
	size_t block_rows; /* rows that are read at once */
	bool has_variable; /* values that own memory */
};

/* Creation properties like those of the source, made to fit. */
static hid_t
properties(const struct cut *c)
{
	hid_t list = H5Dget_create_plist(c->from);
	hsize_t chunk[MAX_RANK];
	bool is_foreign = false;
	int n_filters = H5Pget_nfilters(list);

	if (H5Pget_layout(list) != H5D_CHUNKED || c->new_shape[0] == 0 ||
	    H5Pget_chunk(list, MAX_RANK, chunk) != c->rank) {
		H5Pclose(list);
		return H5Pcreate(H5P_DATASET_CREATE);
	}
	for (int i = 0; i < c->rank; i++)
		if (chunk[i] > c->new_shape[i])
			chunk[i] = c->new_shape[i] ? c->new_shape[i] : 1;
	H5Pset_chunk(list, c->rank, chunk);
	for (unsigned i = 0; n_filters > 0 && i < (unsigned)n_filters; i++) {
		size_t n = 0;
		unsigned flags, config = 0;
		H5Z_filter_t id = H5Pget_filter2(list, i, &flags, &n, NULL, 0, NULL, &config);

		is_foreign |= id > 255;
	}
	if (is_foreign) {
		H5Premove_filter(list, H5Z_FILTER_ALL);
		H5Pset_deflate(list, 4);
	}
	return list;
}

/* Rows of whole chunks where that is not too much. */
static size_t
plan_rows(const struct cut *c)
{
	hid_t list = H5Dget_create_plist(c->from);
	hsize_t chunk[MAX_RANK];
	size_t row_bytes = c->row ? c->row * c->width : 1, rows = BLOCK_BYTES / row_bytes;
	bool is_chunked =
	    H5Pget_layout(list) == H5D_CHUNKED && H5Pget_chunk(list, MAX_RANK, chunk) == c->rank;

	H5Pclose(list);
	if (is_chunked && chunk[0] > rows && chunk[0] <= LARGEST_BAND / row_bytes)
		rows = (size_t)chunk[0];
	return rows ? rows : 1;
}

static int
open_cut(struct subset *s, struct cut *c, const char *path, bool is_square, struct err *e)
{
	hid_t space, list;

	c->from = H5Dopen2(s->from->id, path, H5P_DEFAULT);
	c->to = c->type = -1;
	if (c->from < 0)
		return hdf5_fail(s->from, path, e, "cannot be opened");
	c->type = H5Dget_type(c->from);
	space = H5Dget_space(c->from);
	c->rank = H5Sget_simple_extent_ndims(space);
	if (c->rank > 0 && c->rank <= MAX_RANK)
		H5Sget_simple_extent_dims(space, c->shape, NULL);
	H5Sclose(space);
	if (c->rank < 1 || c->rank > MAX_RANK || c->shape[0] != s->n_rows ||
	    (is_square && (c->rank != 2 || c->shape[1] != s->n_rows)))
		return hdf5_fail(
		    s->from, path, e, "its shape does not fit the %zu cells", s->n_rows);
	c->width = H5Tget_size(c->type);
	c->row = 1;
	for (int i = 1; i < c->rank; i++)
		if (!mem_mul(c->row, (size_t)c->shape[i], &c->row))
			return hdf5_fail(s->from, path, e, "shape beyond 2^64");
	memcpy(c->new_shape, c->shape, sizeof(c->shape));
	c->new_shape[0] = s->n_keep;
	if (is_square)
		c->new_shape[1] = s->n_keep;
	c->has_variable =
	    H5Tdetect_class(c->type, H5T_VLEN) > 0 || H5Tdetect_class(c->type, H5T_STRING) > 0;
	c->block_rows = plan_rows(c);
	list = properties(c);
	space = H5Screate_simple(c->rank, c->new_shape, NULL);
	c->to = hdf5_dataset_create(s->to, path, c->type, space, list);
	H5Sclose(space);
	H5Pclose(list);
	return c->to < 0 ? hdf5_fail(s->to, path, e, "cannot be made") : 0;
}

static void
close_cut(struct cut *c)
{
	if (c->type >= 0)
		H5Tclose(c->type);
	if (c->from >= 0)
		H5Dclose(c->from);
	if (c->to >= 0)
		H5Dclose(c->to);
}

/* n rows from `at` on, in or out. */
static bool
transfer(const struct cut *c, bool is_write, size_t at, size_t n, void *values)
{
	hid_t dataset = is_write ? c->to : c->from, space = H5Dget_space(dataset), block;
	hsize_t start[MAX_RANK] = { at }, count[MAX_RANK];
	bool is_done;

	memcpy(count, is_write ? c->new_shape : c->shape, sizeof(count));
	count[0] = n;
	block = H5Screate_simple(c->rank, count, NULL);
	is_done = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
		  (is_write ? H5Dwrite(dataset, c->type, block, space, H5P_DEFAULT, values)
			    : H5Dread(dataset, c->type, block, space, H5P_DEFAULT, values)) >= 0;
	H5Sclose(block);
	H5Sclose(space);
	return is_done;
}

/* Of the rows from..from+n in `in`, those that are kept, packed to `out`; how many. */
static size_t
pack(const struct subset *s, const struct cut *c, size_t from, size_t n, const uint8_t *in,
    uint8_t *out, bool is_square)
{
	size_t row_bytes = c->row * c->width, kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (s->new_row[from + i] < 0)
			continue;
		if (!is_square) {
			memcpy(out, in + i * row_bytes, row_bytes);
			out += row_bytes;
		}
		for (size_t k = 0; is_square && k < s->n_keep; k++, out += c->width)
			memcpy(out, in + i * row_bytes + s->keep[k] * c->width, c->width);
		kept++;
	}
	return kept;
}

static void
reclaim(const struct cut *c, size_t n, void *values)
{
	hsize_t count = n * c->row;
	hid_t space;

	if (!c->has_variable)
		return;
	space = H5Screate_simple(1, &count, NULL);
	H5Dvlen_reclaim(c->type, space, H5P_DEFAULT, values);
	H5Sclose(space);
}

static int
cut_rows(struct subset *s, struct cut *c, const char *path, bool is_square, struct err *e)
{
	size_t room, written = 0;
	uint8_t *in, *out;

	if (!mem_mul(c->row * c->width, c->block_rows, &room))
		return hdf5_fail(s->from, path, e, "rows beyond memory");
	in = mem_zero(room, 1);
	out = mem_alloc(room, 1);
	for (size_t at = 0; at < s->n_rows && !e->is_set && c->row; at += c->block_rows) {
		size_t n = s->n_rows - at < c->block_rows ? s->n_rows - at : c->block_rows, kept;

		if (!transfer(c, false, at, n, in)) {
			hdf5_fail(s->from, path, e, "rows from %zu on cannot be read", at);
			break;
		}
		kept = pack(s, c, at, n, in, out, is_square);
		if (kept && !transfer(c, true, written, kept, out))
			hdf5_fail(s->to, path, e, "cannot be written");
		reclaim(c, n, in);
		written += kept;
	}
	free(in);
	free(out);
	return e->is_set ? -1 : 0;
}

int
subset_dataset(struct subset *s, const char *path, bool is_square, struct err *e)
{
	struct cut c;

	if (e->is_set)
		return -1;
	if (!open_cut(s, &c, path, is_square, e))
		cut_rows(s, &c, path, is_square, e);
	close_cut(&c);
	return subset_attributes(s, path, e);
}

/* 2. Sparse matrices */

struct sparse {
	hid_t data, indices, type, index_type; /* of the source, and their types in the file */
	hid_t new_data, new_indices;
	size_t width;
	size_t n_lines;  /* rows of CSR, columns of CSC */
	int64_t *places; /* [n_lines + 1]: indptr */
	int64_t *counts; /* [kept lines + 1]: the new indptr */
	size_t n_kept_lines;
	uint64_t written;
	uint8_t *values; /* [RUN] of width */
	int64_t *minor;  /* [RUN] */
};

static hid_t
open_part(
    const struct hdf5_file *f, const char *path, const char *name, hid_t *ret_type, struct err *e)
{
	char *at = mem_printf("%s/%s", path, name);
	hid_t dataset = e->is_set ? -1 : H5Dopen2(f->id, at, H5P_DEFAULT);

	*ret_type = dataset < 0 ? -1 : H5Dget_type(dataset);
	if (dataset < 0)
		hdf5_fail(f, at, e, "cannot be opened");
	free(at);
	return dataset;
}

static uint64_t
length_of(hid_t dataset)
{
	hid_t space = H5Dget_space(dataset);
	hssize_t n = H5Sget_simple_extent_npoints(space);

	H5Sclose(space);
	return n < 0 ? 0 : (uint64_t)n;
}

static bool
transfer_range(hid_t dataset, hid_t memory, uint64_t from, size_t n, void *out)
{
	hsize_t start = from, count = n;
	hid_t space = H5Dget_space(dataset), block = H5Screate_simple(1, &count, NULL);
	bool is_read =
	    H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
	    H5Dread(dataset, memory, block, space, H5P_DEFAULT, out) >= 0;

	H5Sclose(block);
	H5Sclose(space);
	return is_read;
}

/* indptr, checked: it ascends from 0 and stays within the entries. */
static int
read_places(struct subset *s, struct sparse *m, const char *path, struct err *e)
{
	hid_t type, indptr = open_part(s->from, path, "indptr", &type, e);
	uint64_t n = indptr < 0 ? 0 : length_of(indptr), limit;

	if (indptr < 0)
		return -1;
	m->n_lines = n ? (size_t)n - 1 : 0;
	m->places = mem_zero((size_t)n + 1, sizeof(*m->places));
	if (n && H5Dread(indptr, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, m->places) < 0)
		hdf5_fail(s->from, path, e, "indptr cannot be read");
	limit =
	    length_of(m->data) < length_of(m->indices) ? length_of(m->data) : length_of(m->indices);
	for (size_t i = 0; i < m->n_lines && !e->is_set; i++)
		if (m->places[i] > m->places[i + 1] || m->places[0] != 0)
			hdf5_fail(s->from, path, e, "indptr goes back at %zu", i);
	if (!e->is_set && (uint64_t)m->places[m->n_lines] > limit)
		hdf5_fail(s->from, path, e, "indptr ends beyond the values");
	H5Tclose(type);
	H5Dclose(indptr);
	return e->is_set ? -1 : 0;
}

static int
open_sparse(struct subset *s, struct sparse *m, const char *path, struct err *e)
{
	char *data = mem_printf("%s/data", path), *indices = mem_printf("%s/indices", path);

	m->data = open_part(s->from, path, "data", &m->type, e);
	m->indices = open_part(s->from, path, "indices", &m->index_type, e);
	if (!e->is_set && !read_places(s, m, path, e)) {
		m->width = H5Tget_size(m->type);
		m->new_data = hdf5_growing_create(s->to, data, m->type, e);
		m->new_indices = hdf5_growing_create(s->to, indices, m->index_type, e);
		m->values = mem_alloc(RUN, m->width);
		m->minor = mem_alloc(RUN, sizeof(*m->minor));
		m->counts = mem_zero(m->n_lines + 1, sizeof(*m->counts));
	}
	free(data);
	free(indices);
	return e->is_set ? -1 : 0;
}

static void
close_sparse(struct sparse *m)
{
	const hid_t datasets[] = { m->data, m->indices, m->new_data, m->new_indices };

	for (size_t i = 0; i < 4; i++)
		if (datasets[i] >= 0)
			H5Dclose(datasets[i]);
	if (m->type >= 0)
		H5Tclose(m->type);
	if (m->index_type >= 0)
		H5Tclose(m->index_type);
	free(m->places);
	free(m->counts);
	free(m->values);
	free(m->minor);
}

/* Packs the entries from..from+n (of the line *line and later ones) that are kept; how many. */
static size_t
pack_entries(const struct subset *s, struct sparse *m, uint64_t from, size_t n, size_t *line,
    bool by_line, bool by_minor)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t to;

		while ((uint64_t)m->places[*line + 1] <= from + i)
			++*line;
		to = by_line ? s->new_row[*line] : (int64_t)*line;
		if (to < 0 || (by_minor && (m->minor[i] < 0 || (uint64_t)m->minor[i] >= s->n_rows ||
					       s->new_row[m->minor[i]] < 0)))
			continue;
		m->minor[kept] = by_minor ? s->new_row[m->minor[i]] : m->minor[i];
		memmove(m->values + kept * m->width, m->values + i * m->width, m->width);
		m->counts[to + 1]++;
		kept++;
	}
	return kept;
}

static int
cut_entries(struct subset *s, struct sparse *m, const char *path, bool by_line, bool by_minor,
    struct err *e)
{
	uint64_t n = (uint64_t)m->places[m->n_lines];
	size_t line = 0;

	for (uint64_t at = 0; at < n && !e->is_set; at += RUN) {
		size_t some = n - at < RUN ? (size_t)(n - at) : RUN;

		if (!transfer_range(m->data, m->type, at, some, m->values) ||
		    !transfer_range(m->indices, H5T_NATIVE_INT64, at, some, m->minor))
			return hdf5_fail(s->from, path, e, "cannot be read");
		some = pack_entries(s, m, at, some, &line, by_line, by_minor);
		if (hdf5_growing_append(m->new_data, m->type, m->written, some, m->values) ||
		    hdf5_growing_append(
			m->new_indices, H5T_NATIVE_INT64, m->written, some, m->minor))
			return hdf5_fail(s->to, path, e, "cannot be written");
		m->written += some;
	}
	return e->is_set ? -1 : 0;
}

static int
write_places(struct subset *s, struct sparse *m, const char *path, struct err *e)
{
	char *at = mem_printf("%s/indptr", path);
	hid_t indptr;

	for (size_t i = 0; i < m->n_kept_lines; i++)
		m->counts[i + 1] += m->counts[i];
	indptr = hdf5_growing_create(s->to, at, H5T_STD_I64LE, e);
	if (!e->is_set &&
	    hdf5_growing_append(indptr, H5T_NATIVE_INT64, 0, m->n_kept_lines + 1, m->counts))
		hdf5_fail(s->to, at, e, "cannot be written");
	if (indptr >= 0)
		H5Dclose(indptr);
	free(at);
	return e->is_set ? -1 : 0;
}

int
subset_sparse(struct subset *s, const char *path, bool is_csr, bool is_square, struct err *e)
{
	struct sparse m = { .data = -1,
		.indices = -1,
		.type = -1,
		.index_type = -1,
		.new_data = -1,
		.new_indices = -1 };
	bool by_line = is_csr || is_square, by_minor = !is_csr || is_square;
	hid_t group;

	if (e->is_set)
		return -1;
	group = H5Gcreate2(s->to->id, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	if (group < 0)
		return hdf5_fail(s->to, path, e, "group cannot be made");
	H5Gclose(group);
	open_sparse(s, &m, path, e);
	if (!e->is_set && by_line && m.n_lines != s->n_rows)
		hdf5_fail(s->from, path, e, "%zu lines for %zu cells", m.n_lines, s->n_rows);
	m.n_kept_lines = by_line ? s->n_keep : m.n_lines;
	if (!e->is_set && !cut_entries(s, &m, path, by_line, by_minor, e))
		write_places(s, &m, path, e);
	close_sparse(&m);
	subset_attributes(s, path, e);
	return subset_shape(s, path, is_square, e);
}
