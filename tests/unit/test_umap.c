/* Expected values: umap-learn 0.5.12 (smooth_knn_dist, fuzzy_simplicial_set, find_ab_params, which
 * work in single precision to a tolerance of 1e-5), numpy's eigh, and arithmetic. How good whole
 * layouts are is compared with umap-learn's in tests/interop/umap.t. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "stat/umap_spectral.h"

static void
assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("got %.9g, expected %.9g", got, expected);
}

/* -- steps -- */

enum { N = 12, D = 3, K = 4 };

/* Points 4 and 5 are the same. */
static struct neighbours *
few_neighbours(void)
{
	static float x[N * D];
	struct vectors v = { N, D, x, NULL };
	struct err e = { 0 };

	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < D; j++) {
			size_t p = i == 5 ? 4 : i;
			size_t y = (p * p * 7 + p * j * 13 + j * j * 5 + j * 31 + p * 17) % 101;

			x[i * D + j] = (float)y / 8;
		}
	return neighbours_find(&v, NULL, METRIC_EUCLIDEAN, K, 1, &e);
}

static void
widths_are_those_of_umap_learn(void **state)
{
	static const double sigmas[N] = { 2.39029, 4.98657, 1.94678, 0.83081, 0.92108, 0.92108,
		0.53842, 2.03656, 2.69574, 6.12024, 1.06564, 1.71933 };
	static const double rhos[N] = { 5.37645, 1.81142, 4.26834, 5.62778, 4.61655, 4.61655,
		4.61655, 4.71202, 4.26834, 1.81142, 7.64546, 5.37645 };
	struct neighbours *nn = few_neighbours();
	double sigma[N], rho[N];

	(void)state;
	umap_widths(sigma, rho, nn);
	for (size_t i = 0; i < N; i++) {
		double sum = 0;

		assert_near(rho[i], rhos[i], 1e-5);
		assert_near(sigma[i], sigmas[i], 1e-4);
		for (size_t j = 0; j < K; j++)
			sum += exp(-fmax(nn->distances[i * K + j] - rho[i], 0) / sigma[i]);
		assert_near(sum, log2(K + 1), 1e-9);
	}
	neighbours_free(nn);
}

static void
widths_of_equal_distances_have_a_floor(void **state)
{
	double distances[4][K] = { { 0, 0, 0, 0 }, { 1, 1, 1, 1 }, { 0, 0, 3, 4 }, { 1, 2, 3, 4 } };
	struct neighbours nn = { 1, K, NULL, NULL };
	double sigma, rho;

	(void)state;
	nn.distances = distances[0];
	umap_widths(&sigma, &rho, &nn);
	assert_true(rho == 0 && sigma >= 0 && sigma < 1e-15);
	nn.distances = distances[1];
	umap_widths(&sigma, &rho, &nn);
	assert_near(rho, 1, 0);
	assert_near(sigma, 0.0008, 1e-12);
	nn.distances = distances[2];
	umap_widths(&sigma, &rho, &nn);
	assert_near(rho, 3, 0);
	assert_near(sigma, 0.0014, 1e-12);
	nn.distances = distances[3];
	umap_widths(&sigma, &rho, &nn);
	assert_near(rho, 1, 0);
	assert_near(sigma, 2.2636108, 1e-4);
}

static void
assert_row(const struct umap_graph *g, size_t i, const uint32_t *columns, const double *weights)
{
	for (size_t edge = g->starts[i]; edge < g->starts[i + 1]; edge++) {
		assert_int_equal(g->columns[edge], *columns++);
		assert_near((double)g->weights[edge], *weights++, 3e-5);
	}
}

static void
the_graph_is_that_of_umap_learn(void **state)
{
	static const size_t starts[N + 1] = { 0, 4, 9, 13, 17, 22, 26, 34, 39, 45, 50, 54, 58 };
	struct neighbours *nn = few_neighbours();
	struct umap_graph g;
	double sum = 0;

	(void)state;
	umap_graph_make(&g, nn);
	assert_memory_equal(g.starts, starts, sizeof(starts));
	assert_row(&g, 0, (const uint32_t[]){ 3, 6, 9, 11 },
	    (const double[]){ 0.65593, 0.44732, 0.56986, 1.0 });
	assert_row(&g, 4, (const uint32_t[]){ 2, 5, 6, 7, 8 },
	    (const double[]){ 0.24219, 1.0, 1.0, 0.49219, 0.59607 });
	assert_row(&g, 5, (const uint32_t[]){ 4, 6, 7, 8 },
	    (const double[]){ 1.0, 1.0, 0.49219, 0.59607 });
	for (size_t edge = 0; edge < g.starts[N]; edge++)
		sum += (double)g.weights[edge];
	assert_near(sum, 38.40867, 3e-4);
	umap_graph_free(&g);
	neighbours_free(nn);
}

