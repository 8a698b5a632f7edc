/* plot_training.h - training curves: metrics against the step, one or several runs.
 *
 * A metric and its eval_ twin (loss, eval_loss) share a panel; panels lie below each other. With
 * one run colours tell metrics apart; with several they tell runs apart, and eval_ metrics are
 * dashed. */

#ifndef FORMATS_PLOT_TRAINING_H
#define FORMATS_PLOT_TRAINING_H

#include "formats/plot_metrics.h"
#include "formats/plot_page.h"

struct training_curve {
	size_t run;         /* from 0 */
	const char *metric; /* "loss" */
	size_t n;
	const double *steps, *values; /* [n] finite */
};

struct plot_training {
	const char *title; /* NULL: none */
	size_t n_runs;
	const char *const *runs; /* [n_runs] their names */
	size_t n;
	const struct training_curve *curves; /* [n], n >= 1 */
};

/* Takes the metrics `names` ("loss,eval_loss"; NULL: these two) of each run. What a run does not
 * have is left out; a name that no run has is an error, unless names is NULL and the other one is
 * there. What it makes lies in the arena and points at the runs. */
int plot_training_choose(struct plot_training *p, struct arena *a, const struct metrics *runs,
    const char *names, struct err *e);

/* What to call the runs of n files (0: standard input): their names without folder and ending, or
 * the whole paths where two would be called the same. */
const char *const *plot_training_names(struct arena *a, const char *const *paths, size_t n);

/* The program's input files on a page of their own; names as above. */
void plot_training_input(const struct plot_page *page, const char *names, struct err *e);

/* How many panels it will have. */
size_t plot_training_panels(const struct plot_training *p);
void plot_training_draw(struct canvas *c, const struct plot_training *p);

#endif
