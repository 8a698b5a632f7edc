/* stat_table.h - numbers of groups as a table: named columns, and rows in an order.
 *
 * And the tables of perturbations: columns and order are those of the reference
 * (InSilicoPerturberStats), so that scripts that read its tables read these. */

#ifndef STAT_STAT_TABLE_H
#define STAT_STAT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "stat/group_tests.h"
#include "stat/impact.h"

struct stat_column {
	const char *name;
	bool is_count;  /* whole numbers */
	double *values; /* [n_groups]; NaN: none */
};

/* Zero-initialise to start; the arena owns all. */
struct stat_table {
	struct arena arena;
	size_t n_columns;
	struct stat_column *columns;
	size_t n_rows;
	uint32_t *rows; /* [n_rows] groups */
};

/* A new column, to be filled; the name is copied. */
double *stat_table_add(struct stat_table *t, const char *name, bool is_count, size_t n_groups);

/* A column to sort by. */
struct stat_order {
	const double *values;
	bool is_descending;
};

/* Sorts the rows by orders[n], the first the most important; equal ones by places[group]. NaN comes
 * last. */
void stat_table_sort(
    struct stat_table *t, const struct stat_order *orders, size_t n, const uint32_t *places);

void stat_table_free(struct stat_table *t);

/* Groups that a table is made of. */
struct stat_groups {
	size_t n;
	size_t n_wanted;        /* only those below; 0: all */
	const uint32_t *places; /* [n] their order where nothing else decides */
	/* A test that could not be made counts with p = 1, as in the reference; otherwise it is
	 * none. */
	bool as_reference;
};

/* Shift_to_goal_end, its tests and those of other states. results[0] are those of the goal,
 * results[1 + i] those of the state alternatives[i], each of n groups. */
void stat_table_goal(struct stat_table *t, const struct stat_groups *g,
    const struct group_result *const *results, const char *const *alternatives,
    size_t n_alternatives);

/* Test_avg_shift, Null_avg_shift and the test of one against the other. */
void stat_table_null(
    struct stat_table *t, const struct stat_groups *g, const struct group_result *results);

/* Test_avg_shift and Impact_component. */
void stat_table_impact(
    struct stat_table *t, const struct stat_groups *g, const struct impact_result *results);

/* Pairs with an anchor: means of the values of the anchor alone, the gene alone and both
 * (means[n][3]); results are of both less the sum of the two. */
void stat_table_combos(struct stat_table *t, const struct stat_groups *g,
    const struct impact_result *results, const double (*means)[3]);

#endif
