/* cellplot.c - UMAP, PCA, heatmaps, confusion matrices, ROC, PR and training curves, volcanoes.
 *
 * In: embeddings, predictions, a report of gfeval, a table of perturbstats, or a training log. Out:
 * SVG, PNG, PDF, or (UMAP, PCA) an interactive page of HTML. */

#include <string.h>

#include "base/cli.h"
#include "formats/plot_cells.h"
#include "formats/plot_classes.h"
#include "formats/plot_gene_effects.h"
#include "formats/plot_heatmap.h"
#include "formats/plot_html.h"
#include "formats/plot_page.h"
#include "formats/plot_scatter.h"
#include "formats/plot_training.h"
#include "stat/evaluation.h"
#include "stat/pca.h"
#include "stat/umap.h"

struct options {
	struct cli common;
	struct plot_page page;
	const char *kind, *format, *size, *color, *labels, *metric;
	bool categories, raw, counts;
	size_t neighbours, top;
	double min_dist, fdr;
	const char *truth, *gene_truth, *task, *positive, *metrics, *x, *y, *name;
};

static const struct cli_option table[] = {
	CLI_CHOICE('k', "kind", "umap|pca|heatmap|confusion|roc|pr|training|volcano|ranked",
	    struct options, kind, "what to draw (required)"),
	CLI_CHOICE(0, "format", "svg|png|pdf|html", struct options, format,
	    "of the file (by the name that -o gives)"),
	CLI_STRING(0, "size", "WxH", struct options, size,
	    "of the page in mm, or with cm, in or pt behind it (by what is drawn)"),
	CLI_DOUBLE_H(0, "dpi", "N", struct options, page.dpi, 30, 2400,
	    "pixels an inch, of PNG and of images inside SVG and PDF (300)"),
	CLI_DOUBLE_H(
	    0, "font-size", "POINTS", struct options, page.font_size, 3, 72, "of texts (8)"),
	CLI_STRING(0, "title", "TEXT", struct options, page.title, "above the picture (none)"),
	CLI_STRING('c', "color", "COLUMN", struct options, color,
	    "umap, pca, heatmap: the column that colours cells, or orders the heatmap's rows"),
	CLI_FLAG(
	    0, "categories", struct options, categories, "numbers in COLUMN are names of groups"),
	CLI_CHOICE(0, "labels", "auto|groups|legend", struct options, labels,
	    "umap, pca: where the names of groups stand (auto)"),
	CLI_SIZE(0, "neighbours", "N", struct options, neighbours, 2, 10000,
	    "umap: neighbours of a cell (15)"),
	CLI_DOUBLE_H(0, "min-dist", "X", struct options, min_dist, 0, 1,
	    "umap: how tightly cells are packed (0.1)"),
	CLI_CHOICE(0, "metric", "euclidean|cosine", struct options, metric,
	    "umap: distance of embeddings (euclidean)"),
	CLI_FLAG(0, "raw", struct options, raw, "heatmap: values as they are, not z-scores"),
	CLI_STRING(0, "truth", "COLUMN", struct options, truth,
	    "confusion, roc, pr: the true classes (without it, FILE is gfeval's JSON report)"),
	CLI_STRING(0, "gene-truth", "FILE", struct options, gene_truth,
	    "the same for genes: a table of genes and classes"),
	CLI_STRING(0, "task", "NAME", struct options, task, "which head, where there are several"),
	CLI_STRING(0, "positive", "CLASS", struct options, positive,
	    "roc, pr: only this class against the rest (of two classes the second)"),
	CLI_FLAG(0, "counts", struct options, counts, "confusion: counts instead of percents"),
	CLI_STRING(0, "metrics", "A,B", struct options, metrics,
	    "training: which metrics (loss,eval_loss)"),
	CLI_STRING(0, "x", "COLUMN", struct options, x, "volcano, ranked: column of the shift"),
	CLI_STRING(0, "y", "COLUMN", struct options, y, "volcano, ranked: column of the FDR"),
	CLI_STRING(0, "name", "COLUMN", struct options, name, "volcano, ranked: names of genes"),
	CLI_SIZE('n', "top", "N", struct options, top, 0, 1000, "how many genes are named (15)"),
	CLI_DOUBLE_H(0, "fdr", "X", struct options, fdr, 0, 1, "of a significant gene (0.05)"),
	CLI_END
};

static const struct cli_program program = { "cellplot",
	"draw embeddings, predictions, training and perturbations", "FILE",
	CLI_THREADS | CLI_SEED | CLI_TEXT_OUT | CLI_MANY_INPUTS, table };

