/* h5ad_check.h - whether the numbers of a matrix are counts. */

#ifndef FORMATS_H5AD_CHECK_H
#define FORMATS_H5AD_CHECK_H

#include "formats/h5ad_matrix.h"

/* The number of the first value that is no count, or n. A count is finite, >= 0, whole unless
 * any_number, and (f64) a number that float32 holds; with any_number f64 values are rounded to
 * float32 instead. */
size_t h5ad_check_f32(const float *values, size_t n, bool any_number);
size_t h5ad_check_f64(const double *values, size_t n, bool any_number);

/* "whole counts are in raw (-x raw)": matrices of the file other than `path` whose first values are
 * all counts, as a part of a sentence; "no matrix of the file ..." where there are none. Arena of
 * the file. */
const char *h5ad_where_counts_are(struct h5ad *a, const char *path);

#endif
