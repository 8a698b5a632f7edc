/* h5ad.h - AnnData files (.h5ad) of every age, opened for reading.
 *
 * An .h5ad is an HDF5 file with a table of cells (`obs`), one of genes (`var`), the matrix `X`,
 * perhaps an earlier state of it with genes of its own (`raw`), and more matrices of X's shape
 * (`layers`). This module finds the parts; h5ad_frame.h reads the tables, h5ad_matrix.h the
 * matrices. Forms that are read: those of anndata 0.8 and later (attributes `encoding-type`), 0.7
 * (categories beside the table in `__categories`), and 0.6 and before (tables as compound datasets,
 * categories in `uns`, `raw.X` and `raw.var` at the top).
 *
 * Format: anndata documentation, "On-disk format". */

#ifndef FORMATS_H5AD_H
#define FORMATS_H5AD_H

#include "base/cli.h"
#include "formats/hdf5_decode.h"

struct h5ad {
	struct hdf5_file file;
	struct arena arena;           /* lives as long as the file */
	struct hdf5_decoder *decoder; /* of matrices; `threads` workers */
	struct hdf5_decoder *inlined; /* of tables; the calling thread only */
};

/* Opens a file ("-": standard input if that is a regular file) to be read with cli->threads
 * threads. `path` must outlive it. NULL on failure, with one line that says what the file is
 * instead where that can be told (10x, loom). From here on a crash is taken for a broken file
 * (hdf5_guard). */
struct h5ad *h5ad_open(const struct cli *cli, const char *path, struct err *e);
void h5ad_close(struct h5ad *a);

/* Where the matrix of that name lies: "X", "raw", or the name of a layer ("counts" or
 * "layers/counts"). NULL where there is none, with an error that names those that are there. */
const char *h5ad_matrix_path(struct h5ad *a, const char *name, struct err *e);

/* Paths of all matrices of the file, X first; *ret_n of them. */
const char **h5ad_matrices(struct h5ad *a, size_t *ret_n);

/* What h5ad_matrix_path understands for a path: "raw" for "raw/X". */
const char *h5ad_matrix_name(const char *path);

/* The table of genes that goes with a matrix: "var", "raw/var" or "raw.var". */
const char *h5ad_var_path(const char *matrix_path);

#endif
