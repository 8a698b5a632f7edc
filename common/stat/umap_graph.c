#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/umap.h"

static double
strength(double distance, double rho, double sigma)
{
	return distance <= rho || sigma <= 0 ? 1 : exp(-(distance - rho) / sigma);
}

static double
mean(const double *x, size_t n, size_t divisor)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)divisor;
}

/* By doubling, then bisection: the sum of strengths grows with sigma. Where no sigma is small
 * enough (many points at distance rho) it goes to 0. */
static double
find_sigma(const double *distances, size_t k, double rho)
{
	double low = 0, high = INFINITY, sigma = 1, target = log2((double)(k + 1));

	for (int step = 0; step < 64; step++) {
		double sum = 0;

		for (size_t j = 0; j < k; j++)
			sum += strength(distances[j], rho, sigma);
		if (sum > target)
			high = sigma;
		else
			low = sigma;
		sigma = isinf(high) ? 2 * sigma : (low + high) / 2;
	}
	return sigma;
}

void
umap_widths(double *ret_sigma, double *ret_rho, const struct neighbours *nn)
{
	size_t n = nn->n, k = nn->k;
	double mean_of_all = mean(nn->distances, n * k, n * (k + 1));

	for (size_t i = 0; i < n; i++) {
		const double *distances = nn->distances + i * k;
		size_t first = 0;
		double least;

		while (first < k && distances[first] <= 0)
			first++;
		ret_rho[i] = first < k ? distances[first] : 0;
		least = 1e-3 * (ret_rho[i] > 0 ? mean(distances, k, k + 1) : mean_of_all);
		ret_sigma[i] = fmax(find_sigma(distances, k, ret_rho[i]), least);
	}
}

static struct umap_graph
graph_new(size_t n, size_t n_edges)
{
	return (struct umap_graph){
		.n = n,
		.starts = mem_zero(n + 1, sizeof(size_t)),
		.columns = mem_alloc(n_edges, sizeof(uint32_t)),
		.weights = mem_alloc(n_edges, sizeof(float)),
	};
}

/* The strengths as they point from each point to its neighbours, in the order of distance. */
static struct umap_graph
directed(const struct neighbours *nn)
{
	size_t n = nn->n, k = nn->k;
	struct umap_graph g = graph_new(n, n * k);
	double *sigma = mem_alloc(n, sizeof(*sigma)), *rho = mem_alloc(n, sizeof(*rho));

	umap_widths(sigma, rho, nn);
	memcpy(g.columns, nn->indices, n * k * sizeof(*g.columns));
	for (size_t i = 0; i < n; i++) {
		g.starts[i + 1] = (i + 1) * k;
		for (size_t edge = i * k; edge < (i + 1) * k; edge++)
			g.weights[edge] = (float)strength(nn->distances[edge], rho[i], sigma[i]);
	}
	free(sigma);
	free(rho);
	return g;
}

/* Every edge turned round. Its rows come out ascending, whatever the order was. */
static struct umap_graph
transposed(const struct umap_graph *g)
{
	size_t n_edges = g->starts[g->n];
	struct umap_graph t = graph_new(g->n, n_edges);
	size_t *next = mem_alloc(g->n, sizeof(*next));

	for (size_t edge = 0; edge < n_edges; edge++)
		t.starts[g->columns[edge] + 1]++;
	for (size_t i = 0; i < g->n; i++) {
		next[i] = t.starts[i];
		t.starts[i + 1] += t.starts[i];
	}
	for (size_t i = 0; i < g->n; i++)
		for (size_t edge = g->starts[i]; edge < g->starts[i + 1]; edge++) {
			size_t place = next[g->columns[edge]]++;

			t.columns[place] = (uint32_t)i;
			t.weights[place] = g->weights[edge];
		}
	free(next);
	return t;
}

/* Row i of the union, merged from two ascending rows; returns its new end. */
static size_t
merge_row(struct umap_graph *g, size_t end, const struct umap_graph *a, const struct umap_graph *b,
    size_t i)
{
	size_t p = a->starts[i], q = b->starts[i];
	size_t p_end = a->starts[i + 1], q_end = b->starts[i + 1];

	while (p < p_end || q < q_end) {
		uint32_t in_a = p < p_end ? a->columns[p] : UINT32_MAX;
		uint32_t in_b = q < q_end ? b->columns[q] : UINT32_MAX;
		float there = in_a <= in_b ? a->weights[p++] : 0;
		float back = in_b <= in_a ? b->weights[q++] : 0;

		g->columns[end] = in_a < in_b ? in_a : in_b;
		g->weights[end] = there + back - there * back;
		end += g->weights[end] > 0;
	}
	return end;
}

void
umap_graph_make(struct umap_graph *g, const struct neighbours *nn)
{
	struct umap_graph there = directed(nn), back = transposed(&there);

	umap_graph_free(&there);
	there = transposed(&back);
	*g = graph_new(nn->n, 2 * nn->n * nn->k);
	for (size_t i = 0; i < nn->n; i++)
		g->starts[i + 1] = merge_row(g, g->starts[i], &there, &back, i);
	umap_graph_free(&there);
	umap_graph_free(&back);
}

void
umap_graph_free(struct umap_graph *g)
{
	free(g->starts);
	free(g->columns);
	free(g->weights);
	*g = (struct umap_graph){ 0 };
}
