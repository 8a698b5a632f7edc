/* plot_svg.c - SVG as text; see plot_svg.h.
 *
 * 1. Texts and numbers
 * 2. The page and its groups
 * 3. Shapes, images, texts */

#include "formats/plot_svg.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/base64.h"

/* 1. Texts and numbers */

static void
add(struct svg *s, const char *text)
{
	buffer_add(&s->out, text, strlen(text));
}

static void __attribute__((format(printf, 2, 3))) add_format(struct svg *s, const char *format, ...)
{
	char text[256];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	add(s, text);
}

/* name="12.5", with a blank before; at most two decimals. */
static void
add_number(struct svg *s, const char *name, double x)
{
	char text[64], *end;

	assert(isfinite(x) && fabs(x) < 1e12);
	snprintf(text, sizeof(text), "%.2f", x);
	for (end = text + strlen(text); end[-1] == '0'; end--)
		;
	end -= end[-1] == '.';
	*end = '\0';
	add_format(s, name ? " %s=\"%s\"" : "%s%s", name ? name : "",
	    strcmp(text, "-0") == 0 ? "0" : text);
}

static void
add_color(struct svg *s, const char *name, uint32_t rgb)
{
	if (rgb == PAINT_NONE)
		add_format(s, " %s=\"none\"", name);
	else
		add_format(s, " %s=\"#%06x\"", name, (unsigned)rgb);
}

static void
add_escaped(struct svg *s, const char *text)
{
	for (; *text; text++)
		if (*text == '&')
			add(s, "&amp;");
		else if (*text == '<')
			add(s, "&lt;");
		else if (*text == '>')
			add(s, "&gt;");
		else if (*text == '"')
			add(s, "&quot;");
		else
			buffer_add(&s->out, text, 1);
}

/* 2. The page and its groups */

void
svg_start(struct svg *s, const struct canvas_page *page, const char *clean_title)
{
	add(s,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\""
	    " xmlns:xlink=\"http://www.w3.org/1999/xlink\" version=\"1.1\"");
	add_format(s, " width=\"%.2fpt\" height=\"%.2fpt\" viewBox=\"0 0 %.2f %.2f\"", page->width,
	    page->height, page->width, page->height);
	add(s, " font-family=\"Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', 'DejaVu Sans "
	       "Condensed', sans-serif\"");
	add_number(s, "font-size", page->font_size);
	add(s, ">\n");
	if (clean_title) {
		add(s, "<title>");
		add_escaped(s, clean_title);
		add(s, "</title>\n");
	}
	add(s, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
}

/* Ends the <g> of a paint. */
static void
leave_paint(struct svg *s)
{
	if (s->has_paint)
		add(s, "</g>\n");
	s->has_paint = false;
}

static bool
is_same_paint(const struct paint *a, const struct paint *b)
{
	return a->fill == b->fill && a->stroke == b->stroke && a->width == b->width &&
	       a->dash == b->dash && a->clear == b->clear;
}

static void
enter_paint(struct svg *s, const struct paint *paint, bool is_line)
{
	double opacity = 1 - paint->clear;

	if (s->has_paint && s->is_line == is_line && is_same_paint(&s->paint, paint))
		return;
	leave_paint(s);
	s->has_paint = true;
	s->paint = *paint;
	s->is_line = is_line;
	add(s, "<g");
	add_color(s, "fill", is_line ? PAINT_NONE : paint->fill);
	if (!is_line && paint->fill != PAINT_NONE && opacity < 1)
		add_number(s, "fill-opacity", opacity);
	if (paint->width > 0) {
		add_color(s, "stroke", paint->stroke);
		add_number(s, "stroke-width", paint->width);
		if (opacity < 1)
			add_number(s, "stroke-opacity", opacity);
		if (is_line)
			add(s, " stroke-linejoin=\"round\"");
	}
	if (paint->dash > 0)
		add_number(s, "stroke-dasharray", paint->dash);
	add(s, ">\n");
}

void
svg_end(struct svg *s)
{
	leave_paint(s);
	assert(s->n_groups == 0 && !s->has_clip);
	add(s, "</svg>\n");
}

void
svg_free(struct svg *s)
{
	buffer_free(&s->out);
}

void
svg_group_begin(struct svg *s, const char *name)
{
	leave_paint(s);
	add_format(s, "<g class=\"%s\">\n", name);
	s->n_groups++;
}

void
svg_group_end(struct svg *s)
{
	assert(s->n_groups);
	leave_paint(s);
	add(s, "</g>\n");
	s->n_groups--;
}

void
svg_clip(struct svg *s, struct box b)
{
	assert(!s->has_clip);
	leave_paint(s);
	s->has_clip = true;
	s->n_clips++;
	add_format(s, "<clipPath id=\"clip%zu\"><rect", s->n_clips);
	add_number(s, "x", b.x);
	add_number(s, "y", b.y);
	add_number(s, "width", b.width);
	add_number(s, "height", b.height);
	add_format(s, "/></clipPath>\n<g clip-path=\"url(#clip%zu)\">\n", s->n_clips);
}

void
svg_unclip(struct svg *s)
{
	assert(s->has_clip);
	leave_paint(s);
	add(s, "</g>\n");
	s->has_clip = false;
}

/* 3. Shapes, images, texts */

void
svg_line(struct svg *s, double x0, double y0, double x1, double y1, const struct paint *paint)
{
	enter_paint(s, paint, true);
	add(s, "<line");
	add_number(s, "x1", x0);
	add_number(s, "y1", y0);
	add_number(s, "x2", x1);
	add_number(s, "y2", y1);
	add(s, "/>\n");
}

void
svg_path(struct svg *s, const double *xs, const double *ys, size_t n, bool is_closed,
    const struct paint *paint)
{
	bool is_inside = false;

	enter_paint(s, paint, !is_closed);
	add(s, "<path d=\"");
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(xs[i]) || !isfinite(ys[i])) {
			is_inside = false;
			continue;
		}
		add(s, is_inside ? "L" : "M");
		add_number(s, NULL, xs[i]);
		add(s, " ");
		add_number(s, NULL, ys[i]);
		is_inside = true;
	}
	add(s, is_closed ? "Z\"/>\n" : "\"/>\n");
}

