/* learner.h - steps of learning: the gradient of a step's parts on all threads, clipping, AdamW.
 *
 * A step is any number of parts (backward.h): what others call accumulation. The caller cuts it,
 * by a token budget that does not depend on the number of threads; then losses, gradients and
 * weights do not either, bit for bit. Memory: weights, gradient and two moments (4 floats a
 * parameter, 5 for a tied decoder; where parts lie in several lanes, gradient_sums.h, one gradient
 * more: 5, and 7), and for each thread the activations of a part and the gradient of a block. */

#ifndef NN_LEARNER_H
#define NN_LEARNER_H

#include "nn/adamw.h"
#include "nn/backward.h"
#include "nn/parameters.h"

struct learner;

/* As many lanes (gradient_sums.h) as a step is to have, on so many ranks: each has at least one. */
enum { LEARNER_LANES = 4 };
size_t learner_lanes(void);
/* The first lane of a rank; its last is the one before the first of the next rank. */
size_t learner_first_lane(size_t rank);

struct learner_options {
	struct adamw_options adamw;
	struct backward_options backward;
	size_t threads;
};

/* Learns p by what the plan's head gives; parameters that the plan does not reach are frozen (a
 * masked-LM head in a classifier). p must outlive it. */
struct learner *learner_create(
    struct parameters *p, const struct plan *plan, const struct learner_options *o);
void learner_free(struct learner *l);

/* The gradient of a step; of the parts, `sums` and `number` are filled in here, and `lane` says how
 * they are added up (gradient_sums.h). ret: the sums over all parts. A loss that is not a number is
 * an error that names the part. 0 or -1; after -1 the next step can begin as if this one had not
 * been. */
int learner_gradient(struct learner *l, struct backward_part *parts, size_t n,
    struct backward_result *ret, struct err *e);

/* The same in two: of the parts of this rank (ranks.h), and then, when all ranks have agreed that
 * they are done, of those of all. */
int learner_gradient_own(struct learner *l, struct backward_part *parts, size_t n,
    struct backward_result *ret, struct err *e);
void learner_gradient_join(struct learner *l);

/* Of each part that was last given to learner_gradient_own or learner_evaluate. */
const struct backward_result *learner_results(const struct learner *l);

/* The gradient itself, [p->n_values]: between learner_gradient and learner_update it may be
 * changed. */
float *learner_gradient_values(struct learner *l);

/* Moves the weights along the gradient, whose norm is first brought down to adamw.clip. Returns
 * the norm that it had. */
double learner_update(struct learner *l, double rate);

/* The losses of parts alone: no gradient, no dropout. 0 or -1. */
int learner_evaluate(struct learner *l, struct backward_part *parts, size_t n,
    struct backward_result *ret, struct err *e);

/* What a checkpoint keeps beside the weights: the moments, [p->n_values] each, and how many updates
 * there were. To be read, or written before the next update. */
struct learner_state {
	float *mean, *square;
	uint64_t *n_updates;
};
struct learner_state learner_state(struct learner *l);

#endif
