/* Charts as SVG: what is written in them, and known values where arithmetic puts them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/plot_axis.h"
#include "formats/plot_color.h"
#include "formats/plot_confusion.h"
#include "formats/plot_curves.h"
#include "formats/plot_genes.h"
#include "formats/plot_heatmap.h"
#include "formats/plot_training.h"
#include "plot_aid.h"

static struct canvas *
start(void)
{
	struct canvas_page page = { CANVAS_SVG, 400, 300, 100, 8, NULL };
	struct err e = { 0 };
	struct canvas *c = canvas_new(&page, &e);

	assert_non_null(c);
	return c;
}

/* The text after the k-th `before`. */
static const char *
after(const char *svg, const char *before, size_t k)
{
	for (size_t i = 0;; i++) {
		svg = strstr(svg, before);
		if (!svg)
			fail_msg("no %s %zu", before, k);
		svg += strlen(before);
		if (i == k)
			return svg;
	}
}

/* The box of the axes. */
static struct box
inside_of(const char *svg)
{
	struct box b;

	svg = after(svg, "<g class=\"frame\">", 0);
	assert_int_equal(
	    sscanf(strstr(svg, "<rect"), "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"/>",
		&b.x, &b.y, &b.width, &b.height),
	    4);
	return b;
}

static void
assert_circle(const char *svg, size_t k, double x, double y)
{
	double cx, cy;

	svg = after(svg, "<g class=\"points\">", 0);
	assert_int_equal(sscanf(after(svg, "<circle ", k), "cx=\"%lf\" cy=\"%lf\"", &cx, &cy), 2);
	if (fabs(cx - x) > 0.02 || fabs(cy - y) > 0.02)
		fail_msg("circle %zu is at %g %g, and not at %g %g", k, cx, cy, x, y);
}

static void
a_confusion_matrix_has_shares_and_counts(void **state)
{
	static const char *const names[] = { "A", "B & C" };
	static const double counts[] = { 3, 1, 0, 0 };
	struct plot_confusion p = { "Title", 2, names, counts, false };
	struct canvas *c = start();
	char *svg;

	(void)state;
	plot_confusion_draw(c, &p);
	svg = plot_aid_finish(c);
	plot_aid_expect(svg, ">Title</text>");
	plot_aid_expect(svg, ">75%</text>");
	plot_aid_expect(svg, ">25%</text>");
	plot_aid_expect(svg, ">3</text>");
	assert_int_equal(plot_aid_count(svg, ">B &amp; C</text>"), 2);
	/* A class without rows has no share: grey, and counts only. */
	assert_int_equal(plot_aid_count(svg, "%</text>"), 2);
	assert_int_equal(plot_aid_count(svg, ">0</text>"), 2);
	plot_aid_expect(svg, "fill=\"#cccccc\"");
	/* White on dark: three quarters. */
	plot_aid_expect(svg, "fill=\"#ffffff\" textLength=\"16.01\" "
			     "lengthAdjust=\"spacingAndGlyphs\">75%<");
	plot_aid_expect(svg, ">True class</text>");
	free(svg);
	p.shows_counts = true;
	c = start();
	plot_confusion_draw(c, &p);
	svg = plot_aid_finish(c);
	assert_int_equal(plot_aid_count(svg, "%</text>"), 0);
	free(svg);
}

/* Fields of equal side: the second row starts a side below the first. */
static void
a_confusion_matrix_is_square(void **state)
{
	static const char *const names[] = { "A", "B", "C" };
	static const double counts[] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 };
	struct plot_confusion p = { NULL, 3, names, counts, false };
	struct canvas *c = start();
	double x[2], y[2], width, height;
	char *svg;

	(void)state;
	plot_confusion_draw(c, &p);
	svg = plot_aid_finish(c);
	assert_int_equal(
	    sscanf(after(after(svg, "\"matrix\"", 0), "<rect ", 0),
		"x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"", &x[0], &y[0], &width, &height),
	    4);
	assert_int_equal(sscanf(after(after(svg, "\"matrix\"", 0), "<rect ", 4),
			     "x=\"%lf\" y=\"%lf\"", &x[1], &y[1]),
	    2);
	assert_true(fabs(width - height) < 0.011);
	assert_true(fabs(x[1] - x[0] - width) < 0.02 && fabs(y[1] - y[0] - height) < 0.02);
	free(svg);
}

