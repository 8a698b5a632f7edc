#include "formats/h5ad_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/hdf5_text.h"

/* Bands are so many rows of whole chunks as fit into BAND_BYTES, one at least. A band up to
 * LARGEST_BAND (and the memory that is allowed) is held as it is; a larger one is gathered from
 * stripes. */
enum {
	BAND_BYTES = 32 << 20,
	LARGEST_BAND = 64 << 20,
	STRIPE_BYTES = 16 << 20,
	SMALL_BAND_BYTES = 8 << 20
};

static void
plan_bands(struct h5ad_matrix *m, size_t row_bytes)
{
	hid_t list = H5Dget_create_plist(m->dataset);
	hsize_t chunk[2] = { 1, 1 };
	bool is_chunked = H5Pget_layout(list) == H5D_CHUNKED && H5Pget_chunk(list, 2, chunk) == 2;
	size_t fitting;

	H5Pclose(list);
	if (row_bytes == 0)
		row_bytes = 1;
	fitting = (is_chunked ? BAND_BYTES : SMALL_BAND_BYTES) / row_bytes;
	if (fitting > 16 * H5AD_BLOCK_ROWS)
		fitting = 16 * H5AD_BLOCK_ROWS;
	m->step_rows = (size_t)chunk[0];
	if (fitting > m->step_rows)
		m->step_rows = fitting - fitting % m->step_rows;
	if (m->step_rows > m->n_rows)
		m->step_rows = m->n_rows;
	if (m->step_rows * row_bytes <= LARGEST_BAND && m->step_rows * row_bytes <= m->max_memory)
		m->band = mem_alloc(m->step_rows, row_bytes);
}

int
h5ad_dense_open(struct h5ad_matrix *m, struct err *e)
{
	const struct hdf5_file *f = &m->a->file;
	hsize_t shape[2];
	hid_t type;
	bool is_exact;
	size_t row_bytes;

	if (hdf5_shape(f, m->path, shape, 2) != 2)
		return hdf5_fail(f, m->path, e, "not two-dimensional");
	if ((m->dataset = H5Dopen2(f->id, m->path, H5P_DEFAULT)) < 0)
		return hdf5_fail(f, m->path, e, "cannot be opened");
	type = H5Dget_type(m->dataset);
	m->number = hdf5_number(type, &is_exact);
	if (m->number != HDF5_ODD)
		m->memory = hdf5_number_memory(m->number, type);
	H5Tclose(type);
	if (m->number == HDF5_ODD)
		return hdf5_fail(f, m->path, e, "not numbers");
	m->n_rows = (size_t)shape[0];
	m->n_columns = (size_t)shape[1];
	if (m->n_columns > INT32_MAX ||
	    !mem_mul(m->n_columns, hdf5_number_width(m->number), &row_bytes))
		return hdf5_fail(f, m->path, e, "rows of %zu values", m->n_columns);
	m->is_direct = hdf5_chunks_open(&m->chunks, f, m->path, m->dataset);
	plan_bands(m, row_bytes);
	return 0;
}

/* Has all chunks that lie in the rectangle decoded to their places in `out`, rows of `step` bytes.
 */
static int
start_chunks(
    struct h5ad_matrix *m, const size_t at[2], const size_t size[2], uint8_t *out, struct err *e)
{
	const struct hdf5_chunks *c = &m->chunks;
	size_t step = size[1] * c->width;

	for (size_t row = at[0]; row < at[0] + size[0];
	     row += (size_t)(c->chunk[0] - row % c->chunk[0]))
		for (size_t col = at[1]; col < at[1] + size[1];
		     col += (size_t)(c->chunk[1] - col % c->chunk[1])) {
			hsize_t first[2] = { row - row % c->chunk[0], col - col % c->chunk[1] };
			size_t end_row = (size_t)(first[0] + c->chunk[0]),
			       end_col = (size_t)(first[1] + c->chunk[1]);
			struct hdf5_copy copy = { .from_step = (size_t)c->chunk[1] * c->width,
				.to_step = step };

			end_row = end_row < at[0] + size[0] ? end_row : at[0] + size[0];
			end_col = end_col < at[1] + size[1] ? end_col : at[1] + size[1];
			copy.from = (row - (size_t)first[0]) * copy.from_step +
				    (col - (size_t)first[1]) * c->width;
			copy.rows = end_row - row;
			copy.size = (end_col - col) * c->width;
			copy.to = out + (row - at[0]) * step + (col - at[1]) * c->width;
			if (hdf5_decoder_add(m->a->decoder, c, first, NULL, &copy, e))
				return -1;
		}
	return 0;
}

