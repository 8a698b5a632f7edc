/* h5ad_frame.h - the tables of an .h5ad (obs, var, raw/var): their columns, read in ranges of rows.
 *
 * A column is brought to one of five types whatever the age of the file: text, category (texts by
 * number), integer, float, bool; rows without a value are nulls. NaN of a float column stays a
 * value. Columns of other kinds (several values a row, complex, structured) are H5AD_ODD: known by
 * name, not readable. */

#ifndef FORMATS_H5AD_FRAME_H
#define FORMATS_H5AD_FRAME_H

#include "cell/batch.h"
#include "formats/h5ad.h"
#include "formats/hdf5_text.h"
#include "formats/hdf5_vector.h"

enum h5ad_type { H5AD_ODD, H5AD_TEXT, H5AD_CATEGORY, H5AD_INT, H5AD_FLOAT, H5AD_BOOL };

struct h5ad_column {
	const char *name;
	const char *path;   /* of the dataset or group, or of the table it is a member of */
	const char *member; /* NULL where it is no member */
	enum h5ad_type type;
	enum hdf5_number number; /* of values or codes, as in the file */
	const struct strings
	    *categories; /* H5AD_CATEGORY: after h5ad_column_open; numbers written as text */
	const double *category_numbers; /* where the categories are numbers or bools; else NULL */
	bool is_ordered;                /* H5AD_CATEGORY */

	/* Set by the description; opened at the first read. */
	const char *values_path, *mask_path, *categories_path;
	struct hdf5_texts *texts;
	struct hdf5_vector *values, *mask;
};

struct h5ad_frame {
	struct h5ad *file;
	const char *path;
	size_t n_rows;
	struct h5ad_column index;
	size_t n_columns;
	struct h5ad_column *columns; /* in the order of the file, without the index */
};

/* Describes the table at `path`. NULL on failure. Freed before the file is closed. */
struct h5ad_frame *h5ad_frame_open(struct h5ad *a, const char *path, struct err *e);
void h5ad_frame_close(struct h5ad_frame *f);

/* The column of that name (not the index), or NULL. */
struct h5ad_column *h5ad_frame_find(struct h5ad_frame *f, const char *name);

/* Opens what reading needs and loads the categories. 0, or -1. Repeated calls do nothing. */
int h5ad_column_open(struct h5ad_frame *f, struct h5ad_column *c, struct err *e);

/* The field that a stream carries the column in; c is open and not odd. It points at c. */
struct field h5ad_column_field(const struct h5ad_column *c);

/* Rows from..from+n in the form of that field; memory in the arena. -1 on failure: unreadable, a
 * code without category, an integer above 63 bits, text that is not UTF-8. */
int h5ad_column_read(struct h5ad_frame *f, struct h5ad_column *c, size_t from, size_t n,
    struct arena *a, struct array *ret, struct err *e);

/* The same as texts whatever the type, numbers written out ("1", "0.5", "True"); nulls are empty.
 */
int h5ad_column_texts(struct h5ad_frame *f, struct h5ad_column *c, size_t from, size_t n,
    struct arena *a, struct strings *ret, struct err *e);

#endif
