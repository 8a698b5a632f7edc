/* plot_page.c - formats and sizes of pages; see plot_page.h. */

#include "formats/plot_page.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const forms[] = { "svg", "png", "pdf", "html" };

int
plot_page_form(const char *format, const char *output, enum plot_form *ret_form, struct err *e)
{
	const char *dot = output ? strrchr(output, '.') : NULL;
	const char *end = format ? format : dot ? dot + 1 : "";

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (strcasecmp(end, forms[i]) == 0) {
			*ret_form = (enum plot_form)i;
			return 0;
		}
	if (output && strcmp(output, "-"))
		return err_set(e,
		    "%s: no name that ends with .svg, .png, .pdf or .html; say with --format what "
		    "it is to be",
		    output);
	return err_set(e, "what should it be? -o NAME.svg, .png, .pdf or .html, or --format");
}

/* Points of a unit; 0: there is no such unit. */
static double
points_of(const char *unit)
{
	static const struct {
		const char *name;
		double points;
	} units[] = { { "", 72 / 25.4 }, { "mm", 72 / 25.4 }, { "cm", 72 / 2.54 }, { "in", 72 },
		{ "pt", 1 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(unit, units[i].name) == 0)
			return units[i].points;
	return 0;
}

int
plot_page_size(const char *text, double *ret_width, double *ret_height, struct err *e)
{
	const double least = 10 * 72 / 25.4, most = 2000 * 72 / 25.4;
	char *end;
	double width = strtod(text, &end), height = NAN, unit = 0;

	if (end != text && *end == 'x') {
		const char *second = end + 1;

		height = strtod(second, &end);
		if (end != second)
			unit = points_of(end);
	}
	width *= unit;
	height *= unit;
	if (!(width >= least && width <= most && height >= least && height <= most))
		return err_set(e,
		    "--size: '%s' is not WIDTHxHEIGHT, in mm or with cm, in or pt behind it, "
		    "from 10 to 2000 mm",
		    text);
	*ret_width = width;
	*ret_height = height;
	return 0;
}

struct canvas *
plot_page_start(const struct plot_page *p, double width, double height, struct err *e)
{
	static const enum canvas_format formats[] = { CANVAS_SVG, CANVAS_PNG, CANVAS_PDF };
	const double mm = 72 / 25.4;

	assert(p->form != PLOT_HTML);
	return canvas_new(
	    &(struct canvas_page){ formats[p->form], p->width > 0 ? p->width : width * mm,
		p->height > 0 ? p->height : height * mm, p->dpi, p->font_size, p->title },
	    e);
}

void
plot_page_end(const struct plot_page *p, struct canvas *c, struct err *e)
{
	if (c)
		canvas_write(c, p->output, e);
	canvas_free(c);
}
