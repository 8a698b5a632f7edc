/* h5ad_output_x.h - inside of h5ad_output.h: counts or values of a stream as the CSR matrix of a
 * new .h5ad. */

#ifndef FORMATS_H5AD_OUTPUT_X_H
#define FORMATS_H5AD_OUTPUT_X_H

#include "cell/batch.h"
#include "formats/hdf5_base.h"

struct output_x;

/* The gene column of the schema, and the count or value column. The file, which has no X yet, must
 * outlive it. */
struct output_x *output_x_new(const struct hdf5_file *f, const struct schema *s, ptrdiff_t gene,
    ptrdiff_t value, struct err *e);
void output_x_free(struct output_x *x);

int output_x_add(struct output_x *x, const struct batch *b, struct err *e);

/* Writes indptr, the shape, and var. */
int output_x_finish(struct output_x *x, struct err *e);

#endif
