/* h5ad_write.h - the elements of an .h5ad, written as anndata 0.8 and later write them.
 *
 * Every element carries `encoding-type` and `encoding-version`. Forms used: dataframe 0.2.0, array
 * 0.2.0, string-array 0.2.0, categorical 0.2.0, nullable-integer and nullable-boolean 0.1.0,
 * csr_matrix 0.1.0, dict 0.1.0. What stands at a path already is replaced. Source: anndata
 * documentation, "On-disk format". */

#ifndef FORMATS_H5AD_WRITE_H
#define FORMATS_H5AD_WRITE_H

#include "cell/batch.h"
#include "formats/hdf5_base.h"

/* Attributes; an existing one is replaced. */
int hdf5_set_text(
    const struct hdf5_file *f, const char *path, const char *name, const char *text, struct err *e);
int hdf5_set_texts(const struct hdf5_file *f, const char *path, const char *name,
    const char *const *texts, size_t n, struct err *e);
int hdf5_set_ints(const struct hdf5_file *f, const char *path, const char *name,
    const int64_t *values, size_t n, struct err *e);

/* Removes what stands at a path, if anything does. */
int hdf5_remove(const struct hdf5_file *f, const char *path, struct err *e);

/* A group with its encoding ("dict", "0.1.0"). */
int h5ad_write_group(const struct hdf5_file *f, const char *path, const char *encoding,
    const char *version, struct err *e);

/* The groups every AnnData has (layers, obsm, ...) and the attributes of the root. */
int h5ad_write_skeleton(const struct hdf5_file *f, struct err *e);

/* A table with its index (whose usual name is "_index") and no columns yet. */
int h5ad_write_frame(const struct hdf5_file *f, const char *path, const char *index_name,
    const struct strings *index, struct err *e);

/* A column of a table, at "path/name": texts as strings, those with a dictionary as a categorical,
 * integers and bools with nulls as nullable ones, floats with NaN for nulls. The field is utf8
 * (plain ones without nulls: asserted), bool, int or float. */
int h5ad_write_column(const struct hdf5_file *f, const char *path, const char *name,
    const struct field *field, const struct array *column, struct err *e);

/* Sets the order of a table's columns. */
int h5ad_write_order(
    const struct hdf5_file *f, const char *path, const char *const *names, size_t n, struct err *e);

/* Texts as a string-array dataset. */
int h5ad_write_texts(
    const struct hdf5_file *f, const char *path, const struct strings *texts, struct err *e);

/* Makes a float32 dataset [rows][columns] filled with NaN; its handle, to be closed by the caller,
 * or -1. */
hid_t h5ad_matrix_create(
    const struct hdf5_file *f, const char *path, size_t rows, size_t columns, struct err *e);

/* Rows from..from+n of such a dataset. */
int h5ad_matrix_write(hid_t dataset, size_t from, size_t n, size_t columns, const float *values);

/* A one-dimensional dataset that grows: chunked, shuffle and gzip 1. */
hid_t hdf5_growing_create(const struct hdf5_file *f, const char *path, hid_t type, struct err *e);
/* Appends n values of the type in memory at place `at`, which is the length so far. */
int hdf5_growing_append(hid_t dataset, hid_t memory, uint64_t at, size_t n, const void *values);

#endif
