#include "stat/group_tests.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/key_sort.h"
#include "stat/rank_sum.h"

/* A group, while values are added and then while they are read in ascending order. */
struct group {
	double sum, null_sum;
	uint64_t n, n_null;
	uint64_t n_less, n_null_less; /* of its values, those read already */
	double ranks, ties;
};

/* The values of one group (or its null values) among equal ones. */
struct share {
	uint32_t group;
	bool is_null;
	uint64_t n;
};

struct group_tests {
	enum group_test test;
	struct key_sort *values; /* the key: value, group, is_null */
	struct group *groups;
	size_t n_groups, room;
	uint64_t n;          /* values */
	uint64_t n_less;     /* read already */
	double ties;         /* over all values */
	struct buffer equal; /* struct share: the equal values at hand */
};

struct group_tests *
group_tests_new(enum group_test test, size_t max_memory)
{
	struct group_tests *t = mem_zero(1, sizeof(*t));

	t->test = test;
	t->values = key_sort_new(0, max_memory);
	return t;
}

static void
reach_group(struct group_tests *t, size_t group)
{
	size_t room = t->room ? t->room : 1024;

	t->n_groups = group >= t->n_groups ? group + 1 : t->n_groups;
	if (t->n_groups <= t->room)
		return;
	while (room < t->n_groups)
		room *= 2;
	t->groups = mem_resize(t->groups, t->room, room, sizeof(*t->groups));
	memset(t->groups + t->room, 0, (room - t->room) * sizeof(*t->groups));
	t->room = room;
}

int
group_tests_add(struct group_tests *t, uint32_t group, bool is_null, float value, struct err *e)
{
	struct group *g;

	assert(!isnan(value) && group <= INT32_MAX);
	reach_group(t, group);
	g = &t->groups[group];
	t->n++;
	if (is_null) {
		g->n_null++;
		g->null_sum += (double)value;
	} else {
		g->n++;
		g->sum += (double)value;
	}
	return key_sort_add(t->values,
	    (uint64_t)key_of_float(value) << 32 | (uint64_t)group << 1 | is_null, NULL, e);
}

static double
cube_less_one(uint64_t n)
{
	double x = (double)n;

	return x * x * x - x;
}

/* `mine` values of a group, equal to `others` values of what it is compared with; n_less values of
 * both together are less. */
static void
rank_share(struct group *g, uint64_t n_less, uint64_t mine, uint64_t others)
{
	g->ranks += (double)mine * ((double)n_less + (double)(mine + others + 1) / 2);
	g->ties += cube_less_one(mine + others) - cube_less_one(others);
}

/* The group's values and null values among equal ones, which come side by side. */
static void
rank_against_null(struct group *g, uint64_t mine, uint64_t nulls)
{
	rank_share(g, g->n_less + g->n_null_less, mine, nulls);
	g->ties += cube_less_one(nulls);
	g->n_less += mine;
	g->n_null_less += nulls;
}

/* Gives their ranks to the equal values that have been gathered. */
static void
rank_equal(struct group_tests *t)
{
	const struct share *shares = (const void *)t->equal.data;
	size_t n_shares = t->equal.size / sizeof(*shares);
	uint64_t n_equal = 0;

	for (size_t i = 0; i < n_shares; i++)
		n_equal += shares[i].n;
	for (size_t i = 0; i < n_shares; i++) {
		struct group *g = &t->groups[shares[i].group];
		bool has_next = i + 1 < n_shares && shares[i + 1].group == shares[i].group;

		if (t->test == TEST_NULL) {
			rank_against_null(g, shares[i].is_null ? 0 : shares[i].n,
			    shares[i].is_null ? shares[i].n
			    : has_next        ? shares[i + 1].n
					      : 0);
			i += has_next;
		} else if (t->test == TEST_POOL) {
			rank_share(g, t->n_less + g->n_less, shares[i].n, n_equal);
			g->n_less += shares[i].n;
		} else {
			rank_share(g, t->n_less, shares[i].n, n_equal - shares[i].n);
		}
	}
	t->n_less += n_equal;
	t->ties += cube_less_one(n_equal);
	t->equal.size = 0;
}

/* Adds a value to the equal ones, those of one group together. */
static void
gather_equal(struct group_tests *t, uint32_t group, bool is_null)
{
	struct share share = { group, is_null, 1 }, *last = NULL;

	if (t->equal.size)
		last = (struct share *)(void *)(t->equal.data + t->equal.size) - 1;
	if (last && last->group == group && last->is_null == is_null)
		last->n++;
	else
		buffer_add(&t->equal, &share, sizeof(share));
}

static int
rank_all(struct group_tests *t, struct err *e)
{
	uint64_t key, before = 0;
	const void *payload;
	int r = key_sort_start(t->values, e);

	while (!r && (r = key_sort_next(t->values, &key, &payload, e)) > 0) {
		if (key >> 32 != before >> 32)
			rank_equal(t);
		before = key;
		gather_equal(t, (uint32_t)key >> 1, key & 1);
		r = 0;
	}
	rank_equal(t);
	return r;
}

static void
finish_group(const struct group_tests *t, const struct group *g, bool is_tie_corrected,
    struct group_result *ret)
{
	struct rank_sum sums = { g->n, 0, g->ranks, g->ties };

	*ret = (struct group_result){ g->n, g->n_null, NAN, NAN, NAN, NAN };
	if (g->n)
		ret->mean = g->sum / (double)g->n;
	if (g->n_null)
		ret->null_mean = g->null_sum / (double)g->n_null;
	sums.n_y = t->test == TEST_NULL ? g->n_null : t->test == TEST_POOL ? t->n : t->n - g->n;
	if (t->test == TEST_OTHERS)
		sums.ties = t->ties;
	if (t->test == TEST_POOL)
		sums.ties += t->ties;
	ret->z = rank_sum_z(&sums, is_tie_corrected, &ret->p);
}

int
group_tests_finish(
    struct group_tests *t, bool is_tie_corrected, struct group_result *ret, size_t n, struct err *e)
{
	static const struct group none;

	if (rank_all(t, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		finish_group(t, i < t->n_groups ? &t->groups[i] : &none, is_tie_corrected, &ret[i]);
	return 0;
}

bool
group_tests_spilled(const struct group_tests *t)
{
	return key_sort_spilled(t->values);
}

void
group_tests_free(struct group_tests *t)
{
	if (!t)
		return;
	key_sort_free(t->values);
	buffer_free(&t->equal);
	free(t->groups);
	free(t);
}
