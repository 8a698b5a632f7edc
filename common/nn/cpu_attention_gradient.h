/* cpu_attention_gradient.h - what attention does to a gradient, without a length x length matrix.
 *
 * For 48 queries and 96 keys at a time the weights are computed again from the kept logarithm of
 * each query's sum (Dao et al. 2022, algorithm 4): S = Q K', P = exp(S - log sum), dV = P' dO,
 * dP = dO V', dS = P * (dP - rowsum(dO * O)), dQ = dS K, dK = dS' Q. Five products of the size of
 * the forward pass's two. Keys' and values' gradients are added up in the order of the queries. */

#ifndef NN_CPU_ATTENTION_GRADIENT_H
#define NN_CPU_ATTENTION_GRADIENT_H

#include "nn/cpu_tile.h"
#include "nn/gradient.h"

/* A thread's working memory: 6 * head_size floats for each key of the longest cell. */
struct attention_gradient_scratch;

struct attention_gradient_scratch *attention_gradient_scratch_create(void);
void attention_gradient_scratch_free(struct attention_gradient_scratch *s);

void attention_gradient_run(const struct tile_kernel *kernel, const struct attention_gradient *call,
    struct attention_gradient_scratch *scratch);

#endif
