/* trial_run.h - one training of a study, as a process that is watched.
 *
 * The trainer is to write its metrics as JSON lines, an evaluation each epoch, and where it is
 * asked for the value of an early one, it is stopped there (SIGTERM), to be resumed later. That is
 * how gftrain behaves: it ends after a checkpoint, and goes on with the same bytes as if it had
 * never been stopped. */

#ifndef NN_TRIAL_RUN_H
#define NN_TRIAL_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct trial_run;

struct trial_run_options {
	const char *const *argv; /* ends with NULL */
	const char *log;         /* the trainer's output and messages */
	const char *metrics;
	const char *metric;
	size_t evaluation; /* the one whose value is wanted, from 1; 0: the last */
};

enum trial_outcome { TRIAL_RUNS, TRIAL_VALUE, TRIAL_FAILED };

struct trial_result {
	double value; /* TRIAL_VALUE */
	bool is_end;  /* the trainer was not stopped, but came to its end */
	/* TRIAL_FAILED: "exit status 1: " and the last line of its messages. */
	struct err problem;
};

/* NULL with e set where there is no such program. The texts of o are copied. */
struct trial_run *trial_run_start(const struct trial_run_options *o, struct err *e);

/* Looks after it. TRIAL_RUNS comes back until the process has ended. */
enum trial_outcome trial_run_look(struct trial_run *r, struct trial_result *ret);

/* Asks it to end (SIGTERM, once only: a second one would end gftrain without a checkpoint). */
void trial_run_stop(struct trial_run *r);
/* Ends all its processes (SIGKILL). */
void trial_run_kill(struct trial_run *r);

/* Kills what still runs. NULL is fine. */
void trial_run_free(struct trial_run *r);

#endif
