#include "stat/perturbation_stats.h"

#include <stdlib.h>

#include "base/mem.h"
#include "stat/combos.h"

/* What the mode does not need is NULL. */
struct perturbation_stats {
	struct stats_options o;
	uint64_t n;
	struct group_tests **tests; /* [n_series] */
	struct impacts *impacts;
	struct combos *combos;
	struct pair_means *pairs;
};

struct perturbation_stats *
perturbation_stats_new(const struct stats_options *options)
{
	struct perturbation_stats *s = mem_zero(1, sizeof(*s));
	struct stats_options *o = &s->o;

	*o = *options;
	if (o->mode != STATS_GOAL)
		o->n_series = o->mode == STATS_NULL;
	if (o->n_series)
		s->tests = mem_alloc(o->n_series, sizeof(*s->tests));
	for (size_t i = 0; i < o->n_series; i++)
		s->tests[i] = group_tests_new(o->mode == STATS_NULL ? TEST_NULL
					      : o->as_reference     ? TEST_POOL
								    : TEST_OTHERS,
		    o->max_memory / o->n_series);
	if (o->mode == STATS_MIXTURE || o->mode == STATS_AFFECTED)
		s->impacts = impacts_new(o->max_memory);
	if (o->mode == STATS_COMBOS)
		s->combos = combos_new(o->anchor, o->max_memory);
	if (o->mode == STATS_PAIRS)
		s->pairs = pair_means_new(o->max_memory);
	return s;
}

/* Tests need the values of all groups, for what the wanted ones are compared with. */
static bool
is_of_use(const struct perturbation_stats *s, const struct stats_value *v)
{
	if (s->o.mode == STATS_AFFECTED)
		return v->group == s->o.anchor && v->affected != PAIR_CELL;
	return s->tests || !s->o.n_wanted || v->group < s->o.n_wanted;
}

int
perturbation_stats_add(struct perturbation_stats *s, const struct stats_value *v, struct err *e)
{
	if (!is_of_use(s, v))
		return 0;
	s->n++;
	switch (s->o.mode) {
	case STATS_GOAL:
	case STATS_NULL:
		return group_tests_add(s->tests[v->series], v->group, v->is_null, v->value, e);
	case STATS_MIXTURE:
		return impacts_add(s->impacts, v->group, v->value, e);
	case STATS_AFFECTED:
		return impacts_add(s->impacts, v->affected, v->value, e);
	case STATS_COMBOS:
		if (v->is_part)
			return combos_add_part(s->combos, v->cell, v->genes[0],
			    (enum combo_part)v->series, v->value, e);
		return combos_add(s->combos, v->cell, v->genes, v->n_genes, v->value, e);
	default:
		return pair_means_add(s->pairs, v->group, v->affected, v->value, e);
	}
}

uint64_t
perturbation_stats_count(struct perturbation_stats *s)
{
	uint64_t n = s->n;

	s->n = 0;
	return n;
}

static void
finish_tests(struct perturbation_stats *s, const struct stat_groups *g, const char *const *states,
    struct stat_table *t, struct err *e)
{
	struct group_result **results = mem_zero(s->o.n_series, sizeof(*results));

	for (size_t i = 0; i < s->o.n_series && !e->is_set; i++) {
		results[i] = mem_alloc(g->n, sizeof(**results));
		group_tests_finish(s->tests[i], s->o.tie_correction, results[i], g->n, e);
	}
	if (!e->is_set && s->o.mode == STATS_GOAL)
		stat_table_goal(t, g, (const struct group_result *const *)results, states + 1,
		    s->o.n_series - 1);
	else if (!e->is_set)
		stat_table_null(t, g, results[0]);
	for (size_t i = 0; i < s->o.n_series; i++)
		free(results[i]);
	free(results);
}

static void
finish_mixture(struct perturbation_stats *s, const struct stat_groups *g, struct stat_table *t,
    struct stats_notes *ret_notes, struct err *e)
{
	struct impact_result *results = mem_alloc(g->n, sizeof(*results));
	double(*means)[3] = mem_alloc(g->n, sizeof(*means));
	struct gaussian_mixture fit;

	if (s->combos)
		combos_finish(s->combos, means, results, g->n, &fit, &ret_notes->n_incomplete, e);
	else
		impacts_finish(s->impacts, results, g->n, &fit, e);
	if (!e->is_set && s->combos)
		stat_table_combos(t, g, results, (const double(*)[3])means);
	else if (!e->is_set)
		stat_table_impact(t, g, results);
	ret_notes->is_single = !e->is_set && gaussian_mixture_gain(&fit, t->n_rows) <= 0;
	free(results);
	free(means);
}

int
perturbation_stats_finish(struct perturbation_stats *s, size_t n, const uint32_t *places,
    const char *const *states, struct stat_table *t, struct stats_notes *ret_notes, struct err *e)
{
	struct stat_groups g = { n, s->o.n_wanted, places, s->o.as_reference };

	*ret_notes = (struct stats_notes){ 0 };
	if (s->tests)
		finish_tests(s, &g, states, t, e);
	else
		finish_mixture(s, &g, t, ret_notes, e);
	return e->is_set ? -1 : 0;
}

int
perturbation_stats_next(struct perturbation_stats *s, struct pair_mean *ret, struct err *e)
{
	return pair_means_next(s->pairs, ret, e);
}

void
perturbation_stats_free(struct perturbation_stats *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->o.n_series; i++)
		group_tests_free(s->tests[i]);
	free(s->tests);
	impacts_free(s->impacts);
	combos_free(s->combos);
	pair_means_free(s->pairs);
	free(s);
}
