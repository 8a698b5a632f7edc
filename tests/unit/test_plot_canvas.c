/* Pages: what SVG says of each shape, the widths of texts, PNG and PDF as files. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/plot_canvas.h"
#include "plot_aid.h"

static void
assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.17g is not %.17g", got, expected);
}

static struct canvas *
start(enum canvas_format format)
{
	struct canvas_page page = { format, 144, 72, 100, 10, "a < b" };
	struct err e = { 0 };
	struct canvas *c = canvas_new(&page, &e);

	assert_non_null(c);
	return c;
}

static void
shapes_are_written_as_they_are_given(void **state)
{
	static const struct paint line = { PAINT_NONE, 0x112233, 1.5, 2, 0 };
	static const struct paint filled = { 0xd55e00, 0x000000, 0.5, 0, 0.25 };
	const double xs[] = { 0, 10, NAN, 20, 30.126 }, ys[] = { 1, 2, 3, 4, -0.001 };
	struct canvas *c = start(CANVAS_SVG);
	char *svg;

	(void)state;
	canvas_line(c, 1, 2, 3.5, 4.25, &line);
	canvas_polyline(c, xs, ys, 5, &line);
	canvas_rect(c, (struct box){ 1, 2, 30, 40 }, &filled);
	canvas_circle(c, 5, 6, 1.25, &filled);
	canvas_polygon(c, xs, ys, 2, &filled);
	svg = plot_aid_finish(c);
	plot_aid_expect(svg, "width=\"144.00pt\" height=\"72.00pt\" viewBox=\"0 0 144.00 72.00\"");
	plot_aid_expect(svg, "<title>a &lt; b</title>");
	plot_aid_expect(svg, "<g fill=\"none\" stroke=\"#112233\" stroke-width=\"1.5\" "
			     "stroke-linejoin=\"round\" stroke-dasharray=\"2\">\n"
			     "<line x1=\"1\" y1=\"2\" x2=\"3.5\" y2=\"4.25\"/>\n"
			     "<path d=\"M0 1L10 2M20 4L30.13 0\"/>\n</g>\n");
	plot_aid_expect(svg, "<g fill=\"#d55e00\" fill-opacity=\"0.75\" stroke=\"#000000\" "
			     "stroke-width=\"0.5\" stroke-opacity=\"0.75\">\n"
			     "<rect x=\"1\" y=\"2\" width=\"30\" height=\"40\"/>\n"
			     "<circle cx=\"5\" cy=\"6\" r=\"1.25\"/>\n"
			     "<path d=\"M0 1L10 2Z\"/>\n</g>\n");
	free(svg);
}

static void
shapes_of_one_paint_share_a_group(void **state)
{
	static const struct paint red = { .fill = 0xff0000 }, blue = { .fill = 0x0000ff };
	struct canvas *c = start(CANVAS_SVG);
	char *svg;

	(void)state;
	for (size_t i = 0; i < 300; i++)
		canvas_circle(c, (double)i, 1, 1, i < 200 ? &red : &blue);
	svg = plot_aid_finish(c);
	assert_int_equal(plot_aid_count(svg, "<circle"), 300);
	assert_int_equal(plot_aid_count(svg, "<g "), 2);
	free(svg);
}

static void
groups_and_clips_nest(void **state)
{
	struct canvas *c = start(CANVAS_SVG);
	static const struct paint p = { .fill = 0xff0000 };
	char *svg;

	(void)state;
	canvas_group_begin(c, "outer");
	canvas_clip(c, (struct box){ 1, 2, 3, 4 });
	canvas_circle(c, 1, 1, 1, &p);
	canvas_unclip(c);
	canvas_circle(c, 2, 2, 1, &p);
	canvas_group_end(c);
	svg = plot_aid_finish(c);
	plot_aid_expect(svg,
	    "<g class=\"outer\">\n<clipPath id=\"clip1\"><rect x=\"1\" y=\"2\" "
	    "width=\"3\" height=\"4\"/></clipPath>\n<g clip-path=\"url(#clip1)\">\n"
	    "<g fill=\"#ff0000\">\n<circle cx=\"1\" cy=\"1\" r=\"1\"/>\n</g>\n</g>\n"
	    "<g fill=\"#ff0000\">\n<circle cx=\"2\" cy=\"2\" r=\"1\"/>\n</g>\n</g>\n"
	    "</svg>\n");
	free(svg);
}

/* Helvetica: A 667, V 667, i 222, space 278, gamma a guess. */
static void
texts_have_helvetica_widths(void **state)
{
	struct text_style big = { .size = 20 }, bold = { .is_bold = true };
	struct canvas *c = start(CANVAS_SVG);

	(void)state;
	assert_near(canvas_text_width(c, "AV", NULL), 13.34, 1e-9);
	assert_near(canvas_text_width(c, "i i", &big), 2 * (2.22 + 2.78 + 2.22), 1e-9);
	assert_near(canvas_text_width(c, "Ai", &bold), 7.22 + 2.78, 1e-9);
	assert_near(canvas_text_width(c, "", NULL), 0, 0);
	assert_near(canvas_cap_height(c, 0), 7.18, 1e-9);
	/* An ellipsis is 1000. */
	assert_string_equal(canvas_fit_text(c, "AAAA", 26.68, NULL), "AAAA");
	assert_string_equal(canvas_fit_text(c, "AAAA", 26.6, NULL), "AA\xe2\x80\xa6");
	assert_string_equal(canvas_fit_text(c, "A AAA", 22, NULL), "A\xe2\x80\xa6");
	assert_string_equal(canvas_fit_text(c, "AAAA", 1, NULL), "\xe2\x80\xa6");
	free(plot_aid_finish(c));
}

