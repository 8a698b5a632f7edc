/* parity_metrics.c - the metrics of common/stat against scikit-learn's and the reference's numbers.
 *
 *	parity_metrics GOLDEN
 *
 * Prints the greatest difference of each table; exit 1 where one is above its tolerance. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "formats/json_file.h"
#include "stat/agreement.h"
#include "stat/classification.h"
#include "stat/integration.h"
#include "stat/probability_scores.h"
#include "stat/silhouette.h"

static int status;

/* The greatest difference of a table so far. */
struct worst {
	const char *table;
	double tolerance, difference;
	size_t n;
};

static void
stop(const char *text)
{
	fprintf(stderr, "parity_metrics: %s\n", text);
	exit(1);
}

static void
report(const struct worst *w)
{
	printf("%-32s %7zu numbers, greatest difference %.2g (%.2g)\n", w->table, w->n,
	    w->difference, w->tolerance);
	if (w->n == 0 || !(w->difference <= w->tolerance))
		status = 1;
}

static void
compare(struct worst *w, double ours, double theirs)
{
	double difference = fabs(ours - theirs);

	w->n++;
	if ((isnan(ours) && isnan(theirs)) || ours == theirs)
		return;
	w->difference = difference <= w->difference ? w->difference : difference;
}

static json_t *
read_json(const char *folder, const char *name)
{
	struct err e = { 0 };
	char *path = mem_printf("%s/%s", folder, name);
	json_t *all = json_file_read(path, &e);

	free(path);
	if (!all)
		stop(e.text);
	return all;
}

static const json_t *
get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		stop(key);
	return value;
}

static double
number(const json_t *value)
{
	const char *text = json_string_value(value);

	return text ? strtod(text, NULL) : json_number_value(value);
}

static double
number_at(const json_t *array, size_t i)
{
	return number(json_array_get(array, i));
}

static uint32_t *
classes_of(const json_t *array, size_t *ret_n)
{
	uint32_t *classes;

	*ret_n = json_array_size(array);
	classes = mem_alloc(*ret_n, sizeof(*classes));
	for (size_t i = 0; i < *ret_n; i++)
		classes[i] = (uint32_t)number_at(array, i);
	return classes;
}

/* Rows of numbers, end to end. */
static double *
rows_of(const json_t *array, size_t *ret_width)
{
	size_t n = json_array_size(array), width = json_array_size(json_array_get(array, 0));
	double *x = mem_alloc(n * width, sizeof(*x));

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < width; j++)
			x[i * width + j] = number_at(json_array_get(array, i), j);
	*ret_width = width;
	return x;
}

static void
compare_array(struct worst *w, const double *ours, size_t n, const json_t *theirs)
{
	if (json_array_size(theirs) != n)
		w->difference = (double)INFINITY;
	for (size_t i = 0; i < n && i < json_array_size(theirs); i++)
		compare(w, ours[i], number_at(theirs, i));
}

static void
compare_matrix(struct worst *w, const uint64_t *ours, size_t n, const json_t *theirs)
{
	if (json_array_size(theirs) != n)
		w->difference = (double)INFINITY;
	for (size_t i = 0; i < n * n; i++)
		compare(w, (double)ours[i], number_at(json_array_get(theirs, i / n), i % n));
}

static size_t
count_classes(const uint32_t *a, const uint32_t *b, size_t n)
{
	uint32_t most = 0;

	for (size_t i = 0; i < n; i++) {
		most = a[i] > most ? a[i] : most;
		most = b[i] > most ? b[i] : most;
	}
	return (size_t)most + 1;
}

static void
compare_means(struct worst *w, const struct mean_scores *ours, const json_t *theirs)
{
	compare(w, ours->precision, number(get(theirs, "precision")));
	compare(w, ours->recall, number(get(theirs, "recall")));
	compare(w, ours->f1, number(get(theirs, "f1-score")));
}

