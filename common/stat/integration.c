#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/integration.h"
#include "stat/silhouette.h"

static double
mean_of(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}

static void
find_silhouettes(struct integration *s, struct grouping_scores *g, const uint32_t *groups,
    size_t n_groups, struct err *e)
{
	const struct vectors *v = &s->rows->vectors;
	double *scores = mem_alloc(v->n, sizeof(*scores));

	silhouette_find(v, METRIC_COSINE, groups, n_groups, s->options->threads, scores, e);
	if (!e->is_set)
		g->silhouette_cosine = mean_of(scores, v->n);
	silhouette_find(v, METRIC_EUCLIDEAN, groups, n_groups, s->options->threads, scores, e);
	if (!e->is_set)
		g->silhouette = mean_of(scores, v->n);
	for (size_t i = 0; i < v->n && !e->is_set && groups == s->rows->labels; i++)
		s->labels[groups[i]].silhouette += scores[i];
	free(scores);
}

/* The cells of one label, with batches numbered anew. */
struct subset {
	struct vectors vectors;
	float *x;
	uint32_t *batches;
	size_t n_batches;
};

static void
subset_start(struct subset *s, const struct integration_rows *rows, size_t label, size_t n)
{
	size_t d = rows->vectors.d, at = 0;
	uint32_t *numbers = mem_zero(rows->n_batches, sizeof(*numbers)); /* + 1 */

	*s = (struct subset){ .x = mem_alloc(n * d, sizeof(float)),
		.batches = mem_alloc(n, sizeof(uint32_t)) };
	for (size_t i = 0; i < rows->vectors.n; i++) {
		uint32_t *number = &numbers[rows->batches[i]];

		if (rows->labels[i] != label)
			continue;
		if (!*number)
			*number = (uint32_t)++s->n_batches;
		s->batches[at] = *number - 1;
		memcpy(s->x + at++ * d, rows->vectors.f32 + i * d, d * sizeof(float));
	}
	s->vectors = (struct vectors){ .n = n, .d = d, .f32 = s->x };
	free(numbers);
}

static void
find_batch_asw(struct integration *s, struct err *e)
{
	double sum = 0;

	for (size_t label = 0; label < s->rows->n_labels && !e->is_set; label++) {
		size_t n = (size_t)s->labels[label].n;
		double *scores = mem_alloc(n, sizeof(*scores));
		struct subset part;

		subset_start(&part, s->rows, label, n);
		if (part.n_batches > 1 && part.n_batches < n) {
			silhouette_find(&part.vectors, METRIC_EUCLIDEAN, part.batches,
			    part.n_batches, s->options->threads, scores, e);
			for (size_t i = 0; i < n && !e->is_set; i++)
				scores[i] = 1 - fabs(scores[i]);
			sum += e->is_set ? 0 : mean_of(scores, n);
			s->n_asw_labels++;
		}
		free(part.x);
		free(part.batches);
		free(scores);
	}
	s->batch_asw = sum / (double)s->n_asw_labels;
}

void
neighbours_vote(const struct neighbours *nn, const uint32_t *labels, size_t n_labels, uint32_t *ret)
{
	size_t *votes = mem_zero(n_labels, sizeof(*votes));

	for (size_t i = 0; i < nn->n; i++) {
		const uint32_t *near = nn->indices + i * nn->k;
		uint32_t best = labels[near[0]];

		for (size_t j = 0; j < nn->k; j++)
			votes[labels[near[j]]]++;
		for (size_t j = 0; j < nn->k; j++) {
			uint32_t label = labels[near[j]];

			if (votes[label] > votes[best] ||
			    (votes[label] == votes[best] && label < best))
				best = label;
		}
		ret[i] = best;
		for (size_t j = 0; j < nn->k; j++)
			votes[labels[near[j]]] = 0;
	}
	free(votes);
}