/* A rectangle of the matrix, [size[0]][size[1]] values as they are in memory. */
static int
read_rectangle(
    struct h5ad_matrix *m, const size_t at[2], const size_t size[2], uint8_t *out, struct err *e)
{
	hsize_t start[2] = { at[0], at[1] }, count[2] = { size[0], size[1] };
	hid_t space, block;
	bool is_read;

	if (size[0] == 0 || size[1] == 0)
		return 0;
	if (m->is_direct) {
		start_chunks(m, at, size, out, e);
		return hdf5_decoder_wait(m->a->decoder, e);
	}
	space = H5Dget_space(m->dataset);
	block = H5Screate_simple(2, count, NULL);
	is_read = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
		  H5Dread(m->dataset, m->memory, block, space, H5P_DEFAULT, out) >= 0;
	H5Sclose(block);
	H5Sclose(space);
	return is_read
		   ? 0
		   : hdf5_fail(&m->a->file, m->path, e, "rows from %zu on cannot be read", at[0]);
}

/* Entries that are not 0 of n values of one row, the first of them in `column`; appended. */
static size_t
pick(const struct h5ad_matrix *m, const uint8_t *raw, size_t n, int32_t column, int32_t *columns,
    uint8_t *values)
{
	const float *f = (const void *)raw;
	float *f_out = (void *)values;
	double *d_out = (void *)values;
	size_t kept = 0;

	if (m->width == 4) {
		for (size_t i = 0; i < n; i++)
			if (f[i] != 0) {
				columns[kept] = column + (int32_t)i;
				f_out[kept++] = f[i];
			}
		return kept;
	}
	for (size_t i = 0; i < n; i++) {
		double v;

		/* An integer beyond 2^53 becomes NaN, which no caller accepts as a count. */
		if (hdf5_to_double(m->number, raw + i * hdf5_number_width(m->number), 1, &v) == 0)
			v = (double)NAN;
		if (v != 0) {
			columns[kept] = column + (int32_t)i;
			d_out[kept++] = v;
		}
	}
	return kept;
}

/* The next block from the band in memory. */
static int
read_from_band(struct h5ad_matrix *m, struct h5ad_rows *rows, struct err *e)
{
	struct h5ad_block *b = &m->blocks[0];
	size_t end = m->band_first + m->band_rows,
	       row_bytes = m->n_columns * hdf5_number_width(m->number);
	size_t n_rows = end - m->next < H5AD_BLOCK_ROWS ? end - m->next : H5AD_BLOCK_ROWS, room;

	room = n_rows * m->n_columns;
	if (room > H5AD_BLOCK_ENTRIES + m->n_columns)
		room = H5AD_BLOCK_ENTRIES + m->n_columns;
	h5ad_block_fit(m, b, room);
	b->first = m->next;
	b->n = 0;
	b->starts[0] = 0;
	while (b->n < n_rows && (b->n == 0 || b->starts[b->n] <= H5AD_BLOCK_ENTRIES)) {
		size_t used = (size_t)b->starts[b->n];

		used += pick(m, m->band + (m->next - m->band_first) * row_bytes, m->n_columns, 0,
		    b->columns + used, (uint8_t *)b->raw_values + used * m->width);
		if (b->n && used > H5AD_BLOCK_ENTRIES)
			break;
		b->starts[++b->n] = (int32_t)used;
		m->next++;
	}
	return h5ad_block_values(m, b, rows, e);
}

