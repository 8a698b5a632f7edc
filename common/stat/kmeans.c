#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "stat/kmeans.h"
#include "stat/neighbours.h"

static double
number_of(const struct vectors *v, size_t i)
{
	return v->f32 ? (double)v->f32[i] : v->f64[i];
}

static void
copy_vector(const struct vectors *v, size_t i, double *ret)
{
	for (size_t j = 0; j < v->d; j++)
		ret[j] = number_of(v, i * v->d + j);
}

/* A number with probability weights[i] / total; without any weight, all alike. */
static size_t
draw(struct random *r, const double *weights, size_t n, double total)
{
	double left = random_double(r) * total;

	if (total <= 0)
		return random_below(r, (uint32_t)n);
	for (size_t i = 0; i + 1 < n; i++) {
		if (left < weights[i])
			return i;
		left -= weights[i];
	}
	return n - 1;
}

/* The means of m become k vectors that lie apart. */
static void
choose_start(struct kmeans *m, const struct vectors *v, struct random *r)
{
	double *nearest = mem_alloc(v->n, sizeof(*nearest)); /* squared */
	double total = 0;

	for (size_t i = 0; i < v->n; i++)
		nearest[i] = (double)INFINITY;
	for (size_t c = 0; c < m->k; c++) {
		double *mean = m->means + c * m->d;

		copy_vector(v,
		    c == 0 ? random_below(r, (uint32_t)v->n) : draw(r, nearest, v->n, total), mean);
		total = 0;
		for (size_t i = 0; i < v->n; i++) {
			double sum = 0;

			for (size_t j = 0; j < v->d; j++) {
				double x = number_of(v, i * v->d + j) - mean[j];

				sum += x * x;
			}
			nearest[i] = fmin(nearest[i], sum);
			total += nearest[i];
		}
	}
	free(nearest);
}

/* Each vector to its nearest mean; true where one has moved. */
static bool
assign(struct kmeans *m, const struct vectors *v, struct neighbours **ret_nearest, size_t threads,
    struct err *e)
{
	struct vectors means = { .n = m->k, .d = m->d, .f64 = m->means };
	bool has_moved = false;

	neighbours_free(*ret_nearest);
	*ret_nearest = neighbours_find(&means, v, METRIC_EUCLIDEAN, 1, threads, e);
	if (!*ret_nearest)
		return false;
	m->inertia = 0;
	for (size_t i = 0; i < v->n; i++) {
		double distance = (*ret_nearest)->distances[i];

		has_moved |= m->clusters[i] != (*ret_nearest)->indices[i];
		m->clusters[i] = (*ret_nearest)->indices[i];
		m->inertia += distance * distance;
	}
	return has_moved;
}

/* Clusters without a vector take those farthest from their means. */
static void
fill_empty(struct kmeans *m, const struct vectors *v, size_t *sizes, double *distances)
{
	for (size_t c = 0; c < m->k; c++) {
		size_t farthest = v->n;

		if (sizes[c] > 0)
			continue;
		for (size_t i = 0; i < v->n; i++)
			if (sizes[m->clusters[i]] > 1 &&
			    (farthest == v->n || distances[i] > distances[farthest]))
				farthest = i;
		assert(farthest < v->n);
		sizes[m->clusters[farthest]]--;
		m->clusters[farthest] = (uint32_t)c;
		sizes[c] = 1;
		distances[farthest] = 0;
	}
}

static void
average(struct kmeans *m, const struct vectors *v, double *distances)
{
	size_t *sizes = mem_zero(m->k, sizeof(*sizes));

	for (size_t i = 0; i < v->n; i++)
		sizes[m->clusters[i]]++;
	fill_empty(m, v, sizes, distances);
	memset(m->means, 0, m->k * m->d * sizeof(*m->means));
	for (size_t i = 0; i < v->n; i++)
		for (size_t j = 0; j < m->d; j++)
			m->means[m->clusters[i] * m->d + j] += number_of(v, i * m->d + j);
	for (size_t c = 0; c < m->k; c++)
		for (size_t j = 0; j < m->d; j++)
			m->means[c * m->d + j] /= (double)sizes[c];
	free(sizes);
}

static void
fit_once(struct kmeans *m, const struct vectors *v, struct random *r, size_t threads, struct err *e)
{
	struct neighbours *nearest = NULL;

	for (size_t i = 0; i < v->n; i++)
		m->clusters[i] = UINT32_MAX;
	choose_start(m, v, r);
	for (int round = 0; round < KMEANS_ROUNDS && assign(m, v, &nearest, threads, e); round++)
		average(m, v, nearest->distances);
	neighbours_free(nearest);
}

static struct kmeans
kmeans_new(size_t n, size_t d, size_t k)
{
	struct kmeans m = { .k = k, .d = d, .inertia = (double)INFINITY };
	size_t room;

	if (!mem_mul(k, d, &room) || !mem_mul(room, sizeof(*m.means), &room))
		mem_give_up("too many clusters");
	m.means = mem_alloc(k * d, sizeof(*m.means));
	m.clusters = mem_alloc(n, sizeof(*m.clusters));
	return m;
}

int
kmeans_fit(struct kmeans *m, const struct vectors *v, size_t k, uint64_t seed, size_t threads,
    struct err *e)
{
	struct kmeans best, other;

	assert(k >= 1);
	if (e->is_set || vectors_check(v, e))
		return -1;
	if (v->n < k)
		return err_set(e, "%zu vectors make no %zu clusters", v->n, k);
	if (v->n > UINT32_MAX)
		return err_set(e, "%zu vectors are too many to cluster", v->n);
	best = kmeans_new(v->n, v->d, k);
	other = kmeans_new(v->n, v->d, k);
	for (uint64_t start = 0; start < KMEANS_STARTS && !e->is_set; start++) {
		struct random r = random_start(seed, start);

		fit_once(&other, v, &r, threads, e);
		if (other.inertia < best.inertia) {
			struct kmeans swap = best;

			best = other;
			other = swap;
		}
	}
	kmeans_free(&other);
	*m = best;
	if (!e->is_set)
		return 0;
	kmeans_free(m);
	return -1;
}

void
kmeans_free(struct kmeans *m)
{
	free(m->means);
	free(m->clusters);
	*m = (struct kmeans){ 0 };
}
