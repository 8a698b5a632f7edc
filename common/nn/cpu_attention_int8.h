/* cpu_attention_int8.h - attention whose two products are of 8-bit integers (after SageAttention,
 * arXiv 2410.02367): another kernel for attention_run, two to four times as fast as float32.
 *
 * Queries are rounded to 8 bits by the row. Keys lose their mean over the cell's keys, channel by
 * channel, which softmax does not see, and are rounded by the row as well. A weight has 8 bits
 * against the greatest of its own block of 256 keys, so that tails keep their resolution; what a
 * query's sum is divided by is made of the rounded weights. Values lose their mean by the channel,
 * which the result gets back, and are rounded by the channel. Blocks are added up in float32.
 *
 * All between the two products is of 16-bit integers, and what is of float32 happens in one order
 * without fused operations: every kernel gives the same bytes. A NaN or an infinity among a cell's
 * keys makes all of the head NaN, one in a query its row, one in a value its channel. */

#ifndef NN_CPU_ATTENTION_INT8_H
#define NN_CPU_ATTENTION_INT8_H

#include "nn/cpu_attention.h"

/* For attention_run; queries, keys, values and results are float32 as for the other kernels. The
 * best for these instructions and this CPU: AMX-INT8, AVX512-VNNI, or plain C (correct, but slower
 * than float32) where it has neither. log_sum works; drop must be NULL. A head of up to 2,048
 * values. */
const struct attention_kernel *attention_kernel_int8(enum cpu_isa isa);

#endif