/* Scores y_true and y_pred, and compares the confusion matrix. */
static void
score_case(struct worst *w, struct classification *c, const json_t *given, const json_t *theirs)
{
	size_t n, k = json_array_size(theirs);
	uint32_t *truth = classes_of(get(given, "y_true"), &n);
	uint32_t *predicted = classes_of(get(given, "y_pred"), &n);
	uint64_t *matrix = mem_zero(k * k, sizeof(*matrix));

	confusion_add(matrix, k, truth, predicted, n);
	compare_matrix(w, matrix, k, theirs);
	classification_score(c, matrix, k);
	free(matrix);
	free(truth);
	free(predicted);
}

static void
check_classification_case(struct worst *w, const json_t *given)
{
	const json_t *report_of = get(given, "report"), *f1 = get(given, "per_class_f1");
	struct classification c;

	score_case(w, &c, given, get(given, "confusion_matrix"));
	compare(w, c.accuracy, number(get(given, "accuracy")));
	compare(w, c.balanced_accuracy, number(get(given, "balanced_accuracy")));
	compare(w, c.macro.f1, number(get(given, "macro_f1")));
	compare(w, c.weighted.f1, number(get(given, "weighted_f1")));
	compare(w, c.matthews, number(get(given, "matthews")));
	compare(w, c.kappa, number(get(given, "cohen_kappa")));
	for (size_t i = 0; i < json_array_size(f1); i++)
		compare(w, c.classes[i].f1, number_at(f1, i));
	if (!json_is_array(get(given, "labels")))
		compare_means(w, &c.macro, get(report_of, "macro avg"));
	compare_means(w, &c.weighted, get(report_of, "weighted avg"));
	classification_free(&c);
}

static void
check_classification(const char *folder)
{
	json_t *all = read_json(folder, "stat/classification.json");
	struct worst w = { .table = "stat/classification.json", .tolerance = 1e-12 };
	const json_t *cases = get(all, "cases");

	for (size_t i = 0; i < json_array_size(cases); i++)
		check_classification_case(&w, json_array_get(cases, i));
	report(&w);
	json_decref(all);
}

/* stat/roc.json */

/* Takes over the scores x. */
static void
rank_numbers(struct score_counts *r, const json_t *truth, double *x)
{
	size_t n = json_array_size(truth);
	bool *is_positive = mem_alloc(n, sizeof(*is_positive));

	for (size_t i = 0; i < n; i++)
		is_positive[i] = number_at(truth, i) != 0;
	score_counts_start(r, x, is_positive, n);
	free(x);
	free(is_positive);
}

static double *
numbers_of(const json_t *array)
{
	double *x = mem_alloc(json_array_size(array), sizeof(*x));

	for (size_t i = 0; i < json_array_size(array); i++)
		x[i] = number_at(array, i);
	return x;
}

static void
compare_roc(struct worst *w, const struct curve *c, const json_t *theirs)
{
	compare_array(w, c->x, c->n, get(theirs, "fpr"));
	compare_array(w, c->y, c->n, get(theirs, "tpr"));
	if (json_object_get(theirs, "thresholds"))
		compare_array(w, c->thresholds, c->n, get(theirs, "thresholds"));
}

static void
check_binary_case(struct worst *w, const json_t *given)
{
	const json_t *pr = get(given, "pr");
	struct score_counts r;
	struct curve c;

	rank_numbers(&r, get(given, "y_true"), numbers_of(get(given, "score")));
	roc_curve(&c, &r, false);
	compare_roc(w, &c, get(given, "roc_drop_intermediate_true"));
	compare(w, curve_area(&c), number(get(given, "roc_auc")));
	curve_free(&c);
	roc_curve(&c, &r, true);
	compare_roc(w, &c, get(given, "roc_drop_intermediate_false"));
	curve_free(&c);
	precision_recall_curve(&c, &r, true);
	compare_array(w, c.x, c.n, get(pr, "recall"));
	compare_array(w, c.y, c.n, get(pr, "precision"));
	compare_array(w, c.thresholds, c.n - 1, get(pr, "thresholds"));
	compare(w, curve_area(&c), number(get(pr, "auc_trapezoid")));
	curve_free(&c);
	precision_recall_curve(&c, &r, false);
	compare(w, curve_area(&c), number(get(pr, "auc_trapezoid")));
	compare(w, average_precision(&r), number(get(given, "average_precision")));
	curve_free(&c);
	score_counts_free(&r);
}

