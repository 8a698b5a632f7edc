/* plot_html.c - see plot_html.h; plot_html_page.h says what the data block holds. */

#include "formats/plot_html.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "formats/plot_color.h"
#include "formats/plot_html_page.h"
#include "formats/text_value.h"

enum { MAP_COLORS = 128 };

static void
add(struct buffer *b, const char *text)
{
	buffer_add(b, text, strlen(text));
}

static void
add_lines(struct buffer *b, const char *const *lines)
{
	for (; *lines; lines++) {
		add(b, *lines);
		add(b, "\n");
	}
}

static void
add_count(struct buffer *b, const char *before, size_t n)
{
	char text[24];

	add(b, before);
	snprintf(text, sizeof(text), "%zu", n);
	add(b, text);
}

/* A JSON text that holds neither '<' nor '>', nor '&': nothing that HTML knows. */
static void
add_text(struct buffer *b, const char *text, size_t size)
{
	struct buffer json = { 0 };

	if (utf8_is_valid(text, size))
		text_json_string(&json, text, size);
	else
		add(&json, "\"(not UTF-8)\"");
	for (size_t i = 0; i < json.size; i++)
		if (json.data[i] == '<')
			add(b, "\\u003c");
		else if (json.data[i] == '>')
			add(b, "\\u003e");
		else if (json.data[i] == '&')
			add(b, "\\u0026");
		else
			buffer_add(b, &json.data[i], 1);
	buffer_free(&json);
}

static void
add_key(struct buffer *b, const char *before, const char *text)
{
	add(b, before);
	add_text(b, text ? text : "", text ? strlen(text) : 0);
}

static void
add_base64(struct buffer *b, const char *before, const void *bytes, size_t size)
{
	add(b, before);
	add(b, "\"");
	base64_add(b, bytes, size);
	add(b, "\"");
}

static void
add_color(struct buffer *b, size_t i, uint32_t rgb)
{
	char text[16];

	snprintf(text, sizeof(text), "%s\"#%06x\"", i ? "," : "", (unsigned)rgb);
	add(b, text);
}

/* -- places: both axes at one scale, in the middle of a square -- */

static void
range_of(const double *x, size_t n, double *ret_middle, double *ret_span)
{
	double low = n ? x[0] : 0, high = low;

	for (size_t i = 0; i < n; i++) {
		low = fmin(low, x[i]);
		high = fmax(high, x[i]);
	}
	*ret_middle = low / 2 + high / 2;
	*ret_span = high - low;
}

static void
add_places(
    struct buffer *b, const char *before, const double *x, size_t n, double middle, double span)
{
	uint16_t *places = mem_alloc(n, sizeof(*places));

	for (size_t i = 0; i < n; i++) {
		double share = span > 0 ? (x[i] - middle) / span + 0.5 : 0.5;

		places[i] = (uint16_t)lrint(65535 * fmin(fmax(share, 0), 1));
	}
	add_base64(b, before, places, n * sizeof(*places));
	free(places);
}

static void
add_points(struct buffer *b, const struct plot_html *p)
{
	double x_middle, x_span, y_middle, y_span;

	range_of(p->x, p->n, &x_middle, &x_span);
	range_of(p->y, p->n, &y_middle, &y_span);
	add_places(b, ",\n\"x\":", p->x, p->n, x_middle, fmax(x_span, y_span));
	add_places(b, ",\n\"y\":", p->y, p->n, y_middle, fmax(x_span, y_span));
}

/* -- columns -- */

/* In as few bits as hold all codes and one more, which is the null. */
static void
add_codes(struct buffer *b, const struct plot_column *c)
{
	size_t width = c->names->n < UINT8_MAX ? 1 : c->names->n < UINT16_MAX ? 2 : 4;
	uint8_t *bytes = mem_alloc(c->n, width);

	for (size_t i = 0; i < c->n; i++) {
		uint32_t code = (uint32_t)c->codes[i]; /* -1 becomes all ones */

		memcpy(bytes + i * width, &code, width);
	}
	add_count(b, ",\"bits\":", 8 * width);
	add_base64(b, ",\"data\":", bytes, c->n * width);
	free(bytes);
}

static void
add_categories(struct buffer *b, const struct plot_column *c)
{
	size_t n = c->names->n;

	add(b, ",\"names\":[");
	for (size_t i = 0; i < n; i++) {
		size_t size;
		const char *name = strings_get(c->names, i, &size);

		add(b, i ? "," : "");
		add_text(b, name, size);
	}
	add(b, "],\"colors\":[");
	for (size_t i = 0; i < n && i < COLOR_MANY; i++)
		add_color(b, i, color_category(i, n));
	add(b, "]");
	add_codes(b, c);
}

/* Single precision, but whole numbers as they are. */
static void
add_numbers(struct buffer *b, const struct plot_column *c)
{
	float *singles = mem_alloc(c->n, sizeof(*singles));
	bool is_exact = true;

	for (size_t i = 0; i < c->n; i++) {
		singles[i] = (float)c->numbers[i];
		is_exact =
		    is_exact && (isnan(c->numbers[i]) || (double)singles[i] == c->numbers[i]);
	}
	add(b, c->is_whole ? ",\"whole\":true" : ",\"whole\":false");
	if (c->is_whole && !is_exact)
		add_base64(b, ",\"bits\":64,\"data\":", c->numbers, c->n * sizeof(*c->numbers));
	else
		add_base64(b, ",\"bits\":32,\"data\":", singles, c->n * sizeof(*singles));
	free(singles);
}

static void
add_columns(struct buffer *b, const struct plot_html *p)
{
	add(b, ",\n\"columns\":[");
	for (size_t i = 0; i < p->n_columns; i++) {
		const struct plot_column *c = &p->columns[i];

		assert(c->n == p->n);
		add_key(b, i ? ",\n{\"name\":" : "\n{\"name\":", c->name);
		if (c->is_numbers)
			add_numbers(b, c);
		else
			add_categories(b, c);
		add(b, "}");
	}
	add(b, "]");
}

static void
add_data(struct buffer *b, const struct plot_html *p)
{
	add_key(b, "{\"title\":", p->title);
	add_key(b, ",\"x_label\":", p->x_label);
	add_key(b, ",\"y_label\":", p->y_label);
	add_count(b, ",\"n\":", p->n);
	if (p->color < p->n_columns)
		add_count(b, ",\"color\":", p->color);
	else
		add(b, ",\"color\":-1");
	add(b, ",\n\"map\":[");
	for (size_t i = 0; i < MAP_COLORS; i++)
		add_color(b, i, color_map_at(COLOR_VIRIDIS, (double)i / (MAP_COLORS - 1)));
	add(b, "]");
	add_points(b, p);
	add_columns(b, p);
	add(b, "}\n");
}

int
plot_html_write(const struct plot_html *p, struct output *out, struct err *e)
{
	struct buffer b = { 0 };
	int status;

	add(&b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>cells</title>\n"
		"<style>\n");
	add_lines(&b, plot_html_style);
	add(&b, "</style>\n</head>\n<body>\n");
	add_lines(&b, plot_html_body);
	add(&b, "<script id=\"data\" type=\"application/json\">\n");
	add_data(&b, p);
	add(&b, "</script>\n<script>\n");
	add_lines(&b, plot_html_script);
	add(&b, "</script>\n</body>\n</html>\n");
	status = output_write(out, b.data, b.size, e);
	buffer_free(&b);
	return status;
}