static void
curves_are_those_of_umap_learn(void **state)
{
	static const struct {
		double min_dist, spread, a, b;
	} cases[] = {
		{ 0.1, 1, 1.576943, 0.895061 },
		{ 0, 1, 1.932808, 0.790495 },
		{ 0.5, 1, 0.583030, 1.334167 },
		{ 1, 1, 0.114976, 1.929237 },
		{ 0.25, 2, 0.416273, 0.921855 },
		{ 0.1, 0.5, 5.069309, 1.003005 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double a, b;

		umap_curve(&a, &b, cases[i].min_dist, cases[i].spread);
		assert_near(a, cases[i].a, 2e-6 * (1 + cases[i].a));
		assert_near(b, cases[i].b, 2e-6 * (1 + cases[i].b));
	}
}

/* -- spectral start -- */

enum { LADDER = 200 };

struct edges {
	size_t starts[LADDER + 1];
	uint32_t columns[8 * LADDER];
	float weights[8 * LADDER];
};

/* i to i + 1 with weight 1, 1/2, 1/3, 1, ..., i to i + 7 with weight 1/4. */
static struct umap_graph
ladder(struct edges *s, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		s->starts[i] = k;
		for (size_t j = i < 7 ? 0 : i - 7; j < n && j <= i + 7; j++) {
			size_t low = i < j ? i : j, gap = i < j ? j - i : i - j;

			if (gap != 1 && gap != 7)
				continue;
			s->columns[k] = (uint32_t)j;
			s->weights[k++] = gap == 7 ? 0.25f : 1 / (1 + (float)(low % 3));
		}
	}
	s->starts[n] = k;
	return (struct umap_graph){ n, s->starts, s->columns, s->weights };
}

/* Exact up to the sixth digit, although 200 points have more than 150 steps. */
static void
the_spectral_start_is_made_of_eigenvectors(void **state)
{
	static const size_t places[4] = { 0, 1, 50, 199 };
	static const double expected[2][4] = {
		{ 0.08599980628884552, 0.10173027909497187, 0.06267814362222793,
		    -0.08598744155694817 },
		{ -0.08695695444078198, -0.10278391494489586, -0.00036671393024944893,
		    -0.08690621991060095 },
	};
	static struct edges edges;
	struct umap_graph g = ladder(&edges, LADDER);
	struct err e = { 0 };
	double y[2 * LADDER];

	(void)state;
	assert_true(umap_graph_is_connected(&g));
	assert_int_equal(umap_spectral(y, &g, 1, &e), 0);
	for (size_t i = 0; i < 4; i++)
		for (size_t axis = 0; axis < 2; axis++)
			assert_near(y[2 * places[i] + axis], expected[axis][i], 1e-6);
}

/* A ring: both eigenvalues are the same, and every point is as far from the middle as the others.
 */
static void
equal_eigenvalues_give_a_plane(void **state)
{
	enum { RING = 40 };
	size_t starts[RING + 1];
	uint32_t columns[2 * RING];
	float weights[2 * RING];
	struct umap_graph g = { RING, starts, columns, weights };
	struct err e = { 0 };
	double y[2 * RING];

	(void)state;
	for (size_t i = 0; i <= RING; i++)
		starts[i] = 2 * i;
	for (size_t i = 0; i < RING; i++) {
		columns[2 * i] = (uint32_t)((i + RING - 1) % RING);
		columns[2 * i + 1] = (uint32_t)((i + 1) % RING);
		weights[2 * i] = weights[2 * i + 1] = 0.5f;
	}
	assert_int_equal(umap_spectral(y, &g, 1, &e), 0);
	for (size_t i = 0; i < RING; i++)
		assert_near(y[2 * i] * y[2 * i] + y[2 * i + 1] * y[2 * i + 1], 2.0 / RING, 1e-9);
}

static void
pieces_are_noticed(void **state)
{
	size_t starts[5] = { 0, 1, 2, 3, 4 };
	uint32_t columns[4] = { 1, 0, 3, 2 };
	float weights[4] = { 1, 1, 1, 1 };
	struct umap_graph g = { 4, starts, columns, weights }, none = { 0, starts, NULL, NULL };

	(void)state;
	assert_false(umap_graph_is_connected(&g));
	g.n = 2;
	assert_true(umap_graph_is_connected(&g));
	assert_true(umap_graph_is_connected(&none));
}

/* -- whole layouts -- */

enum { GROUPS = 4, A_GROUP = 60, POINTS = GROUPS * A_GROUP, SIZE = 10 };

