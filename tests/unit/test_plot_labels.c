/* Labels keep clear of each other, of points and of obstacles. Legends hold what they are given. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "formats/plot_labels.h"
#include "formats/plot_legend.h"
#include "plot_aid.h"

static void
assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.17g is not %.17g", got, expected);
}

static struct canvas *
new_canvas(void)
{
	struct canvas_page page = { CANVAS_SVG, 300, 200, 100, 8, NULL };
	struct err e = { 0 };
	struct canvas *c = canvas_new(&page, &e);

	assert_non_null(c);
	return c;
}

static bool
overlap(struct box a, struct box b)
{
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
	       b.y < a.y + a.height;
}

enum { N = 40 };

static void
labels_overlap_nothing(void **state)
{
	struct canvas *c = new_canvas();
	struct box all = { 10, 10, 280, 180 }, obstacle = { 100, 50, 60, 60 };
	struct random r = random_start(3, 0);
	struct label labels[N];
	size_t n;

	(void)state;
	for (size_t i = 0; i < N; i++)
		labels[i] = (struct label){ .text = i % 2 ? "ENSG00000" : "CD4",
			.x = 150 + 60 * random_normal(&r),
			.y = 100 + 40 * random_normal(&r),
			.radius = 2 };
	n = labels_place(c, labels, N, all, &obstacle, 1, NULL);
	for (size_t i = 0; i < N; i++) {
		struct box b = labels[i].box;

		if (!labels[i].is_placed)
			continue;
		n--;
		assert_true(b.width >= canvas_text_width(c, labels[i].text, NULL));
		assert_true(
		    b.x >= 10 && b.y >= 10 && b.x + b.width <= 290 && b.y + b.height <= 190);
		assert_false(overlap(b, obstacle));
		for (size_t k = 0; k < N; k++) {
			struct box mark = { labels[k].x - 2, labels[k].y - 2, 4, 4 };

			assert_false(overlap(b, mark));
			assert_false(k != i && labels[k].is_placed && overlap(b, labels[k].box));
		}
	}
	assert_int_equal(n, 0);
	canvas_free(c);
}

static void
a_lone_label_stands_at_its_point(void **state)
{
	struct canvas *c = new_canvas();
	struct box all = { 0, 0, 300, 200 };
	struct label l = { .text = "A", .x = 100, .y = 100, .radius = 2 };

	(void)state;
	assert_int_equal(labels_place(c, &l, 1, all, NULL, 0, NULL), 1);
	assert_near(l.box.x, 103, 1e-9);
	assert_near(l.box.y + l.box.height / 2, 100, 1e-9);
	l.is_centered = true;
	assert_int_equal(labels_place(c, &l, 1, all, NULL, 0, NULL), 1);
	assert_near(l.box.x + l.box.width / 2, 100, 1e-9);
	/* Nowhere. */
	assert_int_equal(labels_place(c, &l, 1, (struct box){ 0, 0, 5, 5 }, NULL, 0, NULL), 0);
	canvas_free(c);
}

static void
places_are_spread(void **state)
{
	double y[] = { 10, 10, 10, 50 }, low[] = { 95, 96, 97 };

	(void)state;
	labels_spread(y, 4, 5, 0, 100);
	assert_true(y[0] == 10 && y[1] == 15 && y[2] == 20 && y[3] == 50);
	labels_spread(low, 3, 10, 0, 100);
	assert_true(low[0] == 80 && low[1] == 90 && low[2] == 100);
}

static char *
draw_legend(size_t n, struct box b, double *ret_width)
{
	static char names[60][32];
	struct legend_entry entries[60];
	struct legend l = { "Title", n, entries };
	struct canvas *c = new_canvas();
	struct output *out = plot_aid_create();
	struct err e = { 0 };

	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "Group %zu", i);
		entries[i] = (struct legend_entry){ names[i], 0x0072b2, LEGEND_POINT };
	}
	*ret_width = legend_width(c, &l, b.height, b.width);
	legend_draw(c, &l, b);
	canvas_write(c, out, &e);
	canvas_free(c);
	return plot_aid_bytes(out);
}

static void
a_legend_shows_all_or_says_how_many_more(void **state)
{
	double one, two, most;
	char *svg = draw_legend(5, (struct box){ 100, 10, 150, 100 }, &one);

	(void)state;
	assert_int_equal(plot_aid_count(svg, ">Group "), 5);
	assert_int_equal(plot_aid_count(svg, "<circle"), 5);
	free(svg);
	/* 8 points a line of 1.45: 7 below the title in 100 points. */
	svg = draw_legend(14, (struct box){ 100, 10, 200, 100 }, &two);
	assert_int_equal(plot_aid_count(svg, ">Group "), 14);
	assert_true(two > 1.8 * one && two <= 200);
	free(svg);
	svg = draw_legend(50, (struct box){ 100, 10, 100, 100 }, &most);
	assert_true(most <= 100);
	assert_int_equal(plot_aid_count(svg, ">Group "), 6);
	assert_non_null(strstr(svg, ">and 44 more<"));
	free(svg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_overlap_nothing),
		cmocka_unit_test(a_lone_label_stands_at_its_point),
		cmocka_unit_test(places_are_spread),
		cmocka_unit_test(a_legend_shows_all_or_says_how_many_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
