/* cpu_rows.h - what the CPU backend does to rows of float32 besides products and attention.
 *
 * The arithmetic is the same with every instruction set, bit for bit: sums go over 16 lanes that
 * are added up in one fixed order, and no product is fused with a sum. */

#ifndef NN_CPU_ROWS_H
#define NN_CPU_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "nn/cpu_isa.h"

/* out[r] = (in[r] - mean) / sqrt(variance + eps) * gain + bias for rows of n values; out may be in.
 * The variance is that of the population, from the differences to the mean. */
void rows_normalize(enum cpu_isa isa, const float *in, float *out, size_t rows, size_t n,
    const float *gain, const float *bias, float eps);

/* The cosine of two rows: their product, each divided by its norm or 1e-8, whichever is more (as
 * PyTorch's cosine_similarity). Sums in double precision. */
double rows_cosine(const float *a, const float *b, size_t n);

/* Joins what a query took from two sets of keys, in place in out: for each head, the softmax over
 * both is each one's result times its share in the sum. sums [heads]: logarithms to base 2. */
void rows_join(float *out, const float *sums, const float *other, const float *other_sums,
    size_t heads, size_t head_size);

/* out[i] = a[i] + b[i] + c[i], in this order. */
void rows_add3(const float *a, const float *b, const float *c, float *out, size_t n);

/* out[c] = the mean of in[from .. to - 1][c], summed in double precision; NaN where from == to. */
void rows_mean(const float *in, size_t from, size_t to, size_t n, float *out);

/* The product of two vectors, in double precision, in a fixed order. */
double rows_dot(const float *x, const float *w, size_t n);

/* out = the sum of the rows in[from .. to - 1], at least one, each times its share in the softmax
 * over them of their products with w. In double precision. shares: room for to - from values. */
void rows_pool(
    const float *in, size_t from, size_t to, size_t n, const float *w, double *shares, float *out);

#endif