static void
check_many_classes(struct worst *w, const json_t *given)
{
	struct probabilities p = { 0 };
	uint32_t *truth = classes_of(get(given, "y_true"), &p.n);
	double *numbers = rows_of(get(given, "proba"), &p.k), macro = 0, weighted = 0;
	struct probability_scores s;

	p.f64 = numbers;
	p.truth = truth;
	for (size_t c = 0; c < p.k; c++) {
		struct score_counts r;
		struct curve curve;

		rank_class(&r, &p, c);
		roc_curve(&curve, &r, false);
		compare(w, curve_area(&curve), number_at(get(given, "per_class_auc"), c));
		compare(w, average_precision(&r), number_at(get(given, "per_class_ap"), c));
		macro += curve_area(&curve) / (double)p.k;
		weighted += curve_area(&curve) * r.positives / (double)p.n;
		curve_free(&curve);
		score_counts_free(&r);
	}
	s = probability_score(&p);
	compare(w, macro, number(get(given, "ovr_macro")));
	compare(w, weighted, number(get(given, "ovr_weighted")));
	compare(w, area_of_pairs(&p), number(get(given, "ovo_macro")));
	compare(w, s.log_loss, number(get(given, "log_loss")));
	compare(w, s.brier, number(get(given, "brier_multiclass_mean_sum")));
	compare(w, top_accuracy(&p, 2), number(get(given, "top2")));
	free(numbers);
	free(truth);
}

static void
check_roc(const char *folder)
{
	json_t *all = read_json(folder, "stat/roc.json");
	struct worst w = { .table = "stat/roc.json", .tolerance = 1e-12 };
	const json_t *cases = get(all, "binary");

	for (size_t i = 0; i < json_array_size(cases); i++)
		check_binary_case(&w, json_array_get(cases, i));
	check_many_classes(&w, get(all, "one_vs_rest"));
	report(&w);
	json_decref(all);
}

/* stat/cluster.json, stat/knn.json */

static double *
read_points(const char *folder, struct vectors *ret)
{
	struct err e = { 0 };
	char *path = mem_printf("%s/stat/points.csv", folder), *text, *at;
	double *x;

	text = io_read_file(path, (size_t)1 << 20, NULL, &e);
	free(path);
	if (!text)
		stop(e.text);
	*ret = (struct vectors){ .n = 240, .d = 16 };
	x = mem_alloc(ret->n * ret->d, sizeof(*x));
	at = text;
	for (size_t i = 0; i < ret->n * ret->d; i++)
		x[i] = strtod(at + (*at == ','), &at);
	free(text);
	ret->f64 = x;
	return x;
}

static double
mean_silhouette(struct worst *w, const struct vectors *points, enum vector_metric metric,
    const json_t *labels, const json_t *samples)
{
	struct err e = { 0 };
	size_t n;
	uint32_t *groups = classes_of(labels, &n);
	double *scores = mem_alloc(n, sizeof(*scores)), mean = 0;

	if (silhouette_find(
		points, metric, groups, count_classes(groups, groups, n), 2, scores, &e))
		stop(e.text);
	for (size_t i = 0; i < n; i++)
		mean += scores[i] / (double)n;
	if (samples)
		compare_array(w, scores, n, samples);
	free(scores);
	free(groups);
	return mean;
}

/* The sample alone in its cluster, the first one, scores 0. */
static void
check_silhouette(struct worst *w, const struct vectors *points, const json_t *given)
{
	const json_t *labels = get(given, "labels"), *single = get(given, "singleton_cluster");
	const json_t *samples = get(given, "samples_euclidean");

	compare(w, mean_silhouette(w, points, METRIC_EUCLIDEAN, labels, samples),
	    number(get(given, "mean_euclidean")));
	compare(w, mean_silhouette(w, points, METRIC_COSINE, labels, NULL),
	    number(get(given, "mean_cosine")));
	compare(w, mean_silhouette(w, points, METRIC_EUCLIDEAN, get(single, "labels"), NULL),
	    number(get(single, "mean_euclidean")));
}

