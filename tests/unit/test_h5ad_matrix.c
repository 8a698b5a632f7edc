/* Matrices of .h5ad files: every layout, number type, compression and chunk shape gives the same
 * rows, which are computed here from a formula; transposing within memory and beyond it. The
 * fixtures are written with HDF5's own calls. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <blosc.h>
#include <lzf.h>
#include <zstd.h>

#include "formats/h5ad_matrix.h"
#include "formats/h5ad_transpose.h"

enum { ROWS = 2500, COLUMNS = 70 };

/* About a quarter of the entries; row 17 and every row from 2,400 on is empty. */
static int
value_at(size_t row, size_t column)
{
	if (row == 17 || row >= 2400 || (row * 7 + column * 13) % 11 > 2)
		return 0;
	return (int)((row + column) % 50 + 1);
}

struct fixture {
	char path[64];
	hid_t file;
	hid_t chunked; /* creation properties of the vectors that follow; H5P_DEFAULT: contiguous */
	hid_t type;    /* of values */
	hid_t index;   /* of indices */
};

static void
start(struct fixture *f)
{
	int fd;

	snprintf(f->path, sizeof(f->path), "/tmp/test_h5ad.XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	f->file = H5Fcreate(f->path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	f->chunked = H5P_DEFAULT;
	f->type = H5T_IEEE_F32LE;
	f->index = H5T_STD_I32LE;
	H5Gclose(H5Gcreate2(f->file, "obs", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

static void
write_line(struct fixture *f, const char *path, hid_t type, const int *values, size_t n)
{
	hsize_t count = n, limit = H5S_UNLIMITED;
	hid_t space = H5Screate_simple(1, &count, f->chunked == H5P_DEFAULT ? NULL : &limit);
	hid_t dataset =
	    H5Dcreate2(f->file, path, type, space, H5P_DEFAULT, f->chunked, H5P_DEFAULT);

	assert_true(dataset >= 0);
	assert_true(H5Dwrite(dataset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
	H5Dclose(dataset);
	H5Sclose(space);
}

static void
write_attributes(struct fixture *f, const char *encoding)
{
	hid_t group = H5Gopen2(f->file, "X", H5P_DEFAULT), type = H5Tcopy(H5T_C_S1), space, a;
	int shape[2] = { ROWS, COLUMNS };
	hsize_t two = 2;

	H5Tset_size(type, strlen(encoding));
	space = H5Screate(H5S_SCALAR);
	a = H5Acreate2(group, "encoding-type", type, space, H5P_DEFAULT, H5P_DEFAULT);
	H5Awrite(a, type, encoding);
	H5Aclose(a);
	H5Sclose(space);
	space = H5Screate_simple(1, &two, NULL);
	a = H5Acreate2(group, "shape", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
	H5Awrite(a, H5T_NATIVE_INT, shape);
	H5Aclose(a);
	H5Sclose(space);
	H5Tclose(type);
	H5Gclose(group);
}

/* Entries by rows (CSR) or by columns (CSC); how many there are. */
static size_t
list_entries(bool by_rows, int *data, int *indices, int *places)
{
	size_t n = 0, lines = by_rows ? ROWS : COLUMNS, across = by_rows ? COLUMNS : ROWS;

	for (size_t i = 0; i < lines; i++) {
		places[i] = (int)n;
		for (size_t k = 0; k < across; k++) {
			int v = by_rows ? value_at(i, k) : value_at(k, i);

			if (v) {
				data[n] = v;
				indices[n++] = (int)k;
			}
		}
	}
	places[lines] = (int)n;
	return n;
}

static void
write_sparse(struct fixture *f, bool by_rows)
{
	static int data[ROWS * COLUMNS], indices[ROWS * COLUMNS], places[ROWS + 1];
	size_t n = list_entries(by_rows, data, indices, places);

	H5Gclose(H5Gcreate2(f->file, "X", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
	write_attributes(f, by_rows ? "csr_matrix" : "csc_matrix");
	write_line(f, "X/data", f->type, data, n);
	write_line(f, "X/indices", f->index, indices, n);
	write_line(f, "X/indptr", f->index, places, (by_rows ? ROWS : COLUMNS) + 1);
}

static void
write_dense(struct fixture *f)
{
	static int data[ROWS][COLUMNS];
	hsize_t shape[2] = { ROWS, COLUMNS };
	hid_t space = H5Screate_simple(2, shape, NULL), dataset;

	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k < COLUMNS; k++)
			data[i][k] = value_at(i, k);
	dataset = H5Dcreate2(f->file, "X", f->type, space, H5P_DEFAULT, f->chunked, H5P_DEFAULT);
	assert_true(dataset >= 0);
	assert_true(H5Dwrite(dataset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
	H5Dclose(dataset);
	H5Sclose(space);
}

/* Reads the file and compares every row with the formula. */
static void
expect_rows(struct fixture *f, int threads, size_t max_memory)
{
	static const struct cli_program program = { .name = "test" };
	struct cli cli = { .program = &program, .threads = threads };
	struct err e = { 0 };
	struct h5ad *a;
	struct h5ad_matrix *m;
	struct h5ad_rows r;
	size_t row = 0;
	int status;

	if (f->chunked != H5P_DEFAULT)
		H5Pclose(f->chunked);
	H5Fclose(f->file);
	a = h5ad_open(&cli, f->path, &e);
	m = h5ad_matrix_open(a, "X", max_memory, &e);
	assert_string_equal(e.text, "");
	assert_int_equal(h5ad_matrix_n_rows(m), ROWS);
	assert_int_equal(h5ad_matrix_n_columns(m), COLUMNS);
	while ((status = h5ad_matrix_read(m, &r, &e)) > 0) {
		assert_int_equal(r.first, row);
		assert_in_range(r.n, 1, 1000);
		for (size_t i = 0; i < r.n; i++, row++) {
			int32_t at = r.starts[i];

			for (size_t k = 0; k < COLUMNS; k++) {
				if (!value_at(row, k))
					continue;
				assert_true(at < r.starts[i + 1]);
				assert_int_equal(r.columns[at], k);
				assert_true(
				    (r.f32 ? (double)r.f32[at] : r.f64[at]) == value_at(row, k));
				at++;
			}
			assert_int_equal(at, r.starts[i + 1]);
		}
	}
	assert_string_equal(e.text, "");
	assert_int_equal(status, 0);
	assert_int_equal(row, ROWS);
	h5ad_matrix_close(m);
	h5ad_close(a);
	unlink(f->path);
}

static hid_t
chunks(hsize_t rows, hsize_t columns, bool is_shuffled, bool is_deflated)
{
	hid_t list = H5Pcreate(H5P_DATASET_CREATE);
	hsize_t shape[2] = { rows, columns };

	H5Pset_chunk(list, columns ? 2 : 1, shape);
	if (is_shuffled)
		H5Pset_shuffle(list);
	if (is_deflated)
		H5Pset_deflate(list, 6);
	return list;
}

static void
test_number_types(void **state)
{
	(void)state;
	const hid_t types[] = { H5T_STD_I8LE, H5T_STD_U8LE, H5T_STD_I16LE, H5T_STD_U16BE,
		H5T_STD_I32LE, H5T_STD_I32BE, H5T_STD_U32LE, H5T_STD_I64LE, H5T_STD_U64LE,
		H5T_IEEE_F32LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE };
	const hid_t indices[] = { H5T_STD_I32LE, H5T_STD_I64LE, H5T_STD_U32LE, H5T_STD_I32BE };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (int form = 0; form < 3; form++) {
			struct fixture f;

			start(&f);
			f.type = types[i];
			f.index = indices[i % 4];
			if (form == 2)
				write_dense(&f);
			else
				write_sparse(&f, form == 0);
			expect_rows(&f, 1, 1 << 30);
		}
}

/* Chunks smaller and larger than a block of rows, and one for everything. */
static void
test_chunks_of_vectors(void **state)
{
	(void)state;
	const hsize_t sizes[] = { 97, 4096, 1000000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int form = 0; form < 8; form++) {
			struct fixture f;

			start(&f);
			f.chunked = chunks(sizes[i], 0, form & 1, form & 2);
			write_sparse(&f, form & 4);
			expect_rows(&f, 1 + form % 3, 1 << 30);
		}
}

/* Half of them with so little memory that bands are gathered from stripes. */
static void
test_dense_chunks(void **state)
{
	(void)state;
	const hsize_t shapes[][2] = { { 16, 70 }, { 64, 16 }, { 2500, 1 }, { 2500, 70 },
		{ 999, 69 }, { 1001, 3 } };

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (int form = 0; form < 4; form++) {
			struct fixture f;

			start(&f);
			f.chunked = chunks(shapes[i][0], shapes[i][1], form & 1, form & 2);
			f.type = form == 3 ? H5T_STD_I64LE : H5T_IEEE_F32LE;
			write_dense(&f);
			expect_rows(&f, 2, i % 2 ? 1 << 30 : 10000);
		}
}

/* So little memory that the spill file is used. */
static void
test_csc_beyond_memory(void **state)
{
	(void)state;
	const size_t memory[] = { 0, 1000, 20000, 200000 };

	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
		struct fixture f;

		start(&f);
		f.type = i % 2 ? H5T_IEEE_F64LE : H5T_IEEE_F32LE;
		write_sparse(&f, false);
		expect_rows(&f, 2, memory[i]);
	}
}

/* A chunk of X/data as a foreign compressor leaves it. */
static size_t
compress(int id, const void *in, size_t n, void *out, size_t room)
{
	if (id == 32000)
		return lzf_compress(in, (unsigned)n, out, (unsigned)room);
	if (id == 32015)
		return ZSTD_compress(out, room, in, n, 3);
	return (size_t)blosc_compress_ctx(5, 1, sizeof(float), n, in, out, room, "lz4", 0, 1);
}

static size_t
refuse(
    unsigned flags, size_t n_values, const unsigned values[], size_t n, size_t *room, void **data)
{
	(void)flags, (void)n_values, (void)values, (void)n, (void)room, (void)data;
	return 0;
}

static herr_t
make_known(int id, const char *name)
{
	/* Only so that HDF5 lets a dataset be made with it; the chunks are written as they are. */
	static H5Z_class2_t class = { .version = H5Z_CLASS_T_VERS,
		.encoder_present = 1,
		.decoder_present = 1,
		.filter = refuse };

	class.id = id;
	class.name = name;
	return H5Zregister(&class);
}

static void
test_foreign_compression(void **state)
{
	(void)state;
	static const struct {
		int id;
		const char *name;
	} filters[] = { { 32000, "lzf" }, { 32001, "blosc" }, { 32015, "zstd" } };
	enum { CHUNK = 1024 };
	static int data[ROWS * COLUMNS], indices[ROWS * COLUMNS], places[ROWS + 1];
	size_t n = list_entries(true, data, indices, places);

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct fixture f;
		hsize_t count = n;
		hid_t space, list, dataset;

		start(&f);
		write_sparse(&f, true);
		make_known(filters[i].id, filters[i].name);
		H5Ldelete(f.file, "X/data", H5P_DEFAULT);
		list = chunks(CHUNK, 0, false, false);
		H5Pset_filter(list, filters[i].id, H5Z_FLAG_MANDATORY, 0, NULL);
		space = H5Screate_simple(1, &count, NULL);
		dataset = H5Dcreate2(
		    f.file, "X/data", H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
		assert_true(dataset >= 0);
		for (hsize_t at = 0; at < n; at += CHUNK) {
			float chunk[CHUNK] = { 0 };
			char out[4 * CHUNK * sizeof(float)];
			uint32_t skipped = 0;
			size_t size;

			for (size_t k = 0; k < CHUNK && at + k < n; k++)
				chunk[k] = (float)data[at + k];
			size = compress(filters[i].id, chunk, sizeof(chunk), out, sizeof(out));
			assert_true(size > 0);
			if (at == 3 * CHUNK) { /* h5py's mark for a chunk that would not shrink */
				memcpy(out, chunk, sizeof(chunk));
				size = sizeof(chunk);
				skipped = 1;
			}
			assert_true(
			    H5Dwrite_chunk(dataset, H5P_DEFAULT, skipped, &at, size, out) >= 0);
		}
		H5Dclose(dataset);
		H5Pclose(list);
		H5Sclose(space);
		expect_rows(&f, 2, 1 << 30);
	}
}

/* What the transposer gives back is what was added, in that order within a row. */
static void
test_transpose(void **state)
{
	(void)state;
	enum { N = 300, LINES = 40 };
	uint64_t starts[N + 1] = { 0 };
	uint32_t rows[N];
	int32_t columns[N];
	double values[N];

	/* Column c has rows r with (r + c) % 3 == 0. */
	for (size_t r = 0; r < N; r++) {
		starts[r + 1] = starts[r];
		for (size_t c = 0; c < LINES; c++)
			starts[r + 1] += (r + c) % 3 == 0;
	}
	for (size_t memory = 0; memory < 1 << 20; memory = memory ? memory * 16 : 100) {
		struct err e = { 0 };
		struct h5ad_transpose *t =
		    h5ad_transpose_new(N, starts, sizeof(double), memory, &e);

		assert_non_null(t);
		for (size_t c = 0; c < LINES; c++) {
			size_t n = 0;

			for (size_t r = 0; r < N; r++)
				if ((r + c) % 3 == 0) {
					rows[n] = (uint32_t)r;
					columns[n] = (int32_t)c;
					values[n++] = (double)(r * 100 + c);
				}
			assert_int_equal(h5ad_transpose_add(t, rows, columns, values, n, &e), 0);
		}
		for (size_t r = 0; r < N; r += 10) {
			size_t k = 0;

			assert_int_equal(h5ad_transpose_read(t, r, 10, columns, values, &e), 0);
			for (size_t i = r; i < r + 10; i++)
				for (size_t c = 0; c < LINES; c++)
					if ((i + c) % 3 == 0) {
						assert_int_equal(columns[k], c);
						assert_true(values[k++] == (double)(i * 100 + c));
					}
		}
		h5ad_transpose_free(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_types),
		cmocka_unit_test(test_chunks_of_vectors),
		cmocka_unit_test(test_dense_chunks),
		cmocka_unit_test(test_csc_beyond_memory),
		cmocka_unit_test(test_foreign_compression),
		cmocka_unit_test(test_transpose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
