/* h5ad_columns.h - which columns of obs a stream of counts carries, and under which names. */

#ifndef FORMATS_H5AD_COLUMNS_H
#define FORMATS_H5AD_COLUMNS_H

#include "formats/h5ad_frame.h"

struct h5ad_columns {
	size_t n;
	struct h5ad_column **columns; /* [n], open */
	const char **names;           /* [n]: in the stream */
	const char *odd; /* names of those that cannot be carried, divided by ", "; "" for none */
	const char *renamed; /* names in the stream of those that are called otherwise there */
};

/* Chooses by a list of names divided by commas; NULL: all; "" or "none": none. n_counts is never
 * among them. Memory in the file's arena. -1 where a name of the list is not there, or a column
 * cannot be opened. */
int h5ad_columns_choose(
    struct h5ad_frame *obs, const char *list, struct h5ad_columns *ret, struct err *e);

#endif
