/* training_parts.h - private to training_run: cutting a step into parts, having the task fill them,
 * and dealing them to lanes (learner.h), and so to the ranks (ranks.h).
 *
 * Each rank cuts and fills all parts, which costs little, so that all know the same totals; then it
 * keeps those of its lanes. Lanes have about as much to compute, each as the others. Neither parts
 * nor lanes depend on how many ranks there are, up to as many as lanes. */

#ifndef NN_TRAINING_PARTS_H
#define NN_TRAINING_PARTS_H

#include "nn/training_run.h"

struct training_parts;

struct training_parts *training_parts_new(const struct training_task *task);
void training_parts_free(struct training_parts *p);

/* What a step is made of. */
struct training_cut {
	size_t n;                    /* parts of this rank */
	struct backward_part *parts; /* [n]; factors are not set */
	const uint64_t *const *rows; /* [n] the numbers of the cells of each part */
	size_t n_of_all;             /* parts of all ranks, as are: */
	double totals[TRAINING_MAX_HEADS];
	uint64_t n_labels; /* of the first head */
};

/* Cuts and fills; the result is valid until the next call. 0, or -1 with e set. */
int training_parts_make(struct training_parts *p, const struct token_step *step, bool is_evaluation,
    struct training_cut *ret, struct err *e);

/* Sets the factors of all parts: the scale of each head, over its total. */
void training_parts_weigh(struct training_parts *p, struct training_cut *cut, const double *totals);

#endif
