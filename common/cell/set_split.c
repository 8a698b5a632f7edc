#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cell/set_split.h"

/* What a class costs that is not there to learn from, and a set that must not be empty. */
#define NO_CLASS 1e9
#define NO_ITEMS 1e12

/* Beyond so many groups a search starts less often, and beyond more does not exchange them. */
enum { FEW_GROUPS = 64, MANY_GROUPS = 512, MANY_STARTS = 32, FEW_STARTS = 4 };

/* ---- items ---- */

/* How many of n items of a class each set gets; set 0 what is left. */
static void
share_out(const struct set_split *s, size_t n, size_t *ret_n)
{
	size_t left = n;

	for (size_t k = s->n_sets; k-- > 1;) {
		size_t wanted = (size_t)floor(s->shares[k] * (double)n + 0.5);
		size_t most = left ? left - 1 : 0;

		ret_n[k] = wanted < most ? wanted : most;
		left -= ret_n[k];
	}
	ret_n[0] = left;
}

void
set_split_items(const struct set_split *s, const uint32_t *classes, size_t n, struct random *r,
    uint8_t *ret_sets)
{
	size_t *items = mem_alloc(n, sizeof(*items));
	size_t in_set[SET_SPLIT_MAX];

	assert(s->n_sets >= 1 && s->n_sets <= SET_SPLIT_MAX);
	for (size_t c = 0; c < s->n_classes; c++) {
		size_t n_items = 0, at = 0;

		for (size_t i = 0; i < n; i++)
			if (classes[i] == c)
				items[n_items++] = i;
		random_shuffle(r, items, n_items);
		share_out(s, n_items, in_set);
		for (size_t k = 0; k < s->n_sets; k++)
			for (size_t i = 0; i < in_set[k]; i++)
				ret_sets[items[at++]] = (uint8_t)k;
	}
	free(items);
}

/* ---- groups ---- */

struct search {
	const struct set_split *s;
	const uint64_t *counts; /* [n_groups][n_classes] */
	size_t n_groups;
	double *totals; /* [n_classes] */
	uint64_t *sums; /* [n_sets][n_classes] of the division at hand */
	uint8_t *sets;  /* [n_groups] */
};

static double
cost_of_set(const struct search *x, size_t k)
{
	const uint64_t *sum = x->sums + k * x->s->n_classes;
	double cost = 0;
	uint64_t n_items = 0;

	for (size_t c = 0; c < x->s->n_classes; c++) {
		double n = x->totals[c];
		double off = (double)sum[c] - x->s->shares[k] * n;

		n_items += sum[c];
		if (n > 0)
			cost += off * off / n;
		if (n > 0 && k == 0 && sum[c] == 0)
			cost += NO_CLASS;
	}
	return x->s->shares[k] > 0 && n_items == 0 ? cost + NO_ITEMS : cost;
}

static double
cost_of(const struct search *x)
{
	double cost = 0;

	for (size_t k = 0; k < x->s->n_sets; k++)
		cost += cost_of_set(x, k);
	return cost;
}

static void
put(struct search *x, size_t group, size_t k)
{
	const uint64_t *counts = x->counts + group * x->s->n_classes;
	size_t from = x->sets[group];

	for (size_t c = 0; c < x->s->n_classes; c++) {
		x->sums[from * x->s->n_classes + c] -= counts[c];
		x->sums[k * x->s->n_classes + c] += counts[c];
	}
	x->sets[group] = (uint8_t)k;
}

/* Puts the group where it costs least. Has it moved? */
static bool
move(struct search *x, size_t group)
{
	size_t from = x->sets[group], best = from;
	double least = cost_of(x);

	for (size_t k = 0; k < x->s->n_sets; k++) {
		double cost;

		if (k == from || !(x->s->shares[k] > 0))
			continue;
		put(x, group, k);
		cost = cost_of(x);
		if (cost < least - 1e-9) {
			least = cost;
			best = k;
		}
	}
	put(x, group, best);
	return best != from;
}

static bool
exchange(struct search *x, size_t a, size_t b)
{
	size_t of_a = x->sets[a], of_b = x->sets[b];
	double before;

	if (of_a == of_b)
		return false;
	before = cost_of(x);
	put(x, a, of_b);
	put(x, b, of_a);
	if (cost_of(x) < before - 1e-9)
		return true;
	put(x, a, of_a);
	put(x, b, of_b);
	return false;
}

/* Moves and exchanges groups until nothing helps; each helps by 1e-9, so it ends. */
static void
improve(struct search *x, const size_t *order)
{
	bool has_moved = true;

	while (has_moved) {
		has_moved = false;
		for (size_t i = 0; i < x->n_groups; i++)
			has_moved |= move(x, order[i]);
		for (size_t i = 0; x->n_groups <= MANY_GROUPS && i < x->n_groups; i++)
			for (size_t k = i + 1; k < x->n_groups; k++)
				has_moved |= exchange(x, order[i], order[k]);
	}
}

static void
start(struct search *x)
{
	size_t n_classes = x->s->n_classes;

	memset(x->sets, 0, x->n_groups);
	memset(x->sums, 0, x->s->n_sets * n_classes * sizeof(*x->sums));
	memset(x->totals, 0, n_classes * sizeof(*x->totals));
	for (size_t g = 0; g < x->n_groups; g++)
		for (size_t c = 0; c < n_classes; c++) {
			x->sums[c] += x->counts[g * n_classes + c];
			x->totals[c] += (double)x->counts[g * n_classes + c];
		}
}

static void
search_all(struct search *x, struct random *r, uint8_t *ret_sets)
{
	size_t n_starts = x->n_groups <= FEW_GROUPS ? MANY_STARTS : FEW_STARTS;
	size_t *order = mem_alloc(x->n_groups, sizeof(*order));
	double least = INFINITY;

	for (size_t i = 0; i < n_starts; i++) {
		double cost;

		for (size_t g = 0; g < x->n_groups; g++)
			order[g] = g;
		random_shuffle(r, order, x->n_groups);
		start(x);
		improve(x, order);
		cost = cost_of(x);
		if (cost < least) {
			least = cost;
			memcpy(ret_sets, x->sets, x->n_groups);
		}
	}
	free(order);
}

static size_t
count_filled(const struct set_split *s, const uint64_t *counts, size_t n_groups)
{
	size_t n = 0;

	for (size_t g = 0; g < n_groups; g++) {
		uint64_t items = 0;

		for (size_t c = 0; c < s->n_classes; c++)
			items += counts[g * s->n_classes + c];
		n += items > 0;
	}
	return n;
}

int
set_split_groups(const struct set_split *s, const uint64_t *counts, size_t n_groups,
    struct random *r, uint8_t *ret_sets, struct err *e)
{
	struct search x = { .s = s, .counts = counts, .n_groups = n_groups };
	size_t n_wanted = 0, n_filled = count_filled(s, counts, n_groups);

	assert(s->n_sets >= 1 && s->n_sets <= SET_SPLIT_MAX);
	for (size_t k = 0; k < s->n_sets; k++)
		n_wanted += s->shares[k] > 0;
	if (n_filled < n_wanted)
		return err_set(e, "%zu groups cannot be divided over %zu sets", n_filled, n_wanted);
	x.totals = mem_alloc(s->n_classes, sizeof(*x.totals));
	x.sums = mem_alloc(s->n_sets * s->n_classes, sizeof(*x.sums));
	x.sets = mem_alloc(n_groups, 1);
	search_all(&x, r, ret_sets);
	free(x.totals);
	free(x.sums);
	free(x.sets);
	return 0;
}
