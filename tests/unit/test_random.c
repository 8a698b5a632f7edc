/* Known answers: those published with Random123 (kat_vectors, philox4x32 of 10 rounds). The rest is
 * arithmetic: how often each outcome must come, within five standard deviations. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/random.h"

static void
blocks_are_those_published(void **state)
{
	static const struct {
		uint32_t counter[4], key[2], block[4];
	} cases[] = {
		{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, { 0xffffffff, 0xffffffff },
		    { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 },
		    { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};
	uint32_t got[4];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		random_philox(cases[i].key, cases[i].counter, got);
		assert_memory_equal(got, cases[i].block, sizeof(got));
	}
	random_block(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, got);
	assert_memory_equal(got, cases[2].block, sizeof(got));
}

static void
a_sequence_counts_as_the_pure_functions_do(void **state)
{
	enum { N = 1000 };
	static const size_t starts[] = { 0, 1, 2, 3, 4, 5, 997, N };
	struct random r = random_start(7, 11);
	uint32_t numbers[N], again[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		numbers[i] = random_u32(&r);
		assert_true(numbers[i] == random_at(7, 11, i));
	}
	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
		for (size_t n = 0; n + starts[s] <= N && n < 12; n++) {
			random_fill(7, 11, starts[s], again, n);
			assert_memory_equal(again, numbers + starts[s], n * sizeof(*again));
		}
	random_fill(7, 11, 3, again, N - 3);
	assert_memory_equal(again, numbers + 3, (N - 3) * sizeof(*again));
	r = random_start(7, 11);
	assert_true(random_u64(&r) == (numbers[0] | (uint64_t)numbers[1] << 32));
}

static void
seeds_and_streams_differ(void **state)
{
	(void)state;
	assert_true(random_at(0, 0, 0) == 0x6627e8d5);
	assert_true(random_at(1, 0, 0) != random_at(0, 0, 0));
	assert_true(random_at(0, 1, 0) != random_at(0, 0, 0));
	assert_true(random_at((uint64_t)1 << 32, 0, 0) != random_at(0, 0, 0));
	assert_true(random_at(0, (uint64_t)1 << 32, 0) != random_at(0, 0, 0));
	assert_true(random_at(0, 0, (uint64_t)1 << 34) != random_at(0, 0, 0));
}

static void
units_lie_in_the_half_open_interval(void **state)
{
	struct random r = random_start(3, 0);
	double sum = 0, squares = 0;
	int n = 100000;

	(void)state;
	assert_true(random_unit(0) == 0 && random_unit(255) == 0);
	assert_true(random_unit(256) == 0x1p-24f);
	assert_true(random_unit(UINT32_MAX) == 1 - 0x1p-24f);
	for (int i = 0; i < n; i++) {
		double x = random_double(&r), f = random_float(&r);

		assert_true(x >= 0 && x < 1 && f >= 0 && f < 1);
		sum += x + f;
		squares += x * x + f * f;
	}
	assert_true(fabs(sum / (2 * n) - 0.5) < 5 * sqrt(1 / 12.0 / (2 * n)));
	assert_true(fabs(squares / (2 * n) - 1 / 3.0) < 5 * sqrt(4 / 45.0 / (2 * n)));
}

static void
normals_have_the_moments_of_the_normal_distribution(void **state)
{
	struct random r = random_start(4, 0);
	double sums[5] = { 0 };
	int n = 100000;

	(void)state;
	for (int i = 0; i < n; i++) {
		double x = random_normal(&r), power = 1;

		for (int k = 1; k <= 4; k++)
			sums[k] += power *= x;
	}
	/* The variances of x, x^2, x^3, x^4 are 1, 2, 15, 96. */
	assert_true(fabs(sums[1] / n) < 5 * sqrt(1.0 / n));
	assert_true(fabs(sums[2] / n - 1) < 5 * sqrt(2.0 / n));
	assert_true(fabs(sums[3] / n) < 5 * sqrt(15.0 / n));
	assert_true(fabs(sums[4] / n - 3) < 5 * sqrt(96.0 / n));
}

/* Whether `count` of n trials is what a probability of 1/k gives. */
static void
assert_share(size_t count, size_t n, double k)
{
	double expected = (double)n / k;

	assert_true(fabs((double)count - expected) < 5 * sqrt(expected * (1 - 1 / k)));
}

/* Without a second draw, results that 3 divides would come twice as often as the others. */
static void
bounded_numbers_have_no_bias(void **state)
{
	static const uint64_t bounds[] = { (uint64_t)3 << 30, (uint64_t)3 << 31,
		(uint64_t)3 << 62 };
	size_t n = 30000;

	(void)state;
	for (size_t b = 0; b < 3; b++) {
		struct random r = random_start(5, b);
		size_t by_rest[3] = { 0 }, by_third[3] = { 0 };

		for (size_t i = 0; i < n; i++) {
			uint64_t x = random_below(&r, bounds[b]);

			assert_true(x < bounds[b]);
			by_rest[x % 3]++;
			by_third[x / (bounds[b] / 3)]++;
		}
		for (size_t i = 0; i < 3; i++) {
			assert_share(by_rest[i], n, 3);
			assert_share(by_third[i], n, 3);
		}
	}
}

static void
small_and_extreme_bounds_work(void **state)
{
	struct random r = random_start(6, 0);
	size_t counts[5] = { 0 };
	uint64_t high = 0;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(random_below(&r, 1), 0);
	for (int i = 0; i < 10000; i++)
		counts[random_below(&r, 5)]++;
	for (int i = 0; i < 5; i++)
		assert_share(counts[i], 10000, 5);
	for (int i = 0; i < 100; i++) {
		assert_true(random_below(&r, (uint64_t)1 << 32) < (uint64_t)1 << 32);
		high |= random_below(&r, UINT64_MAX);
	}
	assert_true(high >> 63);
}

static void
all_orders_are_equally_likely(void **state)
{
	size_t counts[27] = { 0 }, n = 6000, n_seen = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct random r = random_start(8, i);
		size_t items[3] = { 0, 1, 2 };

		random_shuffle(&r, items, 3);
		counts[items[0] * 9 + items[1] * 3 + items[2]]++;
	}
	for (size_t i = 0; i < 27; i++)
		if (counts[i]) {
			assert_share(counts[i], n, 6);
			n_seen++;
		}
	assert_int_equal(n_seen, 6);
}

static void
a_shuffle_loses_nothing(void **state)
{
	struct random r = random_start(9, 0);
	size_t items[1000];
	char seen[1000] = { 0 };

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		items[i] = i;
	random_shuffle(&r, items, 0);
	random_shuffle(&r, items, 1);
	assert_int_equal(r.n_taken, 0);
	random_shuffle(&r, items, 1000);
	for (size_t i = 0; i < 1000; i++)
		seen[items[i]]++;
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(seen[i], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_those_published),
		cmocka_unit_test(a_sequence_counts_as_the_pure_functions_do),
		cmocka_unit_test(seeds_and_streams_differ),
		cmocka_unit_test(units_lie_in_the_half_open_interval),
		cmocka_unit_test(normals_have_the_moments_of_the_normal_distribution),
		cmocka_unit_test(bounded_numbers_have_no_bias),
		cmocka_unit_test(small_and_extreme_bounds_work),
		cmocka_unit_test(all_orders_are_equally_likely),
		cmocka_unit_test(a_shuffle_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
