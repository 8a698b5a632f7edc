/* study_work.h - a worker of a study: takes trials, trains several at once, records what came.
 *
 * What is next is decided while the study is locked, by any number of workers alike: a trial that
 * another worker left; one that failed, to be retried; one to promote; a new one; else it waits for
 * the others. */

#ifndef NN_STUDY_WORK_H
#define NN_STUDY_WORK_H

#include "base/cli.h"
#include "formats/study.h"

enum { STUDY_MAX_JOBS = 1024 };

struct study_work {
	const struct cli *cli; /* whose threads the jobs share */
	size_t jobs;           /* trials at once, at most STUDY_MAX_JOBS */
	double grace;          /* seconds that trainers have to stop before they are killed */
	bool is_retrying;      /* trials that have failed before are taken up again, once */
	bool is_keeping_all;   /* else only the best model stays */
	void *context;         /* of the functions */
	/* The options of a new trial, texts by name; the caller's. */
	json_t *(*sample)(void *context, size_t trial);
	/* A trial to go on to the rung after *ret_rung. is_last: nothing runs and no trial is to
	 * come. False: none. */
	bool (*promote)(void *context, const struct study *s, bool is_last, size_t *ret_trial,
	    size_t *ret_rung);
};

/* Works until the study is over, or SIGTERM or SIGINT comes: then the trainers are stopped (by a
 * second signal killed), their trials released, and *ret_is_stopped set. A trial that fails is
 * recorded; only what would fail all of them (no such program, no place for the study) is an error.
 * 0 or -1. */
int study_work(struct study *s, const struct study_work *w, bool *ret_is_stopped, struct err *e);

#endif
