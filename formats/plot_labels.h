/* plot_labels.h - labels of points that overlap neither each other nor the points they name. */

#ifndef FORMATS_PLOT_LABELS_H
#define FORMATS_PLOT_LABELS_H

#include "formats/plot_canvas.h"

struct label {
	const char *text;
	double x, y;      /* the point, on the page */
	double radius;    /* of its mark */
	bool is_centered; /* it may lie on the point itself, as the name of a cluster does */
	/* Set by labels_place: */
	bool is_placed;
	struct box box; /* of the text */
};

/* Finds a place for each label inside b, earlier ones first, near its point; a label for which
 * there is none is left out (is_placed false). Obstacles (NULL where n_obstacles is 0) are boxes
 * that no label may cover. Deterministic. Returns how many were placed. */
size_t labels_place(struct canvas *c, struct label *labels, size_t n, struct box b,
    const struct box *obstacles, size_t n_obstacles, const struct text_style *style);

/* Moves places apart, in their order, until each is `apart` below the one before, between low and
 * high as far as they all fit there. */
void labels_spread(double *y, size_t n, double apart, double low, double high);

/* Draws the placed ones, with a thin line to points that are not right beside. */
void labels_draw(
    struct canvas *c, const struct label *labels, size_t n, const struct text_style *style);

#endif
