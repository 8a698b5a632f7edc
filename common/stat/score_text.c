/* 1. Names and numbers
 * 2. Classes
 * 3. Curves and folds
 * 4. Vectors */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/score_report.h"

/* 1. Names and numbers */

/* Characters, of valid UTF-8. */
static int
width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static int
widest(const char *const *names, size_t n)
{
	int width = 0;

	for (size_t i = 0; i < n; i++)
		width = width_of(names[i]) > width ? width_of(names[i]) : width;
	return width;
}

/* The name, with blanks before it up to the width. */
static int
put_name(struct output *out, const char *name, int width, struct err *e)
{
	char *text = mem_strdup(name);
	int r;

	err_make_printable(text);
	r = output_printf(
	    out, e, "%*s%s", width > width_of(text) ? width - width_of(text) : 0, "", text);
	free(text);
	return r;
}

/* A number with four digits behind the point, after a blank; "-" where it is not defined. */
static int
put_number(struct output *out, double x, int width, struct err *e)
{
	return isnan(x) ? output_printf(out, e, " %*s", width, "-")
			: output_printf(out, e, " %*.4f", width, x);
}

static int
put_score(struct output *out, const char *name, double x, struct err *e)
{
	return isnan(x) ? output_printf(out, e, "%-22s -\n", name)
			: output_printf(out, e, "%-22s %.4f\n", name, x);
}

static int
put_heading(struct output *out, const char *text, struct err *e)
{
	return output_printf(out, e, "\n%s\n", text);
}

/* 2. Classes */

static int
put_class(struct output *out, const char *name, int width, const struct mean_scores *s, uint64_t n,
    struct err *e)
{
	put_name(out, name, width, e);
	return output_printf(out, e, "  %9.4f %9.4f %9.4f %9llu\n", s->precision, s->recall, s->f1,
	    (unsigned long long)n);
}

int
classification_text(
    struct output *out, const struct classification *c, const char *const *names, struct err *e)
{
	int width = (int)strlen("weighted avg");

	for (size_t i = 0; i < c->n_classes; i++)
		if (c->classes[i].is_present && width_of(names[i]) > width)
			width = width_of(names[i]);
	output_printf(out, e, "%*s  %9s %9s %9s %9s\n\n", width, "", "precision", "recall",
	    "f1-score", "support");
	for (size_t i = 0; i < c->n_classes; i++) {
		const struct class_measures *m = &c->classes[i];
		struct mean_scores s = { m->precision, m->recall, m->f1 };

		if (m->is_present)
			put_class(out, names[i], width, &s, m->support, e);
	}
	output_printf(out, e, "\n%*s  %9s %9s %9.4f %9llu\n", width, "accuracy", "", "",
	    c->accuracy, (unsigned long long)c->n);
	put_class(out, "macro avg", width, &c->macro, c->n, e);
	return put_class(out, "weighted avg", width, &c->weighted, c->n, e);
}

/* Rows the truth, columns the prediction, classes without either left out. */
static int
put_matrix(struct output *out, const struct evaluation *v, struct err *e)
{
	const struct class_measures *classes = v->scores.classes;
	size_t n = v->rows->n_classes;
	int first = widest(v->rows->classes, n);

	put_heading(out, "confusion matrix (a row a true class, a column a predicted one)", e);
	output_printf(out, e, "%*s", first, "");
	for (size_t j = 0; j < n; j++)
		if (classes[j].is_present) {
			output_printf(out, e, "  ");
			put_name(out, v->rows->classes[j], 6, e);
		}
	output_printf(out, e, "\n");
	for (size_t i = 0; i < n; i++) {
		if (!classes[i].is_present)
			continue;
		put_name(out, v->rows->classes[i], first, e);
		for (size_t j = 0; j < n; j++) {
			int width = width_of(v->rows->classes[j]);

			if (classes[j].is_present)
				output_printf(out, e, "  %*llu", width < 6 ? 6 : width,
				    (unsigned long long)v->matrix[i * n + j]);
		}
		output_printf(out, e, "\n");
	}
	return e->is_set ? -1 : 0;
}

