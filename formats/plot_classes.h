/* plot_classes.h - how classes were predicted, as a confusion matrix or as curves: what is drawn of
 * a stream of predictions and of gfeval's report alike. */

#ifndef FORMATS_PLOT_CLASSES_H
#define FORMATS_PLOT_CLASSES_H

#include "formats/plot_page.h"
#include "formats/predictions.h"

/* Of a class against the rest. */
struct class_curve {
	size_t n;      /* points; 0: it has no curve */
	double *x, *y; /* [n]: false and true positive rate, or recall and precision */
	double area;   /* under the ROC curve, or the average precision */
	bool is_mean;  /* over the folds of a cross-validation; its area has a deviation */
	double deviation;
};

/* Zero-initialise to start; the arena owns all but what predictions own. */
struct plot_classes {
	struct arena arena;
	size_t n;                   /* classes */
	const char **names;         /* [n] */
	double *counts;             /* [n][n], a row a true class */
	size_t n_curves;            /* classes that may have a curve, the first ones */
	struct class_curve *curves; /* [n_curves] */
	struct predictions *rows;   /* NULL: from a report */
};

/* Where the true classes are: a column, or a table of genes. */
struct plot_truth {
	const char *column, *genes;
	const char *task; /* which head; NULL: the only one */
};

/* Reads the program's inputs, streams of predictions: names, counts, rows, and empty curves where
 * has_curves. Rows without truth or prediction are left out, with a warning. -1 with e set where
 * there is no such column, no row, or one class only. */
int plot_classes_predictions(struct plot_classes *p, const struct cli *cli,
    const struct plot_truth *truth, bool has_curves, struct err *e);

/* Reads the program's input, a JSON report of gfeval, with its ROC curves (the means over folds,
 * where there are folds) or its precision-recall curves. -1 with e set where it is none, or has no
 * curves although is asked for them. */
int plot_classes_report(
    struct plot_classes *p, const struct cli *cli, bool has_curves, bool is_roc, struct err *e);

void plot_classes_free(struct plot_classes *p);

/* The matrix on a page of its own. */
void plot_classes_confusion(
    const struct plot_page *page, const struct plot_classes *p, bool shows_counts, struct err *e);

/* The curves: of the class `positive`; where it is NULL of all, or, of two, of the second. -1 with
 * e set where there is no such class, or no curve. */
void plot_classes_curves(const struct plot_page *page, const struct plot_classes *p, bool is_roc,
    const char *positive, struct err *e);

#endif
