/* gene_choice.h - what a user wants perturbed, as texts, turned into perturbation_options. */

#ifndef CELL_GENE_CHOICE_H
#define CELL_GENE_CHOICE_H

#include "cell/gene_groups.h"
#include "cell/perturbation.h"

struct gene_choice {
	const char *type;   /* "delete", "overexpress", "inhibit", "activate" */
	const char *genes;  /* "all", or as gene_groups_read takes them */
	const char *anchor; /* NULL: none */
	size_t combos;      /* 1: none */
	size_t quartiles;
};

/* The groups are in `list` (empty at first, the caller's to free), and point there. max_length is
 * left 0. With e set: an unknown gene, more in a tuple than there are groups, or more tuples than
 * can be counted. */
struct perturbation_options gene_choice_read(const struct gene_choice *choice,
    const struct genes *vocabulary, const struct genes *dictionary, struct gene_group_list *list,
    struct err *e);

#endif