void
svg_rect(struct svg *s, struct box b, const struct paint *paint)
{
	enter_paint(s, paint, false);
	add(s, "<rect");
	add_number(s, "x", b.x);
	add_number(s, "y", b.y);
	add_number(s, "width", b.width);
	add_number(s, "height", b.height);
	add(s, "/>\n");
}

void
svg_circle(struct svg *s, double x, double y, double radius, const struct paint *paint)
{
	enter_paint(s, paint, false);
	add(s, "<circle");
	add_number(s, "cx", x);
	add_number(s, "cy", y);
	add_number(s, "r", radius);
	add(s, "/>\n");
}

void
svg_image(struct svg *s, struct box b, const uint8_t *png, size_t size, bool is_smooth)
{
	leave_paint(s);
	add(s, "<image");
	add_number(s, "x", b.x);
	add_number(s, "y", b.y);
	add_number(s, "width", b.width);
	add_number(s, "height", b.height);
	add(s, " preserveAspectRatio=\"none\"");
	if (!is_smooth)
		add(s, " style=\"image-rendering:pixelated\"");
	add(s, " xlink:href=\"data:image/png;base64,");
	base64_add(&s->out, png, size);
	add(s, "\"/>\n");
}

void
svg_text(struct svg *s, const struct svg_text *t)
{
	static const char *const anchors[] = { "start", "middle", "end" };
	const struct text_style *style = t->style;

	leave_paint(s);
	add(s, "<text");
	add_number(s, "x", t->x);
	add_number(s, "y", t->y);
	if (style->size > 0)
		add_number(s, "font-size", t->size);
	if (style->anchor != TEXT_START)
		add_format(s, " text-anchor=\"%s\"", anchors[style->anchor]);
	if (style->is_bold)
		add(s, " font-weight=\"bold\"");
	if (style->is_italic)
		add(s, " font-style=\"italic\"");
	if (style->color)
		add_color(s, "fill", style->color);
	if (style->has_halo) {
		add(s, " paint-order=\"stroke\" stroke=\"#ffffff\" stroke-linejoin=\"round\"");
		add_number(s, "stroke-width", t->size * 0.25);
	}
	if (style->angle != 0) {
		add(s, " transform=\"rotate(");
		add_number(s, NULL, -style->angle);
		add(s, " ");
		add_number(s, NULL, t->ox);
		add(s, " ");
		add_number(s, NULL, t->oy);
		add(s, ")\"");
	}
	if (t->length > 0) {
		add_number(s, "textLength", t->length);
		add(s, " lengthAdjust=\"spacingAndGlyphs\"");
	}
	add(s, ">");
	add_escaped(s, t->clean);
	add(s, "</text>\n");
}