static void
texts_are_placed_and_escaped(void **state)
{
	struct text_style style = { .anchor = TEXT_END,
		.level = TEXT_CENTERED,
		.angle = 90,
		.is_bold = true,
		.is_italic = true,
		.has_halo = true,
		.color = 0xd55e00,
		.size = 20 };
	struct canvas *c = start(CANVAS_SVG);
	char *svg;

	(void)state;
	canvas_text(c, 10, 20, "AV", NULL);
	canvas_text(c, 10, 20, "A", &style);
	canvas_text(c, 1, 1, "<&\">", NULL);
	canvas_text(c, 1, 1, "a\tb\x1b\xffz", NULL);
	canvas_text(c, 1, 1, "\xef\xbf\xbf", NULL);
	canvas_text(c, 1, 1, "\xce\xb3\xce\xb4 T", NULL);
	canvas_text(c, 1, 1, "", NULL);
	svg = plot_aid_finish(c);
	plot_aid_expect(svg, "<text x=\"10\" y=\"20\" textLength=\"13.34\" "
			     "lengthAdjust=\"spacingAndGlyphs\">AV</text>");
	/* The middle of capitals 14.36 high; bold A is 722. */
	plot_aid_expect(svg, "<text x=\"10\" y=\"27.18\" font-size=\"20\" text-anchor=\"end\" "
			     "font-weight=\"bold\" font-style=\"italic\" fill=\"#d55e00\" "
			     "paint-order=\"stroke\" stroke=\"#ffffff\" stroke-linejoin=\"round\" "
			     "stroke-width=\"5\" transform=\"rotate(-90 10 20)\" "
			     "textLength=\"14.44\" lengthAdjust=\"spacingAndGlyphs\">A</text>");
	plot_aid_expect(svg, ">&lt;&amp;&quot;&gt;</text>");
	plot_aid_expect(svg, ">a?b??z</text>");
	plot_aid_expect(svg, ">??"
			     "?</text>");
	/* Of guessed width: as wide as it is. */
	plot_aid_expect(svg, "<text x=\"1\" y=\"1\">\xce\xb3\xce\xb4 T</text>");
	assert_int_equal(plot_aid_count(svg, "<text"), 6);
	free(svg);
}

