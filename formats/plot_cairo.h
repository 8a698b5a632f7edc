/* plot_cairo.h - cairo surfaces for the canvas: pages of PNG and PDF, and images inside others. */

#ifndef FORMATS_PLOT_CAIRO_H
#define FORMATS_PLOT_CAIRO_H

#include <cairo.h>

#include "formats/plot_canvas.h"

/* A white page; what a PDF consists of goes to *bytes, which must stay. NULL on failure. */
cairo_t *cairo_page_new(
    const struct canvas_page *page, const char *clean_title, struct buffer *bytes, struct err *e);

/* Completes the page; *bytes holds the file then. */
int cairo_page_finish(
    cairo_t *cr, const struct canvas_page *page, struct buffer *bytes, struct err *e);

/* A clear image of b at a resolution; coordinates are those of the page. NULL on failure. */
cairo_t *cairo_raster_new(struct box b, double dpi, struct err *e);

/* A surface of pixels[rows][columns]; and one as a PNG file, added to *bytes. */
cairo_surface_t *cairo_pixels(const uint32_t *rgb, size_t columns, size_t rows);
int cairo_png(cairo_surface_t *surface, struct buffer *bytes, struct err *e);

/* Draws a surface into b. */
void cairo_place(cairo_t *cr, cairo_surface_t *surface, struct box b, bool is_smooth);

/* Fills and strokes the current path, and forgets it. */
void cairo_apply(cairo_t *cr, const struct paint *paint, bool is_closed);

/* The font family that comes closest to Helvetica's widths; NULL where there is no font at all. */
const char *cairo_find_font(cairo_t *cr);

/* A text with its baseline at (0, 0) of the current frame, brought to the width `length` (0: its
 * own width times the font's usual share). */
void cairo_draw_text(cairo_t *cr, const char *family, const char *clean, double size, double length,
    const struct text_style *style);

#endif