/* What the model does not know, or what neither truth nor model ever said. */
static void
put_odd_classes(struct output *out, const struct evaluation *v, struct err *e)
{
	size_t n_absent = 0;

	for (size_t i = 0; i < v->rows->n_classes; i++) {
		n_absent += !v->scores.classes[i].is_present;
		if (v->rows->n_scored > 0 && i >= v->rows->n_scored) {
			output_printf(out, e, "the model has no class ");
			put_name(out, v->rows->classes[i], 0, e);
			output_printf(out, e, "\n");
		}
	}
	if (n_absent > 0)
		output_printf(out, e,
		    "%zu of %zu classes are neither in the truth nor predicted, and count "
		    "nowhere\n",
		    n_absent, v->rows->n_classes);
}

static void
put_source(
    struct output *out, const struct evaluation *v, const struct report_source *s, struct err *e)
{
	output_printf(out, e, "%llu rows", (unsigned long long)v->scores.n);
	if (s->n_without_truth > 0)
		output_printf(out, e, ", %llu without truth left out",
		    (unsigned long long)s->n_without_truth);
	if (s->n_without_prediction > 0)
		output_printf(out, e, ", %llu without prediction left out",
		    (unsigned long long)s->n_without_prediction);
	output_printf(out, e, "\n");
	if (s->has_genes)
		output_printf(out, e, "%llu of %llu genes of the table have a prediction\n",
		    (unsigned long long)s->n_genes_met, (unsigned long long)s->n_genes);
	put_odd_classes(out, v, e);
	output_printf(out, e, "\n");
}

/* 3. Curves and folds */

static void
put_areas(struct output *out, const struct evaluation *v, struct err *e)
{
	int width = widest(v->rows->classes, v->rows->n_scored);

	width = width < 12 ? 12 : width;
	put_heading(out, "each class against the rest", e);
	output_printf(out, e, "%*s %9s %9s %9s\n", width, "", "ROC AUC", "PR AUC", "avg prec");
	for (size_t c = 0; c < v->rows->n_scored; c++) {
		put_name(out, v->rows->classes[c], width, e);
		put_number(out, v->areas[c].roc, 9, e);
		put_number(out, v->areas[c].pr, 9, e);
		put_number(out, v->areas[c].average_precision, 9, e);
		output_printf(out, e, "\n");
	}
	output_printf(out, e, "\n");
	put_score(out, "ROC AUC, macro", v->macro_area, e);
	put_score(out, "ROC AUC, weighted", v->weighted_area, e);
	put_score(out, "ROC AUC, pairs", v->pair_area, e);
	put_score(out, "log loss", v->probability.log_loss, e);
	put_score(out, "Brier score", v->probability.brier, e);
	if (v->rows->n_scored > 2)
		put_score(out, "top-2 accuracy", v->top2_accuracy, e);
}

static void
put_spread(struct output *out, const char *name, const struct fold_scores *folds,
    const double *first, size_t n, struct err *e)
{
	double mean, sd;

	fold_spread(first, sizeof(*folds), n, &mean, &sd);
	output_printf(out, e, "%-22s %.4f, standard deviation %.4f\n", name, mean, sd);
}

static void
put_folds(struct output *out, const struct evaluation *v, struct err *e)
{
	size_t n = v->rows->n_folds;
	int width = widest(v->rows->folds, n);

	put_heading(out, "folds", e);
	output_printf(
	    out, e, "%*s %9s %9s %9s %9s\n", width, "", "rows", "accuracy", "balanced", "macro F1");
	for (size_t f = 0; f < n; f++) {
		put_name(out, v->rows->folds[f], width, e);
		output_printf(out, e, " %9llu", (unsigned long long)v->folds[f].n);
		put_number(out, v->folds[f].accuracy, 9, e);
		put_number(out, v->folds[f].balanced_accuracy, 9, e);
		put_number(out, v->folds[f].macro_f1, 9, e);
		output_printf(out, e, "\n");
	}
	output_printf(out, e, "\n");
	put_spread(out, "mean accuracy", v->folds, &v->folds[0].accuracy, n, e);
	put_spread(out, "mean balanced", v->folds, &v->folds[0].balanced_accuracy, n, e);
	put_spread(out, "mean macro F1", v->folds, &v->folds[0].macro_f1, n, e);
	for (size_t c = 0; c < v->rows->n_scored; c++) {
		const struct class_folds *cf = &v->class_folds[c];

		output_printf(out, e, "mean ROC AUC of ");
		put_name(out, v->rows->classes[c], 0, e);
		if (cf->n_curves > 0)
			output_printf(out, e, ": %.4f, standard deviation %.4f, %zu folds\n",
			    cf->mean.area, cf->mean.sd, cf->n_curves);
		else
			output_printf(out, e, ": -\n");
	}
}

