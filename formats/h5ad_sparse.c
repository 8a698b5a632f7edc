/* 1. Opening
 * 2. CSR: rows as they lie
 * 3. CSC: rows gathered from columns */

#include "formats/h5ad_layout.h"

#include <stdlib.h>
#include <string.h>

#include "formats/arrow_check.h"

/* 1. Opening */

static int
read_encoding(struct h5ad_matrix *m, struct err *e)
{
	struct arena *a = &m->a->arena;
	const struct hdf5_file *f = &m->a->file;
	const char *encoding = hdf5_attribute_text(f, m->path, "encoding-type", a);
	int64_t shape[2];

	if (!encoding)
		encoding =
		    hdf5_attribute_text(f, m->path, "h5sparse_format", a); /* before anndata 0.7 */
	if (encoding && strncmp(encoding, "csr", 3) == 0)
		m->layout = H5AD_CSR;
	else if (encoding && strncmp(encoding, "csc", 3) == 0)
		m->layout = H5AD_CSC;
	else
		return hdf5_fail(f, m->path, e,
		    "%s%s is no matrix (csr_matrix, csc_matrix or a dense dataset)",
		    encoding ? "encoding " : "a group without encoding-type",
		    encoding ? encoding : "");
	if (hdf5_attribute_ints(f, m->path, "shape", shape, 2) != 2 &&
	    hdf5_attribute_ints(f, m->path, "h5sparse_shape", shape, 2) != 2)
		return hdf5_fail(f, m->path, e, "no attribute `shape` of two integers");
	if (shape[0] < 0 || shape[1] < 0)
		return hdf5_fail(f, m->path, e, "negative shape");
	m->n_rows = (size_t)shape[0];
	m->n_columns = (size_t)shape[1];
	return 0;
}

static struct hdf5_vector *
part(struct h5ad_matrix *m, const char *name, struct err *e)
{
	return hdf5_vector_open(
	    &m->a->file, hdf5_join(&m->a->arena, m->path, name), NULL, m->a->decoder, e);
}

int
h5ad_sparse_open(struct h5ad_matrix *m, struct err *e)
{
	const struct hdf5_file *f = &m->a->file;
	size_t n_lines;

	if (read_encoding(m, e))
		return -1;
	m->indptr = part(m, "indptr", e);
	m->indices = part(m, "indices", e);
	m->data = part(m, "data", e);
	if (e->is_set)
		return -1;
	n_lines = m->layout == H5AD_CSR ? m->n_rows : m->n_columns;
	m->number = m->data->number;
	if (hdf5_number_is_float(m->indptr->number) || hdf5_number_is_float(m->indices->number))
		return hdf5_fail(f, m->path, e, "indices or indptr are not integers");
	if (m->indptr->length != n_lines + 1)
		return hdf5_fail(f, m->path, e,
		    "indptr has %llu values for %zu %s (one more is needed)",
		    (unsigned long long)m->indptr->length, n_lines,
		    m->layout == H5AD_CSR ? "rows" : "columns");
	if (m->indices->length != m->data->length)
		return hdf5_fail(f, m->path, e, "%llu indices for %llu values",
		    (unsigned long long)m->indices->length, (unsigned long long)m->data->length);
	return 0;
}

/* n + 1 places of indptr from line `from` on, which must ascend and stay within the entries. */
static int
read_places(struct h5ad_matrix *m, size_t from, size_t n, int64_t *places, struct err *e)
{
	const struct hdf5_file *f = &m->a->file;
	void *raw = mem_alloc(n + 1, m->indptr->width);

	if (!hdf5_vector_read(m->indptr, from, n + 1, raw, e) &&
	    hdf5_to_int64(m->indptr->number, raw, n + 1, places) < n + 1)
		hdf5_fail(f, m->indptr->path, e, "a place above 2^63");
	free(raw);
	if (!e->is_set && from == 0 && places[0] != 0)
		hdf5_fail(f, m->indptr->path, e, "does not start at 0");
	for (size_t i = 0; i < n && !e->is_set; i++)
		if (places[i] > places[i + 1])
			hdf5_fail(f, m->indptr->path, e, "goes back at %s %zu (%lld to %lld)",
			    m->layout == H5AD_CSR ? "row" : "column", from + i,
			    (long long)places[i], (long long)places[i + 1]);
	if (!e->is_set && (places[0] < 0 || (uint64_t)places[n] > m->data->length))
		hdf5_fail(f, m->indptr->path, e, "ends at %lld, but there are %llu values",
		    (long long)places[n], (unsigned long long)m->data->length);
	return e->is_set ? -1 : 0;
}

