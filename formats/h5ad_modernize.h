/* h5ad_modernize.h - tables of anndata 0.6 and before brought to today's form, so that columns can
 * be added. */

#ifndef FORMATS_H5AD_MODERNIZE_H
#define FORMATS_H5AD_MODERNIZE_H

#include "formats/hdf5_base.h"

/* Replaces the table (compound dataset) at `path` of a file open for writing by a group. Its
 * categories move from uns into it, unless var, too, uses them. -1 on failure, also where a column
 * cannot be read (named). */
int h5ad_modernize(const struct hdf5_file *f, const char *path, struct err *e);

/* Replaces obsm, a table whose members are rows of numbers, by a group with a matrix for each of
 * them. */
int h5ad_modernize_obsm(const struct hdf5_file *f, struct err *e);

#endif
