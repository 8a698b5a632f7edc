/* label_rows.h - what is known of the rows of a corpus besides their tokens: the labels that are to
 * be learned, and which rows are to learn from.
 *
 * Filled while the corpus is (token_corpus_visit). A row without any of the labels is left out and
 * counted; one that has some of several tasks learns these. */

#ifndef NN_LABEL_ROWS_H
#define NN_LABEL_ROWS_H

#include <stdbool.h>

#include "formats/label_column.h"
#include "nn/class_names.h"
#include "nn/token_corpus.h"

struct label_rows_options {
	const char *const *columns; /* [n_tasks] of the labels */
	size_t n_tasks;             /* 0: rows need no labels (classes of genes) */
	const char *split;          /* column with "train", "valid" or "test"; NULL: none */
	const char *group;          /* column that says which rows stay together; NULL: none */
	bool is_strict;             /* a row that would be left out is an error */
};

/* A column as it comes: a number for each row, -1 where there is none. */
struct row_labels {
	struct label_column column;
	struct string_set names;
	struct buffer numbers; /* int32_t [rows] */
};

struct label_rows {
	struct label_rows_options options;
	struct row_labels *tasks; /* [n_tasks] */
	struct row_labels group, split;
	bool is_evaluation;                            /* of the source at hand */
	uint64_t n_unlabelled, n_unsplit, n_ungrouped; /* rows that are left out */
};

/* options are copied, but not what they point at. */
struct label_rows *label_rows_new(const struct label_rows_options *o);
/* NULL is fine. */
void label_rows_free(struct label_rows *l);

/* A token_corpus_visit; context: the label_rows. Rows that come as EVAL stay so, whatever `split`
 * and `group` would say. -1: a column that is not there, or with is_strict a row that would be left
 * out; a row whose split is another word. */
int label_rows_visit(void *label_rows, const struct schema *s, const struct batch *b,
    uint64_t first, uint8_t *sets, struct err *e);

/* Moves rows of TRAIN to EVAL and TEST: these shares of the rows, or of the groups where the
 * options have a column of them, with the same mixture of the first task's classes. -1: too few
 * groups. */
int label_rows_divide(const struct label_rows *l, struct token_corpus *c, double valid, double test,
    uint64_t seed, struct err *e);

/* Numbers the classes: sorted by their bytes; or as `own`, where this is not NULL and has these
 * tasks with just these classes (then *ret_is_own). NULL with e set: one class only, or one that no
 * row of TRAIN has. Labels are numbers of these classes from then on. */
struct class_names *label_rows_name(struct label_rows *l, const struct token_corpus *c,
    const struct class_names *own, bool *ret_is_own, struct err *e);

/* The label of a row, or -1. */
static inline int32_t
label_rows_get(const struct label_rows *l, size_t task, uint64_t row)
{
	return ((const int32_t *)(const void *)l->tasks[task].numbers.data)[row];
}

/* Adds the rows of TRAIN to counts [classes]. */
void label_rows_count(
    const struct label_rows *l, const struct token_corpus *c, size_t task, uint64_t *counts);

#endif
