/* plot_confusion.h - a confusion matrix: true classes down, predicted classes across.
 *
 * Colour is the share of a row, so that rare classes show as clearly as frequent ones. Each field
 * has that share in percent, and where there is room the count below. */

#ifndef FORMATS_PLOT_CONFUSION_H
#define FORMATS_PLOT_CONFUSION_H

#include "formats/plot_canvas.h"

struct plot_confusion {
	const char *title;        /* NULL: none */
	size_t n;                 /* classes, >= 1 */
	const char *const *names; /* [n] */
	const double *counts;     /* [n][n], a row a true class; finite, >= 0 */
	bool shows_counts;        /* numbers are counts, not percents; colours stay shares */
};

void plot_confusion_draw(struct canvas *c, const struct plot_confusion *p);

#endif
