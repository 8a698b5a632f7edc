/* Successive halving: the rungs of the paper's figure 1, and a run of one worker on paper. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stat/halving.h"

static void
check_resources(size_t from, size_t to, size_t reduction, size_t n, const size_t *expected)
{
	size_t got[HALVING_MAX_RUNGS];

	assert_int_equal(halving_resources(from, to, reduction, got), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], expected[i]);
}

static void
resources(void **state)
{
	(void)state;
	/* Li et al. 2020, figure 1: brackets 0, 1 and 2 with R = 9, reduction 3. */
	check_resources(1, 9, 3, 3, (size_t[]){ 1, 3, 9 });
	check_resources(3, 9, 3, 2, (size_t[]){ 3, 9 });
	check_resources(9, 9, 3, 1, (size_t[]){ 9 });
	/* Their experiments: reduction 4, R = 256. */
	check_resources(1, 256, 4, 5, (size_t[]){ 1, 4, 16, 64, 256 });
	/* The last rung is `to`, whatever the powers are. */
	check_resources(1, 10, 3, 3, (size_t[]){ 1, 3, 10 });
	check_resources(2, 5, 3, 1, (size_t[]){ 5 });
	check_resources(1, SIZE_MAX, 1000, 7,
	    (size_t[]){ 1, 1000, 1000000, 1000000000, 1000000000000, 1000000000000000, SIZE_MAX });
}

enum { N_RUNGS = 3, MAX_TRIALS = 16 };

struct board {
	struct halving_entry entries[N_RUNGS][MAX_TRIALS];
	struct halving_rung rungs[N_RUNGS];
};

static void
set_up(struct board *b)
{
	for (size_t k = 0; k < N_RUNGS; k++)
		b->rungs[k] = (struct halving_rung){ 0, b->entries[k] };
}

static void
put(struct board *b, size_t rung, size_t trial, double value)
{
	for (size_t i = 0; rung && i < b->rungs[rung - 1].n; i++)
		if (b->entries[rung - 1][i].trial == trial)
			b->entries[rung - 1][i].is_promoted = true;
	b->entries[rung][b->rungs[rung].n++] = (struct halving_entry){ trial, value, false };
}

/* One worker, nine trials, reduction 3. After trial 3, n / 3 = 1: the best, 1, goes on. After 6,
 * the best two are 1 and 2: 2 goes on. After 8, they are 1 and 8: 8 goes on, and is the third on
 * rung 1, so the best of these, 1, goes on to rung 2. After 9 the best three are gone already. */
static void
one_worker(void **state)
{
	static const double values[] = { 93, 71, 6, 55, 66, 57, 58, 89, 65 };
	static const size_t expected[][2] = { { 0, 1 }, { 0, 2 }, { 0, 3 }, { 1, 1 }, { 0, 4 },
		{ 0, 5 }, { 0, 6 }, { 1, 2 }, { 0, 7 }, { 0, 8 }, { 1, 8 }, { 2, 1 }, { 0, 9 } };
	struct board b;
	size_t next = 1, trial, rung;

	(void)state;
	set_up(&b);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		if (halving_promote(b.rungs, N_RUNGS, 3, &trial, &rung)) {
			rung++;
		} else {
			trial = next++;
			rung = 0;
		}
		assert_int_equal(rung, expected[i][0]);
		assert_int_equal(trial, expected[i][1]);
		put(&b, rung, trial, values[trial - 1]);
	}
	assert_false(halving_promote(b.rungs, N_RUNGS, 3, &trial, &rung));
	assert_false(halving_complete(b.rungs, N_RUNGS, &trial, &rung));
}

/* The highest rung comes first; of equal values the lesser number, in whatever order they stand. */
static void
order(void **state)
{
	struct board b;
	size_t trial, rung;

	(void)state;
	set_up(&b);
	for (size_t t = 6; t >= 1; t--)
		put(&b, 0, t, 1);
	assert_true(halving_promote(b.rungs, N_RUNGS, 2, &trial, &rung));
	assert_int_equal(trial, 1);
	assert_int_equal(rung, 0);
	put(&b, 1, 2, 5);
	put(&b, 1, 1, 4);
	assert_true(halving_promote(b.rungs, N_RUNGS, 2, &trial, &rung));
	assert_int_equal(trial, 2);
	assert_int_equal(rung, 1);
}

/* Two trials of reduction 3 never get on by themselves. */
static void
complete(void **state)
{
	struct board b;
	size_t trial, rung;

	(void)state;
	set_up(&b);
	assert_false(halving_complete(b.rungs, N_RUNGS, &trial, &rung));
	put(&b, 0, 1, -2);
	put(&b, 0, 2, -1);
	assert_false(halving_promote(b.rungs, N_RUNGS, 3, &trial, &rung));
	assert_true(halving_complete(b.rungs, N_RUNGS, &trial, &rung));
	assert_int_equal(trial, 2);
	assert_int_equal(rung, 0);
	/* It fails on rung 1: then the other one. */
	b.entries[0][1].is_promoted = true;
	assert_true(halving_complete(b.rungs, N_RUNGS, &trial, &rung));
	assert_int_equal(trial, 1);
	put(&b, 1, 1, -2);
	assert_true(halving_complete(b.rungs, N_RUNGS, &trial, &rung));
	assert_int_equal(trial, 1);
	assert_int_equal(rung, 1);
	put(&b, 2, 1, -2);
	assert_false(halving_complete(b.rungs, N_RUNGS, &trial, &rung));
	/* Random search: one rung. */
	assert_false(halving_promote(b.rungs, 1, 3, &trial, &rung));
	assert_false(halving_complete(b.rungs, 1, &trial, &rung));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(resources),
		cmocka_unit_test(one_worker), cmocka_unit_test(order), cmocka_unit_test(complete) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
