/* plot_canvas.h - a page to draw on, which becomes an SVG, PNG or PDF file.
 *
 * Lengths are points (1/72 inch), x to the right and y down from the top left corner. What is drawn
 * lies over what was drawn before. Colours are 0xRRGGBB (plot_color.h has palettes and colour
 * maps).
 *
 * SVG is written by us, with texts as texts, so that they can be searched and edited; PNG and PDF
 * are cairo's. Equal calls give equal bytes: no dates, no random names. Texts are laid out with the
 * widths of Helvetica whatever the format, and the system's font is brought to these widths, so a
 * picture has the same layout in all three formats and on all machines.
 *
 * The layers above: plot_axis.h (ticks, axes, the frame of a chart), plot_legend.h (legends, colour
 * bars), plot_labels.h (labels of points that do not overlap); then a file for each chart. A chart
 * is a function of a canvas and of plain arrays. */

#ifndef FORMATS_PLOT_CANVAS_H
#define FORMATS_PLOT_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/io.h"

enum canvas_format { CANVAS_SVG, CANVAS_PNG, CANVAS_PDF };

struct canvas_page {
	enum canvas_format format;
	double width, height; /* points */
	double dpi;           /* pixels an inch: of a PNG, and of images inside SVG and PDF */
	double font_size;     /* points; of ordinary text */
	const char *title;    /* the document's; NULL: none */
};

struct canvas;

/* A white page. NULL on failure: more than 2^15 pixels a side or 2^28 in all, or no font. */
struct canvas *canvas_new(const struct canvas_page *page, struct err *e);

/* Completes the file and writes its bytes. -1 where e is set, or cairo failed. */
int canvas_write(struct canvas *c, struct output *out, struct err *e);
void canvas_free(struct canvas *c);

double canvas_width(const struct canvas *c);
double canvas_height(const struct canvas *c);
double canvas_font_size(const struct canvas *c);

struct box {
	double x, y, width, height; /* x, y: the top left corner */
};

static inline struct box
box_inset(struct box b, double by)
{
	return (struct box){ b.x + by, b.y + by, b.width - 2 * by, b.height - 2 * by };
}

/* -- shapes -- */

#define PAINT_NONE 0xff000000u

/* All zero: filled with black, without an outline. */
struct paint {
	uint32_t fill;   /* of closed shapes; PAINT_NONE: not filled */
	uint32_t stroke; /* of outlines and lines */
	double width;    /* of the line; 0: none */
	double dash;     /* length of dashes and of the gaps between them; 0: solid */
	double clear;    /* 0: opaque, up to 1: not to be seen */
};

void canvas_line(
    struct canvas *c, double x0, double y0, double x1, double y1, const struct paint *paint);
/* xs[n], ys[n]; not closed, not filled. A point that is not finite interrupts the line. */
void canvas_polyline(
    struct canvas *c, const double *xs, const double *ys, size_t n, const struct paint *paint);
/* Closed. All points are finite. */
void canvas_polygon(
    struct canvas *c, const double *xs, const double *ys, size_t n, const struct paint *paint);
void canvas_rect(struct canvas *c, struct box b, const struct paint *paint);
void canvas_circle(struct canvas *c, double x, double y, double radius, const struct paint *paint);

/* Pixels rgb[rows][columns] (0xRRGGBB), each a rectangle of the same size inside b, not smoothed.
 */
void canvas_image(struct canvas *c, struct box b, const uint32_t *rgb, size_t columns, size_t rows);

/* What follows is drawn only inside b, until canvas_unclip. Not nested (asserted). */
void canvas_clip(struct canvas *c, struct box b);
void canvas_unclip(struct canvas *c);

/* Between the two, shapes inside b (no text, no clip) become one image of the page's dpi in SVG and
 * PDF, which keeps files of very many points small. In a PNG it changes nothing. */
void canvas_raster_begin(struct canvas *c, struct box b);
void canvas_raster_end(struct canvas *c);

/* Names what is drawn until canvas_group_end: <g class="name"> in SVG, nothing elsewhere. May be
 * nested; not across a clip or raster. */
void canvas_group_begin(struct canvas *c, const char *name);
void canvas_group_end(struct canvas *c);

/* -- text: UTF-8, one line; invalid bytes and control characters become '?' -- */

enum text_anchor { TEXT_START, TEXT_MIDDLE, TEXT_END };
enum text_level {
	TEXT_BASELINE,
	TEXT_CENTERED,
	TEXT_BELOW
}; /* y: of the baseline, the middle or
      the top of capital letters */

/* All zero: black, of the page's font size, starting at x on the baseline y. */
struct text_style {
	double size; /* points; 0: the page's */
	uint32_t color;
	enum text_anchor anchor;
	enum text_level level;
	double angle; /* degrees, counter-clockwise around (x, y) */
	bool is_bold, is_italic;
	bool has_halo; /* a white rim, for text over marks */
};

/* style may be NULL: all zero. */
void canvas_text(
    struct canvas *c, double x, double y, const char *text, const struct text_style *style);

/* Width in points. */
double canvas_text_width(const struct canvas *c, const char *text, const struct text_style *style);

/* The text, or where it is wider than `width` its beginning and an ellipsis (the ellipsis alone
 * where nothing else fits). Belongs to the canvas. */
const char *canvas_fit_text(
    struct canvas *c, const char *text, double width, const struct text_style *style);

/* Height of capital letters of a font size (0: the page's). */
double canvas_cap_height(const struct canvas *c, double size);

/* Memory that lives as long as the canvas. */
struct arena *canvas_arena(struct canvas *c);

#endif
