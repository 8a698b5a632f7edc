/* cpu_gradient_pool.h - an attention pool and its gradient, on the CPU. Private to cpu_gradient.c.
 *
 * Of one cell: s[i] = in[i] . weight, shares = softmax(s), out = sum of shares[i] * in[i]. */

#ifndef NN_CPU_GRADIENT_POOL_H
#define NN_CPU_GRADIENT_POOL_H

#include <stddef.h>

/* in [n][columns], n at least 1; shares [n] and out [columns] are results. */
void pool_rows(const float *in, const float *weight, size_t n, size_t columns, float *ret_shares,
    float *ret_out);

/* With d_out [columns]: d_in [n][columns] and d_weight [columns] are added to; either may be NULL.
 */
void pool_rows_back(const float *in, const float *weight, const float *shares, size_t n,
    size_t columns, const float *d_out, float *d_in, float *d_weight);

#endif
