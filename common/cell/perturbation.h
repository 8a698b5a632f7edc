/* perturbation.h - genes of a cell taken away, put first, or moved along its ranks.
 *
 * A cell is its genes by rank, in between <cls> and <eos> where it has them; special tokens never
 * move. Pure functions on one cell: what there is to perturb in it, and the copy that a
 * perturbation makes of it. Reference: Theodoris et al. 2023, "in silico perturbation";
 * InSilicoPerturber, whose faults (alignment after overexpression, cells at the length limit) are
 * not repeated.
 *
 * A gene that is in the cell twice (foreign streams) is perturbed in all its places: taken away or
 * moved in each, put first once.
 *
 * INHIBIT and ACTIVATE. A cell of m genes has quarters of m / 4, and each perturbed gene moves by
 * d = quartiles * m / 4 places, rounded to the next whole number, halves up. The gene at place p
 * (from 0) comes to p + d or p - d, but not past the end; several keep their order, so that the
 * first of k comes to place 0 at least, the second to place 1, the last to m - 1 at most, the one
 * before it to m - 2. The other genes keep theirs and take the places that are left. */

#ifndef CELL_PERTURBATION_H
#define CELL_PERTURBATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum perturbation_type {
	PERTURB_DELETE,      /* the genes are taken away */
	PERTURB_OVEREXPRESS, /* the genes come first, in their order; those that the cell has not
				are put in, and the cell is cut to max_length, keeping <eos> */
	PERTURB_INHIBIT,     /* the genes move down */
	PERTURB_ACTIVATE,    /* ... up */
};

/* Genes that are perturbed together: tokens[cu[i]] .. tokens[cu[i + 1] - 1], each once. */
struct gene_groups {
	size_t n;
	const int32_t *tokens;
	const size_t *cu; /* [n + 1], from 0 */
};

struct perturbation_options {
	enum perturbation_type type;
	struct gene_groups groups; /* n = 0: every gene of the cell, one at a time */
	size_t combos;             /* 1: the groups as they are; N: all N-tuples of them, too */
	int32_t anchor;            /* a gene that joins every group; -1: none */
	size_t quartiles;          /* 1 to 3, for INHIBIT and ACTIVATE */
	size_t max_length;         /* of a cell: the model's positions */
	int32_t cls, eos;          /* -1: none */
};

/* What is perturbed in one cell: copies 0 .. n - 1, in the order of the output: first the groups
 * of which the cell has all genes (OVEREXPRESS with given groups: any), by rank or as given, then
 * their N-tuples in lexicographic order. These are not listed but counted out, since a cell has
 * millions. Beyond n everything is perturbation.c's own. */
struct cell_perturbations {
	size_t n;
	struct gene_groups groups;
	size_t tuple;           /* N; 1: there are no tuples */
	size_t n_left_out;      /* copies that are not made, */
	const size_t *left_out; /* their numbers among all, ascending: [n_left_out] */
	size_t anchor_at;       /* how many of the groups stand before the anchor, by rank */

	size_t n_absent;   /* given groups of which the cell lacks a gene */
	size_t n_emptied;  /* groups and tuples left out since no gene would remain to compare */
	bool lacks_anchor; /* then n is 0 */
};

/* A perturbed copy of a cell. */
struct cell_copy {
	size_t length;
	int32_t *ids; /* [length] */
	/* Where the gene at this place stands in the original, -1 for perturbed genes and special
	 * tokens, which are not compared; at least one is. */
	int32_t *sources; /* [length] */
	size_t from, to;  /* its genes: without <cls> and <eos> */
	int32_t *genes;   /* [n_genes] those that were perturbed, in the order of the output */
	size_t n_genes;
	size_t n_cut; /* unperturbed genes at the end of the cell that the copy has no room for */
};

/* Whether the copies of any cell can be counted (in 62 bits); false: combos is too large. */
bool perturbations_can_be_counted(const struct perturbation_options *o);

/* The perturbations of a cell of n tokens, 1 to max_length; memory in the arena. With every gene
 * of the cell, a single gene that would stay where it is (the first one of OVEREXPRESS and
 * ACTIVATE, the last one of INHIBIT) is left out, as the reference does. */
struct cell_perturbations perturbations_find(
    const struct perturbation_options *o, const int32_t *ids, size_t n, struct arena *a);

/* Leaves out all copies but the k of greatest score, the first ones of equal score; scores
 * [what->n], no NaN. Nothing where k is what->n or more. Memory in the arena. */
void perturbations_keep(
    struct cell_perturbations *what, const double *scores, size_t k, struct arena *a);

/* The longest that a copy of a cell of n tokens, and its list of perturbed genes, can be. */
size_t perturbation_most(const struct perturbation_options *o, size_t n);

/* The genes of copy `which`, in the order of the output (all genes: by rank, the anchor too;
 * given groups: the anchor, then as given). ret_genes has room for perturbation_most. Returns how
 * many. */
size_t perturbation_genes(const struct perturbation_options *o,
    const struct cell_perturbations *what, size_t which, int32_t *ret_genes);

/* Makes copy `which` of `what`: ret->ids, ret->sources and ret->genes each have room for
 * perturbation_most, the rest is filled in. */
void perturbation_apply(const struct perturbation_options *o, const int32_t *ids, size_t n,
    const struct cell_perturbations *what, size_t which, struct cell_copy *ret);

/* The original that a copy is compared with: the cell without the genes that were cut from the
 * copy, so that nothing is compared but the perturbation. ret_ids has room for n. Returns its
 * length. The sources of the copy are places in it, too. */
size_t perturbation_original(const struct perturbation_options *o, const int32_t *ids, size_t n,
    const struct cell_copy *copy, int32_t *ret_ids);

#endif
