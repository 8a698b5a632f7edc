/* plot_cells.h - a whole stream of embeddings in memory, to be drawn: vectors, and columns beside
 * them. */

#ifndef FORMATS_PLOT_CELLS_H
#define FORMATS_PLOT_CELLS_H

#include "formats/cells.h"
#include "formats/plot_column.h"

struct plot_cells {
	size_t n, d;
	struct buffer vectors; /* float [n][d], finite */
	struct plot_column *columns;
	size_t n_columns;
	size_t color;       /* number of the column that was asked for; n_columns: none was */
	uint64_t n_dropped; /* rows whose vector is null or has a number that is not finite */
	const char *rows;   /* "cells", "genes" or "states" */
};

/* Reads all rows of the program's input. color: the column that colours them, or NULL;
 * as_categories: its numbers are categories, too. has_all: every other column of labels is gathered
 * as well, for a page that shows them. Rows without a usable vector are left out, with a warning.
 * -1 on failure: no such column, no row left. Free it in either case. */
int plot_cells_read(struct plot_cells *p, const struct cli *cli, const char *color,
    bool as_categories, bool has_all, struct err *e);
void plot_cells_free(struct plot_cells *p);

/* The vectors, and the column that colours them (NULL: none). */
const float *plot_cells_vectors(const struct plot_cells *p);
const struct plot_column *plot_cells_color(const struct plot_cells *p);

#endif
