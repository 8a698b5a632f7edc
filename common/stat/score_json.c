/* 1. Members
 * 2. Classes
 * 3. Curves and folds
 * 4. Vectors */

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/score_report.h"

/* 1. Members */

/* The object is written a member at a time, so that only one is in memory. */
struct writer {
	struct output *out;
	struct err *e;
	bool has_members;
};

/* Writes a value (and drops it). */
static void
put_value(struct writer *w, json_t *value)
{
	char *text =
	    value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17))
		  : NULL;

	if (!text)
		mem_give_up("no memory for JSON");
	output_write(w->out, text, strlen(text), w->e);
	free(text);
	json_decref(value);
}

static void
put_key(struct writer *w, const char *key)
{
	output_printf(w->out, w->e, "%s\n  \"%s\": ", w->has_members ? "," : "{", key);
	w->has_members = true;
}

static void
put(struct writer *w, const char *key, json_t *value)
{
	put_key(w, key);
	put_value(w, value);
}

static json_t *
real(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *
count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static void
put_real(struct writer *w, const char *key, double x)
{
	put(w, key, real(x));
}

static json_t *
name(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *
names(const char *const *texts, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, name(texts[i]));
	return array;
}

static json_t *
reals(const double *x, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, real(x[i]));
	return array;
}

/* 2. Classes */

static json_t *
mean_scores(const struct mean_scores *s)
{
	return json_pack("{s:o, s:o, s:o}", "precision", real(s->precision), "recall",
	    real(s->recall), "f1", real(s->f1));
}

static void
put_classes(struct writer *w, const struct evaluation *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->rows->n_classes; i++) {
		const struct class_measures *m = &v->scores.classes[i];
		json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b}", "class",
		    name(v->rows->classes[i]), "precision", real(m->precision), "recall",
		    real(m->recall), "f1", real(m->f1), "support", count(m->support), "predicted",
		    count(m->predicted), "present", m->is_present, "known",
		    v->rows->n_scored == 0 || i < v->rows->n_scored);

		if (i < v->rows->n_scored) {
			json_object_set_new(o, "roc_auc", real(v->areas[i].roc));
			json_object_set_new(o, "pr_auc", real(v->areas[i].pr));
			json_object_set_new(
			    o, "average_precision", real(v->areas[i].average_precision));
		}
		json_array_append_new(array, o);
	}
	put(w, "per_class", array);
}

static void
put_matrix(struct writer *w, const struct evaluation *v)
{
	size_t n = v->rows->n_classes;
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *row = json_array();

		for (size_t j = 0; j < n; j++)
			json_array_append_new(row, count(v->matrix[i * n + j]));
		json_array_append_new(array, row);
	}
	put(w, "confusion_matrix", array);
}

static void
put_source(struct writer *w, const struct evaluation *v, const struct report_source *s)
{
	put(w, "kind", name("classification"));
	put(w, "task", name(s->task));
	put(w, "truth", name(s->truth));
	put(w, "rows", count(v->scores.n));
	put(w, "rows_without_truth", count(s->n_without_truth));
	put(w, "rows_without_prediction", count(s->n_without_prediction));
	if (s->has_genes)
		put(w, "truth_genes",
		    json_pack("{s:o, s:o}", "all", count(s->n_genes), "with_prediction",
			count(s->n_genes_met)));
	put(w, "classes", names(v->rows->classes, v->rows->n_classes));
}

static void
put_scores(struct writer *w, const struct evaluation *v)
{
	put_real(w, "accuracy", v->scores.accuracy);
	put_real(w, "balanced_accuracy", v->scores.balanced_accuracy);
	put(w, "macro", mean_scores(&v->scores.macro));
	put(w, "weighted", mean_scores(&v->scores.weighted));
	put_real(w, "matthews", v->scores.matthews);
	put_real(w, "kappa", v->scores.kappa);
	if (v->rows->n_scored > 0) {
		put_real(w, "log_loss", v->probability.log_loss);
		put_real(w, "brier", v->probability.brier);
		put_real(w, "top2_accuracy", v->top2_accuracy);
		put_real(w, "roc_auc_macro", v->macro_area);
		put_real(w, "roc_auc_weighted", v->weighted_area);
		put_real(w, "roc_auc_pairs", v->pair_area);
	}
}

/* 3. Curves and folds */

static json_t *
curve_object(const char *class, const char *x, const char *y, const struct curve *c, double area)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "class", name(class), "auc", real(area), x,
	    reals(c->x, c->n), y, reals(c->y, c->n), "thresholds", reals(c->thresholds, c->n));
}

static void
put_curves(struct writer *w, const struct evaluation *v, bool is_roc)
{
	bool has_some = false;

	put_key(w, is_roc ? "roc" : "pr");
	for (size_t i = 0; i < v->rows->n_scored; i++) {
		const char *class = v->rows->classes[i];
		struct score_counts r;
		struct curve c;

		if (isnan(v->areas[i].roc))
			continue;
		evaluation_rank(v->rows, i, &r);
		output_printf(w->out, w->e, "%s\n    ", has_some ? "," : "[");
		has_some = true;
		if (is_roc) {
			roc_curve(&c, &r, false);
			put_value(w, curve_object(class, "fpr", "tpr", &c, v->areas[i].roc));
		} else {
			precision_recall_curve(&c, &r, false);
			put_value(
			    w, curve_object(class, "recall", "precision", &c, v->areas[i].pr));
		}
		curve_free(&c);
		score_counts_free(&r);
	}
	output_printf(w->out, w->e, "%s", has_some ? "]" : "[]");
}

