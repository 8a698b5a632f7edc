/* plot_column.h - one column of a whole stream, gathered to be drawn: categories or numbers.
 *
 * Text, bool and whatever else has no place on a scale become categories; integers and
 * floating-point numbers become numbers, unless categories are asked for (cluster numbers). The
 * categories of a dictionary keep its order, others are sorted, runs of digits in them by their
 * number ("T2" before "T10"); only those that occur are kept. */

#ifndef FORMATS_PLOT_COLUMN_H
#define FORMATS_PLOT_COLUMN_H

#include "cell/batch.h"

struct plot_column {
	char *name;
	bool is_numbers;
	bool is_whole; /* numbers that were integers */
	size_t n;
	int32_t *codes;                   /* [n] which category, -1: null; NULL for numbers */
	double *numbers;                  /* [n] NaN: null; NULL for categories */
	struct strings *names;            /* of the categories; NULL for numbers */
	struct plot_gathering *gathering; /* between start and finish */
};

/* Starts an empty column like the field; as_categories: numbers too become categories. */
void plot_column_start(struct plot_column *c, const struct field *f, bool as_categories);

/* Adds the values of a batch; the field is the one given to the start, or one like it. */
void plot_column_add(struct plot_column *c, const struct field *f, const struct array *a);

/* Orders the categories. Call it once, after the last batch; codes and names are valid only then.
 */
void plot_column_finish(struct plot_column *c);

/* How many values are null (NaN for numbers). */
size_t plot_column_nulls(const struct plot_column *c);

void plot_column_free(struct plot_column *c);

#endif
