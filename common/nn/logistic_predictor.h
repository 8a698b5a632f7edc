/* logistic_predictor.h - cells with the classes that a logistic regression gives them. */

#ifndef NN_LOGISTIC_PREDICTOR_H
#define NN_LOGISTIC_PREDICTOR_H

#include "formats/logistic_file.h"
#include "nn/class_names.h"

struct logistic_predictor;

/* For the cells of `in`, opened with the kind of the file alone; `vocabulary` is that of tokens,
 * else NULL. All of them must outlive it. Warns of genes of the model that the stream's vocabulary
 * or dictionary has not: they count as 0. NULL with e set where it has none of them, embeddings are
 * of another width, or e was set before. */
struct logistic_predictor *logistic_predictor_new(const struct cli *cli,
    const struct logistic_file *file, const struct class_names *names,
    const struct cells_reader *in, const struct genes *vocabulary, struct err *e);

/* The schema of the predictions: the columns of the input but those that the features were made of;
 * one that has a name of this kind becomes obs.NAME. The caller's. NULL where p is NULL. */
struct schema *logistic_predictor_schema(const struct logistic_predictor *p);

/* Turns a batch of cells into predictions (a cells_work). -1 where features cannot be made of a
 * cell, or give no finite logits. */
int logistic_predictor_work(struct batch *b, void *logistic_predictor, struct err *e);

/* -1 with e set where there were cells, and none had a gene of the model nor could have. */
int logistic_predictor_check(const struct logistic_predictor *p, struct err *e);

/* NULL is fine. */
void logistic_predictor_free(struct logistic_predictor *p);

#endif
