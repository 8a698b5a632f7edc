/* predictions.h - streams of predictions, gathered beside the truth.
 *
 * Rows whose truth or whose prediction is not there are counted and left out. Classes are numbered:
 * first those of the model, in its order (field metadata cells:classes of probabilities), then
 * others that only the truth or the prediction names, sorted by their bytes. Several streams (the
 * folds of a cross-validation) share one numbering, so their models must have the same classes. */

#ifndef FORMATS_PREDICTIONS_H
#define FORMATS_PREDICTIONS_H

#include "formats/cells.h"
#include "formats/gene_classes.h"
#include "formats/label_column.h"

struct predictions_options {
	const char *task;  /* which head: prediction:TASK; NULL: the only one */
	const char *truth; /* column with the true classes; NULL: gene_truth */
	const struct gene_classes *gene_truth;
	const char *fold;  /* column with the fold of a row; NULL: a stream is a fold */
	bool is_strict;    /* rows that would be left out are errors */
	bool has_scores;   /* keep the probabilities */
	size_t max_memory; /* for what is kept */
};

struct predictions {
	struct predictions_options options;
	const char *task;        /* found: NULL where the head has no name */
	size_t n;                /* rows kept */
	struct buffer truth;     /* uint32_t [n] class numbers */
	struct buffer predicted; /* uint32_t [n] */
	struct buffer fold;   /* uint32_t [n] folds: streams in their order, or labels by bytes */
	struct buffer scores; /* float [n][n_scored] */
	struct string_set classes; /* not in their order before predictions_finish */
	size_t n_scored;           /* classes of the model; 0: no probabilities, or not kept */
	struct string_set folds;
	uint64_t n_without_truth, n_without_prediction;
	size_t n_genes_met;       /* genes of gene_truth that had a row */
	bool *is_met;             /* [genes of gene_truth] */
	const char **class_names; /* by predictions_finish: [classes.n], [folds.n] */
	const char **fold_names;
	struct arena arena; /* of the names */
	struct prediction_columns {
		struct label_column truth, prediction, fold;
		ptrdiff_t gene, probabilities;
		uint32_t stream_fold; /* where no column has it */
		uint32_t *places;     /* [n_scored] class of each probability of the stream */
	} columns;                    /* of the stream at hand */
};

/* The options' pointers must outlive it. Freed by predictions_free. */
struct predictions *predictions_new(const struct predictions_options *options);

/* Adds all rows of a stream; `fold` names it, where the options have no column. -1 with e set where
 * it has no such task, column or genes, its classes are not those of the streams before, a row has
 * no probabilities or no finite ones, or max_memory is too little. */
int predictions_read(
    struct predictions *p, struct cells_reader *in, const char *fold, struct err *e);

/* Gives classes their final numbers and names. -1 where no row is left to evaluate. */
int predictions_finish(struct predictions *p, struct err *e);

/* NULL is fine. */
void predictions_free(struct predictions *p);

#endif