static void
curves_lie_where_their_values_are(void **state)
{
	const double x[] = { 0, 0.25, 1 }, y[] = { 0, 0.5, 1 };
	struct plot_curve curve = { "A (AUC 0.625)", 3, x, y, 0x0072b2, false, false };
	struct plot_curves p = { .x_label = "False positive rate",
		.y_label = "True positive rate",
		.n = 1,
		.curves = &curve,
		.is_unit = true,
		.has_diagonal = true };
	struct canvas *c = start();
	struct box in;
	double at[6];
	char *svg;

	(void)state;
	plot_curves_draw(c, &p);
	svg = plot_aid_finish(c);
	in = inside_of(svg);
	assert_true(fabs(in.width - in.height) < 0.011);
	assert_int_equal(sscanf(after(after(svg, "\"curves\"", 0), "<path d=\"M", 0),
			     "%lf %lfL%lf %lfL%lf %lf", at, at + 1, at + 2, at + 3, at + 4, at + 5),
	    6);
	assert_true(fabs(at[0] - in.x) < 0.02 && fabs(at[1] - in.y - in.height) < 0.02);
	assert_true(fabs(at[2] - in.x - in.width / 4) < 0.02);
	assert_true(fabs(at[3] - in.y - in.height / 2) < 0.02);
	plot_aid_expect(svg, ">A (AUC 0.625)</text>");
	plot_aid_expect(svg, "stroke-dasharray=\"3\"");
	free(svg);
}

static const struct gene_effect genes[] = { { "UP1", 0.4, 1e-4 }, { "FLAT", 0.1, 0.5 },
	{ "DOWN1", -0.2, 0.01 }, { "NONE", 0, 1 }, { "UNKNOWN", 0.3, NAN }, { "CERTAIN", 0.2, 0 } };

/* Shifts from -0.2 to 0.4 with 8 % of the range at both ends; -log10 of the FDR from 0 to 1.08
 * times the highest. That of 0 stands at 1.06 times the highest other one and 0.01. */
static void
a_volcano_has_genes_where_they_belong(void **state)
{
	struct plot_genes p = { NULL, "Shift", "FDR", 6, genes, 0.05, 2 };
	struct canvas *c = start();
	double left = -0.248, right = 0.448, top = 1.08 * 4.25;
	struct box in;
	char *svg;

	(void)state;
	plot_volcano_draw(c, &p);
	svg = plot_aid_finish(c);
	in = inside_of(svg);
	assert_int_equal(plot_aid_count(after(svg, "\"points\"", 0), "<circle"), 5);
	/* Grey ones first, then blue, then orange. */
	assert_circle(svg, 0, in.x + (0.1 - left) / (right - left) * in.width,
	    in.y + in.height * (1 + log10(0.5) / top));
	assert_circle(svg, 1, in.x + (0 - left) / (right - left) * in.width, in.y + in.height);
	assert_circle(svg, 2, in.x + (-0.2 - left) / (right - left) * in.width,
	    in.y + in.height * (1 - 2 / top));
	assert_circle(svg, 3, in.x + (0.4 - left) / (right - left) * in.width,
	    in.y + in.height * (1 - 4 / top));
	assert_circle(svg, 4, in.x + (0.2 - left) / (right - left) * in.width,
	    in.y + in.height * (1 - 4.25 / top));
	plot_aid_expect(svg, ">UP1</text>");
	plot_aid_expect(svg, ">Up (2)</text>");
	plot_aid_expect(svg, ">Down (1)</text>");
	plot_aid_expect(svg, ">Neither (2)</text>");
	/* Of equal shifts the first. */
	plot_aid_expect(svg, ">DOWN1</text>");
	assert_null(strstr(svg, ">CERTAIN</text>"));
	assert_null(strstr(svg, ">UNKNOWN</text>"));
	free(svg);
}

static void
a_ranking_falls(void **state)
{
	struct plot_genes p = { "Ranks", "Shift", "FDR", 6, genes, 0.05, 2 };
	struct canvas *c = start();
	const char *labels;
	char *svg;

	(void)state;
	plot_ranked_draw(c, &p);
	svg = plot_aid_finish(c);
	labels = after(svg, "\"labels\"", 0);
	assert_true(strstr(labels, ">UP1<") < strstr(labels, ">UNKNOWN<"));
	labels = after(svg, "\"labels\"", 1);
	assert_true(strstr(labels, ">NONE<") < strstr(labels, ">DOWN1<"));
	assert_null(strstr(svg, ">CERTAIN</text>"));
	assert_int_equal(plot_aid_count(after(svg, "\"points\"", 0), "<circle"), 6);
	/* Without any FDR there is nothing to say in a legend. */
	p.fdr = NULL;
	free(svg);
	c = start();
	plot_ranked_draw(c, &p);
	svg = plot_aid_finish(c);
	assert_null(strstr(svg, "\"legend\""));
	free(svg);
}

static void
charts_of_one_gene_or_none_are_drawn(void **state)
{
	(void)state;
	for (size_t n = 0; n < 3; n++) {
		struct plot_genes p = { NULL, "Shift", "FDR", n, genes, 0.05, 20 };
		struct canvas *c = start();

		if (n)
			plot_ranked_draw(c, &p);
		plot_volcano_draw(c, &p);
		free(plot_aid_finish(c));
	}
}

