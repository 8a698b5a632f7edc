/* Shares by arithmetic; groups against all divisions that there are. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell/set_split.h"
#include "near_aid.h"
#include "reader_aid.h"

static const struct set_split eight_one_one = { 2, 3, { 0.8, 0.1, 0.1 } };

static size_t
count(const uint8_t *sets, const uint32_t *classes, size_t n, uint8_t set, uint32_t class)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += sets[i] == set && classes[i] == class;
	return found;
}

static void
items_are_shared_out_class_by_class(void **state)
{
	enum { N = 100 + 23 };
	uint32_t classes[N];
	uint8_t sets[N], again[N], others[N];
	struct random r = random_start(7, 0), same = r, other = random_start(8, 0);

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		classes[i] = i >= 100;
	set_split_items(&eight_one_one, classes, N, &r, sets);
	assert_int_equal(count(sets, classes, N, 1, 0), 10);
	assert_int_equal(count(sets, classes, N, 2, 0), 10);
	assert_int_equal(count(sets, classes, N, 0, 0), 80);
	/* 2.3 is 2 */
	assert_int_equal(count(sets, classes, N, 1, 1), 2);
	assert_int_equal(count(sets, classes, N, 2, 1), 2);
	assert_int_equal(count(sets, classes, N, 0, 1), 19);
	set_split_items(&eight_one_one, classes, N, &same, again);
	assert_memory_equal(sets, again, N);
	set_split_items(&eight_one_one, classes, N, &other, others);
	assert_memory_not_equal(sets, others, N);
}

static void
one_of_a_class_is_to_learn_from(void **state)
{
	static const struct set_split most = { 2, 3, { 0.1, 0.45, 0.45 } };
	uint32_t classes[3] = { 0, 1, 1 };
	uint8_t sets[3];
	struct random r = random_start(1, 0);

	(void)state;
	set_split_items(&most, classes, 3, &r, sets);
	assert_int_equal(sets[0], 0);
	assert_int_equal(count(sets, classes, 3, 0, 1), 1);
}

/* The measure of set_split.h, in its own words; infinite for what is not allowed. */
static double
measure(const struct set_split *s, const uint64_t *counts, size_t n, const uint8_t *sets)
{
	double sums[3][2] = { { 0 } }, totals[2] = { 0 }, cost = 0;

	for (size_t g = 0; g < n; g++)
		for (size_t c = 0; c < 2; c++) {
			sums[sets[g]][c] += (double)counts[2 * g + c];
			totals[c] += (double)counts[2 * g + c];
		}
	for (size_t k = 0; k < 3; k++) {
		if (s->shares[k] > 0 && sums[k][0] + sums[k][1] <= 0)
			return INFINITY;
		for (size_t c = 0; c < 2; c++) {
			double off = sums[k][c] - s->shares[k] * totals[c];

			cost += off * off / totals[c];
			if (k == 0 && sums[k][c] <= 0)
				return INFINITY;
		}
	}
	return cost;
}

static double
least_of_all(const struct set_split *s, const uint64_t *counts, size_t n)
{
	uint8_t sets[16];
	double least = INFINITY;
	size_t n_ways = 1;

	for (size_t g = 0; g < n; g++)
		n_ways *= 3;
	for (size_t way = 0; way < n_ways; way++) {
		size_t left = way;

		for (size_t g = 0; g < n; g++, left /= 3)
			sets[g] = (uint8_t)(left % 3);
		least = fmin(least, measure(s, counts, n, sets));
	}
	return least;
}

static void
groups_are_divided_as_well_as_can_be(void **state)
{
	struct err e = { 0 };

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		enum { N = 8 };
		struct random r = random_start(seed, 5);
		uint64_t counts[2 * N];
		uint8_t sets[N];

		for (size_t i = 0; i < (size_t)2 * N; i++)
			counts[i] = random_below(&r, 60) + 1;
		assert_int_equal(set_split_groups(&eight_one_one, counts, N, &r, sets, &e), 0);
		assert_near(measure(&eight_one_one, counts, N, sets),
		    least_of_all(&eight_one_one, counts, N), 1e-9);
	}
}

static void
a_class_of_one_group_stays_to_learn_from(void **state)
{
	static const uint64_t counts[] = { 50, 0, 5, 7, 50, 0, 50, 0 };
	struct random r = random_start(3, 0);
	struct err e = { 0 };
	uint8_t sets[4];

	(void)state;
	assert_int_equal(set_split_groups(&eight_one_one, counts, 4, &r, sets, &e), 0);
	assert_int_equal(sets[1], 0);
	assert_true(sets[0] + sets[2] + sets[3] == 3); /* 0, 1 and 2 */
}

static void
groups_without_items_do_not_fill_a_set(void **state)
{
	static const uint64_t counts[] = { 5, 5, 0, 0, 5, 5 };
	struct random r = random_start(3, 0);
	struct err e = { 0 };
	uint8_t sets[3];

	(void)state;
	assert_int_equal(set_split_groups(&eight_one_one, counts, 3, &r, sets, &e), -1);
	aid_expect_error(&e, "2 groups cannot be divided over 3 sets");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_shared_out_class_by_class),
		cmocka_unit_test(one_of_a_class_is_to_learn_from),
		cmocka_unit_test(groups_are_divided_as_well_as_can_be),
		cmocka_unit_test(a_class_of_one_group_stays_to_learn_from),
		cmocka_unit_test(groups_without_items_do_not_fill_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
