/* Means of pairs; expected numbers on paper. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "stat/pair_means.h"

static void
expect(struct pair_means *m, uint32_t group, uint32_t affected, uint64_t n, double mean,
    double deviation)
{
	struct pair_mean p;
	struct err e = { 0 };

	assert_int_equal(pair_means_next(m, &p, &e), 1);
	assert_int_equal(p.group, group);
	assert_int_equal(p.affected, affected);
	assert_int_equal(p.n, n);
	assert_true(fabs(p.mean - mean) < 1e-15 && fabs(p.deviation - deviation) < 1e-15);
}

static void
check(size_t max_memory)
{
	static const struct {
		uint32_t group, affected;
		float value;
	} values[] = { { 0, PAIR_CELL, 0.5f }, { 1, 7, 1 }, { 0, 3, 0.25f }, { 1, PAIR_CELL, -1 },
		{ 0, PAIR_CELL, 1.5f }, { 0, 3, 0.75f }, { 1, 7, 1 }, { 1, 7, 1 }, { 0, 0, 1 },
		{ 2, PAIR_CELL, 1 }, { 1, 3, -0.5f } };
	struct pair_means *m = pair_means_new(max_memory);
	struct pair_mean p;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(
		    pair_means_add(m, values[i].group, values[i].affected, values[i].value, &e), 0);
	expect(m, 1, PAIR_CELL, 1, -1, 0);
	expect(m, 0, PAIR_CELL, 2, 1, 0.5);
	expect(m, 2, PAIR_CELL, 1, 1, 0);
	expect(m, 1, 3, 1, -0.5, 0);
	expect(m, 0, 3, 2, 0.5, 0.25);
	expect(m, 0, 0, 1, 1, 0);
	expect(m, 1, 7, 3, 1, 0);
	assert_int_equal(pair_means_next(m, &p, &e), 0);
	assert_int_equal(pair_means_next(m, &p, &e), 0);
	pair_means_free(m);
}

static void
in_memory_and_on_file(void **state)
{
	(void)state;
	check(1 << 20);
	check(0);
	check(100);
}

/* Deviations far below the values themselves: 0.999 and 1e-6. */
static void
small_deviations(void **state)
{
	struct pair_means *m = pair_means_new(1 << 20);
	struct pair_mean p;
	struct err e = { 0 };
	double low = (double)0.999f, high = (double)(0.999f + 0x1p-20f);

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(pair_means_add(m, 0, 0, i % 2 ? (float)low : (float)high, &e), 0);
	assert_int_equal(pair_means_next(m, &p, &e), 1);
	assert_true(fabs(p.mean - (low + high) / 2) < 1e-14);
	assert_true(fabs(p.deviation / ((high - low) / 2) - 1) < 1e-9);
	pair_means_free(m);
}

static void
nothing(void **state)
{
	struct pair_means *m = pair_means_new(1 << 20);
	struct pair_mean p;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(pair_means_next(m, &p, &e), 0);
	pair_means_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_memory_and_on_file),
		cmocka_unit_test(small_deviations),
		cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
