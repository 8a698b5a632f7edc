/* cpu_bf16.h - float32 to bfloat16 and back: the upper half of the number, rounded to nearest, ties
 * to even. */

#ifndef NN_CPU_BF16_H
#define NN_CPU_BF16_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = in[i] rounded; NaN stays NaN. The arrays do not overlap. */
void bf16_from_f32(uint16_t *out, const float *in, size_t n);

#endif