static void
rows_are_ordered_by_their_label(void **state)
{
	const char *const texts[] = { "b", "a", NULL, "b", "a" };
	const double numbers[] = { 3, NAN, -1, 3, 0 };
	struct plot_column column = plot_aid_texts("type", texts, 5);
	size_t rows[5];

	(void)state;
	plot_heatmap_order(&column, 5, rows);
	assert_memory_equal(rows, ((size_t[]){ 1, 4, 0, 3, 2 }), sizeof(rows));
	plot_column_free(&column);
	column = plot_aid_numbers("score", numbers, 5);
	plot_heatmap_order(&column, 5, rows);
	assert_memory_equal(rows, ((size_t[]){ 2, 4, 0, 3, 1 }), sizeof(rows));
	plot_column_free(&column);
	plot_heatmap_order(NULL, 5, rows);
	assert_memory_equal(rows, ((size_t[]){ 0, 1, 2, 3, 4 }), sizeof(rows));
}

/* Two groups, two dimensions: z-scores of 1 and -1. */
static void
a_heatmap_has_its_groups(void **state)
{
	const char *const texts[] = { "T <cells>", "B", "B", "T <cells>" };
	const float values[] = { 5, 0, 1, 2, 1, 2, 5, 0 };
	struct plot_column column = plot_aid_texts("type", texts, 4);
	struct plot_heatmap p = { "Heat", 4, 2, values, "cells", &column, true };
	struct canvas *c = start();
	char *svg;

	(void)state;
	plot_heatmap_draw(c, &p);
	svg = plot_aid_finish(c);
	plot_aid_expect(svg, ">4 cells</text>");
	plot_aid_expect(svg, ">2 dimensions</text>");
	plot_aid_expect(svg, ">T &lt;cells&gt;</text>");
	plot_aid_expect(svg, ">z-score</text>");
	assert_int_equal(plot_aid_count(after(svg, "\"strip\"", 0), "<g fill=\"#0072b2\""), 1);
	assert_int_equal(plot_aid_count(after(svg, "\"strip\"", 0), "<g fill=\"#d55e00\""), 1);
	/* The heatmap and the colour bar. */
	assert_int_equal(plot_aid_count(svg, "<image"), 2);
	free(svg);
	plot_column_free(&column);
}

static void
heatmaps_of_numbers_or_of_nothing_special(void **state)
{
	const double numbers[] = { 3, NAN, -1 };
	const float values[] = { 1, 1, 1 };
	struct plot_column column = plot_aid_numbers("score", numbers, 3);
	struct plot_heatmap p = { NULL, 3, 1, values, "genes", &column, true };
	struct canvas *c = start();
	char *svg;

	(void)state;
	plot_heatmap_draw(c, &p);
	svg = plot_aid_finish(c);
	plot_aid_expect(svg, ">score</text>");
	assert_int_equal(plot_aid_count(svg, "<image"), 4);
	free(svg);
	plot_column_free(&column);
	p.label = NULL;
	p.is_scaled = false;
	c = start();
	plot_heatmap_draw(c, &p);
	svg = plot_aid_finish(c);
	plot_aid_expect(svg, ">Value</text>");
	assert_null(strstr(svg, "\"strip\""));
	free(svg);
}

static void
training_has_a_panel_for_a_metric_and_its_twin(void **state)
{
	const double steps[] = { 0, 10, 20 }, values[] = { 3, 2, 1 };
	const char *const runs[] = { "first", "second" };
	const struct training_curve curves[] = { { 0, "loss", 3, steps, values },
		{ 0, "eval_loss", 2, steps, values }, { 0, "accuracy", 3, steps, values },
		{ 1, "loss", 1, steps, values } };
	struct plot_training p = { "Runs", 1, runs, 3, curves };
	struct canvas *c = start();
	char *svg;

	(void)state;
	assert_int_equal(plot_training_panels(&p), 2);
	plot_training_draw(c, &p);
	svg = plot_aid_finish(c);
	assert_int_equal(plot_aid_count(svg, "<g class=\"frame\">"), 2);
	assert_int_equal(plot_aid_count(svg, ">Step</text>"), 1);
	assert_int_equal(plot_aid_count(svg, ">eval_loss</text>"), 1);
	assert_int_equal(plot_aid_count(svg, ">loss</text>"), 2);
	free(svg);
	p.n_runs = 2;
	p.n = 4;
	c = start();
	plot_training_draw(c, &p);
	svg = plot_aid_finish(c);
	plot_aid_expect(svg, ">first (eval)</text>");
	plot_aid_expect(svg, ">second</text>");
	free(svg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_confusion_matrix_has_shares_and_counts),
		cmocka_unit_test(a_confusion_matrix_is_square),
		cmocka_unit_test(curves_lie_where_their_values_are),
		cmocka_unit_test(a_volcano_has_genes_where_they_belong),
		cmocka_unit_test(a_ranking_falls),
		cmocka_unit_test(charts_of_one_gene_or_none_are_drawn),
		cmocka_unit_test(rows_are_ordered_by_their_label),
		cmocka_unit_test(a_heatmap_has_its_groups),
		cmocka_unit_test(heatmaps_of_numbers_or_of_nothing_special),
		cmocka_unit_test(training_has_a_panel_for_a_metric_and_its_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
