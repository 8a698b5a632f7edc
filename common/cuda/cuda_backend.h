/* cuda_backend.h - the backend of NVIDIA's GPUs.
 *
 * Built into a shared object of its own, which programs open when they need it (nn/cuda_load.h), so
 * that they start and run where there is no CUDA. One device: the first that CUDA_VISIBLE_DEVICES
 * leaves.
 *
 *	cuda_backend.c         the table of operations
 *	cuda_memory.c          workspaces, uploads, activations
 *	cuda_weights.c         weights
 *	cuda_matmul.c          linear layers by cuBLASLt
 *	cuda_attention_plan.c  which block has which queries
 *	cuda_*.cu              kernels
 *
 * Precisions: bf16 and fp16 multiply 16-bit numbers on tensor cores and sum in float32; residual
 * sums, norms, means, logits and what is fetched are float32. f32 is float32 throughout, without
 * TF32: slow, the reference. */

#ifndef CUDA_CUDA_BACKEND_H
#define CUDA_CUDA_BACKEND_H

#include "nn/backend.h"

/* AUTO: bf16. NULL with *e set where there is no device that can do it, or not in this precision.
 */
struct backend *cuda_backend_create(enum precision precision, struct err *e);

#endif
