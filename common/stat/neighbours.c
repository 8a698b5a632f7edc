#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/neighbours.h"
#include "stat/vector_pairs.h"

struct search {
	size_t k;
	bool is_self; /* the queries are the points */
	enum vector_metric metric;
	struct neighbours *found;
};

/* Of a block of queries: neighbours found so far. */
struct held {
	size_t n[VECTOR_BLOCK];
};

/* A heap of the nearest, the farthest of them on top. */
struct heap {
	uint32_t *index;
	double *distance;
	size_t n;
};

static bool
is_farther(const struct heap *h, size_t a, size_t b)
{
	return h->distance[a] > h->distance[b] ||
	       (h->distance[a] == h->distance[b] && h->index[a] > h->index[b]);
}

static void
swap(struct heap *h, size_t a, size_t b)
{
	uint32_t index = h->index[a];
	double distance = h->distance[a];

	h->index[a] = h->index[b];
	h->distance[a] = h->distance[b];
	h->index[b] = index;
	h->distance[b] = distance;
}

static void
sink(struct heap *h, size_t i)
{
	for (;;) {
		size_t top = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < h->n; child++)
			if (is_farther(h, child, top))
				top = child;
		if (top == i)
			return;
		swap(h, i, top);
		i = top;
	}
}

static void
rise(struct heap *h, size_t i)
{
	for (; i > 0 && is_farther(h, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(h, i, (i - 1) / 2);
}

/* Points come by number, so one at the distance of the farthest is not nearer. */
static void
offer(struct heap *h, size_t k, uint32_t index, double distance)
{
	if (h->n == k && distance >= h->distance[0])
		return;
	if (h->n < k) {
		h->index[h->n] = index;
		h->distance[h->n] = distance;
		rise(h, h->n++);
		return;
	}
	h->index[0] = index;
	h->distance[0] = distance;
	sink(h, 0);
}

/* Nearest first. */
static void
sort(struct heap *h)
{
	while (h->n > 1) {
		swap(h, 0, h->n - 1);
		h->n--;
		sink(h, 0);
	}
}

static struct heap
heap_of(
    const struct search *s, const struct held *held, const struct vector_block *queries, size_t i)
{
	size_t at = (queries->from + i) * s->k;

	return (struct heap){ s->found->indices + at, s->found->distances + at, held->n[i] };
}

static void
meet(void *context, void *state, const struct vector_block *queries,
    const struct vector_block *points, const double *distances)
{
	const struct search *s = context;
	struct held *held = state;

	for (size_t i = 0; i < queries->n; i++) {
		struct heap h = heap_of(s, held, queries, i);

		for (size_t j = 0; j < points->n; j++)
			if (!s->is_self || queries->from + i != points->from + j)
				offer(&h, s->k, (uint32_t)(points->from + j),
				    distances[i * VECTOR_BLOCK + j]);
		held->n[i] = h.n;
	}
}

static void
finish(void *context, void *state, const struct vector_block *queries)
{
	const struct search *s = context;

	for (size_t i = 0; i < queries->n; i++) {
		struct heap h = heap_of(s, state, queries, i);

		sort(&h);
		for (size_t j = 0; j < s->k && s->metric == METRIC_EUCLIDEAN; j++)
			h.distance[j] = sqrt(h.distance[j]);
	}
}

static int
check(const struct vectors *points, const struct vectors *queries, bool is_self, size_t k,
    struct err *e)
{
	if (e->is_set)
		return -1;
	assert(k >= 1);
	if (points->d != queries->d)
		return err_set(
		    e, "vectors of %zu and of %zu numbers have no distance", points->d, queries->d);
	if (points->n > UINT32_MAX)
		return err_set(e, "%zu vectors are too many for a search of neighbours", points->n);
	if (points->n < k || (is_self && points->n == k))
		return err_set(e, "%zu vectors have no %zu nearest neighbours each", points->n, k);
	if (vectors_check(points, e))
		return -1;
	return is_self ? 0 : vectors_check(queries, e);
}

struct neighbours *
neighbours_find(const struct vectors *points, const struct vectors *queries,
    enum vector_metric metric, size_t k, size_t threads, struct err *e)
{
	struct search s = { .k = k, .is_self = !queries, .metric = metric };
	struct vector_pairs pairs = { .rows = queries ? queries : points,
		.others = points,
		.metric = metric,
		.state_size = sizeof(struct held),
		.context = &s,
		.meet = meet,
		.finish = finish };
	size_t room;

	if (check(points, pairs.rows, s.is_self, k, e))
		return NULL;
	if (!mem_mul(pairs.rows->n, k, &room))
		mem_give_up("too many neighbours");
	s.found = mem_alloc(1, sizeof(*s.found));
	*s.found = (struct neighbours){
		.n = pairs.rows->n,
		.k = k,
		.indices = mem_alloc(room, sizeof(uint32_t)),
		.distances = mem_alloc(room, sizeof(double)),
	};
	if (!vector_pairs_run(&pairs, threads, e))
		return s.found;
	neighbours_free(s.found);
	return NULL;
}

void
neighbours_free(struct neighbours *nn)
{
	if (!nn)
		return;
	free(nn->indices);
	free(nn->distances);
	free(nn);
}
