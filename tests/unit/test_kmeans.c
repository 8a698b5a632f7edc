/* Clusters: groups that lie apart are found; duplicates leave no cluster empty; seeds and threads.
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "near_aid.h"
#include "stat/kmeans.h"

enum { N = 90 };

/* Three groups around 0, 10 and 20, in turn. */
static void
draw(float *x)
{
	for (size_t i = 0; i < N; i++) {
		x[2 * i] = (float)(i % 3) * 10 + (float)(i % 7) / 8;
		x[2 * i + 1] = (float)(i % 5) / 8;
	}
}

static void
groups_are_found(void **state)
{
	float x[2 * N];
	struct vectors v = { .n = N, .d = 2, .f32 = x };
	struct err e = { 0 };
	struct kmeans m;
	double inertia = 0;

	(void)state;
	draw(x);
	for (uint64_t seed = 0; seed < 20; seed++) {
		assert_int_equal(kmeans_fit(&m, &v, 3, seed, 1, &e), 0);
		inertia = 0;
		for (size_t i = 0; i < N; i++) {
			double dx = (double)x[2 * i] - m.means[2 * m.clusters[i]];
			double dy = (double)x[2 * i + 1] - m.means[2 * m.clusters[i] + 1];

			assert_int_equal(m.clusters[i], m.clusters[i % 3]);
			inertia += dx * dx + dy * dy;
		}
		assert_int_not_equal(m.clusters[0], m.clusters[1]);
		assert_int_not_equal(m.clusters[0], m.clusters[2]);
		assert_int_not_equal(m.clusters[1], m.clusters[2]);
		assert_near(m.inertia, inertia, 1e-10);
		kmeans_free(&m);
	}
}

static void
same_for_any_threads(void **state)
{
	float x[2 * N];
	struct vectors v = { .n = N, .d = 2, .f32 = x };
	struct err e = { 0 };
	struct kmeans a, b;

	(void)state;
	draw(x);
	assert_int_equal(kmeans_fit(&a, &v, 11, 5, 1, &e), 0);
	assert_int_equal(kmeans_fit(&b, &v, 11, 5, 3, &e), 0);
	assert_memory_equal(a.clusters, b.clusters, N * sizeof(*a.clusters));
	assert_memory_equal(a.means, b.means, 22 * sizeof(*a.means));
	kmeans_free(&a);
	kmeans_free(&b);
}

/* Two different points, five clusters. */
static void
duplicates(void **state)
{
	static const float x[] = { 1, 1, 1, 1, 1, 1, 4 };
	struct vectors v = { .n = 7, .d = 1, .f32 = x };
	struct err e = { 0 };
	struct kmeans m;

	(void)state;
	assert_int_equal(kmeans_fit(&m, &v, 5, 1, 1, &e), 0);
	assert_near(m.inertia, 0, 0);
	for (size_t c = 0; c < 5; c++)
		assert_true(m.means[c] == 1 || m.means[c] == 4);
	assert_int_not_equal(m.clusters[0], m.clusters[6]);
	kmeans_free(&m);
}

static void
refusals(void **state)
{
	static const float x[] = { 1, (float)NAN };
	struct vectors v = { .n = 2, .d = 1, .f32 = x }, one = { .n = 1, .d = 1, .f32 = x };
	struct err e = { 0 }, f = { 0 };
	struct kmeans m;

	(void)state;
	assert_int_equal(kmeans_fit(&m, &v, 1, 1, 1, &e), -1);
	assert_non_null(strstr(e.text, "row 1:"));
	assert_int_equal(kmeans_fit(&m, &one, 2, 1, 1, &f), -1);
	assert_non_null(strstr(f.text, "1 vectors make no 2 clusters"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_found),
		cmocka_unit_test(same_for_any_threads),
		cmocka_unit_test(duplicates),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
