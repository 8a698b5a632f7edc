/* The order of values against a plain sort by (value descending, place). */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cell/rank.h"

static const double *compared;

static int
compare_places(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	if (compared[a] != compared[b])
		return compared[a] > compared[b] ? -1 : 1;
	return a < b ? -1 : 1;
}

static void
expect_order(const double *values, size_t n, struct rank_scratch *s)
{
	uint32_t *order = mem_alloc(n, sizeof(*order)), *expected = mem_alloc(n, sizeof(*expected));

	for (size_t i = 0; i < n; i++)
		expected[i] = (uint32_t)i;
	compared = values;
	qsort(expected, n, sizeof(*expected), compare_places);
	rank_order(values, n, s, order);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(order[i], expected[i]);
	free(order);
	free(expected);
}

static void
orders_small_and_large_cells(void **state)
{
	struct rank_scratch s = { 0 };
	double values[5000];

	(void)state;
	srand(7);
	for (size_t n = 0; n < 5000; n = n < 300 ? n + 1 : n * 3 / 2) {
		for (size_t i = 0; i < n; i++)
			values[i] = exp(8.0 * rand() / RAND_MAX) * (1 + rand() % 3);
		expect_order(values, n, &s);
	}
	rank_scratch_free(&s);
}

static void
keeps_ties_in_place(void **state)
{
	struct rank_scratch s = { 0 };
	double values[2000];

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		values[i] = (double)(i * 7919 % 13);
	expect_order(values, 2000, &s);
	for (size_t i = 0; i < 2000; i++)
		values[i] = i % 2 ? 0.0 : -0.0;
	expect_order(values, 2000, &s);
	rank_scratch_free(&s);
}

/* Values that only differ in their last bits, beside one far away. */
static void
tells_near_values_apart(void **state)
{
	struct rank_scratch s = { 0 };
	double values[1000];

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		values[i] = 1 + (double)(i * 611 % 1000) * 0x1p-52;
	expect_order(values, 1000, &s);
	values[500] = 1e300;
	values[501] = 0;
	expect_order(values, 1000, &s);
	rank_scratch_free(&s);
}

static void
orders_negative_and_infinite_values(void **state)
{
	struct rank_scratch s = { 0 };
	double values[100];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		values[i] = ((double)i - 50) * (i % 3 ? 1 : 1e100);
	values[3] = INFINITY;
	values[4] = -INFINITY;
	expect_order(values, 100, &s);
	rank_scratch_free(&s);
}

/* More values than places of 16 bits can tell apart. */
static void
orders_more_than_65536_values(void **state)
{
	enum { N = 70000 };
	struct rank_scratch s = { 0 };
	double *values = mem_alloc(N, sizeof(*values));

	(void)state;
	srand(9);
	for (size_t i = 0; i < N; i++)
		values[i] = rand() % 5000;
	expect_order(values, N - 1, &s);
	expect_order(values, 65536, &s);
	expect_order(values, 65537, &s);
	free(values);
	rank_scratch_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_small_and_large_cells),
		cmocka_unit_test(keeps_ties_in_place),
		cmocka_unit_test(tells_near_values_apart),
		cmocka_unit_test(orders_negative_and_infinite_values),
		cmocka_unit_test(orders_more_than_65536_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
