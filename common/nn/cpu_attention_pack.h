/* cpu_attention_pack.h - the packing that the float32 attention kernels share. */

#ifndef NN_CPU_ATTENTION_PACK_H
#define NN_CPU_ATTENTION_PACK_H

#include <stddef.h>

/* to[c][i] = from[i][c] * unit, to being [d][width]; columns from n to width - 1 become 0. */
void attention_transpose(
    const float *from, size_t stride, size_t n, size_t d, float unit, float *to, size_t width);

/* to[i] = from[i], rows of d filled up with 0 to a multiple of 16; rows from n to rows - 1 become
 * 0. */
void attention_pad_rows(
    const float *from, size_t stride, size_t n, size_t d, float *to, size_t rows);

#endif
