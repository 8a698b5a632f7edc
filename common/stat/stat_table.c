#include "stat/stat_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stat/false_discovery.h"

static const double SIGNIFICANT = 0.05;

double *
stat_table_add(struct stat_table *t, const char *name, bool is_count, size_t n_groups)
{
	struct stat_column *columns = arena_alloc(&t->arena, t->n_columns + 1, sizeof(*columns));
	double *values = arena_alloc(&t->arena, n_groups, sizeof(*values));

	if (t->n_columns)
		memcpy(columns, t->columns, t->n_columns * sizeof(*columns));
	columns[t->n_columns++] =
	    (struct stat_column){ arena_strdup(&t->arena, name), is_count, values };
	t->columns = columns;
	return values;
}

/* A row with what it is sorted by; qsort has no context. */
struct sorted_row {
	uint32_t group, place;
	const struct stat_order *orders;
	size_t n_orders;
};

static int
compare_rows(const void *x, const void *y)
{
	const struct sorted_row *a = x, *b = y;

	for (size_t i = 0; i < a->n_orders; i++) {
		const struct stat_order *o = &a->orders[i];
		double v = o->values[a->group], w = o->values[b->group];
		int order = isnan(v) || isnan(w) ? isnan(v) - isnan(w)
			    : o->is_descending   ? (v < w) - (v > w)
						 : (v > w) - (v < w);

		if (order)
			return order;
	}
	return (a->place > b->place) - (a->place < b->place);
}

void
stat_table_sort(
    struct stat_table *t, const struct stat_order *orders, size_t n, const uint32_t *places)
{
	struct sorted_row *rows = mem_alloc(t->n_rows, sizeof(*rows));

	for (size_t i = 0; i < t->n_rows; i++)
		rows[i] = (struct sorted_row){ t->rows[i], places[t->rows[i]], orders, n };
	qsort(rows, t->n_rows, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < t->n_rows; i++)
		t->rows[i] = rows[i].group;
	free(rows);
}

void
stat_table_free(struct stat_table *t)
{
	arena_free(&t->arena);
	*t = (struct stat_table){ 0 };
}

static bool
is_wanted(const struct stat_groups *g, size_t group)
{
	return !g->n_wanted || group < g->n_wanted;
}

/* The rows are the groups that have values: counts[group] above 0. */
static void
find_rows(struct stat_table *t, const struct stat_groups *g, const double *counts)
{
	t->rows = arena_alloc(&t->arena, g->n, sizeof(*t->rows));
	for (size_t i = 0; i < g->n; i++)
		if (is_wanted(g, i) && counts[i] > 0)
			t->rows[t->n_rows++] = (uint32_t)i;
}

/* False discovery rates over the rows of the table. */
static void
find_rates(const struct stat_table *t, const struct stat_groups *g, const double *p, double *rates)
{
	double *some = mem_alloc(t->n_rows, sizeof(*some));

	for (size_t i = 0; i < g->n; i++)
		rates[i] = NAN;
	for (size_t i = 0; i < t->n_rows; i++)
		some[i] = p[t->rows[i]];
	false_discovery(some, t->n_rows, some);
	for (size_t i = 0; i < t->n_rows; i++)
		rates[t->rows[i]] = some[i];
	free(some);
}

static double
probability(const struct stat_groups *g, const struct group_result *r)
{
	return isnan(r->p) && g->as_reference ? 1 : r->p;
}

/* Adds a column "NAME" or "NAME_STATE". */
static double *
add_state(struct stat_table *t, const struct stat_groups *g, const char *goal,
    const char *alternative, const char *state)
{
	return stat_table_add(
	    t, state ? arena_printf(&t->arena, "%s_%s", alternative, state) : goal, false, g->n);
}

