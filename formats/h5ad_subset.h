/* h5ad_subset.h - an .h5ad copied with some of its cells.
 *
 * Everything that has a row a cell is cut: obs, obsm, layers, X, raw/X, and obsp in both
 * directions; tables of every age, CSR, CSC and dense. All else is copied as it is. Element types
 * are kept, and compression as far as we can write it (gzip in place of lzf, blosc, zstd). */

#ifndef FORMATS_H5AD_SUBSET_H
#define FORMATS_H5AD_SUBSET_H

#include "formats/hdf5_base.h"

/* Fills the empty file `to` from `from`, an AnnData of n_rows cells, with its rows keep[0..n_keep),
 * which ascend. -1 on failure, also where an element has an encoding whose rows cannot be cut
 * (named). */
int h5ad_subset(const struct hdf5_file *from, const struct hdf5_file *to, const size_t *keep,
    size_t n_keep, size_t n_rows, struct err *e);

#endif
