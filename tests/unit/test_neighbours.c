/* Nearest neighbours against a plain search, with ties, queries, threads and both precisions. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "near_aid.h"
#include "stat/neighbours.h"

enum { N = 150, D = 19, K = 7 }; /* more than two blocks; not whole lanes */

static float numbers[N * D];

/* Small whole numbers, so that there are many ties and all sums are exact. */
static void
draw(void)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < N * D; i++) {
		x = x * 1664525 + 1013904223;
		numbers[i] = (float)(x >> 29) - 3;
	}
}

static double
squared(const float *a, const float *b)
{
	double sum = 0;

	for (size_t j = 0; j < D; j++)
		sum += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
	return sum;
}

/* How many points are before point j as neighbours of x: nearer, or as near with a smaller number.
 */
static size_t
place_of(const float *x, size_t self, size_t j)
{
	double own = squared(x, numbers + j * D);
	size_t place = 0;

	for (size_t i = 0; i < N; i++) {
		double other = squared(x, numbers + i * D);

		place += i != self && (other < own || (other == own && i < j));
	}
	return place;
}

static void
expect(const struct neighbours *nn, const float *queries, bool is_self)
{
	for (size_t i = 0; i < nn->n; i++)
		for (size_t r = 0; r < nn->k; r++) {
			size_t j = nn->indices[i * nn->k + r];
			const float *x = queries + i * D;

			assert_int_equal(place_of(x, is_self ? i : N, j), r);
			assert_true(!is_self || j != i);
			assert_near(
			    nn->distances[i * nn->k + r], sqrt(squared(x, numbers + j * D)), 0);
		}
}

static void
nearest_points(void **state)
{
	struct vectors v = { .n = N, .d = D, .f32 = numbers };
	struct vectors few = { .n = 40, .d = D, .f32 = numbers + 5 * D };
	struct err e = { 0 };

	(void)state;
	for (size_t threads = 1; threads < 4; threads++) {
		struct neighbours *nn = neighbours_find(&v, NULL, METRIC_EUCLIDEAN, K, threads, &e);

		assert_non_null(nn);
		assert_int_equal(nn->n, N);
		expect(nn, numbers, true);
		neighbours_free(nn);
		nn = neighbours_find(&v, &few, METRIC_EUCLIDEAN, K, threads, &e);
		assert_int_equal(nn->n, 40);
		expect(nn, numbers + 5 * D, false);
		assert_near(nn->distances[0], 0, 0);
		neighbours_free(nn);
	}
}

/* All others: the heap holds every point. */
static void
all_points(void **state)
{
	struct vectors v = { .n = N, .d = D, .f32 = numbers };
	struct err e = { 0 };
	struct neighbours *nn = neighbours_find(&v, NULL, METRIC_EUCLIDEAN, N - 1, 2, &e);

	(void)state;
	expect(nn, numbers, true);
	neighbours_free(nn);
}

static void
both_precisions(void **state)
{
	double *wide = mem_alloc(N * D, sizeof(*wide));
	struct vectors v = { .n = N, .d = D, .f32 = numbers }, w = { .n = N, .d = D, .f64 = wide };
	struct err e = { 0 };
	struct neighbours *a, *b;

	(void)state;
	for (size_t i = 0; i < N * D; i++)
		wide[i] = (double)numbers[i];
	a = neighbours_find(&v, NULL, METRIC_COSINE, K, 1, &e);
	b = neighbours_find(&w, NULL, METRIC_COSINE, K, 3, &e);
	assert_memory_equal(a->indices, b->indices, N * K * sizeof(*a->indices));
	assert_memory_equal(a->distances, b->distances, N * K * sizeof(*a->distances));
	neighbours_free(a);
	neighbours_free(b);
	free(wide);
}

/* Lengths mean nothing, huge and tiny ones too; a zero vector is at distance 1 from all. */
static void
cosines(void **state)
{
	static const double x[] = { 1e200, 0, 3e-200, 4e-200, 0, 7, 0, 0, -2, 0 };
	struct vectors v = { .n = 5, .d = 2, .f64 = x };
	static const uint32_t nearest[] = { 1, 2, 3, 4 };
	static const double distances[] = { 0.4, 1, 1, 2 };
	struct err e = { 0 };
	struct neighbours *nn = neighbours_find(&v, NULL, METRIC_COSINE, 4, 1, &e);

	(void)state;
	assert_memory_equal(nn->indices, nearest, sizeof(nearest));
	for (size_t i = 0; i < 4; i++) {
		assert_near(nn->distances[i], distances[i], 1e-15);
		assert_near(nn->distances[3 * 4 + i], 1, 0);
	}
	neighbours_free(nn);
}

static void
refuse(const struct vectors *points, const struct vectors *queries, size_t k, const char *text)
{
	struct err e = { 0 };

	assert_null(neighbours_find(points, queries, METRIC_EUCLIDEAN, k, 1, &e));
	assert_non_null(strstr(e.text, text));
}

static void
refusals(void **state)
{
	static const float odd[] = { 0, 1, (float)INFINITY, 2 };
	struct vectors four = { .n = 4, .d = 1, .f32 = numbers },
		       bad = { .n = 4, .d = 1, .f32 = odd };
	struct vectors wide = { .n = 4, .d = 2, .f32 = numbers };

	(void)state;
	refuse(&four, NULL, 4, "4 vectors have no 4 nearest neighbours");
	refuse(&four, &four, 5, "4 vectors have no 5 nearest neighbours");
	refuse(&bad, NULL, 1, "row 2:");
	refuse(&four, &bad, 1, "row 2:");
	refuse(&four, &wide, 1, "vectors of 1 and of 2 numbers");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_points),
		cmocka_unit_test(all_points),
		cmocka_unit_test(both_precisions),
		cmocka_unit_test(cosines),
		cmocka_unit_test(refusals),
	};

	draw();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