static void
check_agreement_case(struct worst *w, const json_t *given)
{
	size_t n;
	uint32_t *a = classes_of(get(given, "a"), &n), *b = classes_of(get(given, "b"), &n);
	size_t k = count_classes(a, b, n);
	struct agreement s = agreement_find(a, k, b, k, n);

	compare(w, s.ari, number(get(given, "ari")));
	compare(w, s.nmi, number(get(given, "nmi")));
	compare(w, s.ami, number(get(given, "ami")));
	compare(w, s.homogeneity, number(get(given, "homogeneity")));
	compare(w, s.completeness, number(get(given, "completeness")));
	free(a);
	free(b);
}

static void
check_cluster(const json_t *all, const struct vectors *points)
{
	struct worst w = { .table = "stat/cluster.json", .tolerance = 1e-10 };
	const json_t *cases = get(all, "agreement");

	check_silhouette(&w, points, get(all, "silhouette"));
	for (size_t i = 0; i < json_array_size(cases); i++)
		check_agreement_case(&w, json_array_get(cases, i));
	report(&w);
}

static void
check_neighbours(struct worst *indices, struct worst *distances, const struct vectors *points,
    enum vector_metric metric, const json_t *given)
{
	struct err e = { 0 };
	struct neighbours *nn = neighbours_find(points, NULL, metric, 10, 2, &e);

	if (!nn)
		stop(e.text);
	for (size_t i = 0; i < nn->n; i++) {
		const json_t *theirs = json_array_get(get(given, "indices"), i);
		const json_t *far = json_array_get(get(given, "distances"), i);

		compare(indices, (double)i, number_at(theirs, 0));
		for (size_t j = 0; j < 10; j++) {
			compare(indices, (double)nn->indices[i * 10 + j], number_at(theirs, j + 1));
			compare(distances, nn->distances[i * 10 + j], number_at(far, j + 1));
		}
	}
	neighbours_free(nn);
}

/* Rows that are multiples of three are asked, the others have the labels. */
static void
check_votes(
    struct worst *w, const struct vectors *points, const json_t *given, const json_t *predictions)
{
	struct err e = { 0 };
	size_t n, size = points->d * sizeof(double);
	uint32_t *labels = classes_of(given, &n), *votes = mem_alloc(n, sizeof(*votes));
	double *asked_x = mem_alloc(n, size), *known_x = mem_alloc(n, size);
	struct vectors asked = { .d = points->d, .f64 = asked_x };
	struct vectors known = { .d = points->d, .f64 = known_x };
	struct neighbours *nn;

	for (size_t i = 0; i < n; i++) {
		double *to = (i % 3 ? known_x : asked_x) + (i % 3 ? known.n : asked.n) * known.d;

		memcpy(to, points->f64 + i * known.d, size);
		if (i % 3)
			labels[known.n++] = labels[i];
		else
			asked.n++;
	}
	nn = neighbours_find(&known, &asked, METRIC_EUCLIDEAN, 10, 2, &e);
	if (!nn)
		stop(e.text);
	neighbours_vote(nn, labels, 4, votes);
	for (size_t i = 0; i < asked.n; i++)
		compare(w, votes[i], number_at(predictions, i));
	neighbours_free(nn);
	free(votes);
	free(asked_x);
	free(known_x);
	free(labels);
}

static void
check_knn(const char *folder, const struct vectors *points, const json_t *labels)
{
	struct worst v = { .table = "stat/knn.json: classifier" };
	json_t *all = read_json(folder, "stat/knn.json");
	struct worst i = { .table = "stat/knn.json: neighbours" };
	struct worst d = { .table = "stat/knn.json: distances", .tolerance = 1e-10 };

	check_neighbours(&i, &d, points, METRIC_EUCLIDEAN, get(all, "euclidean"));
	check_neighbours(&i, &d, points, METRIC_COSINE, get(all, "cosine"));
	check_votes(&v, points, labels,
	    get(get(all, "classifier_k10_euclidean_uniform"), "predictions_of_other_rows"));
	report(&i);
	report(&d);
	report(&v);
	json_decref(all);
}

/* eval/metrics.json, eval/cross_validation.json, classifier/metrics.json */

