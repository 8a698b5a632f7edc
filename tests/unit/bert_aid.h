/* bert_aid.h - the network as the papers define it, in double precision, one cell at a time, with
 * nothing saved: what the tests compare with. Results are the arena's. */

#ifndef TESTS_UNIT_BERT_AID_H
#define TESTS_UNIT_BERT_AID_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "nn/model.h"

/* y[rows][n_out] = x W' + b */
double *bert_dense(struct arena *a, const double *x, size_t rows, const float *weight,
    const float *bias, size_t n_out, size_t n_in);

/* x = f(x), n values; relu, gelu or tanh. */
void bert_activate(enum activation f, double *x, size_t n);

/* x = norm(x + y), rows of n; y may be NULL. */
void bert_norm(double *x, const double *y, size_t rows, size_t n, const float *gain,
    const float *bias, float eps);

/* The hidden states of one cell after `layers` layers: [n][hidden]. */
double *bert_hidden(
    struct arena *a, const struct model *m, const int32_t *ids, size_t n, size_t layers);

#endif