static bool
is_kind(const struct options *opt, const char *kind)
{
	return strcmp(opt->kind, kind) == 0;
}

/* 1. UMAP and PCA */

/* Places in the plane, xy[n][2]; names the axes. */
static void
lay_out(const struct options *opt, const struct plot_cells *cells, struct plot_scatter *s,
    double *xy, struct arena *a, struct err *e)
{
	struct vectors v = { cells->n, cells->d, plot_cells_vectors(cells), NULL };
	float *places = arena_zero(a, 2 * v.n, sizeof(*places));
	struct umap_options how = umap_defaults();
	struct pca p;

	if (is_kind(opt, "pca") && v.d < 2)
		err_set(e, "a PCA needs embeddings of two dimensions or more");
	else if (is_kind(opt, "pca") && !pca_fit(&p, &v, 2, e)) {
		pca_scores(&p, &v, xy);
		s->x_label = arena_printf(a, "PC1 (%.1f%%)", 100 * p.ratios[0]);
		s->y_label = arena_printf(a, "PC2 (%.1f%%)", 100 * p.ratios[1]);
		s->has_ticks = true;
		pca_free(&p);
	} else if (is_kind(opt, "umap")) {
		how.n_neighbours = opt->neighbours;
		how.min_dist = opt->min_dist;
		how.metric = opt->metric[0] == 'c' ? METRIC_COSINE : METRIC_EUCLIDEAN;
		how.seed = opt->common.seed;
		how.threads = (size_t)opt->common.threads;
		umap_layout(places, &v, &how, e);
		for (size_t i = 0; i < 2 * v.n; i++)
			xy[i] = (double)places[i];
		s->x_label = "UMAP 1";
		s->y_label = "UMAP 2";
	}
}

static void
draw_points(const struct plot_page *page, const struct plot_cells *cells,
    const struct plot_scatter *s, struct err *e)
{
	struct plot_html html = { page->title    ? page->title
				  : s->has_ticks ? "PCA"
						 : "UMAP",
		s->x_label, s->y_label, s->n, s->x, s->y, cells->columns, cells->n_columns,
		cells->color };
	struct canvas *c = NULL;

	if (page->form == PLOT_HTML && !e->is_set)
		plot_html_write(&html, page->output, e);
	else if (page->form != PLOT_HTML)
		c = plot_page_start(page, 120, 100, e);
	if (c)
		plot_scatter_draw(c, s);
	plot_page_end(page, c, e);
}

static void
draw_scatter(const struct options *opt, struct err *e)
{
	const struct plot_page *page = &opt->page;
	struct plot_scatter s = { .title = page->title,
		.same_scale = true,
		.names = opt->labels[0] == 'g'   ? SCATTER_NAMES_AT_GROUPS
			 : opt->labels[0] == 'l' ? SCATTER_NAMES_IN_LEGEND
						 : SCATTER_NAMES_AUTO };
	struct plot_cells cells;
	struct arena a = { 0 };
	double *x, *y, *xy;

	plot_cells_read(&cells, page->cli, opt->color, opt->categories, page->form == PLOT_HTML, e);
	s.x = x = arena_alloc(&a, cells.n, sizeof(*x));
	s.y = y = arena_alloc(&a, cells.n, sizeof(*y));
	xy = arena_zero(&a, cells.n, 2 * sizeof(*xy));
	s.n = cells.n;
	s.color = plot_cells_color(&cells);
	if (!e->is_set)
		lay_out(opt, &cells, &s, xy, &a, e);
	for (size_t i = 0; i < s.n; i++) {
		x[i] = xy[2 * i];
		y[i] = xy[2 * i + 1];
	}
	draw_points(page, &cells, &s, e);
	plot_cells_free(&cells);
	arena_free(&a);
}

/* 2. Predictions */

static void
find_curves(struct plot_classes *k, bool is_roc)
{
	const struct predictions *p = k->rows;
	struct evaluation_rows rows = { .n = p->n,
		.n_classes = p->classes.n,
		.n_scored = p->n_scored,
		.truth = (const uint32_t *)(const void *)p->truth.data,
		.scores = (const float *)(const void *)p->scores.data,
		.classes = p->class_names };

	for (size_t i = 0; i < k->n_curves; i++) {
		struct class_curve *to = &k->curves[i];
		struct score_counts counts;
		struct curve curve;

		evaluation_rank(&rows, i, &counts);
		if (counts.positives > 0 && counts.negatives > 0) {
			(is_roc ? roc_curve : precision_recall_curve)(&curve, &counts, false);
			to->n = curve.n;
			to->x = arena_copy(&k->arena, curve.x, curve.n, sizeof(*curve.x));
			to->y = arena_copy(&k->arena, curve.y, curve.n, sizeof(*curve.y));
			to->area = is_roc ? curve_area(&curve) : average_precision(&counts);
			curve_free(&curve);
		}
		score_counts_free(&counts);
	}
}