static double
chance_of(const uint32_t *groups, size_t n_groups, size_t n)
{
	double *sizes = mem_zero(n_groups, sizeof(*sizes)), sum = 0;

	for (size_t i = 0; i < n; i++)
		sizes[groups[i]]++;
	for (size_t g = 0; g < n_groups; g++)
		sum += sizes[g] * (sizes[g] - 1) / ((double)n * (double)(n - 1));
	free(sizes);
	return sum;
}

static double
share_alike(const struct neighbours *nn, size_t i, const uint32_t *groups)
{
	size_t n_alike = 0;

	for (size_t j = 0; j < nn->k; j++)
		n_alike += groups[nn->indices[i * nn->k + j]] == groups[i];
	return (double)n_alike / (double)nn->k;
}

static void
find_purities(struct integration *s, struct err *e)
{
	const struct integration_rows *rows = s->rows;
	size_t n = rows->vectors.n;
	struct neighbours *nn = neighbours_find(
	    &rows->vectors, NULL, s->options->metric, s->options->k, s->options->threads, e);
	uint32_t *voted = mem_alloc(n, sizeof(*voted));

	if (nn)
		neighbours_vote(nn, rows->labels, rows->n_labels, voted);
	for (size_t i = 0; nn && i < n; i++) {
		struct label_scores *own = &s->labels[rows->labels[i]];
		double purity = share_alike(nn, i, rows->labels);

		s->label.purity += purity;
		own->purity += purity;
		s->knn_accuracy += voted[i] == rows->labels[i];
		own->knn_recall += voted[i] == rows->labels[i];
		if (rows->n_batches)
			s->batch.purity += share_alike(nn, i, rows->batches);
	}
	s->knn_accuracy /= (double)n;
	s->label.purity /= (double)n;
	s->batch.purity /= (double)n;
	s->label.chance = chance_of(rows->labels, rows->n_labels, n);
	if (rows->n_batches)
		s->batch.chance = chance_of(rows->batches, rows->n_batches, n);
	free(voted);
	neighbours_free(nn);
}

static void
find_clusters(struct integration *s, struct err *e)
{
	const struct integration_rows *rows = s->rows;
	struct kmeans m;

	s->n_clusters = s->options->n_clusters ? s->options->n_clusters : rows->n_labels;
	if (kmeans_fit(&m, &rows->vectors, s->n_clusters, s->options->seed, s->options->threads, e))
		return;
	s->inertia = m.inertia;
	s->clusters =
	    agreement_find(rows->labels, rows->n_labels, m.clusters, m.k, rows->vectors.n);
	kmeans_free(&m);
}

static int
check_groups(const struct integration_rows *rows, struct err *e)
{
	if (rows->n_labels < 2)
		return err_set(e,
		    "all %zu rows have the label %s, so there is nothing to tell apart",
		    rows->vectors.n, rows->label_names[0]);
	if (rows->n_batches == 1)
		return err_set(e, "all %zu rows are of the batch %s, so there is nothing to mix",
		    rows->vectors.n, rows->batch_names[0]);
	return 0;
}

int
integration_find(struct integration *s, const struct integration_rows *rows,
    const struct integration_options *options, struct err *e)
{
	*s = (struct integration){ .rows = rows, .options = options };
	if (e->is_set || check_groups(rows, e))
		return -1;
	s->labels = mem_zero(rows->n_labels, sizeof(*s->labels));
	for (size_t i = 0; i < rows->vectors.n; i++)
		s->labels[rows->labels[i]].n++;
	find_purities(s, e);
	find_silhouettes(s, &s->label, rows->labels, rows->n_labels, e);
	if (rows->n_batches) {
		find_silhouettes(s, &s->batch, rows->batches, rows->n_batches, e);
		find_batch_asw(s, e);
	}
	find_clusters(s, e);
	for (size_t label = 0; label < rows->n_labels; label++) {
		s->labels[label].silhouette /= (double)s->labels[label].n;
		s->labels[label].purity /= (double)s->labels[label].n;
		s->labels[label].knn_recall /= (double)s->labels[label].n;
	}
	return e->is_set ? -1 : 0;
}

void
integration_free(struct integration *s)
{
	free(s->labels);
	s->labels = NULL;
}
