/* h5ad_subset_parts.h - inside of h5ad_subset.h. */

#ifndef FORMATS_H5AD_SUBSET_PARTS_H
#define FORMATS_H5AD_SUBSET_PARTS_H

#include "formats/hdf5_base.h"

struct subset {
	const struct hdf5_file *from, *to;
	const size_t *keep; /* [n_keep] ascending */
	size_t n_keep, n_rows;
	int64_t *new_row; /* [n_rows]: number of the row in the result, or -1 */
	struct arena arena;
};

/* Copies the attributes of an object to that of the same path, but for references. */
int subset_attributes(struct subset *s, const char *path, struct err *e);

/* The attributes that say the shape of a matrix: the first number becomes n_keep, and the second
 * too if is_square. */
int subset_shape(struct subset *s, const char *path, bool is_square, struct err *e);

/* Cuts the rows of a dataset of any type and rank; with is_square the columns too. */
int subset_dataset(struct subset *s, const char *path, bool is_square, struct err *e);

/* Cuts a CSR or CSC group. */
int subset_sparse(struct subset *s, const char *path, bool is_csr, bool is_square, struct err *e);

#endif
