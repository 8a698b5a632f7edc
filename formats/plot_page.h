/* plot_page.h - the page a program draws: its format and size as the user says them, and the file
 * that it becomes. */

#ifndef FORMATS_PLOT_PAGE_H
#define FORMATS_PLOT_PAGE_H

#include "base/cli.h"
#include "formats/plot_canvas.h"

enum plot_form { PLOT_SVG, PLOT_PNG, PLOT_PDF, PLOT_HTML };

/* The format that `format` names ("svg", ...); where it is NULL, that of the end of `output`
 * (NULL: standard output). -1 with e set where neither says it. */
int plot_page_form(const char *format, const char *output, enum plot_form *ret_form, struct err *e);

/* "120x90" (millimetres), "12x9cm", "4x3in", "340x250pt" in points; 10 mm to 2,000 mm a side. */
int plot_page_size(const char *text, double *ret_width, double *ret_height, struct err *e);

/* What every chart of a program needs. */
struct plot_page {
	const struct cli *cli;
	enum plot_form form;
	struct output *output;
	double width, height; /* points; 0: as the chart likes it */
	double dpi, font_size;
	const char *title; /* NULL: none */
};

/* An empty page, of width x height mm where the user said nothing else. NULL on failure, or where e
 * is set. */
struct canvas *plot_page_start(
    const struct plot_page *p, double width, double height, struct err *e);

/* Writes the page and frees it; NULL is fine. */
void plot_page_end(const struct plot_page *p, struct canvas *c, struct err *e);

#endif