int
evaluation_text(struct output *out, const struct evaluation *v, const struct report_source *source,
    struct err *e)
{
	if (e->is_set)
		return -1;
	put_source(out, v, source, e);
	classification_text(out, &v->scores, v->rows->classes, e);
	output_printf(out, e, "\n");
	put_score(out, "balanced accuracy", v->scores.balanced_accuracy, e);
	put_score(out, "Matthews correlation", v->scores.matthews, e);
	put_score(out, "Cohen's kappa", v->scores.kappa, e);
	if (v->rows->n_scored > 0)
		put_areas(out, v, e);
	put_matrix(out, v, e);
	if (v->rows->n_folds > 1)
		put_folds(out, v, e);
	return e->is_set ? -1 : 0;
}

/* 4. Vectors */

static void
put_grouping(struct output *out, const char *of, const struct grouping_scores *g, struct err *e)
{
	output_printf(out, e, "%5s", of);
	put_number(out, g->silhouette, 9, e);
	put_number(out, g->silhouette_cosine, 9, e);
	put_number(out, g->purity, 9, e);
	put_number(out, g->chance, 9, e);
	output_printf(out, e, "\n");
}

static void
put_labels(struct output *out, const struct integration *s, struct err *e)
{
	int width = widest(s->rows->label_names, s->rows->n_labels);

	output_printf(
	    out, e, "\n%*s %9s %9s %9s %9s\n", width, "", "rows", "silh.", "purity", "recall");
	for (size_t i = 0; i < s->rows->n_labels; i++) {
		put_name(out, s->rows->label_names[i], width, e);
		output_printf(out, e, " %9llu", (unsigned long long)s->labels[i].n);
		put_number(out, s->labels[i].silhouette, 9, e);
		put_number(out, s->labels[i].purity, 9, e);
		put_number(out, s->labels[i].knn_recall, 9, e);
		output_printf(out, e, "\n");
	}
}

int
integration_text(
    struct output *out, const struct integration *s, uint64_t n_left_out, struct err *e)
{
	const char *metric = s->options->metric == METRIC_COSINE ? "cosine" : "Euclidean";

	if (e->is_set)
		return -1;
	output_printf(out, e, "%zu rows of %zu numbers, %zu labels", s->rows->vectors.n,
	    s->rows->vectors.d, s->rows->n_labels);
	if (s->rows->n_batches)
		output_printf(out, e, ", %zu batches", s->rows->n_batches);
	if (n_left_out)
		output_printf(
		    out, e, ", %llu rows without them left out", (unsigned long long)n_left_out);
	output_printf(
	    out, e, "\n\n%5s %9s %9s %9s %9s\n", "", "silh.", "cosine", "purity", "chance");
	put_grouping(out, "label", &s->label, e);
	if (s->rows->n_batches)
		put_grouping(out, "batch", &s->batch, e);
	put_labels(out, s, e);
	output_printf(out, e, "\n%zu nearest neighbours by %s distance; %zu clusters\n\n",
	    s->options->k, metric, s->n_clusters);
	put_score(out, "kNN accuracy", s->knn_accuracy, e);
	if (s->rows->n_batches)
		put_score(out, "batch ASW", s->batch_asw, e);
	put_score(out, "adjusted Rand index", s->clusters.ari, e);
	put_score(out, "NMI", s->clusters.nmi, e);
	put_score(out, "AMI", s->clusters.ami, e);
	put_score(out, "homogeneity", s->clusters.homogeneity, e);
	put_score(out, "completeness", s->clusters.completeness, e);
	return e->is_set ? -1 : 0;
}
