/* perturbation_stats.h - from the values of perturbations to the table of a mode.
 *
 * Groups are sets of genes that are perturbed together, by number; genes are numbered, too. Each
 * value goes to what the mode keeps of it (group_tests.h, impact.h, combos.h, pair_means.h); the
 * table comes at the end (stat_table.h), or for STATS_PAIRS pair by pair. */

#ifndef STAT_PERTURBATION_STATS_H
#define STAT_PERTURBATION_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stat/pair_means.h"
#include "stat/stat_table.h"

enum stats_mode {
	STATS_GOAL,     /* shifts to states (series 0, 1, ...) against those of other groups */
	STATS_NULL,     /* values against null values */
	STATS_MIXTURE,  /* groups with an effect and without */
	STATS_AFFECTED, /* the same of the genes that one group affects; rows are genes */
	STATS_COMBOS,   /* the same of pairs with the anchor, beyond their sum; rows are genes */
	STATS_PAIRS     /* means of each group and affected gene */
};

struct stats_options {
	enum stats_mode mode;
	size_t n_series;   /* STATS_GOAL: at least 1 */
	uint32_t anchor;   /* STATS_AFFECTED: the group; STATS_COMBOS: the gene */
	size_t n_wanted;   /* only groups below have rows; 0: all */
	bool as_reference; /* tests as the reference makes them: see stat_groups, TEST_POOL */
	bool tie_correction;
	size_t max_memory;
};

struct perturbation_stats;

struct perturbation_stats *perturbation_stats_new(const struct stats_options *options);

struct stats_value {
	uint32_t group, affected; /* affected: PAIR_CELL, or a gene */
	uint32_t series;
	float value; /* not NaN */
	bool is_null;
	const uint32_t *genes; /* [n_genes] of the group */
	size_t n_genes;
	/* STATS_COMBOS: which cell. The series is enum combo_part where the value is known to be
	 * that. */
	uint32_t cell;
	bool is_part;
};

/* -1 where the temporary file cannot be written. */
int perturbation_stats_add(
    struct perturbation_stats *s, const struct stats_value *v, struct err *e);

/* Values that were of use, since the last time this was asked. */
uint64_t perturbation_stats_count(struct perturbation_stats *s);

/* What the user should know of a mixture. */
struct stats_notes {
	uint64_t n_incomplete; /* pairs left out */
	bool is_single;        /* one normal distribution is as good as two */
};

/* The table, of n groups or genes with their places where nothing else decides the order;
 * states: names of the series of STATS_GOAL. Not for STATS_PAIRS. -1 on failure of the
 * temporary file, or where there is nothing to fit. */
int perturbation_stats_finish(struct perturbation_stats *s, size_t n, const uint32_t *places,
    const char *const *states, struct stat_table *t, struct stats_notes *ret_notes, struct err *e);

/* The next pair of STATS_PAIRS, as pair_means_next. */
int perturbation_stats_next(struct perturbation_stats *s, struct pair_mean *ret, struct err *e);

/* NULL is fine. */
void perturbation_stats_free(struct perturbation_stats *s);

#endif
