/* plot_cairo.c - PNG and PDF by cairo; see plot_cairo.h. */

#include "formats/plot_cairo.h"

#include <cairo-pdf.h>
#include <libdeflate.h>
#include <math.h>
#include <string.h>

#include "formats/plot_font.h"

enum { MOST_PIXELS_A_SIDE = 1 << 15, MOST_PIXELS = 1 << 28 };

static cairo_status_t
take_bytes(void *context, const unsigned char *bytes, unsigned n)
{
	buffer_add(context, bytes, n);
	return CAIRO_STATUS_SUCCESS;
}

/* The same letters whatever the user's settings for screens are. */
static void
set_font_options(cairo_t *cr)
{
	cairo_font_options_t *o = cairo_font_options_create();

	cairo_font_options_set_antialias(o, CAIRO_ANTIALIAS_GRAY);
	cairo_font_options_set_hint_style(o, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_hint_metrics(o, CAIRO_HINT_METRICS_OFF);
	cairo_set_font_options(cr, o);
	cairo_font_options_destroy(o);
}

/* Pixels of a length. */
static int
pixels(double points, double dpi)
{
	return (int)fmax(1, round(points * dpi / 72));
}

static int
check_pixels(double width, double height, double dpi, struct err *e)
{
	double w = round(width * dpi / 72), h = round(height * dpi / 72);

	if (w <= MOST_PIXELS_A_SIDE && h <= MOST_PIXELS_A_SIDE && w * h <= MOST_PIXELS)
		return 0;
	return err_set(e,
	    "%.0f x %.0f pixels are too many for a picture (at most %d a side, %d in all)", w, h,
	    MOST_PIXELS_A_SIDE, MOST_PIXELS);
}

static cairo_t *
start(cairo_surface_t *surface, struct err *e)
{
	cairo_t *cr = cairo_create(surface);

	cairo_surface_destroy(surface);
	if (cairo_status(cr) != CAIRO_STATUS_SUCCESS) {
		err_set(e, "cairo: %s", cairo_status_to_string(cairo_status(cr)));
		cairo_destroy(cr);
		return NULL;
	}
	set_font_options(cr);
	return cr;
}

cairo_t *
cairo_page_new(
    const struct canvas_page *page, const char *clean_title, struct buffer *bytes, struct err *e)
{
	cairo_surface_t *surface;
	cairo_t *cr;

	if (e->is_set || check_pixels(page->width, page->height, page->dpi, e))
		return NULL;
	if (page->format == CANVAS_PDF) {
		surface = cairo_pdf_surface_create_for_stream(
		    take_bytes, bytes, page->width, page->height);
		/* Equal pictures are equal bytes, so there is no time in them. */
		cairo_pdf_surface_set_metadata(
		    surface, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
		if (clean_title)
			cairo_pdf_surface_set_metadata(
			    surface, CAIRO_PDF_METADATA_TITLE, clean_title);
	} else
		surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24,
		    pixels(page->width, page->dpi), pixels(page->height, page->dpi));
	cr = start(surface, e);
	if (cr && page->format == CANVAS_PNG)
		cairo_scale(cr, page->dpi / 72, page->dpi / 72);
	if (cr) {
		cairo_set_source_rgb(cr, 1, 1, 1);
		cairo_paint(cr);
	}
	return cr;
}

static void
put32(uint8_t *p, uint32_t x)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(x >> (24 - 8 * i));
}

/* Tells the resolution: the chunk pHYs (PNG, second edition, 11.3.5.3) behind IHDR. */
static void
add_resolution(struct buffer *png, double dpi)
{
	enum { BEHIND_HEADER = 8 + 25, CHUNK = 21 };
	uint8_t chunk[CHUNK];
	uint32_t a_metre = (uint32_t)lround(dpi / 0.0254);

	put32(chunk, 9);
	memcpy(chunk + 4, "pHYs", 4);
	put32(chunk + 8, a_metre);
	put32(chunk + 12, a_metre);
	chunk[16] = 1;
	put32(chunk + 17, libdeflate_crc32(0, chunk + 4, 13));
	buffer_grow(png, CHUNK);
	memmove(png->data + BEHIND_HEADER + CHUNK, png->data + BEHIND_HEADER,
	    png->size - CHUNK - BEHIND_HEADER);
	memcpy(png->data + BEHIND_HEADER, chunk, CHUNK);
}

static int
fail(cairo_status_t status, struct err *e)
{
	return status == CAIRO_STATUS_SUCCESS
		   ? 0
		   : err_set(e, "cairo: %s", cairo_status_to_string(status));
}

int
cairo_page_finish(cairo_t *cr, const struct canvas_page *page, struct buffer *bytes, struct err *e)
{
	cairo_surface_t *surface = cairo_get_target(cr);

	if (fail(cairo_status(cr), e))
		return -1;
	if (page->format == CANVAS_PNG) {
		if (cairo_png(surface, bytes, e))
			return -1;
		add_resolution(bytes, page->dpi);
		return 0;
	}
	cairo_show_page(cr);
	cairo_surface_finish(surface);
	return fail(cairo_surface_status(surface), e);
}