/* 2. CSR */

/* Plans the block from the row m->next on, and has its entries decoded. */
static int
start_block(struct h5ad_matrix *m, struct h5ad_block *b, struct err *e)
{
	size_t left = m->n_rows - m->next, n = left < H5AD_BLOCK_ROWS ? left : H5AD_BLOCK_ROWS;
	int64_t places[H5AD_BLOCK_ROWS + 1];

	if (n == 0)
		return 0;
	if (read_places(m, m->next, n, places, e))
		return -1;
	b->first = m->next;
	b->n = 0;
	b->starts[0] = 0;
	while (b->n < n && (b->n == 0 || places[b->n + 1] - places[0] <= H5AD_BLOCK_ENTRIES)) {
		if (places[b->n + 1] - places[0] > INT32_MAX)
			return hdf5_fail(
			    &m->a->file, m->path, e, "row %zu has more than 2^31 entries", m->next);
		b->n++;
		b->starts[b->n] = (int32_t)(places[b->n] - places[0]);
	}
	h5ad_block_fit(m, b, (size_t)b->starts[b->n]);
	m->next += b->n;
	b->is_started = true;
	hdf5_vector_start(
	    m->indices, (uint64_t)places[0], (size_t)b->starts[b->n], b->raw_columns, e);
	hdf5_vector_start(m->data, (uint64_t)places[0], (size_t)b->starts[b->n], b->raw_values, e);
	return e->is_set ? -1 : 0;
}

static size_t
row_of(const struct h5ad_block *b, size_t entry)
{
	size_t row = 0;

	while ((size_t)b->starts[row + 1] <= entry)
		row++;
	return b->first + row;
}

static int
check_columns(struct h5ad_matrix *m, struct h5ad_block *b, struct err *e)
{
	size_t n = (size_t)b->starts[b->n], bad = 0;
	int64_t *wide = NULL;
	uint32_t limit = (uint32_t)m->n_columns;

	if (m->indices->number != HDF5_INT32) {
		wide = mem_alloc(n, sizeof(*wide));
		bad = hdf5_to_int64(m->indices->number, b->raw_columns, n, wide);
		for (size_t i = 0; i < bad; i++)
			b->columns[i] = wide[i] < 0 || wide[i] > INT32_MAX ? -1 : (int32_t)wide[i];
		n = bad;
		free(wide);
	}
	if (n == (size_t)b->starts[b->n] && check_indices(b->columns, n, limit))
		return 0;
	for (bad = 0; bad < n && (uint32_t)b->columns[bad] < limit; bad++)
		;
	return hdf5_fail(&m->a->file, m->path, e,
	    "row %zu: gene number %d, but there are %zu (counted from 0)", row_of(b, bad),
	    bad < n ? b->columns[bad] : -1, m->n_columns);
}

int
h5ad_csr_read(struct h5ad_matrix *m, struct h5ad_rows *rows, struct err *e)
{
	struct h5ad_block *b = &m->blocks[m->turn], *other = &m->blocks[!m->turn];

	if (!b->is_started)
		start_block(m, b, e);
	if (hdf5_decoder_wait(m->a->decoder, e) || !b->is_started)
		return e->is_set ? -1 : 0;
	b->is_started = false;
	if (check_columns(m, b, e) || start_block(m, other, e))
		return -1;
	m->turn = !m->turn;
	return h5ad_block_values(m, b, rows, e);
}

/* 3. CSC */

/* A run of entries in file order. */
struct run {
	size_t n, room;
	void *raw_rows, *raw_values;
	int64_t *wide;
	double *doubles;
	uint32_t *rows;
	int32_t *columns;
};

