/* study.h - the file of a study: trials of a program with different options, by any number of
 * workers at once.
 *
 * STUDY/study.jsonl, JSON lines. The first one is the plan; then one line for each thing that
 * happens:
 *	{"study": 1, "seed": 0, "trials": 20, "metric": "eval_macro_f1", "maximize": true, ...}
 *	{"trial": 1, "event": "start", "rung": 0, "options": {"rate": "3.1e-05"}, "host": "n1"}
 *	{"trial": 1, "event": "value", "rung": 0, "value": 0.83, "is_end": true}
 *	{"trial": 2, "event": "fail", "rung": 0, "message": "exit status 1: ..."}
 *	{"trial": 3, "event": "release", "rung": 0}
 *	{"trials": 40}
 *
 * Lines are only added, whole ones, while the file is locked (fcntl, so on NFS too, as far as its
 * locks work), and brought to the disk. What a worker that died left of a line is cut off by the
 * next one. A trial that is being trained is locked by its worker, too (a byte far behind the end
 * of the file): so a trial that was started and is neither ended nor locked belongs to nobody, and
 * may be taken up again. */

#ifndef FORMATS_STUDY_H
#define FORMATS_STUDY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/study_plan.h"

enum study_state { STUDY_STARTED, STUDY_RELEASED, STUDY_DONE, STUDY_FAILED };

struct study_trial {
	enum study_state state; /* on `rung` */
	size_t rung;
	size_t n_values; /* rungs that it has a value of */
	double values[STUDY_MAX_RUNGS];
	const json_t *options; /* texts by name */
	const char *message;   /* of STUDY_FAILED */
	bool is_ours;          /* this process trains it */
};

struct study;

/* Opens the study in a folder. With a plan it is begun where there is none; one that is there must
 * be of the same plan (n_trials may be more than its, which it gets then). With NULL it must be
 * there. NULL with e set. `folder` must outlive it. */
struct study *study_open(const char *folder, const struct study_plan *plan, struct err *e);
void study_close(struct study *s);

const struct study_plan *study_plan_of(const struct study *s);
const char *study_folder(const struct study *s);
/* Bytes of half a line that a dead worker left, and that were cut off. */
size_t study_torn_bytes(const struct study *s);

/* Waits for the lock and reads what others have added. All functions below need it. 0 or -1. */
int study_lock(struct study *s, struct err *e);
void study_unlock(struct study *s);

/* Trials that have been started, numbered from 1: study_trial(s, 1) ... */
size_t study_count(const struct study *s);
const struct study_trial *study_trial(const struct study *s, size_t trial);
/* A trial that was started or released, and that no process trains. */
bool study_is_free(const struct study *s, size_t trial);
/* STUDY/trial-0001SUFFIX; the caller frees it. Needs no lock. */
char *study_path(const struct study *s, size_t trial, const char *suffix);

/* Adds a line. start: the trial is this process's from now on (options are taken over: a reference
 * is stolen); a new one has number study_count + 1. value: its value on the rung; is_end: and it
 * has come to its end, so that is its value on all higher ones, too. 0 or -1. */
int study_start(struct study *s, size_t trial, size_t rung, json_t *options, struct err *e);
int study_value(struct study *s, size_t trial, double value, bool is_end, struct err *e);
int study_fail(struct study *s, size_t trial, const char *message, struct err *e);
int study_release(struct study *s, size_t trial, struct err *e);

#endif
