/* Scatter plots as SVG: which marks and names there are, in which colours and which order. */

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
#include "formats/plot_color.h"
#include "formats/plot_scatter.h"
#include "plot_aid.h"

/* The SVG, which the caller frees. */
static char *
draw(const struct plot_scatter *s)
{
	struct canvas_page page = { CANVAS_SVG, 340, 283, 100, 8, NULL };
	struct err e = { 0 };
	struct canvas *c = canvas_new(&page, &e);
	struct output *out = plot_aid_create();

	assert_non_null(c);
	plot_scatter_draw(c, s);
	assert_int_equal(canvas_write(c, out, &e), 0);
	canvas_free(c);
	return plot_aid_bytes(out);
}

enum { N = 300, A_GROUP = 100 };

static const char *const names[3] = { "Alpha cells", "B <cells>", "third" };

/* Three groups in a row, `gap` apart in units of their spread: alpha, then B, then third. */
struct groups {
	double x[N], y[N];
	const char *texts[N];
	struct plot_column column;
	struct plot_scatter scatter;
};

static void
groups_start(struct groups *g, double gap)
{
	struct random r = random_start(1, 0);

	for (size_t i = 0; i < N; i++) {
		g->x[i] = random_normal(&r) + gap * (double)(i / A_GROUP);
		g->y[i] = random_normal(&r);
		g->texts[i] = names[i / A_GROUP];
	}
	g->column = plot_aid_texts("type", g->texts, N);
	g->scatter = (struct plot_scatter){ .x_label = "UMAP 1",
		.y_label = "UMAP 2",
		.n = N,
		.x = g->x,
		.y = g->y,
		.color = &g->column };
}

/* The circles before the legend, one hexadecimal colour each. */
static size_t
colors_of(const char *svg, unsigned *ret_colors, size_t most)
{
	const char *p = strstr(svg, "<g class=\"points\">"), *end;
	unsigned color = 0;
	size_t n = 0;

	assert_non_null(p);
	p += 10;
	end = strstr(p, "<g class=");
	if (!end)
		end = p + strlen(p);
	for (; p < end; p++)
		if (strncmp(p, "fill=\"#", 7) == 0)
			color = (unsigned)strtoul(p + 7, NULL, 16);
		else if (strncmp(p, "<circle", 7) == 0 && n < most)
			ret_colors[n++] = color;
	return n;
}

static bool
has(const char *svg, const char *text)
{
	return strstr(svg, text);
}

static void
apart_groups_bear_their_names(void **state)
{
	struct groups g;
	unsigned colors[N + 1];
	size_t counts[3] = { 0 };
	char *svg;

	(void)state;
	groups_start(&g, 12);
	svg = draw(&g.scatter);
	assert_true(has(svg, "class=\"labels\"") && !has(svg, "class=\"legend\""));
	assert_true(
	    has(svg, ">Alpha cells<") && has(svg, ">B &lt;cells&gt;<") && has(svg, ">third<"));
	assert_true(has(svg, ">type<")); /* the title */
	assert_int_equal(colors_of(svg, colors, N + 1), N);
	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < 3; k++)
			counts[k] += colors[i] == color_category(k, 3);
	for (size_t k = 0; k < 3; k++)
		assert_int_equal(counts[k], A_GROUP);
	free(svg);
	plot_column_free(&g.column);
}

static void
mixed_groups_get_a_legend(void **state)
{
	struct groups g;
	char *svg;

	(void)state;
	groups_start(&g, 0);
	svg = draw(&g.scatter);
	assert_true(!has(svg, "class=\"labels\"") && has(svg, "class=\"legend\""));
	assert_true(
	    has(svg, ">Alpha cells<") && has(svg, ">B &lt;cells&gt;<") && has(svg, ">third<"));
	free(svg);
	g.scatter.names = SCATTER_NAMES_AT_GROUPS;
	svg = draw(&g.scatter);
	assert_true(has(svg, "class=\"labels\"") && !has(svg, "class=\"legend\""));
	free(svg);
	plot_column_free(&g.column);
	groups_start(&g, 12);
	g.scatter.names = SCATTER_NAMES_IN_LEGEND;
	svg = draw(&g.scatter);
	assert_true(!has(svg, "class=\"labels\"") && has(svg, "class=\"legend\""));
	free(svg);
	plot_column_free(&g.column);
}

static void
many_groups_get_a_legend(void **state)
{
	struct groups g;
	static char texts[N][8];
	char *svg;

	(void)state;
	groups_start(&g, 0);
	plot_column_free(&g.column);
	for (size_t i = 0; i < N; i++) {
		snprintf(texts[i], sizeof(texts[i]), "t%zu", i / 10);
		g.texts[i] = texts[i];
		g.x[i] = (double)(i / 10 % 6) + 0.01 * (double)(i % 10);
		g.y[i] = (double)(i / 60);
	}
	g.column = plot_aid_texts("type", g.texts, N);
	svg = draw(&g.scatter);
	assert_true(has(svg, "class=\"legend\"") && !has(svg, "class=\"labels\""));
	free(svg);
	plot_column_free(&g.column);
}

