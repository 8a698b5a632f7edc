/* plot_canvas.c - one canvas over two ways to draw; see plot_canvas.h.
 *
 * 1. Pages
 * 2. Shapes
 * 3. Images, clips, groups
 * 4. Texts */

#include "formats/plot_canvas.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/plot_cairo.h"
#include "formats/plot_font.h"
#include "formats/plot_svg.h"

struct canvas {
	struct canvas_page page;
	struct arena arena;
	struct svg svg;  /* CANVAS_SVG */
	cairo_t *cr;     /* the others */
	cairo_t *raster; /* NULL: none is being drawn */
	struct box raster_box;
	struct buffer bytes; /* of a PDF or PNG */
	const char *family;  /* of cairo's font */
	bool has_clip;
	struct err err; /* what went wrong on the way */
};

/* 1. Pages */

struct canvas *
canvas_new(const struct canvas_page *page, struct err *e)
{
	struct canvas *c;

	if (e->is_set)
		return NULL;
	c = mem_zero(1, sizeof(*c));
	c->page = *page;
	if (page->title)
		c->page.title = font_clean(&c->arena, page->title);
	if (page->format == CANVAS_SVG) {
		svg_start(&c->svg, page, c->page.title);
		return c;
	}
	c->cr = cairo_page_new(page, c->page.title, &c->bytes, e);
	c->family = c->cr ? cairo_find_font(c->cr) : NULL;
	if (c->cr && !c->family)
		err_set(e,
		    "there is no font to write PNG or PDF with; install one (DejaVu, Liberation), "
		    "or make an SVG");
	if (e->is_set) {
		canvas_free(c);
		return NULL;
	}
	return c;
}

int
canvas_write(struct canvas *c, struct output *out, struct err *e)
{
	struct buffer *bytes = c->cr ? &c->bytes : &c->svg.out;

	if (e->is_set)
		return -1;
	assert(!c->raster && !c->has_clip);
	if (c->err.is_set)
		return err_set(e, "%s", c->err.text);
	if (c->cr && cairo_page_finish(c->cr, &c->page, &c->bytes, e))
		return -1;
	if (!c->cr)
		svg_end(&c->svg);
	return output_write(out, bytes->data, bytes->size, e);
}

void
canvas_free(struct canvas *c)
{
	if (!c)
		return;
	if (c->raster)
		cairo_destroy(c->raster);
	if (c->cr)
		cairo_destroy(c->cr);
	svg_free(&c->svg);
	buffer_free(&c->bytes);
	arena_free(&c->arena);
	free(c);
}

double
canvas_width(const struct canvas *c)
{
	return c->page.width;
}

double
canvas_height(const struct canvas *c)
{
	return c->page.height;
}

double
canvas_font_size(const struct canvas *c)
{
	return c->page.font_size;
}

struct arena *
canvas_arena(struct canvas *c)
{
	return &c->arena;
}

/* 2. Shapes */

/* Where cairo draws now; NULL: SVG is written. */
static cairo_t *
target(const struct canvas *c)
{
	return c->raster ? c->raster : c->cr;
}

void
canvas_line(struct canvas *c, double x0, double y0, double x1, double y1, const struct paint *paint)
{
	cairo_t *cr = target(c);

	if (!cr) {
		svg_line(&c->svg, x0, y0, x1, y1, paint);
		return;
	}
	cairo_move_to(cr, x0, y0);
	cairo_line_to(cr, x1, y1);
	cairo_apply(cr, paint, false);
}

static void
draw_path(struct canvas *c, const double *xs, const double *ys, size_t n, bool is_closed,
    const struct paint *paint)
{
	cairo_t *cr = target(c);
	bool is_inside = false;

	if (!cr) {
		svg_path(&c->svg, xs, ys, n, is_closed, paint);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(xs[i]) || !isfinite(ys[i])) {
			is_inside = false;
			continue;
		}
		if (is_inside)
			cairo_line_to(cr, xs[i], ys[i]);
		else
			cairo_move_to(cr, xs[i], ys[i]);
		is_inside = true;
	}
	if (is_closed)
		cairo_close_path(cr);
	cairo_apply(cr, paint, is_closed);
}

void
canvas_polyline(
    struct canvas *c, const double *xs, const double *ys, size_t n, const struct paint *paint)
{
	draw_path(c, xs, ys, n, false, paint);
}

void
canvas_polygon(
    struct canvas *c, const double *xs, const double *ys, size_t n, const struct paint *paint)
{
	draw_path(c, xs, ys, n, true, paint);
}

void
canvas_rect(struct canvas *c, struct box b, const struct paint *paint)
{
	cairo_t *cr = target(c);

	if (!cr) {
		svg_rect(&c->svg, b, paint);
		return;
	}
	cairo_rectangle(cr, b.x, b.y, b.width, b.height);
	cairo_apply(cr, paint, true);
}

void
canvas_circle(struct canvas *c, double x, double y, double radius, const struct paint *paint)
{
	cairo_t *cr = target(c);

	if (!cr) {
		svg_circle(&c->svg, x, y, radius, paint);
		return;
	}
	cairo_new_sub_path(cr);
	cairo_arc(cr, x, y, radius, 0, 2 * acos(-1));
	cairo_close_path(cr);
	cairo_apply(cr, paint, true);
}

/* 3. Images, clips, groups */

