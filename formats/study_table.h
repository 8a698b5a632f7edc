/* study_table.h - what came of a study: the best trial, the table of all, and the models that
 * stay. */

#ifndef FORMATS_STUDY_TABLE_H
#define FORMATS_STUDY_TABLE_H

#include "base/io.h"
#include "formats/study.h"

/* The best trial: on the highest rung that any got to, there the best value, of equal ones the
 * first. 0: none has a value. */
size_t study_best(const struct study *s);

/* The trials, best first, then those that failed; tab-separated, with a header:
 *	trial  state  epochs (with halving)  METRIC  an option each  model  message
 * 0 or -1. */
int study_print(const struct study *s, struct output *out, struct err *e);

/* Removes the model folders of the trials that are done or have failed, but for the best one. Needs
 * the lock. 0 or -1. */
int study_tidy(const struct study *s, struct err *e);

#endif
