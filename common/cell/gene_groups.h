/* gene_groups.h - groups of genes as a command line gives them: "A,B,C+D" or "@FILE".
 *
 * A comma ends a group, '+' stands between the genes of one. In a FILE each line is a group, blanks
 * at its end and empty lines aside. */

#ifndef CELL_GENE_GROUPS_H
#define CELL_GENE_GROUPS_H

#include "base/err.h"
#include "cell/genes.h"
#include "cell/perturbation.h"

/* Calls f for each gene of each group, in order, until it returns -1. -1 with e set also for an
 * empty group, a gene without a name, and where there is no group at all. */
typedef int gene_group_visit(
    void *context, const char *name, size_t size, bool is_last, struct err *e);
int gene_groups_each(const char *text, gene_group_visit *f, void *context, struct err *e);

/* Zero-initialise; gene_group_list_free frees. */
struct gene_group_list {
	struct gene_groups groups;
	size_t n_repeated; /* groups left out, since the same stood before (in the same order) */
	struct buffer tokens, cu;
};

/* The token of a gene: an id of the vocabulary, or any name that the vocabulary or the dictionary
 * (NULL: none) has for it. -1 with e naming it where it is no gene of the vocabulary. */
int32_t gene_token(const struct genes *vocabulary, const struct genes *dictionary, const char *name,
    size_t size, struct err *e);

/* Reads the groups; a gene that is twice in a group counts once. -1 with e set. */
int gene_groups_read(struct gene_group_list *list, const char *text, const struct genes *vocabulary,
    const struct genes *dictionary, struct err *e);
/* "@" and the hash of the groups, for a history that is not to hold them all. */
void gene_group_list_hash(const struct gene_group_list *list, char ret_text[34]);
void gene_group_list_free(struct gene_group_list *list);

#endif
