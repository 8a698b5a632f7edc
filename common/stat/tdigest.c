#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/tdigest.h"

static const double pi = 3.14159265358979323846;

static double
scale(double q)
{
	q = q < 0 ? 0 : q > 1 ? 1 : q;
	return TDIGEST_COMPRESSION * (asin(2 * q - 1) + pi / 2) / pi;
}

/* Stable, so that equal numbers of different weight keep their order. */
static void
sort_by_mean(struct tdigest_centroid *c, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct tdigest_centroid moved = c[i];
		size_t to = i;

		for (; to > 0 && c[to - 1].mean > moved.mean; to--)
			c[to] = c[to - 1];
		c[to] = moved;
	}
}

/* Centroids in the making: ascending input comes in by `extend`. */
struct merger {
	double total;      /* weight of all that will come */
	double weight;     /* of what has come */
	double scale_from; /* k at the start of the last centroid */
	size_t n;
	struct tdigest_centroid centroids[TDIGEST_MAX_CENTROIDS];
};

static void
extend(struct merger *m, struct tdigest_centroid c)
{
	double before = m->weight;

	m->weight += c.weight;
	if (m->n > 0 && scale(m->weight / m->total) - m->scale_from <= 1) {
		struct tdigest_centroid *last = &m->centroids[m->n - 1];

		last->weight += c.weight;
		last->mean += (c.mean - last->mean) * c.weight / last->weight;
		return;
	}
	assert(m->n < TDIGEST_MAX_CENTROIDS);
	m->scale_from = scale(before / m->total);
	m->centroids[m->n++] = c;
}

static void
flush(struct tdigest *t)
{
	struct merger m;
	size_t i = 0, j = 0;

	m.n = 0;
	m.weight = m.scale_from = 0;
	m.total = t->weight;
	for (size_t k = 0; k < t->n_buffered; k++)
		m.total += t->buffer[k].weight;
	sort_by_mean(t->buffer, t->n_buffered);
	/* Of equal means the centroid comes first, as in crick: it decides which centroids grow. */
	while (i < t->n_buffered || j < t->n_centroids) {
		if (j == t->n_centroids ||
		    (i < t->n_buffered && t->buffer[i].mean < t->centroids[j].mean))
			extend(&m, t->buffer[i++]);
		else
			extend(&m, t->centroids[j++]);
	}
	if (m.n > t->room) {
		free(t->centroids);
		t->room = m.n + m.n / 4;
		t->centroids = mem_alloc(t->room, sizeof(*t->centroids));
	}
	memcpy(t->centroids, m.centroids, m.n * sizeof(*m.centroids));
	t->n_centroids = m.n;
	t->weight = m.total;
	t->n_buffered = 0;
}

void
tdigest_add(struct tdigest *t, double x, double weight)
{
	bool is_first = t->n_centroids == 0 && t->n_buffered == 0;

	if (!isfinite(x) || !(weight > DBL_EPSILON))
		return;
	if (t->n_buffered == TDIGEST_BUFFER)
		flush(t);
	t->buffer[t->n_buffered++] = (struct tdigest_centroid){ x, weight };
	t->min = is_first || x < t->min ? x : t->min;
	t->max = is_first || x > t->max ? x : t->max;
}

/* The value at `at` on the line from (from, low) to (to, high). */
static double
interpolate(double at, double from, double low, double to, double high)
{
	return to > from ? low + (at - from) / (to - from) * (high - low) : low;
}

double
tdigest_quantile(struct tdigest *t, double q)
{
	double at, below = 0, middle = 0, mean;

	if (t->n_buffered)
		flush(t);
	if (t->n_centroids == 0)
		return NAN;
	if (t->n_centroids == 1)
		return t->centroids[0].mean;
	at = q * t->weight;
	mean = t->min;
	for (size_t i = 0; i < t->n_centroids; i++) {
		const struct tdigest_centroid *c = &t->centroids[i];
		double next = below + c->weight / 2;

		if (at < next)
			return interpolate(at, middle, mean, next, c->mean);
		below += c->weight;
		middle = next;
		mean = c->mean;
	}
	return interpolate(at, middle, mean, t->weight, t->max);
}

void
tdigest_free(struct tdigest *t)
{
	free(t->centroids);
	*t = (struct tdigest){ 0 };
}
