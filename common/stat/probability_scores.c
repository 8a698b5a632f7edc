#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/probability_scores.h"

static double
at(const struct probabilities *p, size_t row, size_t class)
{
	size_t i = row * p->k + class;

	return p->f32 ? (double)p->f32[i] : p->f64[i];
}

struct probability_scores
probability_score(const struct probabilities *p)
{
	struct probability_scores s = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		double own;

		if (p->truth[i] >= p->k)
			continue;
		s.n_known++;
		own = at(p, i, p->truth[i]);
		s.log_loss -= log(fmin(fmax(own, DBL_EPSILON), 1 - DBL_EPSILON));
		for (size_t c = 0; c < p->k; c++) {
			double off = at(p, i, c) - (c == p->truth[i]);

			s.brier += off * off;
		}
	}
	s.log_loss /= (double)s.n_known;
	s.brier /= (double)s.n_known;
	return s;
}

double
top_accuracy(const struct probabilities *p, size_t top)
{
	size_t n_found = 0;

	for (size_t i = 0; i < p->n; i++) {
		size_t truth = p->truth[i], n_before = 0;

		for (size_t c = 0; c < p->k && truth < p->k; c++)
			n_before += at(p, i, c) > at(p, i, truth) ||
				    (at(p, i, c) == at(p, i, truth) && c > truth);
		n_found += truth < p->k && n_before < top;
	}
	return (double)n_found / (double)p->n;
}

/* Ranks rows by the probability of `class`. */
struct scored {
	double *scores;
	bool *is_positive;
	size_t n;
};

static void
scored_start(struct scored *s, size_t room)
{
	s->scores = mem_alloc(room, sizeof(*s->scores));
	s->is_positive = mem_alloc(room, sizeof(*s->is_positive));
	s->n = 0;
}

static void
scored_add(struct scored *s, double score, bool is_positive)
{
	s->scores[s->n] = score;
	s->is_positive[s->n++] = is_positive;
}

static void
scored_free(struct scored *s)
{
	free(s->scores);
	free(s->is_positive);
}

void
rank_class(struct score_counts *r, const struct probabilities *p, size_t class)
{
	struct scored s;

	assert(class < p->k);
	scored_start(&s, p->n);
	for (size_t i = 0; i < p->n; i++)
		scored_add(&s, at(p, i, class), p->truth[i] == class);
	score_counts_start(r, s.scores, s.is_positive, s.n);
	scored_free(&s);
}

/* Rows by class: those of class c are rows[offsets[c]] up to rows[offsets[c + 1]]. */
struct classes {
	size_t *offsets, *rows;
};

static void
classes_start(struct classes *c, const struct probabilities *p)
{
	size_t *next;

	c->offsets = mem_zero(p->k + 1, sizeof(*c->offsets));
	c->rows = mem_alloc(p->n, sizeof(*c->rows));
	next = mem_alloc(p->k, sizeof(*next));
	for (size_t i = 0; i < p->n; i++)
		if (p->truth[i] < p->k)
			c->offsets[p->truth[i] + 1]++;
	for (size_t k = 0; k < p->k; k++) {
		c->offsets[k + 1] += c->offsets[k];
		next[k] = c->offsets[k];
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->truth[i] < p->k)
			c->rows[next[p->truth[i]]++] = i;
	free(next);
}

/* The area for class a, among the rows of a and b. */
static double
area_between(const struct probabilities *p, const struct classes *c, size_t a, size_t b)
{
	struct scored s;
	struct score_counts r;
	struct curve curve;
	double area;

	scored_start(&s, p->n);
	for (size_t i = c->offsets[a]; i < c->offsets[a + 1]; i++)
		scored_add(&s, at(p, c->rows[i], a), true);
	for (size_t i = c->offsets[b]; i < c->offsets[b + 1]; i++)
		scored_add(&s, at(p, c->rows[i], a), false);
	score_counts_start(&r, s.scores, s.is_positive, s.n);
	roc_curve(&curve, &r, false);
	area = curve_area(&curve);
	curve_free(&curve);
	score_counts_free(&r);
	scored_free(&s);
	return area;
}

double
area_of_pairs(const struct probabilities *p)
{
	struct classes c;
	double sum = 0, n = 0;

	classes_start(&c, p);
	for (size_t a = 0; a < p->k; a++)
		for (size_t b = a + 1; b < p->k; b++) {
			if (c.offsets[a] == c.offsets[a + 1] || c.offsets[b] == c.offsets[b + 1])
				continue;
			sum += (area_between(p, &c, a, b) + area_between(p, &c, b, a)) / 2;
			n++;
		}
	free(c.offsets);
	free(c.rows);
	return sum / n;
}