static void
run_new(struct h5ad_matrix *m, struct run *r)
{
	r->room = H5AD_BLOCK_ENTRIES;
	if (r->room > m->data->length)
		r->room = (size_t)m->data->length;
	r->raw_rows = mem_alloc(r->room, m->indices->width);
	r->raw_values = mem_alloc(r->room, m->data->width);
	r->wide = mem_alloc(r->room, sizeof(*r->wide));
	r->doubles = mem_alloc(r->room, sizeof(*r->doubles));
	r->rows = mem_alloc(r->room, sizeof(*r->rows));
	r->columns = mem_alloc(r->room, sizeof(*r->columns));
}

static void
run_free(struct run *r)
{
	free(r->raw_rows);
	free(r->raw_values);
	free(r->wide);
	free(r->doubles);
	free(r->rows);
	free(r->columns);
}

/* The rows, and the values if they are wanted, of entries from..from+r->n. */
static int
run_read(struct h5ad_matrix *m, struct run *r, uint64_t from, bool with_values, struct err *e)
{
	hdf5_vector_start(m->indices, from, r->n, r->raw_rows, e);
	if (with_values)
		hdf5_vector_start(m->data, from, r->n, r->raw_values, e);
	if (hdf5_decoder_wait(m->a->decoder, e))
		return -1;
	if (hdf5_to_int64(m->indices->number, r->raw_rows, r->n, r->wide) < r->n)
		return hdf5_fail(&m->a->file, m->indices->path, e, "a row above 2^63");
	for (size_t i = 0; i < r->n; i++) {
		if (r->wide[i] < 0 || (uint64_t)r->wide[i] >= m->n_rows)
			return hdf5_fail(&m->a->file, m->path, e,
			    "entry %llu: row %lld, but there are %zu (counted from 0)",
			    (unsigned long long)(from + i), (long long)r->wide[i], m->n_rows);
		r->rows[i] = (uint32_t)r->wide[i];
	}
	if (with_values && m->width == 8 &&
	    hdf5_to_double(m->number, r->raw_values, r->n, r->doubles) < r->n)
		return hdf5_fail(&m->a->file, m->path, e, "an integer above 2^53");
	return 0;
}

/* Runs over all entries; the first time to count those of each row, the second to hand them over.
 */
static int
pass(struct h5ad_matrix *m, const int64_t *places, struct run *r, bool is_counting, struct err *e)
{
	uint64_t n = (uint64_t)places[m->n_columns];
	size_t column = 0;

	for (uint64_t from = 0; from < n && !e->is_set; from += r->n) {
		r->n = n - from < r->room ? (size_t)(n - from) : r->room;
		if (run_read(m, r, from, !is_counting, e))
			break;
		for (size_t i = 0; i < r->n && is_counting; i++)
			m->starts[r->rows[i] + 1]++;
		if (is_counting)
			continue;
		for (size_t i = 0; i < r->n; i++) {
			while ((uint64_t)places[column + 1] <= from + i)
				column++;
			r->columns[i] = (int32_t)column;
		}
		h5ad_transpose_add(m->gathered, r->rows, r->columns,
		    m->width == 4 ? r->raw_values : (void *)r->doubles, r->n, e);
	}
	return e->is_set ? -1 : 0;
}

static int
gather(struct h5ad_matrix *m, struct err *e)
{
	int64_t *places = mem_alloc(m->n_columns + 1, sizeof(*places));
	struct run r = { 0 };

	run_new(m, &r);
	m->starts = mem_zero(m->n_rows + 1, sizeof(*m->starts));
	if (!read_places(m, 0, m->n_columns, places, e) && !pass(m, places, &r, true, e)) {
		for (size_t i = 0; i < m->n_rows; i++)
			m->starts[i + 1] += m->starts[i];
		m->gathered = h5ad_transpose_new(m->n_rows, m->starts, m->width, m->max_memory, e);
		if (m->gathered)
			pass(m, places, &r, false, e);
	}
	run_free(&r);
	free(places);
	return e->is_set ? -1 : 0;
}

int
h5ad_csc_read(struct h5ad_matrix *m, struct h5ad_rows *rows, struct err *e)
{
	if (!m->gathered && gather(m, e))
		return -1;
	return m->next < m->n_rows ? h5ad_gathered_read(m, 0, m->n_rows, rows, e) : 0;
}
