/* class_columns.h - the columns of a prediction, for any program that predicts classes.
 *
 * For each task prediction, probability and probabilities (with logits where wanted), then the
 * embedding where wanted; cells.5 describes them. Scores of a row are the probabilities of all
 * tasks, their logits, the embedding. */

#ifndef NN_CLASS_COLUMNS_H
#define NN_CLASS_COLUMNS_H

#include "cell/batch.h"
#include "nn/class_names.h"

struct class_columns {
	const struct class_names *names;
	size_t n_classes; /* of all tasks together */
	size_t hidden;    /* of the embedding; 0: none */
	bool has_logits;  /* as columns */
	bool is_mean;     /* scores are means over cells: the greatest probability decides, else the
			     greatest logit, which rounding has not brought together */
};

/* Numbers in a row of scores: 2 * n_classes + hidden. */
size_t class_columns_width(const struct class_columns *c);

/* Columns of the schema that have names of these become obs.NAME. */
void class_columns_vacate(const struct class_columns *c, struct schema *s);

/* Inserts the fields from place `at` on. */
void class_columns_add_fields(const struct class_columns *c, struct schema *s, size_t at);

/* Inserts the columns of b->rows rows of scores [rows][width] from place `at` on, as the fields. */
void class_columns_add(
    const struct class_columns *c, struct batch *b, size_t at, const float *scores);

/* The scores of one row of logits [n_classes] and embedding [hidden]. -1 where a logit is no finite
 * number. */
int class_columns_score(const struct class_columns *c, const float *row, float *ret_scores);

#endif
