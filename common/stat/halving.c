#include <assert.h>

#include "stat/halving.h"

size_t
halving_resources(size_t from, size_t to, size_t reduction, size_t ret_resources[HALVING_MAX_RUNGS])
{
	size_t n = 0;

	assert(from >= 1 && from <= to && reduction >= 2);
	for (size_t at = from; n + 1 < HALVING_MAX_RUNGS && at <= to / reduction; at *= reduction)
		ret_resources[n++] = at;
	ret_resources[n++] = to;
	return n;
}

static bool
is_better(const struct halving_entry *a, const struct halving_entry *b)
{
	return a->value > b->value || (a->value == b->value && a->trial < b->trial);
}

/* How many of the rung are better. */
static size_t
rank_of(const struct halving_rung *rung, const struct halving_entry *entry)
{
	size_t n = 0;

	for (size_t i = 0; i < rung->n; i++)
		if (is_better(&rung->entries[i], entry))
			n++;
	return n;
}

/* The best one that has not been promoted, if it is among the best k. */
static const struct halving_entry *
find_promotable(const struct halving_rung *rung, size_t k)
{
	const struct halving_entry *best = NULL;

	for (size_t i = 0; i < rung->n; i++)
		if (!rung->entries[i].is_promoted && (!best || is_better(&rung->entries[i], best)))
			best = &rung->entries[i];
	return best && rank_of(rung, best) < k ? best : NULL;
}

bool
halving_promote(const struct halving_rung *rungs, size_t n_rungs, size_t reduction,
    size_t *ret_trial, size_t *ret_rung)
{
	for (size_t k = n_rungs; k-- > 1;) {
		const struct halving_rung *rung = &rungs[k - 1];
		const struct halving_entry *best = find_promotable(rung, rung->n / reduction);

		if (best) {
			*ret_trial = best->trial;
			*ret_rung = k - 1;
			return true;
		}
	}
	return false;
}

bool
halving_complete(
    const struct halving_rung *rungs, size_t n_rungs, size_t *ret_trial, size_t *ret_rung)
{
	if (rungs[n_rungs - 1].n)
		return false;
	for (size_t k = n_rungs; k-- > 1;) {
		const struct halving_entry *best = find_promotable(&rungs[k - 1], rungs[k - 1].n);

		if (best) {
			*ret_trial = best->trial;
			*ret_rung = k - 1;
			return true;
		}
	}
	return false;
}
