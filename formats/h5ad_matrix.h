/* h5ad_matrix.h - the matrices of an .h5ad, read row by row whatever their layout: CSR, CSC or
 * dense.
 *
 * Rows come in blocks of at most 1,000 rows and about 7 MB, in order, with memory that does not
 * depend on the number of rows (but for 8 bytes a row where rows must be gathered). CSR is read as
 * it lies; the next block is decoded by the workers while the caller uses this one. Dense matrices
 * are read in bands of whole chunks; a band that would be too large, and all of a CSC matrix, goes
 * through h5ad_transpose.h, which spills to TMPDIR above max_memory.
 *
 * Entries of a row stand in storage order (CSR), else in ascending order of columns. Zeros that a
 * sparse matrix stores are kept; those of a dense one are not entries. */

#ifndef FORMATS_H5AD_MATRIX_H
#define FORMATS_H5AD_MATRIX_H

#include "formats/h5ad.h"
#include "formats/hdf5_vector.h"

enum h5ad_layout { H5AD_CSR, H5AD_CSC, H5AD_DENSE };

struct h5ad_matrix;

/* Rows first..first+n; entry k of row first + i: starts[i] <= k < starts[i + 1]. Values are f32
 * where the matrix is float32 or float16, else f64 (the other is NULL). */
struct h5ad_rows {
	size_t first, n;
	const int32_t *starts;  /* [n + 1], from 0 */
	const int32_t *columns; /* [starts[n]] */
	const float *f32;
	const double *f64;
};

/* Opens the matrix at a path ("raw/X"). NULL on failure: not there, no matrix, indptr that goes
 * back or does not fit. */
struct h5ad_matrix *h5ad_matrix_open(
    struct h5ad *a, const char *path, size_t max_memory, struct err *e);
void h5ad_matrix_close(struct h5ad_matrix *m);

size_t h5ad_matrix_n_rows(const struct h5ad_matrix *m);
size_t h5ad_matrix_n_columns(const struct h5ad_matrix *m);
enum hdf5_number h5ad_matrix_number(const struct h5ad_matrix *m);

/* The next block: 1, 0 at the end, -1 on failure (a column beyond the matrix is named with its
 * row). Valid until the next call. Rows without entries come too. */
int h5ad_matrix_read(struct h5ad_matrix *m, struct h5ad_rows *rows, struct err *e);

/* Up to n values from the front of what is stored, in whatever order, as doubles: to judge what the
 * matrix holds without reading it. Returns how many. */
size_t h5ad_matrix_sample(struct h5ad_matrix *m, double *values, size_t n, struct err *e);

#endif