void
stat_table_goal(struct stat_table *t, const struct stat_groups *g,
    const struct group_result *const *results, const char *const *alternatives,
    size_t n_alternatives)
{
	size_t n_states = 1 + n_alternatives;
	double **p = mem_alloc(n_states, sizeof(*p)), **rates = mem_alloc(n_states, sizeof(*rates));
	double *means = NULL, *counts, *significant;

	for (size_t s = 0; s < n_states; s++) {
		double *shifts = add_state(
		    t, g, "Shift_to_goal_end", "Shift_to_alt_end", s ? alternatives[s - 1] : NULL);

		for (size_t i = 0; i < g->n; i++)
			shifts[i] = results[s][i].mean;
		means = s ? means : shifts;
	}
	for (size_t s = 0; s < n_states; s++) {
		p[s] = add_state(t, g, "Goal_end_vs_random_pval", "Alt_end_vs_random_pval",
		    s ? alternatives[s - 1] : NULL);
		for (size_t i = 0; i < g->n; i++)
			p[s][i] = probability(g, &results[s][i]);
	}
	for (size_t s = 0; s < n_states; s++)
		rates[s] =
		    add_state(t, g, "Goal_end_FDR", "Alt_end_FDR", s ? alternatives[s - 1] : NULL);
	counts = stat_table_add(t, "N_Detections", true, g->n);
	significant = stat_table_add(t, "Sig", true, g->n);
	for (size_t i = 0; i < g->n; i++)
		counts[i] = (double)results[0][i].n;
	find_rows(t, g, counts);
	for (size_t s = 0; s < n_states; s++)
		find_rates(t, g, p[s], rates[s]);
	for (size_t i = 0; i < g->n; i++)
		significant[i] = rates[0][i] < SIGNIFICANT;
	const struct stat_order orders[] = { { significant, true }, { means, true },
		{ rates[0], false } };

	stat_table_sort(t, orders, 3, g->places);
	free(p);
	free(rates);
}

void
stat_table_null(
    struct stat_table *t, const struct stat_groups *g, const struct group_result *results)
{
	double *test = stat_table_add(t, "Test_avg_shift", false, g->n);
	double *null = stat_table_add(t, "Null_avg_shift", false, g->n);
	double *difference = stat_table_add(t, "Test_vs_null_avg_shift", false, g->n);
	double *p = stat_table_add(t, "Test_vs_null_pval", false, g->n);
	double *rates = stat_table_add(t, "Test_vs_null_FDR", false, g->n);
	double *counts = stat_table_add(t, "N_Detections_test", true, g->n);
	double *null_counts = stat_table_add(t, "N_Detections_null", true, g->n);
	double *significant = stat_table_add(t, "Sig", true, g->n);

	for (size_t i = 0; i < g->n; i++) {
		test[i] = results[i].mean;
		null[i] = results[i].null_mean;
		difference[i] = test[i] - null[i];
		p[i] = probability(g, &results[i]);
		counts[i] = (double)results[i].n;
		null_counts[i] = (double)results[i].n_null;
	}
	find_rows(t, g, counts);
	find_rates(t, g, p, rates);
	for (size_t i = 0; i < g->n; i++)
		significant[i] = rates[i] < SIGNIFICANT;
	const struct stat_order orders[] = { { significant, true }, { difference, true },
		{ rates, false } };

	stat_table_sort(t, orders, 3, g->places);
}

/* The columns of the mixture, behind those of means, by the last of which the rows are sorted. */
static void
add_impact(struct stat_table *t, const struct stat_groups *g, const struct impact_result *results,
    const double *means)
{
	double *impact = stat_table_add(t, "Impact_component", true, g->n);
	double *percent = stat_table_add(t, "Impact_component_percent", false, g->n);
	double *counts = stat_table_add(t, "N_Detections", true, g->n);

	for (size_t i = 0; i < g->n; i++) {
		impact[i] = results[i].is_impact;
		percent[i] = 100 * results[i].share;
		counts[i] = (double)results[i].n;
	}
	find_rows(t, g, counts);
	const struct stat_order orders[] = { { impact, true }, { means, false } };

	stat_table_sort(t, orders, 2, g->places);
}

void
stat_table_impact(
    struct stat_table *t, const struct stat_groups *g, const struct impact_result *results)
{
	double *means = stat_table_add(t, "Test_avg_shift", false, g->n);

	for (size_t i = 0; i < g->n; i++)
		means[i] = results[i].mean;
	add_impact(t, g, results, means);
}

void
stat_table_combos(struct stat_table *t, const struct stat_groups *g,
    const struct impact_result *results, const double (*means)[3])
{
	double *anchor = stat_table_add(t, "Anchor_shift", false, g->n);
	double *alone = stat_table_add(t, "Test_token_shift", false, g->n);
	double *sum = stat_table_add(t, "Sum_of_indiv_shifts", false, g->n);
	double *both = stat_table_add(t, "Combo_shift", false, g->n);
	double *difference = stat_table_add(t, "Combo_minus_sum_shift", false, g->n);

	for (size_t i = 0; i < g->n; i++) {
		anchor[i] = means[i][0];
		alone[i] = means[i][1];
		both[i] = means[i][2];
		/* Cosines: 1 is no effect. */
		sum[i] = 1 - ((1 - anchor[i]) + (1 - alone[i]));
		difference[i] = both[i] - sum[i];
	}
	add_impact(t, g, results, difference);
}
