/* Votes of neighbours, and scores of vectors on a line, by arithmetic. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "near_aid.h"
#include "stat/integration.h"

static void
votes(void **state)
{
	static const uint32_t labels[] = { 2, 0, 2, 1, 0, 1 };
	uint32_t indices[] = { 0, 1, 2, 4, 3, 5, 1, 3, 3, 4, 1, 0 }, got[4];
	struct neighbours nn = { .n = 4, .k = 3, .indices = indices };
	static const uint32_t expected[] = { 2, 1, 1, 0 };

	(void)state;
	neighbours_vote(&nn, labels, 3, got);
	assert_memory_equal(got, expected, sizeof(expected));
	nn = (struct neighbours){ .n = 2, .k = 2, .indices = indices };
	neighbours_vote(&nn, labels, 3, got);
	assert_int_equal(got[0], 0); /* of 2 and 0 the smaller */
	assert_int_equal(got[1], 0);
}

/* 0 1 2 3 and 10 11 12 13: labels apart, batches alternating. */
static void
line(void **state)
{
	static const float x[] = { 0, 1, 2, 3, 10, 11, 12, 13 };
	static const uint32_t labels[] = { 0, 0, 0, 0, 1, 1, 1, 1 };
	static const uint32_t batches[] = { 0, 1, 0, 1, 0, 1, 0, 1 };
	static const char *const names[] = { "a", "b" };
	struct integration_rows rows = { .vectors = { .n = 8, .d = 1, .f32 = x },
		.n_labels = 2,
		.n_batches = 2,
		.labels = labels,
		.batches = batches,
		.label_names = names,
		.batch_names = names };
	struct integration_options options = { .k = 2, .threads = 1 };
	struct integration s;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(integration_find(&s, &rows, &options, &e), 0);
	assert_near(s.label.purity, 1, 0);
	assert_near(s.label.chance, 24 / 56.0, 1e-15);
	/* The two nearest of 0 are 1 and 2, of 1: 0 and 2; ... */
	assert_near(s.batch.purity, 2 * (0.5 + 0 + 0 + 0.5) / 8, 1e-15);
	assert_near(s.knn_accuracy, 1, 0);
	assert_near(s.labels[1].purity, 1, 0);
	assert_int_equal(s.labels[1].n, 4);
	/* 0: 2 within, 2 between; 1: 2 and 1; the others by symmetry. */
	assert_int_equal(s.n_asw_labels, 2);
	assert_near(s.batch_asw, (1 + 0.5) / 2, 1e-15);
	assert_int_equal(s.n_clusters, 2);
	assert_near(s.inertia, 10, 1e-12);
	assert_near(s.clusters.ari, 1, 0);
	integration_free(&s);
}

static void
refusals(void **state)
{
	static const float x[] = { 0, 1, 2 };
	static const uint32_t zero[3], two[] = { 0, 1, 0 };
	static const char *const names[] = { "a", "b" };
	struct integration_rows rows = { .vectors = { .n = 3, .d = 1, .f32 = x },
		.n_labels = 1,
		.labels = zero,
		.label_names = names };
	struct integration_options options = { .k = 1, .threads = 1 };
	struct integration s;
	struct err e = { 0 }, f = { 0 };

	(void)state;
	assert_int_equal(integration_find(&s, &rows, &options, &e), -1);
	assert_non_null(strstr(e.text, "all 3 rows have the label a"));
	integration_free(&s);
	rows.n_labels = 2;
	rows.labels = two;
	rows.n_batches = 1;
	rows.batches = zero;
	rows.batch_names = names;
	assert_int_equal(integration_find(&s, &rows, &options, &f), -1);
	assert_non_null(strstr(f.text, "batch a"));
	integration_free(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(votes),
		cmocka_unit_test(line),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
