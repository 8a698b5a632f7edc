/* plot_curves.h - curves in one frame with a legend beside it: ROC, precision and recall, training.
 */

#ifndef FORMATS_PLOT_CURVES_H
#define FORMATS_PLOT_CURVES_H

#include "formats/plot_axis.h"

struct plot_curve {
	const char *label;
	size_t n;
	const double *x, *y; /* [n]; points that are not finite interrupt the line */
	uint32_t color;
	bool is_dashed;
	bool has_points; /* a dot at each, for curves of few points */
};

struct plot_curves {
	const char *title; /* NULL: none */
	const char *x_label, *y_label;
	size_t n;
	const struct plot_curve *curves;
	bool is_unit;         /* both axes from 0 to 1, equally long */
	bool has_diagonal;    /* what guessing gives: a dashed line from corner to corner */
	bool has_no_x;        /* no numbers at x: a panel with another one below */
	double x_low, x_high; /* the range of x at least; both 0: that of the curves */
	const char *legend;   /* its title; NULL: none */
	double right;         /* width of the legend at least */
	double left;          /* see struct frame */
	struct box area;
};

void plot_curves_draw(struct canvas *c, const struct plot_curves *p);

/* The legend's width, and that of the numbers at the y axis. */
double plot_curves_right(struct canvas *c, const struct plot_curves *p);
double plot_curves_left(struct canvas *c, const struct plot_curves *p);

#endif
