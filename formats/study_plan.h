/* study_plan.h - what a study is: the first line of its file. */

#ifndef FORMATS_STUDY_PLAN_H
#define FORMATS_STUDY_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum { STUDY_MAX_RUNGS = 32, STUDY_MAX_TRIALS = 1000000 };

struct study_words {
	size_t n;
	const char *const *items;
};

/* What a study is. */
struct study_plan {
	uint64_t seed;
	size_t n_trials;
	const char *metric;
	bool is_maximized;
	bool is_restarting;            /* a trial that is taken up again begins anew */
	size_t n_rungs;                /* at least 1 */
	size_t rungs[STUDY_MAX_RUNGS]; /* epochs; a 0, as the only one: as long as the trainer likes
					*/
	size_t reduction;              /* one of so many trials of a rung goes on */
	struct study_words command, arguments, space;
};

/* Whether a plan can be: no argument is an option that is set here (--output, --metrics, --resume,
 * those of the space, with several rungs --epochs), and the epochs are not searched where the rungs
 * say them. 0, or -1 with e set. */
int study_plan_check(const struct study_plan *plan, struct err *e);

/* As JSON, the caller's; NULL with e set where a text is no UTF-8. */
json_t *study_plan_write(const struct study_plan *plan, struct err *e);

/* Reads it. The texts of *ret belong to `header` and the arena; `path` is the file's. 0 or -1. */
int study_plan_read(
    const json_t *header, const char *path, struct arena *a, struct study_plan *ret, struct err *e);

/* Whether it is the plan that is wanted, the number of trials aside. 0, or -1 with e naming what is
 * not. */
int study_plan_compare(const json_t *header, const json_t *wanted, const char *path, struct err *e);

#endif
