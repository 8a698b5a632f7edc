/* metric_lines.h - what a trainer's metrics, JSON lines, say of one metric.
 *
 * There are lines of evaluations on the way, {"step": 100, "eval_loss": 0.4, ...}, and at the end
 * there may be a line for each set (and task) about the model that was written, {"set": "valid",
 * "loss": 0.3, ...}: "eval_loss" is in both, and "test_loss" is in those of the set "test". */

#ifndef FORMATS_METRIC_LINES_H
#define FORMATS_METRIC_LINES_H

#include <stddef.h>

#include "base/err.h"

struct metric_lines {
	size_t n;             /* evaluations with the metric, a number */
	size_t n_evaluations; /* lines with any key that begins with eval_ */
	double nth;           /* of the evaluation asked for; NaN where there is none yet */
	/* Of the model that was written, the mean over tasks; else of the last evaluation; NaN
	 * where there is none. */
	double last;
};

/* Reads a file that may still grow: half a line at its end is left alone, and a file that is not
 * there has no lines. nth counts from 1; 0: none is asked for. Other lines than JSON objects are
 * errors. 0 or -1. */
int metric_lines_read(
    const char *path, const char *metric, size_t nth, struct metric_lines *ret, struct err *e);

#endif