/* Groups at the corners of a simplex, `gap` apart in units of their spread. */
static const float *
groups(float gap)
{
	static float x[POINTS * SIZE];
	struct random r = random_start(1, 0);

	for (size_t i = 0; i < POINTS; i++)
		for (size_t j = 0; j < SIZE; j++)
			x[i * SIZE + j] = (float)random_normal(&r) + (i % GROUPS == j ? gap : 0);
	return x;
}

/* The share of points whose nearest point in the plane is of their group. */
static double
purity(const float *y, size_t n)
{
	size_t n_pure = 0;

	for (size_t i = 0; i < n; i++) {
		size_t nearest = i;
		double least = INFINITY;

		for (size_t j = 0; j < n; j++) {
			double distance = hypot(
			    (double)(y[2 * i] - y[2 * j]), (double)(y[2 * i + 1] - y[2 * j + 1]));

			if (j != i && distance < least) {
				least = distance;
				nearest = j;
			}
		}
		n_pure += nearest % GROUPS == i % GROUPS;
	}
	return (double)n_pure / (double)n;
}

/* 30 apart, the graph is in pieces; 6 apart with many neighbours it is not. */
static void
groups_stay_together(void **state)
{
	struct umap_options o = umap_defaults();
	float y[2 * POINTS];
	struct err e = { 0 };

	(void)state;
	for (int metric = 0; metric < 2; metric++)
		for (int start = 0; start < 2; start++)
			for (int is_far = 0; is_far < 2; is_far++) {
				struct vectors x = { POINTS, SIZE, groups(is_far ? 30 : 6), NULL };

				o.metric = metric ? METRIC_COSINE : METRIC_EUCLIDEAN;
				o.start = start ? UMAP_PCA : UMAP_SPECTRAL;
				o.n_neighbours = is_far ? 15 : 80;
				o.n_epochs = 100;
				assert_int_equal(umap_layout(y, &x, &o, &e), 0);
				assert_true(purity(y, POINTS) > 0.98);
			}
}

static void
the_seed_decides_and_threads_do_not(void **state)
{
	struct vectors x = { POINTS, SIZE, groups(4), NULL };
	struct umap_options o = umap_defaults();
	float y[3][2 * POINTS];
	struct err e = { 0 };

	(void)state;
	o.n_epochs = 20;
	assert_int_equal(umap_layout(y[0], &x, &o, &e), 0);
	o.threads = 3;
	assert_int_equal(umap_layout(y[1], &x, &o, &e), 0);
	o.seed = 1;
	assert_int_equal(umap_layout(y[2], &x, &o, &e), 0);
	assert_memory_equal(y[0], y[1], sizeof(y[0]));
	assert_memory_not_equal(y[0], y[2], sizeof(y[0]));
}

static void
few_or_equal_points_have_places(void **state)
{
	static const float same[20] = { 0 };
	struct umap_options o = umap_defaults();
	float y[40];
	struct err e = { 0 };

	(void)state;
	o.n_epochs = 20;
	for (size_t n = 0; n <= 20; n++)
		for (size_t d = 1; d <= 20 / (n ? n : 1); d++) {
			struct vectors equal = { n, d, same, NULL };
			struct vectors x = { n, d, groups(2), NULL };

			assert_int_equal(umap_layout(y, &equal, &o, &e), 0);
			for (size_t i = 0; i < 2 * n; i++)
				assert_true(isfinite(y[i]));
			assert_int_equal(umap_layout(y, &x, &o, &e), 0);
			for (size_t i = 0; i < 2 * n; i++)
				assert_true(isfinite(y[i]));
		}
}

static void
numbers_that_are_not_finite_are_refused(void **state)
{
	static const float bad[3] = { 1, 2, INFINITY };
	struct vectors x = { 3, 1, bad, NULL };
	struct umap_options o = umap_defaults();
	float y[6];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(umap_layout(y, &x, &o, &e), -1);
	assert_string_equal(e.text, "row 2: a number of the vector is not finite");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths_are_those_of_umap_learn),
		cmocka_unit_test(widths_of_equal_distances_have_a_floor),
		cmocka_unit_test(the_graph_is_that_of_umap_learn),
		cmocka_unit_test(curves_are_those_of_umap_learn),
		cmocka_unit_test(the_spectral_start_is_made_of_eigenvectors),
		cmocka_unit_test(equal_eigenvalues_give_a_plane),
		cmocka_unit_test(pieces_are_noticed),
		cmocka_unit_test(groups_stay_together),
		cmocka_unit_test(the_seed_decides_and_threads_do_not),
		cmocka_unit_test(few_or_equal_points_have_places),
		cmocka_unit_test(numbers_that_are_not_finite_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
