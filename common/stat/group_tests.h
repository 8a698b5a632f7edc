/* group_tests.h - a rank-sum test for each of many groups of values, in bounded memory.
 *
 * All values are sorted once (key_sort.h), then read in ascending order; each group keeps count of
 * its ranks on the way. So a test costs what its own values cost, however large the sample is that
 * it is compared with, and nothing has to be drawn at random. Values are held as float32, 8 bytes
 * with their group. */

#ifndef STAT_GROUP_TESTS_H
#define STAT_GROUP_TESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What each group is tested against. */
enum group_test {
	TEST_OTHERS, /* the values of all other groups */
	TEST_POOL,   /* the values of all groups, its own among them */
	TEST_NULL    /* the values of the same group that were added as null */
};

struct group_result {
	uint64_t n, n_null;     /* values; those added as null */
	double mean, null_mean; /* NaN where there are none */
	double z;               /* above 0: the group's values are the greater ones */
	double p;               /* two-sided; NaN where one side has no values */
};

struct group_tests;

struct group_tests *group_tests_new(enum group_test test, size_t max_memory);

/* Adds a value (not NaN, asserted) of a group (below 2^31, dense, since tables are as long as the
 * highest). -1 where the temporary file cannot be written. */
int group_tests_add(
    struct group_tests *t, uint32_t group, bool is_null, float value, struct err *e);

/* The results of groups 0..n-1. Nothing can be added afterwards. -1 where the temporary file cannot
 * be written or read. */
int group_tests_finish(struct group_tests *t, bool is_tie_corrected, struct group_result *ret,
    size_t n, struct err *e);

bool group_tests_spilled(const struct group_tests *t);

/* NULL is fine. */
void group_tests_free(struct group_tests *t);

#endif
