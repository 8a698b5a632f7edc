/* plot_legend.h - legends of categories and colour bars of numbers, beside the axes. */

#ifndef FORMATS_PLOT_LEGEND_H
#define FORMATS_PLOT_LEGEND_H

#include "formats/plot_canvas.h"
#include "formats/plot_color.h"

enum legend_mark { LEGEND_POINT, LEGEND_LINE, LEGEND_DASHED, LEGEND_PATCH };

struct legend_entry {
	const char *label;
	uint32_t color;
	enum legend_mark mark;
};

struct legend {
	const char *title; /* NULL: none */
	size_t n;
	const struct legend_entry *entries; /* [n] */
};

/* The width that legend_draw takes in a box of that height, at most `most`: in several columns
 * where one is too short, labels cut where they are too long. 0 where n is 0. The gap to the axes
 * is in it. */
double legend_width(struct canvas *c, const struct legend *l, double height, double most);
/* Entries for which there is no room even so are summed up as "and N more". */
void legend_draw(struct canvas *c, const struct legend *l, struct box b);

struct color_bar {
	const char *title; /* NULL: none */
	enum color_map map;
	double low, high; /* values at its ends, low <= high */
};

double color_bar_width(struct canvas *c, const struct color_bar *bar, double most);
void color_bar_draw(struct canvas *c, const struct color_bar *bar, struct box b);

#endif