/* Runs over the stripes of whole chunks of a band, from the left to the right: once to count, once
 * to hand over. */
static int
pass(struct h5ad_matrix *m, uint8_t *stripe, size_t step, bool is_counting, struct err *e)
{
	size_t width = hdf5_number_width(m->number);
	int32_t *columns = mem_alloc(step, sizeof(*columns));
	uint32_t *rows = mem_alloc(step, sizeof(*rows));
	uint8_t *values = mem_alloc(step, m->width);

	for (size_t col = 0; col < m->n_columns && !e->is_set; col += step) {
		size_t at[2] = { m->band_first, col }, size[2] = { m->band_rows, step };

		size[1] = col + step > m->n_columns ? m->n_columns - col : step;
		if (read_rectangle(m, at, size, stripe, e))
			break;
		for (size_t row = 0; row < m->band_rows; row++) {
			size_t n = pick(m, stripe + row * size[1] * width, size[1], (int32_t)col,
			    columns, values);

			if (is_counting) {
				m->starts[row + 1] += n;
				continue;
			}
			for (size_t i = 0; i < n; i++)
				rows[i] = (uint32_t)row;
			h5ad_transpose_add(m->gathered, rows, columns, values, n, e);
		}
	}
	free(columns);
	free(rows);
	free(values);
	return e->is_set ? -1 : 0;
}

static int
gather_band(struct h5ad_matrix *m, struct err *e)
{
	size_t width = hdf5_number_width(m->number),
	       chunk = m->is_direct ? (size_t)m->chunks.chunk[1] : 1;
	size_t step = STRIPE_BYTES / width / m->band_rows;
	uint8_t *stripe;

	step = step > chunk ? step - step % chunk : chunk;
	step = step < m->n_columns ? step : m->n_columns;
	stripe = mem_alloc(m->band_rows, step * width);
	free(m->starts);
	m->starts = mem_zero(m->band_rows + 1, sizeof(*m->starts));
	h5ad_transpose_free(m->gathered);
	m->gathered = NULL;
	if (!pass(m, stripe, step, true, e)) {
		for (size_t i = 0; i < m->band_rows; i++)
			m->starts[i + 1] += m->starts[i];
		m->gathered =
		    h5ad_transpose_new(m->band_rows, m->starts, m->width, m->max_memory, e);
		if (m->gathered)
			pass(m, stripe, step, false, e);
	}
	free(stripe);
	return e->is_set ? -1 : 0;
}

static int
next_band(struct h5ad_matrix *m, struct err *e)
{
	size_t at[2] = { m->next, 0 }, size[2];

	m->band_first = m->next;
	m->band_rows = m->n_rows - m->next < m->step_rows ? m->n_rows - m->next : m->step_rows;
	size[0] = m->band_rows;
	size[1] = m->n_columns;
	return m->band ? read_rectangle(m, at, size, m->band, e) : gather_band(m, e);
}

int
h5ad_dense_read(struct h5ad_matrix *m, struct h5ad_rows *rows, struct err *e)
{
	if (m->next == m->n_rows)
		return 0;
	if (m->next == m->band_first + m->band_rows && next_band(m, e))
		return -1;
	if (m->band)
		return read_from_band(m, rows, e);
	return h5ad_gathered_read(m, m->band_first, m->band_rows, rows, e);
}

size_t
h5ad_dense_sample(struct h5ad_matrix *m, double *values, size_t n, struct err *e)
{
	size_t width = hdf5_number_width(m->number), columns = m->n_columns < n ? m->n_columns : n;
	size_t at[2] = { 0, 0 }, size[2] = { columns ? n / columns : 0, columns }, got = 0;
	uint8_t *raw;

	size[0] = size[0] < m->n_rows ? size[0] : m->n_rows;
	raw = mem_alloc(size[0] * size[1], width);
	if (!read_rectangle(m, at, size, raw, e))
		got = hdf5_to_double(m->number, raw, size[0] * size[1], values);
	free(raw);
	return got;
}
