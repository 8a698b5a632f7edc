/* class_scores.h - from logits to probabilities and to the class that wins. */

#ifndef NN_CLASS_SCORES_H
#define NN_CLASS_SCORES_H

#include <stddef.h>

/* The softmax of n logits, 1 or more: in double precision from differences to the greatest, so that
 * no logit is too large. -1, with nothing written, where one of them is no finite number. */
int class_probabilities(const float *logits, size_t n, float *ret_probabilities);

/* The place of the greatest of n values; of the first of them where several are equal. */
size_t class_best(const float *x, size_t n);

#endif
