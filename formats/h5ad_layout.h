/* h5ad_layout.h - inside of h5ad_matrix.h: the three layouts behind it. */

#ifndef FORMATS_H5AD_LAYOUT_H
#define FORMATS_H5AD_LAYOUT_H

#include "formats/h5ad_matrix.h"
#include "formats/h5ad_transpose.h"

enum { H5AD_BLOCK_ROWS = 1000, H5AD_BLOCK_ENTRIES = 917504 };

/* Entries of some rows, as they came and as they are given out. */
struct h5ad_block {
	size_t first, n;
	int32_t starts[H5AD_BLOCK_ROWS + 1];
	void *raw_columns, *raw_values; /* as in the file */
	int32_t *columns;               /* raw_columns where these are int32 already */
	double *doubles;                /* raw_values where these are float64 already */
	size_t room;                    /* entries */
	bool is_started;
};

struct h5ad_matrix {
	struct h5ad *a;
	const char *path;
	enum h5ad_layout layout;
	enum hdf5_number number;
	size_t width; /* of a value that is given out: 4 (float32) or 8 (float64) */
	size_t n_rows, n_columns, max_memory;
	size_t next; /* the row that has not been started */
	struct h5ad_block blocks[2];
	unsigned turn; /* the block that is given out next */

	/* Sparse. */
	struct hdf5_vector *indptr, *indices, *data;

	/* Dense: chunks, or what HDF5 reads. */
	hid_t dataset, memory;
	struct hdf5_chunks chunks;
	bool is_direct;
	size_t step_rows; /* rows of a band */
	size_t band_first, band_rows;
	uint8_t *band; /* [band_rows][n_columns], as in the file; NULL where bands are gathered */

	/* Rows gathered from columns: all of a CSC matrix, or a band. */
	struct h5ad_transpose *gathered;
	uint64_t *starts; /* [rows gathered + 1] */
};

/* Room for n entries. */
void h5ad_block_fit(const struct h5ad_matrix *m, struct h5ad_block *b, size_t n);

/* Brings raw values to f32 or f64. -1 where an integer is beyond 2^53. */
int h5ad_block_values(
    const struct h5ad_matrix *m, struct h5ad_block *b, struct h5ad_rows *rows, struct err *e);

/* Each: opens what lies at m->path and fills in shape and number; reads the next block. */
int h5ad_sparse_open(struct h5ad_matrix *m, struct err *e);
int h5ad_csr_read(struct h5ad_matrix *m, struct h5ad_rows *rows, struct err *e);
int h5ad_csc_read(struct h5ad_matrix *m, struct h5ad_rows *rows, struct err *e);
int h5ad_dense_open(struct h5ad_matrix *m, struct err *e);
int h5ad_dense_read(struct h5ad_matrix *m, struct h5ad_rows *rows, struct err *e);
size_t h5ad_dense_sample(struct h5ad_matrix *m, double *values, size_t n, struct err *e);

/* The next block of rows from m->gathered, which holds rows base..base+n. */
int h5ad_gathered_read(
    struct h5ad_matrix *m, size_t base, size_t n, struct h5ad_rows *rows, struct err *e);

#endif