static uint32_t
big_endian(const char *bytes)
{
	const unsigned char *p = (const unsigned char *)bytes;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* 2 x 1 inches at 100 dpi, and 100 / 0.0254 = 3937 pixels a metre. */
static void
a_png_has_its_size_and_resolution(void **state)
{
	struct canvas *c = start(CANVAS_PNG);
	char *png;

	(void)state;
	canvas_text(c, 10, 20, "Text", NULL);
	png = plot_aid_finish(c);
	assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
	assert_memory_equal(png + 12, "IHDR", 4);
	assert_int_equal(big_endian(png + 16), 200);
	assert_int_equal(big_endian(png + 20), 100);
	assert_memory_equal(png + 37, "pHYs", 4);
	assert_int_equal(big_endian(png + 41), 3937);
	assert_int_equal(big_endian(png + 45), 3937);
	assert_int_equal(png[49], 1);
	free(png);
}

static void
a_pdf_has_no_date(void **state)
{
	struct canvas *c = start(CANVAS_PDF);
	char *pdf;

	(void)state;
	canvas_text(c, 10, 20, "Text", NULL);
	pdf = plot_aid_finish(c);
	assert_memory_equal(pdf, "%PDF-1.", 7);
	free(pdf);
}

/* Everything at once, in each format, twice. */
static void
draw_all(struct canvas *c)
{
	static const uint32_t pixels[6] = { 0xff0000, 0x00ff00, 0x0000ff, 0, 0xffffff, 0x808080 };
	static const struct paint p = { 0x0072b2, 0, 0.5, 0, 0.5 };
	struct text_style style = { .angle = 45, .has_halo = true, .is_italic = true };

	canvas_image(c, (struct box){ 10, 10, 30, 20 }, pixels, 3, 2);
	canvas_raster_begin(c, (struct box){ 50, 10, 50, 50 });
	for (size_t i = 0; i < 50; i++)
		canvas_circle(c, 50 + (double)i, 30, 2, &p);
	canvas_raster_end(c);
	canvas_clip(c, (struct box){ 0, 0, 20, 20 });
	canvas_rect(c, (struct box){ 5, 5, 50, 50 }, &p);
	canvas_unclip(c);
	canvas_text(c, 60, 60, "\xce\xb3\xce\xb4 T cells", &style);
}

static void
equal_calls_give_equal_bytes(void **state)
{
	(void)state;
	for (int format = CANVAS_SVG; format <= CANVAS_PDF; format++) {
		char *files[2];

		for (size_t i = 0; i < 2; i++) {
			struct canvas *c = start((enum canvas_format)format);

			draw_all(c);
			files[i] = plot_aid_finish(c);
		}
		assert_string_equal(files[0], files[1]);
		free(files[0]);
		free(files[1]);
	}
}

static void
many_points_become_one_image(void **state)
{
	struct canvas *c = start(CANVAS_SVG);
	char *svg;

	(void)state;
	draw_all(c);
	svg = plot_aid_finish(c);
	assert_int_equal(plot_aid_count(svg, "<circle"), 0);
	assert_int_equal(plot_aid_count(svg, "<image"), 2);
	/* A PNG's first bytes in base64; only the heatmap's pixels have edges. */
	assert_int_equal(plot_aid_count(svg, "\"data:image/png;base64,iVBORw0KGgo"), 2);
	assert_int_equal(plot_aid_count(svg, "image-rendering:pixelated"), 1);
	free(svg);
}

static void
too_many_pixels_are_refused(void **state)
{
	struct canvas_page page = { CANVAS_PNG, 72 * 400, 72, 100, 8, NULL };
	struct err e = { 0 };

	(void)state;
	assert_null(canvas_new(&page, &e));
	assert_string_equal(e.text,
	    "40000 x 100 pixels are too many for a picture (at most 32768 a side, 268435456 in "
	    "all)");
	page.format = CANVAS_SVG;
	e.is_set = false;
	free(plot_aid_finish(canvas_new(&page, &e)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_are_written_as_they_are_given),
		cmocka_unit_test(shapes_of_one_paint_share_a_group),
		cmocka_unit_test(groups_and_clips_nest),
		cmocka_unit_test(texts_have_helvetica_widths),
		cmocka_unit_test(texts_are_placed_and_escaped),
		cmocka_unit_test(a_png_has_its_size_and_resolution),
		cmocka_unit_test(a_pdf_has_no_date),
		cmocka_unit_test(equal_calls_give_equal_bytes),
		cmocka_unit_test(many_points_become_one_image),
		cmocka_unit_test(too_many_pixels_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