static void
draw_classes(const struct options *opt, struct err *e)
{
	const struct plot_page *page = &opt->page;
	bool is_roc = is_kind(opt, "roc"), has_curves = !is_kind(opt, "confusion");
	struct plot_truth truth = { opt->truth, opt->gene_truth, opt->task };
	struct plot_classes k = { .n = 0 };

	if (!truth.column && !truth.genes)
		plot_classes_report(&k, page->cli, has_curves, is_roc, e);
	else if (!plot_classes_predictions(&k, page->cli, &truth, has_curves, e))
		find_curves(&k, is_roc);
	if (has_curves)
		plot_classes_curves(page, &k, is_roc, opt->positive, e);
	else
		plot_classes_confusion(page, &k, opt->counts, e);
	plot_classes_free(&k);
}

static void
draw(const struct options *opt, struct err *e)
{
	struct gene_columns columns = { opt->x, opt->y, opt->name };

	if (is_kind(opt, "umap") || is_kind(opt, "pca"))
		draw_scatter(opt, e);
	else if (is_kind(opt, "heatmap"))
		plot_heatmap_input(&opt->page, opt->color, opt->categories, !opt->raw, e);
	else if (is_kind(opt, "training"))
		plot_training_input(&opt->page, opt->metrics, e);
	else if (is_kind(opt, "volcano") || is_kind(opt, "ranked"))
		plot_genes_input(
		    &opt->page, is_kind(opt, "volcano"), &columns, opt->fdr, opt->top, e);
	else
		draw_classes(opt, e);
}

/* Options that mean nothing to what is drawn are mistakes. */
static void
check_kind(const struct options *opt)
{
	const char *const classes = "confusion roc pr", *const genes = "volcano ranked";
	const struct {
		const char *name, *kinds;
		bool is_given;
	} only[] = { { "color", "umap pca heatmap", opt->color }, { "truth", classes, opt->truth },
		{ "gene-truth", classes, opt->gene_truth }, { "task", classes, opt->task },
		{ "positive", "roc pr", opt->positive }, { "counts", "confusion", opt->counts },
		{ "raw", "heatmap", opt->raw }, { "metrics", "training", opt->metrics },
		{ "x", genes, opt->x }, { "y", genes, opt->y }, { "name", genes, opt->name },
		{ "format html", "umap pca", opt->page.form == PLOT_HTML } };

	for (size_t i = 0; i < sizeof(only) / sizeof(*only); i++)
		if (only[i].is_given && !strstr(only[i].kinds, opt->kind))
			cli_usage(&opt->common, "--%s is for --kind %s, and not for %s",
			    only[i].name, only[i].kinds, opt->kind);
}

static void
check_usage(struct options *opt)
{
	const struct cli *cli = &opt->common;
	struct plot_page *page = &opt->page;
	struct err e = { 0 };

	if (!opt->kind)
		cli_usage(cli, "--kind is required: what to draw");
	if (plot_page_form(opt->format, cli->output, &page->form, &e) ||
	    (opt->size && plot_page_size(opt->size, &page->width, &page->height, &e)))
		cli_usage(cli, "%s", e.text);
	check_kind(opt);
	if (opt->truth && opt->gene_truth)
		cli_usage(cli, "--truth or --gene-truth, not both");
	if (cli->n_inputs > 1 && !opt->truth && !opt->gene_truth && !is_kind(opt, "training"))
		cli_usage(cli, "one FILE only");
}

int
main(int argc, char **argv)
{
	struct options opt = { .page = { .dpi = 300, .font_size = 8 },
		.labels = "auto",
		.metric = "euclidean",
		.neighbours = 15,
		.min_dist = 0.1,
		.top = 15,
		.fdr = 0.05 };
	struct plot_page *page = &opt.page;
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);
	page->cli = &opt.common;
	page->output = output_create(opt.common.output,
	    page->form == PLOT_PNG || page->form == PLOT_PDF, opt.common.force, &e);
	if (page->output) {
		draw(&opt, &e);
		output_commit(page->output, &e);
	}
	return cli_status(page->cli, &e);
}
