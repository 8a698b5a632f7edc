/* training_private.h - private to training_run: what its files share.
 *
 *	training_run.c         signals, the run from its start to its end
 *	training_step.c        a step: its cells, their gradient, the update
 *	training_evaluation.c  going through EVAL, and what follows from it
 *	training_checkpoint.c  settings, starting and resuming, the folder
 *	training_parts.c       cutting a step into parts, and dealing these to the ranks
 *	training_state.c       the file of a checkpoint
 *	training_log.c         the file of metrics
 *
 * On several ranks (ranks.h) all of it happens everywhere, but for these: the parts that are
 * computed are a rank's own; rank 0 alone reads and writes files. */

#ifndef NN_TRAINING_PRIVATE_H
#define NN_TRAINING_PRIVATE_H

#include "base/progress.h"
#include "nn/training_log.h"
#include "nn/training_parts.h"
#include "nn/training_run.h"
#include "nn/training_state.h"

struct run {
	const struct cli *cli;
	const struct training_task *task;
	const struct training_options *o;
	struct training_result *ret;
	struct token_order *order, *eval_order;
	struct training_parts *parts;
	struct learner *learner;
	struct training_state state;
	json_t *settings; /* the task's, and ours */
	uint64_t steps, warmup;
	struct training_log *log;
	struct progress progress;
	double *losses;                         /* [lanes] of what is at hand */
	double rate, norm;                      /* of the last step */
	double eval_totals[TRAINING_MAX_HEADS]; /* once they are known: */
	uint64_t n_eval_labels;
	bool is_saved; /* the folder has a checkpoint, of this step: */
	uint64_t saved_step;
	bool is_stopping; /* a rank got a signal, and all know of it */
};

/* Comes together with the other ranks: is_stopping is up to date. 0, or -1 where one has failed. */
int training_meet(struct run *r, struct err *e);

/* Adds to r->losses those of this rank's parts that were just computed. */
void training_add_losses(struct run *r, const struct training_cut *cut);
/* Their sum over the lanes of all ranks, in order; they become 0. After a ranks_agree. */
double training_join_losses(struct run *r);

/* Step 3 is a multiple of every 1 or 3; none is of 0. */
bool training_is_due(uint64_t step, uint64_t every);
bool training_is_over(const struct run *r);

/* The beginning of a line of metrics. */
json_t *training_start_line(const struct run *r);

/* Weights that are made of others follow these. */
void training_settle(const struct training_task *task);

/* Everything that the result depends on, as JSON, into r->settings. */
void training_collect_settings(struct run *r);

/* Reads the checkpoint, or finds that the run can begin, or is complete already. 0 or -1. */
int training_start(struct run *r, struct err *e);

/* Writes the folder: a checkpoint, or the end. 0 or -1. */
int training_save(struct run *r, bool is_complete, struct err *e);

/* The evaluation of the step at hand; when a signal comes it is still to come. 0 or -1. */
int training_evaluate(struct run *r, struct err *e);

/* Takes the next cells and learns from them. 0 or -1. */
int training_make_step(struct run *r, struct err *e);

#endif
