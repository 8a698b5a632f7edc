/* perturb_copies.h - perturbed copies of a cell as the network takes them, end to end. */

#ifndef NN_PERTURB_COPIES_H
#define NN_PERTURB_COPIES_H

#include "cell/perturbation.h"

/* n copies end to end, as forward.h takes them. */
struct copies {
	size_t n;
	int32_t *ids, *sources; /* [offsets[n]] */
	size_t *offsets;        /* [n + 1] */
	size_t *from, *to;      /* [n]: their genes, counted from the first token of all */
	int32_t **cut_ids;      /* [n] the original, where it is not the whole cell; else NULL */
	size_t *cut_n;
	bool *is_common; /* as forward.h; [n_common]. NULL: they have too little in common */
	size_t n_common;
};

/* Copies first .. first + n - 1 of a cell of n_ids tokens; memory in the arena. */
struct copies copies_make(const struct perturbation_options *o, const int32_t *ids, size_t n_ids,
    const struct cell_perturbations *what, size_t first, size_t n, struct arena *a);

/* Finds the positions at which all copies have the same token: is_common, unless it does not pay to
 * share (fewer than half of the positions of the shortest) or a copy has no further one. */
void copies_find_common(struct copies *c, struct arena *a);

/* The copies from number `from` on that have the same original, counted from the first token of
 * theirs. */
struct copies copies_take_run(const struct copies *all, size_t from, struct arena *a);

#endif
