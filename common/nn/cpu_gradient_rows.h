/* cpu_gradient_rows.h - the row-wise operations of cpu_gradient.c: gradients of norms, activation
 * functions and embeddings, and the loss. Companions of cpu_rows.h, and as there the arithmetic of
 * norms is the same with every instruction set. Contracts: gradient.h. */

#ifndef NN_CPU_GRADIENT_ROWS_H
#define NN_CPU_GRADIENT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "nn/cpu_isa.h"
#include "nn/cpu_tile.h"
#include "nn/gradient.h"

void rows_normalize_back(const struct layer_norm *w, const float *in, const float *d_out,
    size_t rows, float *d_in, float *d_gain, float *d_bias);

void rows_activate(enum activation f, const float *in, size_t n, float *out);
void rows_activate_back(enum activation f, const float *in, size_t n, float *d);

/* to += x */
void rows_add(const float *x, size_t n, float *to);
/* The sum of the squares, in double precision, in a fixed order. */
double rows_squares(const float *x, size_t n);

/* to[c] += sum of the rows' values */
void rows_column_sums(const float *x, size_t rows, size_t n, float *to);

/* One row: returns weight * -log(softmax[label]); x becomes factor * weight * (softmax - one-hot).
 * label is not negative. ret_is_right: no value is above the label's, none before it as high. */
double rows_cross_entropy(const struct tile_kernel *kernel, float *x, size_t n, size_t label,
    double weight, double factor, bool *ret_is_right);

#endif
