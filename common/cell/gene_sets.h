/* gene_sets.h - sets of genes that are perturbed together, each numbered when it comes first.
 *
 * A set has no order: A+B is B+A. Its text is its genes' ids in bytewise order with '+' between
 * them, so it is the same in every run. Nearly all sets have one gene; they are found without
 * hashing. */

#ifndef CELL_GENE_SETS_H
#define CELL_GENE_SETS_H

#include "base/err.h"
#include "cell/batch.h"
#include "cell/genes.h"
#include "cell/string_set.h"

#define NO_SET UINT32_MAX

/* Zero-initialise to start. */
struct gene_sets {
	struct string_set genes;        /* their ids */
	size_t n;                       /* sets */
	struct buffer offsets, members; /* size_t [n + 1]; uint32_t, ascending in each set */
	uint32_t *singles;              /* [n_singles] the set of a gene alone, or NO_SET */
	size_t n_singles;
	uint32_t *slots; /* [n_slots] number + 1, 0: empty; sets of several genes */
	size_t n_slots;
};

/* The number of a gene. */
uint32_t gene_sets_gene(struct gene_sets *s, const char *id, size_t size);

/* Numbers for the genes of a list column: of each text of its dictionary ([n], the caller's), or
 * NULL where it is plain text. gene_sets_entry gives the gene of entry i. */
uint32_t *gene_sets_dictionary(struct gene_sets *s, const struct field *list);
uint32_t gene_sets_entry(struct gene_sets *s, const uint32_t *dictionary, const struct field *list,
    const struct array *a, size_t i);

/* The number of the set of genes[n] (n at least 1, asserted; they are sorted). Equal genes stay
 * as often as they are there. */
uint32_t gene_sets_add(struct gene_sets *s, uint32_t *genes, size_t n);

/* Its genes, ascending by number. Valid until the next add. */
const uint32_t *gene_sets_get(const struct gene_sets *s, uint32_t set, size_t *ret_n);

/* Adds the sets of a command line (gene_groups.h). Where names is given, symbols and other names of
 * genes are understood. -1 for an empty set or a file that cannot be read. */
int gene_sets_parse(
    struct gene_sets *s, const char *text, const struct genes *names, struct err *e);

/* The place of each gene in the bytewise order of ids, [genes.n]; the caller's. */
uint32_t *gene_sets_gene_places(const struct gene_sets *s);

/* The place of each set in the order of their texts' genes, [n]; the caller's. */
uint32_t *gene_sets_places(const struct gene_sets *s);

/* A set's genes in the order of its text, into ret_genes[of gene_sets_get's n]. */
void gene_sets_sorted(const struct gene_sets *s, uint32_t set, uint32_t *ret_genes);

void gene_sets_free(struct gene_sets *s);

#endif
