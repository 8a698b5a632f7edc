/* adamw.h - Adam with decoupled weight decay (Loshchilov and Hutter 2019), and learning rates that
 * change with the step.
 *
 * As torch.optim.AdamW and transformers' schedules, so that a run can be compared with theirs. */

#ifndef NN_ADAMW_H
#define NN_ADAMW_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct adamw_options {
	double rate;                  /* the peak of the schedule */
	double decay;                 /* on weights; biases and norms have none */
	double beta1, beta2, epsilon; /* of all 0: 0.9, 0.999, 1e-8 */
	double clip;                  /* greatest norm of the whole gradient; 0: no clipping */
};

/* One step for a run of values that share their decay. */
struct adamw_step {
	double rate, decay;
	double beta1, beta2, epsilon;
	uint64_t t;    /* 1 for the first step */
	double factor; /* the gradient is taken times this: clipping, or a mean */
};

/* values -= values * rate * decay; then Adam. mean and square: the running moments, 0 before the
 * first step. All float32, the arithmetic too. */
void adamw_run(const struct adamw_step *step, size_t n, const float *gradient, float *mean,
    float *square, float *values);

/* The step's constants, of the options at this learning rate; factor 1. */
struct adamw_step adamw_start(const struct adamw_options *o, double rate, uint64_t t);

enum schedule { SCHEDULE_LINEAR, SCHEDULE_COSINE, SCHEDULE_CONSTANT };

/* "linear", "cosine", "constant"; -1 and *e for others. */
int schedule_parse(const char *word, enum schedule *ret, struct err *e);

/* The part of the peak rate that step t has, counted from 0: t / warmup below warmup, then 1 and
 * down to 0 at `steps`, straight or along half a cosine; CONSTANT stays at 1. */
double schedule_at(enum schedule s, uint64_t t, uint64_t warmup, uint64_t steps);

#endif
