#include "formats/h5ad_matrix.h"

#include <stdlib.h>
#include <string.h>

#include "formats/h5ad_layout.h"
#include "formats/hdf5_text.h"

static int
open_layout(struct h5ad_matrix *m, struct err *e)
{
	switch (hdf5_object(&m->a->file, m->path)) {
	case HDF5_GROUP:
		return h5ad_sparse_open(m, e);
	case HDF5_DATASET:
		m->layout = H5AD_DENSE;
		return h5ad_dense_open(m, e);
	case HDF5_NOTHING:
		break;
	}
	return hdf5_fail(&m->a->file, m->path, e, "not there");
}

struct h5ad_matrix *
h5ad_matrix_open(struct h5ad *a, const char *path, size_t max_memory, struct err *e)
{
	struct h5ad_matrix *m;

	if (e->is_set)
		return NULL;
	m = mem_zero(1, sizeof(*m));
	m->a = a;
	m->path = path;
	m->max_memory = max_memory;
	m->dataset = m->memory = -1;
	if (!open_layout(m, e) && (m->n_rows > UINT32_MAX || m->n_columns > INT32_MAX))
		hdf5_fail(&a->file, path, e, "%zu x %zu is larger than 2^32 x 2^31", m->n_rows,
		    m->n_columns);
	m->width = m->number == HDF5_FLOAT32 || m->number == HDF5_FLOAT16 ? 4 : 8;
	if (!e->is_set)
		return m;
	h5ad_matrix_close(m);
	return NULL;
}

static void
block_free(struct h5ad_block *b)
{
	if (b->columns != b->raw_columns)
		free(b->columns);
	free(b->raw_columns);
	free(b->raw_values);
	free(b->doubles);
	b->raw_columns = b->raw_values = NULL;
	b->columns = NULL;
	b->doubles = NULL;
}

void
h5ad_matrix_close(struct h5ad_matrix *m)
{
	struct err ignored = { 0 };

	if (!m)
		return;
	if (m->blocks[0].is_started || m->blocks[1].is_started)
		hdf5_decoder_wait(m->a->decoder, &ignored); /* workers still write to the blocks */
	block_free(&m->blocks[0]);
	block_free(&m->blocks[1]);
	hdf5_vector_close(m->indptr);
	hdf5_vector_close(m->indices);
	hdf5_vector_close(m->data);
	h5ad_transpose_free(m->gathered);
	if (m->memory >= 0)
		H5Tclose(m->memory);
	if (m->dataset >= 0)
		H5Dclose(m->dataset);
	free(m->band);
	free(m->starts);
	free(m);
}

size_t
h5ad_matrix_n_rows(const struct h5ad_matrix *m)
{
	return m->n_rows;
}

size_t
h5ad_matrix_n_columns(const struct h5ad_matrix *m)
{
	return m->n_columns;
}

enum hdf5_number
h5ad_matrix_number(const struct h5ad_matrix *m)
{
	return m->number;
}

int
h5ad_matrix_read(struct h5ad_matrix *m, struct h5ad_rows *rows, struct err *e)
{
	if (e->is_set)
		return -1;
	switch (m->layout) {
	case H5AD_CSR:
		return h5ad_csr_read(m, rows, e);
	case H5AD_CSC:
		return h5ad_csc_read(m, rows, e);
	case H5AD_DENSE:
		break;
	}
	return h5ad_dense_read(m, rows, e);
}

size_t
h5ad_matrix_sample(struct h5ad_matrix *m, double *values, size_t n, struct err *e)
{
	void *raw;
	size_t got;

	if (e->is_set)
		return 0;
	if (m->layout == H5AD_DENSE)
		return h5ad_dense_sample(m, values, n, e);
	n = n < m->data->length ? n : (size_t)m->data->length;
	raw = mem_alloc(n, m->data->width);
	got =
	    hdf5_vector_read(m->data, 0, n, raw, e) ? 0 : hdf5_to_double(m->number, raw, n, values);
	free(raw);
	return got;
}

void
h5ad_block_fit(const struct h5ad_matrix *m, struct h5ad_block *b, size_t n)
{
	size_t column_width = m->layout == H5AD_CSR ? m->indices->width : sizeof(int32_t);
	bool is_int32 = m->layout != H5AD_CSR || m->indices->number == HDF5_INT32;
	size_t value_width = m->layout == H5AD_CSR ? m->data->width : m->width;

	if (n <= b->room && b->raw_columns)
		return;
	block_free(b);
	b->room = n + n / 4; /* the next blocks are about as large */
	b->raw_columns = mem_alloc(b->room, column_width);
	b->raw_values = mem_alloc(b->room, value_width);
	b->columns = is_int32 ? b->raw_columns : mem_alloc(b->room, sizeof(*b->columns));
}

int
h5ad_block_values(
    const struct h5ad_matrix *m, struct h5ad_block *b, struct h5ad_rows *rows, struct err *e)
{
	size_t n = (size_t)b->starts[b->n];
	bool is_raw = m->layout != H5AD_CSR || m->number == HDF5_FLOAT64 || m->width == 4;

	rows->first = b->first;
	rows->n = b->n;
	rows->starts = b->starts;
	rows->columns = b->columns;
	rows->f32 = m->width == 4 ? b->raw_values : NULL;
	rows->f64 = m->width == 8 ? b->raw_values : NULL;
	if (is_raw)
		return 1;
	if (!b->doubles)
		b->doubles = mem_alloc(b->room, sizeof(*b->doubles));
	rows->f64 = b->doubles;
	if (hdf5_to_double(m->number, b->raw_values, n, b->doubles) < n)
		return hdf5_fail(&m->a->file, m->path, e, "rows %zu to %zu: an integer above 2^53",
		    b->first, b->first + b->n);
	return 1;
}

int
h5ad_gathered_read(
    struct h5ad_matrix *m, size_t base, size_t n, struct h5ad_rows *rows, struct err *e)
{
	struct h5ad_block *b = &m->blocks[0];
	size_t row = m->next - base;

	b->first = m->next;
	b->n = 0;
	b->starts[0] = 0;
	while (b->n < H5AD_BLOCK_ROWS && row + b->n < n) {
		uint64_t end = m->starts[row + b->n + 1] - m->starts[row];

		if (b->n && end > H5AD_BLOCK_ENTRIES)
			break;
		b->starts[++b->n] = (int32_t)end;
	}
	h5ad_block_fit(m, b, (size_t)b->starts[b->n]);
	if (h5ad_transpose_read(m->gathered, row, b->n, b->columns, b->raw_values, e))
		return -1;
	m->next += b->n;
	return h5ad_block_values(m, b, rows, e);
}
