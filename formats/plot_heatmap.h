/* plot_heatmap.h - vectors as a heatmap: a row a cell, ordered by its label, with a strip of the
 * labels' colours.
 *
 * Categories: dimensions are ordered, too: by the group in which their mean is highest, so that
 * what marks a group lies together. Numbers or no label: dimensions as they are. Where there are
 * more rows or dimensions than pixels, a pixel is the mean of those that it covers. Colours are
 * blue for values below 0, red above, up to the value that 98 % of the pixels stay within. */

#ifndef FORMATS_PLOT_HEATMAP_H
#define FORMATS_PLOT_HEATMAP_H

#include "formats/plot_column.h"
#include "formats/plot_page.h"

struct plot_heatmap {
	const char *title;               /* NULL: none */
	size_t n, d;                     /* >= 1 */
	const float *values;             /* [n][d], finite */
	const char *rows;                /* what they are: "cells" */
	const struct plot_column *label; /* finished, of n values; NULL: rows stay in their order */
	bool is_scaled;                  /* each dimension brought to mean 0 and deviation 1 */
};

/* The input's embeddings, ordered by a column (NULL: as they are), on a page of their own. */
void plot_heatmap_input(const struct plot_page *page, const char *label, bool as_categories,
    bool is_scaled, struct err *e);

void plot_heatmap_draw(struct canvas *c, const struct plot_heatmap *p);

/* The order of the rows: ascending codes or numbers, equal ones as they came, nulls last. */
void plot_heatmap_order(const struct plot_column *label, size_t n, size_t *ret_rows);

#endif
