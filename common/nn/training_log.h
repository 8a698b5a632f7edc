/* training_log.h - the file of metrics, JSON lines: training_run's, and what a program adds. */

#ifndef NN_TRAINING_LOG_H
#define NN_TRAINING_LOG_H

#include <jansson.h>
#include <stdint.h>

#include "base/cli.h"
#include "nn/training_run.h"

struct training_log;

/* Opens the file ("-": standard output; NULL: none). What it has of steps up to `step` stays, later
 * lines and those of no step go; with step 0 it starts anew. Without is_evaluated the evaluation of
 * `step` is a later line. NULL on failure. */
struct training_log *training_log_open(
    const struct cli *cli, const char *path, uint64_t step, bool is_evaluated, struct err *e);

/* Writes a line, which it frees, and with -v shows it. 0 or -1. */
int training_log_write(struct training_log *log, json_t *line, struct err *e);

/* Closes and frees (NULL is fine). 0, or -1 where not all could be written. */
int training_log_close(struct training_log *log, struct err *e);

/* Says how a run ended: interrupted, or complete before; with -v what its last evaluation was. */
void training_say_end(const struct cli *cli, const struct training_result *r);

#endif