/* The reference's score, exp(b) / (exp(a) + exp(b)), without its overflow. */
static void
rank_logits(struct score_counts *r, const json_t *truth, const json_t *logits)
{
	size_t width;
	double *x = rows_of(logits, &width);

	for (size_t i = 0; i < json_array_size(truth); i++)
		x[i] = exp(x[2 * i + 1]) / (exp(x[2 * i]) + exp(x[2 * i + 1]));
	rank_numbers(r, truth, x);
}

static void
check_fold(struct worst *w, struct roc_fold *fold, const json_t *given)
{
	const json_t *roc = get(given, "roc");
	struct score_counts r;
	struct curve c;

	rank_logits(&r, get(given, "y_true"), get(given, "logits"));
	roc_curve(&c, &r, false);
	compare_roc(w, &c, roc);
	fold->n_points = c.n;
	fold->area = curve_area(&c);
	roc_interpolate(&c, fold->tpr, ROC_GRID);
	compare_array(w, fold->tpr, ROC_GRID, get(roc, "interp_tpr"));
	compare(w, fold->area, number(get(roc, "auc")));
	compare(w, (double)fold->n_points, number(get(roc, "tpr_wt")));
	curve_free(&c);
	score_counts_free(&r);
}

static void
check_metrics_case(struct worst *w, const json_t *given, struct roc_fold *fold)
{
	const json_t *roc = json_object_get(given, "roc");
	struct classification c;

	score_case(w, &c, given, get(given, "conf_mat"));
	compare(w, c.macro.f1, number(get(given, "macro_f1")));
	compare(w, c.accuracy, number(get(given, "acc")));
	if (json_is_object(roc) && !isnan(number(get(roc, "auc"))))
		check_fold(w, fold, given);
	classification_free(&c);
}

static void
compare_mean(struct worst *w, const struct roc_fold *folds, size_t n, const json_t *theirs)
{
	struct roc_mean mean = roc_average(folds, n);

	compare_array(w, mean.tpr, ROC_GRID, get(theirs, "mean_tpr"));
	compare(w, mean.area, number(get(theirs, "roc_auc")));
	compare(w, mean.sd, number(get(theirs, "roc_auc_sd")));
}

/* The cases of a file; those that the reference could not do have no matrix. */
static struct roc_fold *
check_metrics(struct worst *w, const json_t *all)
{
	const json_t *cases = get(all, "cases");
	struct roc_fold *folds = mem_zero(json_array_size(cases), sizeof(*folds));

	for (size_t i = 0; i < json_array_size(cases); i++)
		if (json_object_get(json_array_get(cases, i), "conf_mat"))
			check_metrics_case(w, json_array_get(cases, i), &folds[i]);
	return folds;
}

static void
check_reference(const char *folder)
{
	json_t *all = read_json(folder, "eval/metrics.json");
	json_t *five = read_json(folder, "eval/cross_validation.json");
	json_t *classifier = read_json(folder, "classifier/metrics.json");
	struct worst w = { .table = "eval/metrics.json", .tolerance = 1e-12 };
	struct worst f = { .table = "eval/cross_validation.json", .tolerance = 1e-12 };
	struct worst c = { .table = "classifier/metrics.json", .tolerance = 1e-12 };
	struct roc_fold *folds = check_metrics(&w, all);

	report(&w);
	compare_mean(&f, folds, 5, five);
	compare_mean(&f, folds, 1, get(five, "single_fold"));
	report(&f);
	free(folds);
	folds = check_metrics(&c, classifier);
	compare_mean(&c, folds, 2, get(classifier, "cross_validated"));
	report(&c);
	free(folds);
	json_decref(all);
	json_decref(five);
	json_decref(classifier);
}

int
main(int argc, char **argv)
{
	struct vectors points;
	double *numbers;
	json_t *cluster;

	if (argc != 2)
		stop("usage: parity_metrics GOLDEN");
	check_classification(argv[1]);
	check_roc(argv[1]);
	numbers = read_points(argv[1], &points);
	cluster = read_json(argv[1], "stat/cluster.json");
	check_cluster(cluster, &points);
	check_knn(argv[1], &points, get(get(cluster, "silhouette"), "labels"));
	json_decref(cluster);
	check_reference(argv[1]);
	free(numbers);
	return status;
}
