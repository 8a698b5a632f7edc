#include <assert.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "stat/umap_spectral.h"

/* The random numbers of the first run's start vector; the second run has the next stream. */
enum { STREAM = 1 };

bool
umap_graph_is_connected(const struct umap_graph *g)
{
	uint32_t *queue = mem_alloc(g->n + 1, sizeof(*queue));
	bool *is_reached = mem_zero(g->n + 1, sizeof(*is_reached));
	size_t n = 0;

	if (g->n > 0) {
		queue[n++] = 0;
		is_reached[0] = true;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t edge = g->starts[queue[i]]; edge < g->starts[queue[i] + 1]; edge++)
			if (!is_reached[g->columns[edge]]) {
				is_reached[g->columns[edge]] = true;
				queue[n++] = g->columns[edge];
			}
	free(queue);
	free(is_reached);
	return n == g->n;
}

/* Orthonormal vectors: those that are done with, then those of the Lanczos run. */
struct lanczos {
	const struct umap_graph *graph;
	const double *root; /* [n] square roots of the degrees */
	double *basis;      /* [n_fixed + steps + 1][n] */
	size_t n_fixed, steps;
	double *diagonal, *beside; /* [steps] of the tridiagonal matrix */
};

static double
dot(const double *a, const double *b, size_t n)
{
	double sums[4] = { 0 };
	size_t i = 0;

	for (; i + 4 <= n; i += 4)
		for (size_t lane = 0; lane < 4; lane++)
			sums[lane] += a[i + lane] * b[i + lane];
	for (; i < n; i++)
		sums[0] += a[i] * b[i];
	return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static double
normalize(double *x, size_t n)
{
	double length = sqrt(dot(x, x, n));

	for (size_t i = 0; i < n && length > 0; i++)
		x[i] /= length;
	return length;
}

/* Takes from x what lies along the first `count` vectors of the basis; twice is enough (Parlett).
 */
static void
orthogonalize(const struct lanczos *l, double *x, size_t count)
{
	size_t n = l->graph->n;

	for (int pass = 0; pass < 2; pass++)
		for (size_t k = 0; k < count; k++) {
			const double *q = l->basis + k * n;
			double along = dot(q, x, n);

			for (size_t i = 0; i < n; i++)
				x[i] -= along * q[i];
		}
}

static void
multiply(const struct lanczos *l, const double *x, double *ret)
{
	const struct umap_graph *g = l->graph;

	for (size_t i = 0; i < g->n; i++) {
		double sum = 0;

		for (size_t edge = g->starts[i]; edge < g->starts[i + 1]; edge++) {
			size_t j = g->columns[edge];

			sum += (double)g->weights[edge] * x[j] / l->root[j];
		}
		ret[i] = sum / l->root[i];
	}
}

/* Fills the basis and the tridiagonal matrix; returns how many steps there were. */
static size_t
run(struct lanczos *l, uint64_t seed)
{
	size_t n = l->graph->n, step = 0;
	double *q = l->basis + l->n_fixed * n;
	struct random r = random_start(seed, STREAM + l->n_fixed);

	for (size_t i = 0; i < n; i++)
		q[i] = random_normal(&r);
	orthogonalize(l, q, l->n_fixed);
	normalize(q, n);
	for (;;) {
		double *next = q + n;

		multiply(l, q, next);
		l->diagonal[step] = dot(q, next, n);
		orthogonalize(l, next, l->n_fixed + step + 1);
		l->beside[step] = normalize(next, n);
		if (++step == l->steps || l->beside[step - 1] < 1e-10)
			return step;
		q = next;
	}
}

/* The eigenvector to the largest eigenvalue that the run has seen. */
static int
find_vector(struct lanczos *l, double *ret, uint64_t seed, struct err *e)
{
	size_t n = l->graph->n, steps = run(l, seed);
	double *vectors = mem_alloc(steps * steps, sizeof(*vectors)); /* by columns, ascending */
	lapack_int status = LAPACKE_dstev(LAPACK_COL_MAJOR, 'V', (lapack_int)steps, l->diagonal,
	    l->beside, vectors, (lapack_int)steps);
	size_t largest = 0;

	memset(ret, 0, n * sizeof(*ret));
	for (size_t k = 0; k < steps && status == 0; k++) {
		const double *q = l->basis + (l->n_fixed + k) * n;

		for (size_t i = 0; i < n; i++)
			ret[i] += vectors[(steps - 1) * steps + k] * q[i];
	}
	free(vectors);
	if (status != 0)
		return err_set(e, "LAPACK found no eigenvectors (dstev: %d)", (int)status);
	for (size_t i = 1; i < n; i++)
		if (fabs(ret[i]) > fabs(ret[largest]))
			largest = i;
	for (size_t i = 0, is_negative = ret[largest] < 0; i < n && is_negative; i++)
		ret[i] = -ret[i];
	return 0;
}

static double *
roots_of_degrees(const struct umap_graph *g)
{
	double *root = mem_alloc(g->n, sizeof(*root));

	for (size_t i = 0; i < g->n; i++) {
		double degree = 0;

		for (size_t edge = g->starts[i]; edge < g->starts[i + 1]; edge++)
			degree += (double)g->weights[edge];
		root[i] = sqrt(degree);
	}
	return root;
}

int
umap_spectral(double *ret_y, const struct umap_graph *g, uint64_t seed, struct err *e)
{
	size_t n = g->n, most = n - 1 < UMAP_SPECTRAL_STEPS ? n - 1 : UMAP_SPECTRAL_STEPS;
	double *root = roots_of_degrees(g);
	struct lanczos l = { .graph = g, .root = root };
	int status = 0;

	assert(n >= 3);
	l.basis = mem_alloc((most + 4) * n, sizeof(*l.basis));
	l.diagonal = mem_alloc(most, sizeof(*l.diagonal));
	l.beside = mem_alloc(most, sizeof(*l.beside));
	memcpy(l.basis, root, n * sizeof(*root));
	normalize(l.basis, n);
	for (size_t axis = 0; axis < 2 && status == 0; axis++) {
		double *found = mem_alloc(n, sizeof(*found));

		l.n_fixed = axis + 1;
		l.steps = n - l.n_fixed < most ? n - l.n_fixed : most;
		status = find_vector(&l, found, seed, e);
		memcpy(l.basis + l.n_fixed * n, found, n * sizeof(*found));
		for (size_t i = 0; i < n; i++)
			ret_y[2 * i + axis] = found[i];
		free(found);
	}
	free(root);
	free(l.basis);
	free(l.diagonal);
	free(l.beside);
	return status;
}
