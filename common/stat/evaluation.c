#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/evaluation.h"

static bool
has_both(const struct score_counts *r)
{
	return r->positives > 0 && r->negatives > 0;
}

void
evaluation_rank(const struct evaluation_rows *rows, size_t class, struct score_counts *r)
{
	struct probabilities p = {
		.n = rows->n, .k = rows->n_scored, .f32 = rows->scores, .truth = rows->truth
	};

	rank_class(r, &p, class);
}

static void
find_areas(struct evaluation *v)
{
	double n_curves = 0, n_rows = 0;

	v->areas = mem_alloc(v->rows->n_scored, sizeof(*v->areas));
	for (size_t c = 0; c < v->rows->n_scored; c++) {
		struct class_areas *a = &v->areas[c];
		struct score_counts r;
		struct curve roc, pr;

		evaluation_rank(v->rows, c, &r);
		roc_curve(&roc, &r, false);
		precision_recall_curve(&pr, &r, false);
		*a = (struct class_areas){ (double)NAN, (double)NAN, (double)NAN };
		if (has_both(&r)) {
			*a = (struct class_areas){ curve_area(&roc), curve_area(&pr),
				average_precision(&r) };
			v->macro_area += a->roc;
			v->weighted_area += r.positives * a->roc;
			n_curves++;
			n_rows += r.positives;
		}
		curve_free(&roc);
		curve_free(&pr);
		score_counts_free(&r);
	}
	v->macro_area /= n_curves;
	v->weighted_area /= n_rows;
}

static void
find_probability_scores(struct evaluation *v)
{
	struct probabilities p = { .n = v->rows->n,
		.k = v->rows->n_scored,
		.f32 = v->rows->scores,
		.truth = v->rows->truth };

	v->probability = probability_score(&p);
	v->top2_accuracy = top_accuracy(&p, 2);
	v->pair_area = area_of_pairs(&p);
}

/* The rows of one fold, as rows of their own. */
struct fold_rows {
	struct evaluation_rows rows;
	uint32_t *truth, *predicted;
	float *scores;
};

static void
fold_rows_start(struct fold_rows *f, const struct evaluation_rows *all, size_t fold)
{
	size_t n = 0, k = all->n_scored;

	for (size_t i = 0; i < all->n; i++)
		n += all->fold[i] == fold;
	f->truth = mem_alloc(n, sizeof(*f->truth));
	f->predicted = mem_alloc(n, sizeof(*f->predicted));
	f->scores = mem_alloc(n * k, sizeof(*f->scores));
	n = 0;
	for (size_t i = 0; i < all->n; i++) {
		if (all->fold[i] != fold)
			continue;
		f->truth[n] = all->truth[i];
		f->predicted[n] = all->predicted[i];
		for (size_t c = 0; c < k; c++)
			f->scores[n * k + c] = all->scores[i * k + c];
		n++;
	}
	f->rows = (struct evaluation_rows){ .n = n,
		.n_classes = all->n_classes,
		.n_scored = k,
		.truth = f->truth,
		.predicted = f->predicted,
		.scores = f->scores };
}

static void
fold_rows_free(struct fold_rows *f)
{
	free(f->truth);
	free(f->predicted);
	free(f->scores);
}

static void
score_fold(struct fold_scores *s, const struct evaluation_rows *rows)
{
	uint64_t *matrix = mem_zero(rows->n_classes * rows->n_classes, sizeof(*matrix));
	struct classification c;

	confusion_add(matrix, rows->n_classes, rows->truth, rows->predicted, rows->n);
	classification_score(&c, matrix, rows->n_classes);
	*s =
	    (struct fold_scores){ c.n, c.accuracy, c.balanced_accuracy, c.macro.f1, c.weighted.f1 };
	classification_free(&c);
	free(matrix);
}

/* The next of the class's curves, where the fold has one. */
static void
find_fold_curve(struct class_folds *cf, struct roc_fold *curves, const struct evaluation_rows *rows,
    size_t class, size_t fold)
{
	struct roc_fold *out = &curves[cf->n_curves];
	struct score_counts r;
	struct curve c;

	evaluation_rank(rows, class, &r);
	roc_curve(&c, &r, false);
	cf->areas[fold] = (double)NAN;
	if (has_both(&r)) {
		out->n_points = cf->n_points[fold] = c.n;
		out->area = cf->areas[fold] = curve_area(&c);
		roc_interpolate(&c, out->tpr, ROC_GRID);
		cf->n_curves++;
	}
	curve_free(&c);
	score_counts_free(&r);
}

static void
find_folds(struct evaluation *v)
{
	size_t n_folds = v->rows->n_folds, k = v->rows->n_scored;
	struct roc_fold *curves = mem_alloc(k * n_folds, sizeof(*curves)); /* [k][n_folds] */

	v->folds = mem_alloc(n_folds, sizeof(*v->folds));
	v->class_folds = mem_zero(k, sizeof(*v->class_folds));
	for (size_t c = 0; c < k; c++) {
		v->class_folds[c].areas = mem_alloc(n_folds, sizeof(double));
		v->class_folds[c].n_points = mem_zero(n_folds, sizeof(size_t));
	}
	for (size_t f = 0; f < n_folds; f++) {
		struct fold_rows part;

		fold_rows_start(&part, v->rows, f);
		score_fold(&v->folds[f], &part.rows);
		for (size_t c = 0; c < k; c++)
			find_fold_curve(&v->class_folds[c], curves + c * n_folds, &part.rows, c, f);
		fold_rows_free(&part);
	}
	for (size_t c = 0; c < k; c++)
		if (v->class_folds[c].n_curves > 0)
			v->class_folds[c].mean =
			    roc_average(curves + c * n_folds, v->class_folds[c].n_curves);
		else
			v->class_folds[c].mean.area = v->class_folds[c].mean.sd = (double)NAN;
	free(curves);
}

void
evaluation_find(struct evaluation *v, const struct evaluation_rows *rows)
{
	size_t room;

	assert(rows->n > 0 && rows->n_classes > 0 && rows->n_folds > 0);
	if (!mem_mul(rows->n_classes, rows->n_classes, &room))
		mem_give_up("too many classes");
	*v = (struct evaluation){ .rows = rows };
	v->matrix = mem_zero(room, sizeof(*v->matrix));
	confusion_add(v->matrix, rows->n_classes, rows->truth, rows->predicted, rows->n);
	classification_score(&v->scores, v->matrix, rows->n_classes);
	if (rows->n_scored > 0) {
		find_areas(v);
		find_probability_scores(v);
	}
	if (rows->n_folds > 1)
		find_folds(v);
}

void
evaluation_free(struct evaluation *v)
{
	for (size_t c = 0; v->class_folds && c < v->rows->n_scored; c++) {
		free(v->class_folds[c].areas);
		free(v->class_folds[c].n_points);
	}
	free(v->class_folds);
	free(v->folds);
	free(v->areas);
	classification_free(&v->scores);
	free(v->matrix);
}

void
fold_spread(const double *first, size_t stride, size_t n, double *ret_mean, double *ret_sd)
{
	const char *at = (const char *)first;
	double mean = 0, sum = 0;

	for (size_t i = 0; i < n; i++)
		mean += *(const double *)(const void *)(at + i * stride) / (double)n;
	for (size_t i = 0; i < n; i++) {
		double off = *(const double *)(const void *)(at + i * stride) - mean;

		sum += off * off;
	}
	*ret_mean = mean;
	*ret_sd = sqrt(sum / (double)n);
}