/* One of the numbers of fold_scores, over all folds. */
static json_t *
fold_numbers(const struct evaluation *v, const double *first)
{
	json_t *array = json_array();
	double mean, sd;

	for (size_t f = 0; f < v->rows->n_folds; f++) {
		const char *at = (const char *)first + f * sizeof(*v->folds);

		json_array_append_new(array, real(*(const double *)(const void *)at));
	}
	fold_spread(first, sizeof(*v->folds), v->rows->n_folds, &mean, &sd);
	return json_pack("{s:o, s:o, s:o}", "folds", array, "mean", real(mean), "sd", real(sd));
}

static json_t *
class_folds(const struct evaluation *v, size_t class)
{
	const struct class_folds *cf = &v->class_folds[class];
	json_t *points = json_array(), *grid = json_array();
	json_t *tpr = cf->n_curves ? reals(cf->mean.tpr, ROC_GRID) : json_null();

	for (size_t f = 0; f < v->rows->n_folds; f++)
		json_array_append_new(points, count(cf->n_points[f]));
	for (size_t i = 0; i < ROC_GRID; i++)
		json_array_append_new(
		    grid, real(i + 1 == ROC_GRID ? 1 : (double)i * (1.0 / (ROC_GRID - 1))));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "class",
	    name(v->rows->classes[class]), "auc", real(cf->mean.area), "auc_sd", real(cf->mean.sd),
	    "fold_auc", reals(cf->areas, v->rows->n_folds), "fold_points", points, "mean_fpr", grid,
	    "mean_tpr", tpr);
}

static void
put_folds(struct writer *w, const struct evaluation *v)
{
	json_t *sizes = json_array(), *roc = json_array();

	for (size_t f = 0; f < v->rows->n_folds; f++)
		json_array_append_new(sizes, count(v->folds[f].n));
	for (size_t c = 0; c < v->rows->n_scored; c++)
		json_array_append_new(roc, class_folds(v, c));
	put(w, "cross_validation",
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "folds",
		names(v->rows->folds, v->rows->n_folds), "rows", sizes, "accuracy",
		fold_numbers(v, &v->folds[0].accuracy), "balanced_accuracy",
		fold_numbers(v, &v->folds[0].balanced_accuracy), "macro_f1",
		fold_numbers(v, &v->folds[0].macro_f1), "weighted_f1",
		fold_numbers(v, &v->folds[0].weighted_f1), "roc", roc));
}

int
evaluation_json(struct output *out, const struct evaluation *v, const struct report_source *source,
    struct err *e)
{
	struct writer w = { .out = out, .e = e };

	if (e->is_set)
		return -1;
	put_source(&w, v, source);
	put_scores(&w, v);
	put_classes(&w, v);
	put_matrix(&w, v);
	if (v->rows->n_scored > 0) {
		put_curves(&w, v, true);
		put_curves(&w, v, false);
	}
	if (v->rows->n_folds > 1)
		put_folds(&w, v);
	return output_printf(out, e, "\n}\n");
}

/* 4. Vectors */

static json_t *
grouping(const struct grouping_scores *g)
{
	return json_pack("{s:{s:o, s:o}, s:o, s:o}", "silhouette", "euclidean", real(g->silhouette),
	    "cosine", real(g->silhouette_cosine), "knn_purity", real(g->purity), "chance_purity",
	    real(g->chance));
}

static void
put_labels(struct writer *w, const struct integration *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->rows->n_labels; i++)
		json_array_append_new(array,
		    json_pack("{s:o, s:o, s:o, s:o, s:o}", "label", name(s->rows->label_names[i]),
			"rows", count(s->labels[i].n), "silhouette", real(s->labels[i].silhouette),
			"knn_purity", real(s->labels[i].purity), "knn_recall",
			real(s->labels[i].knn_recall)));
	put(w, "per_label", array);
}

int
integration_json(
    struct output *out, const struct integration *s, uint64_t n_left_out, struct err *e)
{
	struct writer w = { .out = out, .e = e };
	const struct agreement *a = &s->clusters;

	if (e->is_set)
		return -1;
	put(&w, "kind", name("integration"));
	put(&w, "rows", count(s->rows->vectors.n));
	put(&w, "rows_left_out", count(n_left_out));
	put(&w, "dimensions", count(s->rows->vectors.d));
	put(&w, "labels", names(s->rows->label_names, s->rows->n_labels));
	if (s->rows->n_batches)
		put(&w, "batches", names(s->rows->batch_names, s->rows->n_batches));
	put(&w, "neighbours", count(s->options->k));
	put(&w, "metric", name(s->options->metric == METRIC_COSINE ? "cosine" : "euclidean"));
	put(&w, "label", grouping(&s->label));
	if (s->rows->n_batches) {
		put(&w, "batch", grouping(&s->batch));
		put_real(&w, "batch_asw", s->batch_asw);
	}
	put_real(&w, "knn_accuracy", s->knn_accuracy);
	put(&w, "clusters",
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "k", count(s->n_clusters), "inertia",
		real(s->inertia), "ari", real(a->ari), "nmi", real(a->nmi), "ami", real(a->ami),
		"homogeneity", real(a->homogeneity), "completeness", real(a->completeness)));
	put_labels(&w, s);
	return output_printf(out, e, "\n}\n");
}
