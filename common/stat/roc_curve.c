#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/roc_curve.h"

struct row {
	double score;
	bool is_positive;
};

static int
compare_descending(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->score < y->score) - (x->score > y->score);
}

void
score_counts_start(struct score_counts *r, const double *scores, const bool *is_positive, size_t n)
{
	struct row *rows = mem_alloc(n, sizeof(*rows));

	for (size_t i = 0; i < n; i++) {
		assert(!isnan(scores[i]));
		rows[i] = (struct row){ scores[i], is_positive[i] };
	}
	qsort(rows, n, sizeof(*rows), compare_descending);
	*r = (struct score_counts){ 0 };
	r->scores = mem_alloc(n, sizeof(*r->scores));
	r->tp = mem_alloc(n, sizeof(*r->tp));
	r->fp = mem_alloc(n, sizeof(*r->fp));
	for (size_t i = 0; i < n; i++) {
		r->positives += rows[i].is_positive;
		r->negatives += !rows[i].is_positive;
		if (i + 1 < n && rows[i].score == rows[i + 1].score)
			continue;
		r->scores[r->n] = rows[i].score;
		r->tp[r->n] = r->positives;
		r->fp[r->n++] = r->negatives;
	}
	free(rows);
}

void
score_counts_free(struct score_counts *r)
{
	free(r->scores);
	free(r->tp);
	free(r->fp);
	*r = (struct score_counts){ 0 };
}

static void
curve_start(struct curve *c, size_t room)
{
	c->n = 0;
	c->x = mem_alloc(room, sizeof(*c->x));
	c->y = mem_alloc(room, sizeof(*c->y));
	c->thresholds = mem_alloc(room, sizeof(*c->thresholds));
}

static void
curve_add(struct curve *c, double x, double y, double threshold)
{
	c->x[c->n] = x;
	c->y[c->n] = y;
	c->thresholds[c->n++] = threshold;
}

void
curve_free(struct curve *c)
{
	free(c->x);
	free(c->y);
	free(c->thresholds);
	*c = (struct curve){ 0 };
}

static bool
is_on_line(const struct score_counts *r, size_t i)
{
	return i > 0 && i + 1 < r->n && r->tp[i + 1] - r->tp[i] == r->tp[i] - r->tp[i - 1] &&
	       r->fp[i + 1] - r->fp[i] == r->fp[i] - r->fp[i - 1];
}

/* The point of infinity comes after needless points have gone, as in scikit-learn, so the first
 * threshold always stays. */
void
roc_curve(struct curve *c, const struct score_counts *r, bool all_points)
{
	curve_start(c, r->n + 1);
	curve_add(c, r->negatives > 0 ? 0 : (double)NAN, r->positives > 0 ? 0 : (double)NAN,
	    (double)INFINITY);
	for (size_t i = 0; i < r->n; i++)
		if (all_points || !is_on_line(r, i))
			curve_add(
			    c, r->fp[i] / r->negatives, r->tp[i] / r->positives, r->scores[i]);
}

void
precision_recall_curve(struct curve *c, const struct score_counts *r, bool all_points)
{
	curve_start(c, r->n + 1);
	for (size_t i = r->n; i-- > 0;)
		if (all_points || i == 0 || i + 1 == r->n || r->tp[i] != r->tp[i - 1] ||
		    r->tp[i] != r->tp[i + 1])
			curve_add(c, r->positives > 0 ? r->tp[i] / r->positives : 1,
			    r->tp[i] / (r->tp[i] + r->fp[i]), r->scores[i]);
	curve_add(c, 0, 1, (double)NAN);
}

double
curve_area(const struct curve *c)
{
	double area = 0;

	for (size_t i = 1; i < c->n; i++)
		area += (c->x[i] - c->x[i - 1]) * (c->y[i] + c->y[i - 1]) / 2;
	return c->n > 1 && c->x[c->n - 1] < c->x[0] ? -area : area;
}

double
average_precision(const struct score_counts *r)
{
	double sum = 0, before = 0;

	for (size_t i = 0; i < r->n && r->positives > 0; i++) {
		sum += (r->tp[i] - before) / r->positives * (r->tp[i] / (r->tp[i] + r->fp[i]));
		before = r->tp[i];
	}
	return sum;
}

void
roc_interpolate(const struct curve *c, double *ret_y, size_t n)
{
	size_t at = 0; /* the last point whose x is not above the grid's */

	assert(n >= 2 && c->n >= 1);
	for (size_t i = 0; i < n; i++) {
		double x = i + 1 == n ? 1 : (double)i * (1 / (double)(n - 1));

		while (at + 1 < c->n && c->x[at + 1] <= x)
			at++;
		ret_y[i] = c->y[at];
		if (at + 1 < c->n && c->x[at] < x)
			ret_y[i] += (x - c->x[at]) *
				    ((c->y[at + 1] - c->y[at]) / (c->x[at + 1] - c->x[at]));
	}
	ret_y[0] = 0;
}

struct roc_mean
roc_average(const struct roc_fold *folds, size_t n)
{
	struct roc_mean mean = { .area = 0 };
	double total = 0;

	assert(n >= 1);
	for (size_t i = 0; i < n; i++)
		total += (double)folds[i].n_points;
	for (size_t i = 0; i < n; i++) {
		double weight = (double)folds[i].n_points / total;

		mean.area += weight * folds[i].area;
		for (size_t j = 0; j < ROC_GRID; j++)
			mean.tpr[j] += weight * folds[i].tpr[j];
	}
	mean.tpr[ROC_GRID - 1] = 1;
	for (size_t i = 0; i < n; i++) {
		double off = folds[i].area - mean.area;

		mean.sd += (double)folds[i].n_points / total * off * off;
	}
	mean.sd = sqrt(mean.sd);
	return mean;
}
