/* plot_html.h - points in the plane as one interactive page, for a browser without a network.
 *
 * One self-contained HTML file: data, style and a hand-written script on a canvas; nothing is
 * loaded from elsewhere, and a content security policy in the page forbids it. Hovering shows the
 * columns of the nearest cell; wheel, drag and pinch zoom and pan, a double click goes back;
 * colours come from a chosen column, whose legend also hides and shows categories; a field finds
 * cells by text.
 *
 * 100,000 cells stay quick: positions are 16-bit fractions of the picture, categories 8, 16 or 32
 * bits, numbers float32, all as base64 and decoded in one go. Every text of the data stands in one
 * JSON block in which '<' is written \u003c, and the script puts texts into the page as text, never
 * as markup; so no label can end the block or become code. */

#ifndef FORMATS_PLOT_HTML_H
#define FORMATS_PLOT_HTML_H

#include "base/io.h"
#include "formats/plot_column.h"

struct plot_html {
	const char *title;
	const char *x_label, *y_label;
	size_t n;
	const double *x, *y;               /* [n] finite */
	const struct plot_column *columns; /* [n_columns], finished, each of n values */
	size_t n_columns;
	size_t color; /* number of the column that is shown first; n_columns: none */
};

/* Writes the page. -1 where it cannot be written. Equal input gives equal bytes. */
int plot_html_write(const struct plot_html *p, struct output *out, struct err *e);

#endif
