/* score_report.h - scores as text for people, and as JSON (jansson) for programs.
 *
 * JSON is one object, a member a line; numbers have 17 digits, those that are not defined are null.
 * The layout is in gfeval(1). Names are UTF-8; the text has no control characters of theirs. */

#ifndef STAT_SCORE_REPORT_H
#define STAT_SCORE_REPORT_H

#include "base/io.h"
#include "stat/evaluation.h"
#include "stat/integration.h"

/* What was read, for both forms. */
struct report_source {
	const char *task;  /* NULL: the head has no name */
	const char *truth; /* the column; "gene" for a table of genes */
	uint64_t n_without_truth, n_without_prediction;
	bool has_genes;
	uint64_t n_genes, n_genes_met; /* of the table */
};

int evaluation_text(struct output *out, const struct evaluation *v,
    const struct report_source *source, struct err *e);
/* The curves, one at a time in memory, are those without needless points (roc_curve.h). */
int evaluation_json(struct output *out, const struct evaluation *v,
    const struct report_source *source, struct err *e);

int integration_text(
    struct output *out, const struct integration *s, uint64_t n_left_out, struct err *e);
int integration_json(
    struct output *out, const struct integration *s, uint64_t n_left_out, struct err *e);

/* The table that scikit-learn's classification_report prints (4 digits), of the classes that are
 * present. */
int classification_text(
    struct output *out, const struct classification *c, const char *const *names, struct err *e);

#endif