cairo_t *
cairo_raster_new(struct box b, double dpi, struct err *e)
{
	cairo_t *cr;
	int columns = pixels(b.width, dpi), rows = pixels(b.height, dpi);

	if (e->is_set || check_pixels(b.width, b.height, dpi, e))
		return NULL;
	cr = start(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, columns, rows), e);
	if (cr) {
		cairo_scale(cr, columns / b.width, rows / b.height);
		cairo_translate(cr, -b.x, -b.y);
	}
	return cr;
}

cairo_surface_t *
cairo_pixels(const uint32_t *rgb, size_t columns, size_t rows)
{
	cairo_surface_t *s =
	    cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)columns, (int)rows);
	unsigned char *bytes = cairo_image_surface_get_data(s);
	size_t stride = (size_t)cairo_image_surface_get_stride(s);

	cairo_surface_flush(s);
	for (size_t i = 0; bytes && i < rows; i++)
		memcpy(bytes + i * stride, rgb + i * columns, columns * sizeof(*rgb));
	cairo_surface_mark_dirty(s);
	return s;
}

int
cairo_png(cairo_surface_t *surface, struct buffer *bytes, struct err *e)
{
	cairo_surface_flush(surface);
	return fail(cairo_surface_write_to_png_stream(surface, take_bytes, bytes), e);
}

void
cairo_place(cairo_t *cr, cairo_surface_t *surface, struct box b, bool is_smooth)
{
	cairo_save(cr);
	cairo_translate(cr, b.x, b.y);
	cairo_scale(cr, b.width / cairo_image_surface_get_width(surface),
	    b.height / cairo_image_surface_get_height(surface));
	cairo_set_source_surface(cr, surface, 0, 0);
	cairo_pattern_set_filter(
	    cairo_get_source(cr), is_smooth ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
	cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD);
	cairo_rectangle(cr, 0, 0, cairo_image_surface_get_width(surface),
	    cairo_image_surface_get_height(surface));
	cairo_fill(cr);
	cairo_restore(cr);
}

static void
set_color(cairo_t *cr, uint32_t rgb, double clear)
{
	cairo_set_source_rgba(cr, (double)(rgb >> 16 & 255) / 255, (double)(rgb >> 8 & 255) / 255,
	    (double)(rgb & 255) / 255, 1 - clear);
}

void
cairo_apply(cairo_t *cr, const struct paint *paint, bool is_closed)
{
	if (is_closed && paint->fill != PAINT_NONE) {
		set_color(cr, paint->fill, paint->clear);
		cairo_fill_preserve(cr);
	}
	if (paint->width > 0) {
		set_color(cr, paint->stroke, paint->clear);
		cairo_set_line_width(cr, paint->width);
		cairo_set_line_join(cr, is_closed ? CAIRO_LINE_JOIN_MITER : CAIRO_LINE_JOIN_ROUND);
		cairo_set_dash(cr, &paint->dash, paint->dash > 0, 0);
		cairo_stroke_preserve(cr);
	}
	cairo_new_path(cr);
}

static const char *const sample = "Effective count of cells, 0123456789";

/* How wide the family's letters are, measured in Helvetica's. 0: there is no font at all, for which
 * cairo has some strokes of its own. */
static double
relative_width(cairo_t *cr, const char *family)
{
	cairo_text_extents_t extents;

	cairo_select_font_face(cr, family, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cr, 100);
	if (cairo_scaled_font_get_type(cairo_get_scaled_font(cr)) == CAIRO_FONT_TYPE_USER)
		return 0;
	cairo_text_extents(cr, sample, &extents);
	return extents.x_advance / (100 * font_width(sample, false, NULL));
}

const char *
cairo_find_font(cairo_t *cr)
{
	static const char *const families[] = { "Helvetica", "Arial", "Liberation Sans",
		"Nimbus Sans", "DejaVu Sans Condensed" };
	const char *best = NULL;
	double least = HUGE_VAL;

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		double off = relative_width(cr, families[i]);

		if (off > 0 && fabs(off - 1) + 0.01 < least) {
			least = fabs(off - 1);
			best = families[i];
		}
	}
	return best;
}

void
cairo_draw_text(cairo_t *cr, const char *family, const char *clean, double size, double length,
    const struct text_style *style)
{
	cairo_text_extents_t extents;
	double share = 1;

	cairo_select_font_face(cr, family,
	    style->is_italic ? CAIRO_FONT_SLANT_ITALIC : CAIRO_FONT_SLANT_NORMAL,
	    style->is_bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cr, size);
	cairo_text_extents(cr, clean, &extents);
	if (length > 0 && extents.x_advance > 0)
		share = fmin(fmax(length / extents.x_advance, 0.7), 1.2);
	cairo_save(cr);
	cairo_scale(cr, share, 1);
	if (style->has_halo) {
		cairo_move_to(cr, 0, 0);
		cairo_text_path(cr, clean);
		set_color(cr, 0xffffff, 0);
		cairo_set_line_width(cr, size * 0.25);
		cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
		cairo_set_dash(cr, NULL, 0, 0);
		cairo_stroke(cr);
	}
	set_color(cr, style->color, 0);
	cairo_move_to(cr, 0, 0);
	cairo_show_text(cr, clean);
	cairo_restore(cr);
	cairo_new_path(cr);
}
