/* plot_metrics.h - metrics of a training run, as its log has them.
 *
 * JSON lines: an object a line, with `step` and any number of metrics. Or one JSON object whose
 * `log_history` is an array of such objects, which is the trainer_state.json of Hugging Face. Lines
 * without a step are numbered by their place. */

#ifndef FORMATS_PLOT_METRICS_H
#define FORMATS_PLOT_METRICS_H

#include "base/io.h"

struct metric {
	const char *name;
	size_t n, room;
	double *steps, *values; /* [n] in the order of the file; values finite */
	size_t n_dropped;       /* null or not finite */
};

/* Zero-initialise to start. */
struct metrics {
	struct arena arena; /* holds the names */
	size_t n;
	struct metric *metrics; /* every numeric key but step, as they come */
};

/* Adds what a file has ("-": standard input). -1 on failure: not JSON, a line that is no object, a
 * step that is no number, or no metric at all. */
int metrics_read(struct metrics *m, const char *path, bool force, struct err *e);
void metrics_free(struct metrics *m);

/* The metric of that name (n bytes), or NULL. */
const struct metric *metrics_find(const struct metrics *m, const char *name, size_t n);

#endif
