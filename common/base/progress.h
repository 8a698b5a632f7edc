/* progress.h - the progress line of long work, and the summary that -v prints.
 *
 * The line stands on stderr while that is a terminal and -q is not given, and is redrawn five times
 * a second at most: "gfembed: 12,000 cells, 214 cells/s, 62 %, 0:41 left". */

#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include "base/cli.h"

struct progress {
	const struct cli *cli;
	const char *unit; /* "cells" */
	bool is_drawn;
	double start, last; /* seconds of the monotonic clock */
	uint64_t n;
};

/* `cli` and `unit` must outlive p. */
void progress_start(struct progress *p, const struct cli *cli, const char *unit);
/* n more units are done; fraction of the whole work that is done now, or a negative number where
 * nobody knows. */
void progress_advance(struct progress *p, uint64_t n, double fraction);
/* Wipes the line; with -v prints the summary. */
void progress_end(struct progress *p);

#endif
