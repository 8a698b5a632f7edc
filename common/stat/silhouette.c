#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/silhouette.h"
#include "stat/vector_pairs.h"

struct work {
	enum vector_metric metric;
	const uint32_t *groups;
	size_t n_groups;
	double *sizes; /* [n_groups] */
	double *scores;
};

static double
score_of(const struct work *w, const double *sums, size_t own)
{
	double within, between = (double)INFINITY, larger;

	if (w->sizes[own] == 1)
		return 0;
	within = sums[own] / (w->sizes[own] - 1);
	for (size_t g = 0; g < w->n_groups; g++)
		if (g != own && w->sizes[g] > 0)
			between = fmin(between, sums[g] / w->sizes[g]);
	larger = fmax(within, between);
	return larger > 0 ? (between - within) / larger : 0;
}

/* state: double [VECTOR_BLOCK][n_groups], sums of distances. */
static void
meet(void *context, void *state, const struct vector_block *own, const struct vector_block *others,
    const double *distances)
{
	const struct work *w = context;

	for (size_t i = 0; i < own->n; i++) {
		double *sums = (double *)state + i * w->n_groups;

		for (size_t j = 0; j < others->n; j++) {
			double x = distances[i * VECTOR_BLOCK + j];

			if (own->from + i != others->from + j)
				sums[w->groups[others->from + j]] +=
				    w->metric == METRIC_EUCLIDEAN ? sqrt(x) : x;
		}
	}
}

static void
finish(void *context, void *state, const struct vector_block *own)
{
	const struct work *w = context;

	for (size_t i = 0; i < own->n; i++)
		w->scores[own->from + i] =
		    score_of(w, (double *)state + i * w->n_groups, w->groups[own->from + i]);
}

static void
run(struct work *w, const struct vectors *v, size_t threads, struct err *e)
{
	struct vector_pairs pairs = { .rows = v,
		.others = v,
		.metric = w->metric,
		.context = w,
		.meet = meet,
		.finish = finish };

	if (!mem_mul(w->n_groups, VECTOR_BLOCK * sizeof(double), &pairs.state_size))
		mem_give_up("too many groups");
	vector_pairs_run(&pairs, threads, e);
}

int
silhouette_find(const struct vectors *v, enum vector_metric metric, const uint32_t *groups,
    size_t n_groups, size_t threads, double *ret_scores, struct err *e)
{
	struct work w = {
		.metric = metric, .groups = groups, .n_groups = n_groups, .scores = ret_scores
	};
	size_t n_used = 0;

	if (e->is_set || vectors_check(v, e))
		return -1;
	w.sizes = mem_zero(n_groups, sizeof(*w.sizes));
	for (size_t i = 0; i < v->n; i++) {
		assert(groups[i] < n_groups);
		n_used += w.sizes[groups[i]]++ == 0;
	}
	if (n_used < 2)
		err_set(e, "a silhouette needs two groups or more, and there is %s",
		    n_used ? "one" : "none");
	else if (n_used == v->n)
		err_set(e, "a silhouette needs groups of more than one vector, and all are alone");
	else
		run(&w, v, threads, e);
	free(w.sizes);
	return e->is_set ? -1 : 0;
}