/* Puts an image on the page. */
static void
place_surface(struct canvas *c, struct box b, cairo_surface_t *surface, bool is_smooth)
{
	struct buffer png = { 0 };

	if (c->cr)
		cairo_place(c->cr, surface, b, is_smooth);
	else if (!cairo_png(surface, &png, &c->err))
		svg_image(&c->svg, b, png.data, png.size, is_smooth);
	buffer_free(&png);
}

void
canvas_image(struct canvas *c, struct box b, const uint32_t *rgb, size_t columns, size_t rows)
{
	cairo_surface_t *surface = cairo_pixels(rgb, columns, rows);

	assert(!c->raster && columns && rows && columns < 1 << 15 && rows < 1 << 15);
	place_surface(c, b, surface, false);
	cairo_surface_destroy(surface);
}

void
canvas_clip(struct canvas *c, struct box b)
{
	assert(!c->has_clip && !c->raster);
	c->has_clip = true;
	if (!c->cr) {
		svg_clip(&c->svg, b);
		return;
	}
	cairo_save(c->cr);
	cairo_rectangle(c->cr, b.x, b.y, b.width, b.height);
	cairo_clip(c->cr);
}

void
canvas_unclip(struct canvas *c)
{
	assert(c->has_clip && !c->raster);
	c->has_clip = false;
	if (c->cr)
		cairo_restore(c->cr);
	else
		svg_unclip(&c->svg);
}

void
canvas_raster_begin(struct canvas *c, struct box b)
{
	assert(!c->raster);
	c->raster_box = b;
	if (c->page.format != CANVAS_PNG)
		c->raster = cairo_raster_new(b, c->page.dpi, &c->err);
}

void
canvas_raster_end(struct canvas *c)
{
	cairo_t *cr = c->raster;

	c->raster = NULL;
	if (!cr)
		return;
	if (cairo_status(cr) != CAIRO_STATUS_SUCCESS)
		err_set(&c->err, "cairo: %s", cairo_status_to_string(cairo_status(cr)));
	place_surface(c, c->raster_box, cairo_get_target(cr), true);
	cairo_destroy(cr);
}

void
canvas_group_begin(struct canvas *c, const char *name)
{
	assert(!c->raster);
	if (!c->cr)
		svg_group_begin(&c->svg, name);
}

void
canvas_group_end(struct canvas *c)
{
	assert(!c->raster);
	if (!c->cr)
		svg_group_end(&c->svg);
}

/* 4. Texts */

static const struct text_style plain;

/* A width that was measured and then added to something and taken off again is the same one. */
#define SLACK 0.01

static double
size_of(const struct canvas *c, const struct text_style *style)
{
	return style->size > 0 ? style->size : c->page.font_size;
}

void
canvas_text(struct canvas *c, double x, double y, const char *text, const struct text_style *style)
{
	bool is_known;
	double size, width, down, start;
	const char *clean = font_clean(&c->arena, text);

	assert(!c->raster);
	style = style ? style : &plain;
	size = size_of(c, style);
	width = size * font_width(clean, style->is_bold, &is_known);
	down = style->level == TEXT_BASELINE   ? 0
	       : style->level == TEXT_CENTERED ? size * FONT_CAP_HEIGHT / 2
					       : size * FONT_CAP_HEIGHT;
	if (!*clean)
		return;
	if (!c->cr) {
		svg_text(&c->svg, &(struct svg_text){ x, y + down, x, y, is_known ? width : 0,
				      clean, style, size });
		return;
	}
	start = style->anchor == TEXT_START ? 0 : style->anchor == TEXT_END ? -width : -width / 2;
	cairo_save(c->cr);
	cairo_translate(c->cr, x, y);
	cairo_rotate(c->cr, -style->angle * acos(-1) / 180);
	cairo_translate(c->cr, start, down);
	cairo_draw_text(c->cr, c->family, clean, size, width, style);
	cairo_restore(c->cr);
}

double
canvas_text_width(const struct canvas *c, const char *text, const struct text_style *style)
{
	struct arena a = { 0 };
	double width;

	style = style ? style : &plain;
	width = size_of(c, style) * font_width(font_clean(&a, text), style->is_bold, NULL);
	arena_free(&a);
	return width;
}

const char *
canvas_fit_text(struct canvas *c, const char *text, double width, const struct text_style *style)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	const char *clean = font_clean(&c->arena, text);
	char *cut;
	size_t size, best = 0;
	double em;

	style = style ? style : &plain;
	em = size_of(c, style);
	if (em * font_width(clean, style->is_bold, NULL) <= width + SLACK)
		return clean;
	cut = arena_alloc(&c->arena, strlen(clean) + sizeof(ellipsis), 1);
	for (const char *p = clean; *p; p += size) {
		uint32_t character;
		size_t n = (size_t)(p - clean);

		size = font_character(p, &character);
		memcpy(cut, clean, n);
		memcpy(cut + n, ellipsis, sizeof(ellipsis));
		if (em * font_width(cut, style->is_bold, NULL) > width + SLACK)
			break;
		best = n;
	}
	while (best && clean[best - 1] == ' ')
		best--;
	memcpy(cut, clean, best);
	memcpy(cut + best, ellipsis, sizeof(ellipsis));
	return cut;
}

double
canvas_cap_height(const struct canvas *c, double size)
{
	return FONT_CAP_HEIGHT * (size > 0 ? size : c->page.font_size);
}
