#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/random.h"
#include "stat/pca.h"
#include "stat/umap.h"
#include "stat/umap_spectral.h"

/* Which chance is which; umap_spectral.c has 1 and 2 + 1. */
enum { STREAM_NOISE = 16, STREAM_NEGATIVES = 17 };

enum { FEW_POINTS = 10000 };

struct umap_options
umap_defaults(void)
{
	return (struct umap_options){
		.n_neighbours = 15,
		.min_dist = 0.1,
		.spread = 1,
		.n_negatives = 5,
		.metric = METRIC_EUCLIDEAN,
		.start = UMAP_SPECTRAL,
		.threads = 1,
	};
}

/* -- start: two coordinates, brought to 0..10 with a little noise, since equal places would never
 * part -- */

static int
start_from_components(double *ret_y, const struct vectors *x, struct err *e)
{
	struct pca p;
	double *scores;

	if (pca_fit(&p, x, x->d < 2 ? x->d : 2, e))
		return -1;
	scores = mem_alloc(x->n * p.k, sizeof(*scores));
	pca_scores(&p, x, scores);
	for (size_t i = 0; i < x->n; i++)
		for (size_t axis = 0; axis < 2; axis++)
			ret_y[2 * i + axis] = axis < p.k ? scores[i * p.k + axis] : 0;
	free(scores);
	pca_free(&p);
	return 0;
}

static void
spread_axis(float *ret_y, double *y, size_t n, double largest, struct random *r)
{
	double low = INFINITY, high = -INFINITY;

	for (size_t i = 0; i < n; i++) {
		y[2 * i] = (largest > 0 ? 10 * y[2 * i] / largest : 0) + 1e-4 * random_normal(r);
		low = fmin(low, y[2 * i]);
		high = fmax(high, y[2 * i]);
	}
	for (size_t i = 0; i < n; i++)
		ret_y[2 * i] = high > low ? (float)(10 * (y[2 * i] - low) / (high - low)) : 0;
}

static int
find_start(float *ret_y, const struct umap_graph *g, const struct vectors *x,
    const struct umap_options *o, struct err *e)
{
	double *y = mem_alloc(2 * x->n, sizeof(*y)), largest = 0;
	struct random r = random_start(o->seed, STREAM_NOISE);
	bool is_spectral = o->start == UMAP_SPECTRAL && g->n > 3 && umap_graph_is_connected(g);
	int status = is_spectral ? umap_spectral(y, g, o->seed, e) : start_from_components(y, x, e);

	for (size_t i = 0; i < 2 * x->n && status == 0; i++)
		largest = fmax(largest, fabs(y[i]));
	for (size_t axis = 0; axis < 2 && status == 0; axis++)
		spread_axis(ret_y + axis, y + axis, x->n, largest, &r);
	free(y);
	return status;
}

/* -- descent -- */

struct descent {
	float *y; /* [n][2] */
	uint32_t n;
	float a, b;
	float step; /* falls from 1 to 0 */
	size_t n_negatives;
	struct random negatives;
};

/* The ends of an edge. It is sampled every `period` epochs: the strongest in each. */
struct edge {
	uint32_t from, to;
	float period, next;
};

/* One move along a gradient is at most 4 in each direction, as in the authors' program. */
static float
clipped(float x)
{
	return x > 4 ? 4 : x < -4 ? -4 : x;
}

static void
attract(struct descent *s, float *p, float *q)
{
	float dx = p[0] - q[0], dy = p[1] - q[1], square = dx * dx + dy * dy;
	float power, pull;

	if (square <= 0)
		return;
	power = powf(square, s->b);
	pull = -2 * s->a * s->b * power / (square * (1 + s->a * power));
	dx = s->step * clipped(pull * dx);
	dy = s->step * clipped(pull * dy);
	p[0] += dx;
	p[1] += dy;
	q[0] -= dx;
	q[1] -= dy;
}

static void
repel(struct descent *s, float *p, const float *q)
{
	float dx = p[0] - q[0], dy = p[1] - q[1], square = dx * dx + dy * dy;
	float push;

	if (square <= 0)
		return;
	push = 2 * s->b / ((0.001f + square) * (1 + s->a * powf(square, s->b)));
	p[0] += s->step * clipped(push * dx);
	p[1] += s->step * clipped(push * dy);
}

static void
descend(struct descent *s, struct edge *edges, size_t n_edges, size_t n_epochs)
{
	for (size_t epoch = 0; epoch < n_epochs; epoch++) {
		s->step = 1 - (float)epoch / (float)n_epochs;
		for (struct edge *edge = edges; edge < edges + n_edges; edge++) {
			float *p = s->y + 2 * (size_t)edge->from;

			if (edge->next > (float)epoch)
				continue;
			edge->next += edge->period;
			attract(s, p, s->y + 2 * (size_t)edge->to);
			for (size_t i = 0; i < s->n_negatives; i++)
				repel(s, p, s->y + 2 * random_below(&s->negatives, s->n));
		}
	}
}

/* The edges that are sampled once at least. */
static struct edge *
edges_of(const struct umap_graph *g, size_t n_epochs, size_t *ret_n)
{
	struct edge *edges = mem_alloc(g->starts[g->n], sizeof(*edges));
	float strongest = 0;

	*ret_n = 0;
	for (size_t k = 0; k < g->starts[g->n]; k++)
		strongest = fmaxf(strongest, g->weights[k]);
	for (uint32_t i = 0; i < g->n; i++)
		for (size_t k = g->starts[i]; k < g->starts[i + 1]; k++) {
			float period = strongest / g->weights[k];

			if (period <= (float)n_epochs)
				edges[(*ret_n)++] =
				    (struct edge){ i, g->columns[k], period, period };
		}
	return edges;
}

static void
lay_out(float *y, const struct umap_graph *g, const struct umap_options *o)
{
	size_t n_edges, n_epochs = o->n_epochs ? o->n_epochs : g->n <= FEW_POINTS ? 500 : 200;
	struct edge *edges = edges_of(g, n_epochs, &n_edges);
	double a, b;
	struct descent s = {
		.y = y,
		.n = (uint32_t)g->n,
		.n_negatives = o->n_negatives,
		.negatives = random_start(o->seed, STREAM_NEGATIVES),
	};

	umap_curve(&a, &b, o->min_dist, o->spread);
	s.a = (float)a;
	s.b = (float)b;
	descend(&s, edges, n_edges, n_epochs);
	free(edges);
}

int
umap_layout(float *ret_y, const struct vectors *x, const struct umap_options *o, struct err *e)
{
	size_t k = (o->n_neighbours < x->n ? o->n_neighbours : x->n) - 1;
	struct neighbours *nn;
	struct umap_graph g;
	int status;

	assert(o->n_neighbours >= 2 && o->spread > 0);
	assert(o->min_dist >= 0 && o->min_dist <= o->spread);
	for (size_t i = 0; i < 2 * x->n && x->n < 2; i++)
		ret_y[i] = 0;
	if (x->n < 2)
		return vectors_check(x, e);
	nn = neighbours_find(x, NULL, o->metric, k, o->threads, e);
	if (!nn)
		return -1;
	umap_graph_make(&g, nn);
	neighbours_free(nn);
	status = find_start(ret_y, &g, x, o, e);
	if (status == 0)
		lay_out(ret_y, &g, o);
	umap_graph_free(&g);
	return status;
}
