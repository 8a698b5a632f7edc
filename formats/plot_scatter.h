/* plot_scatter.h - points in the plane, coloured by a column.
 *
 * Categories: each name stands at its group where there are few groups and their names find room
 * without covering each other, else in a legend. Numbers: a colour map with a bar beside it. Nulls
 * are grey, lie below the others, and are named in the legend with how many they are. The points
 * are drawn in an order of chance that is always the same, so that no category hides another one
 * by coming later; their size and transparency follow from how many they are. */

#ifndef FORMATS_PLOT_SCATTER_H
#define FORMATS_PLOT_SCATTER_H

#include "formats/plot_canvas.h"
#include "formats/plot_column.h"

enum scatter_names { SCATTER_NAMES_AUTO, SCATTER_NAMES_AT_GROUPS, SCATTER_NAMES_IN_LEGEND };

struct plot_scatter {
	const char *title; /* NULL: the name of the column where names stand at the groups */
	const char *x_label, *y_label;
	size_t n;
	const double *x, *y;             /* [n] finite */
	const struct plot_column *color; /* finished, of n values; NULL: all points are alike */
	enum scatter_names names;
	bool has_ticks;  /* numbers at the axes (PCA); without them axes mean nothing (UMAP) */
	bool same_scale; /* a unit of x is drawn as long as one of y */
	double size;     /* radius of a point in points; 0: by n */
};

/* Draws on the whole page. Zero points give empty axes. */
void plot_scatter_draw(struct canvas *c, const struct plot_scatter *s);

/* The radius for n points on an area (points^2), and their transparency as paint.clear counts it.
 */
double plot_scatter_radius(size_t n, double area);
double plot_scatter_clear(size_t n);

#endif
