/* plot_axis.h - axes with readable ticks, and the frame of a chart: title, axes, their names.
 *
 * Ticks are multiples of 1, 2 or 5 times a power of ten. All labels of an axis have the same number
 * of decimals; very large and very small ones are written as 2×10⁻⁵. */

#ifndef FORMATS_PLOT_AXIS_H
#define FORMATS_PLOT_AXIS_H

#include "formats/plot_canvas.h"

enum { AXIS_MAX_TICKS = 24, AXIS_LABEL_SIZE = 32 };

struct axis {
	double min, max; /* its ends, min < max */
	size_t n_ticks;
	double ticks[AXIS_MAX_TICKS]; /* ascending, inside the ends */
	char labels[AXIS_MAX_TICKS][AXIS_LABEL_SIZE];
};

/* An axis from `low` to `high` with about `wanted` ticks (2 to 12). low > high, or ends that are
 * not finite, are a broken invariant (asserted); low = high is widened, numbers beyond 1e300 count
 * as that. */
void axis_choose(struct axis *a, double low, double high, size_t wanted);

/* As axis_choose, with a margin of `share` of the range at both ends (0.04 is usual). */
void axis_choose_margin(struct axis *a, double low, double high, double share, size_t wanted);

/* Where a value lies between `from` and `to`. */
double axis_place(const struct axis *a, double value, double from, double to);

/* Smallest and largest finite number of x[n]; false where there is none. */
bool axis_range(const double *x, size_t n, double *ret_low, double *ret_high);

/* A chart's frame. Fill in what it has, then frame_draw, then draw the data with frame_x, frame_y
 * inside `inside`. */
struct frame {
	const char *title; /* NULL: none; these three are cut where they are too long */
	const char *x_label, *y_label;
	struct axis x, y;
	double right;      /* room kept free right of the axes, for a legend */
	double left;       /* at least so much for the numbers at y, so that frames lie in line */
	struct box area;   /* where it goes, then without a title; width 0: the whole page */
	bool has_grid;     /* pale lines at the ticks */
	bool is_square;    /* the same length for both axes, as for ROC curves */
	bool same_scale;   /* a unit of x is as long as one of y: the axes are widened */
	bool no_ticks;     /* axes without numbers, as UMAP's mean nothing */
	bool has_no_x;     /* no numbers at x */
	struct box inside; /* set by frame_draw */
	struct box beside; /* the room right of it */
};

void frame_draw(struct canvas *c, struct frame *f);

/* Sets `inside` as frame_draw will, as long as the numbers at y stay; for who needs it to choose an
 * axis. */
void frame_lay_out(struct canvas *c, struct frame *f);

double frame_x(const struct frame *f, double value);
double frame_y(const struct frame *f, double value);

/* The width of the widest label of the ticks. */
double axis_label_width(struct canvas *c, const struct axis *a);

/* Draws the title of a chart without axes (NULL: none); what is left of the page below it, margins
 * taken off. */
struct box frame_title(struct canvas *c, const char *title);

#endif
