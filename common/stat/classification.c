#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/classification.h"

/* a / b, and 0 where there is nothing to divide by. */
static double
share(double a, double b)
{
	return b > 0 ? a / b : 0;
}

void
confusion_add(
    uint64_t *matrix, size_t n_classes, const uint32_t *truth, const uint32_t *predicted, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert(truth[i] < n_classes && predicted[i] < n_classes);
		matrix[truth[i] * n_classes + predicted[i]]++;
	}
}

static void
score_classes(struct classification *c, const uint64_t *matrix)
{
	for (size_t i = 0; i < c->n_classes; i++) {
		struct class_measures *s = &c->classes[i];
		double hits = (double)matrix[i * c->n_classes + i];

		for (size_t j = 0; j < c->n_classes; j++) {
			s->support += matrix[i * c->n_classes + j];
			s->predicted += matrix[j * c->n_classes + i];
		}
		s->is_present = s->support + s->predicted > 0;
		s->precision = share(hits, (double)s->predicted);
		s->recall = share(hits, (double)s->support);
		s->f1 = share(2 * hits, (double)(s->support + s->predicted));
		c->n += s->support;
	}
}

static void
add_weighted(struct mean_scores *m, const struct class_measures *s, double weight)
{
	m->precision += weight * s->precision;
	m->recall += weight * s->recall;
	m->f1 += weight * s->f1;
}

static void
divide(struct mean_scores *m, double by)
{
	m->precision /= by;
	m->recall /= by;
	m->f1 /= by;
}

static void
score_means(struct classification *c)
{
	double n_present = 0, n_true = 0;

	for (size_t i = 0; i < c->n_classes; i++) {
		const struct class_measures *s = &c->classes[i];

		n_present += s->is_present;
		n_true += s->support > 0;
		c->balanced_accuracy += s->recall;
		add_weighted(&c->macro, s, 1);
		add_weighted(&c->weighted, s, (double)s->support);
	}
	divide(&c->macro, n_present);
	divide(&c->weighted, (double)c->n);
	c->balanced_accuracy /= n_true;
}

/* Accuracy, and what is left of it beyond chance. */
static void
score_agreement(struct classification *c, const uint64_t *matrix)
{
	double n = (double)c->n, hits = 0, chance = 0, true_square = 0, predicted_square = 0;

	for (size_t i = 0; i < c->n_classes; i++) {
		double t = (double)c->classes[i].support, p = (double)c->classes[i].predicted;

		hits += (double)matrix[i * c->n_classes + i];
		chance += t * p;
		true_square += t * t;
		predicted_square += p * p;
	}

	double spread = (n * n - true_square) * (n * n - predicted_square);

	c->accuracy = hits / n;
	c->matthews = c->n == 0 ? (double)NAN : share(hits * n - chance, sqrt(spread));
	c->kappa = 1 - (n - hits) / (n - chance / n);
}

void
classification_score(struct classification *c, const uint64_t *matrix, size_t n_classes)
{
	*c = (struct classification){ .n_classes = n_classes };
	c->classes = mem_zero(n_classes, sizeof(*c->classes));
	score_classes(c, matrix);
	score_means(c);
	score_agreement(c, matrix);
}

void
classification_free(struct classification *c)
{
	free(c->classes);
	c->classes = NULL;
}
