/* training_parts.h - private to training_run: cutting a step into parts, and having the task fill
 * them. */

#ifndef NN_TRAINING_PARTS_H
#define NN_TRAINING_PARTS_H

#include "nn/training_run.h"

struct training_parts;

struct training_parts *training_parts_new(const struct training_task *task);
void training_parts_free(struct training_parts *p);

/* What a step is made of. */
struct training_cut {
	size_t n;
	struct backward_part *parts; /* [n]; factors are not set */
	const uint64_t *const *rows; /* [n] the numbers of the cells of each part */
	double totals[TRAINING_MAX_HEADS];
	uint64_t n_labels; /* of the first head */
};

/* Cuts and fills; the result is valid until the next call. 0, or -1 with e set. */
int training_parts_make(struct training_parts *p, const struct token_step *step, bool is_evaluation,
    struct training_cut *ret, struct err *e);

/* Sets the factors of all parts: the scale of each head, over its total. */
void training_parts_weigh(struct training_parts *p, struct training_cut *cut, const double *totals);

#endif