/* In an order of chance the colour changes in two of three steps; as the rows come, twice in all.
 */
static void
no_group_covers_another(void **state)
{
	struct groups g;
	unsigned colors[N];
	size_t n_changes = 0;
	char *svg, *again;

	(void)state;
	groups_start(&g, 0);
	svg = draw(&g.scatter);
	colors_of(svg, colors, N);
	for (size_t i = 1; i < N; i++)
		n_changes += colors[i] != colors[i - 1];
	assert_true(n_changes > 160 && n_changes < 240);
	again = draw(&g.scatter);
	assert_string_equal(svg, again);
	free(svg);
	free(again);
	plot_column_free(&g.column);
}

static void
numbers_have_a_colour_bar_and_nulls_are_named(void **state)
{
	struct groups g;
	double numbers[N];
	unsigned colors[N];
	char *svg;

	(void)state;
	groups_start(&g, 0);
	plot_column_free(&g.column);
	for (size_t i = 0; i < N; i++)
		numbers[i] = i % 100 == 7 ? NAN : (double)i;
	numbers[299] = INFINITY;
	g.column = plot_aid_numbers("score", numbers, N);
	svg = draw(&g.scatter);
	assert_true(has(svg, "class=\"color-bar\"") && has(svg, ">score<"));
	assert_true(has(svg, ">no value (3)<"));
	assert_int_equal(colors_of(svg, colors, N), N);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(colors[i] == COLOR_MISSING, i < 3);
	free(svg);
	plot_column_free(&g.column);
}

static void
nulls_among_categories_are_named(void **state)
{
	struct groups g;
	unsigned colors[N];
	char *svg;

	(void)state;
	groups_start(&g, 12);
	plot_column_free(&g.column);
	g.texts[0] = g.texts[150] = NULL;
	g.column = plot_aid_texts("type", g.texts, N);
	svg = draw(&g.scatter);
	assert_true(has(svg, "class=\"labels\"") && has(svg, ">no value (2)<"));
	colors_of(svg, colors, N);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(colors[i] == COLOR_MISSING, i < 2);
	free(svg);
	plot_column_free(&g.column);
}

static void
odd_inputs_are_drawn(void **state)
{
	static const double here[2] = { 3, 3 };
	static const char *const nothing[2] = { NULL, NULL };
	struct plot_column column = plot_aid_texts("type", nothing, 2);
	struct plot_column numbers = plot_aid_numbers("n", (const double[]){ NAN, NAN }, 2);
	struct plot_scatter s = { .x = here, .y = here };
	char *svg;

	(void)state;
	for (s.n = 0; s.n < 3; s.n++) {
		s.has_ticks = s.n == 1;
		svg = draw(&s);
		assert_int_equal(plot_aid_count(svg, "<circle"), s.n);
		free(svg);
	}
	s.n = 2;
	for (s.color = &column;; s.color = &numbers) {
		svg = draw(&s);
		assert_true(has(svg, ">no value (2)<"));
		assert_int_equal(plot_aid_count(svg, "<circle"), 2 + 1);
		free(svg);
		if (s.color == &numbers)
			break;
	}
	plot_column_free(&column);
	plot_column_free(&numbers);
}

static void
very_many_points_become_an_image(void **state)
{
	enum { MANY = 20001 };
	static double x[MANY], y[MANY];
	struct plot_scatter s = { .n = MANY, .x = x, .y = y };
	char *svg;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		x[i] = (double)(i % 141);
		y[i] = (double)(i / 141);
	}
	svg = draw(&s);
	assert_int_equal(plot_aid_count(svg, "<circle"), 0);
	assert_int_equal(plot_aid_count(svg, "<image"), 1);
	free(svg);
}

static void
more_points_are_smaller_and_clearer(void **state)
{
	double area = 250 * 200;

	(void)state;
	for (size_t n = 10; n <= 1000000; n *= 10) {
		double r = plot_scatter_radius(n, area), clear = plot_scatter_clear(n);

		assert_true(r >= plot_scatter_radius(10 * n, area) && r >= 0.4 && r <= 3);
		assert_true(clear <= plot_scatter_clear(10 * n) && clear >= 0 && clear <= 0.5);
	}
	assert_true(plot_scatter_radius(100, area) > 2 * plot_scatter_radius(10000, area));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apart_groups_bear_their_names),
		cmocka_unit_test(mixed_groups_get_a_legend),
		cmocka_unit_test(many_groups_get_a_legend),
		cmocka_unit_test(no_group_covers_another),
		cmocka_unit_test(numbers_have_a_colour_bar_and_nulls_are_named),
		cmocka_unit_test(nulls_among_categories_are_named),
		cmocka_unit_test(odd_inputs_are_drawn),
		cmocka_unit_test(very_many_points_become_an_image),
		cmocka_unit_test(more_points_are_smaller_and_clearer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
