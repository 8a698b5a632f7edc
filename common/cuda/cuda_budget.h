/* cuda_budget.h - how much of the device's memory a batch may take. */

#ifndef CUDA_CUDA_BUDGET_H
#define CUDA_CUDA_BUDGET_H

#include "cuda/cuda_kernels.h"
#include "nn/model.h"

/* Streams that work side by side: one computes while another's input and output are on their way,
 * and small batches fill the device together. */
enum { CUDA_WORKSPACES = 4 };

/* Bytes of activations that a token of this network needs. */
size_t cuda_bytes_per_token(const struct model_config *c, enum narrow_kind kind);

/* Tokens of a batch: as many as make the device busy, where they fit into half of what is free and,
 * all workspaces together, into 2 GiB, so that a small card does as well; but never below the
 * model's positions. */
size_t cuda_batch_tokens(const struct model_config *c, enum narrow_kind kind, size_t free_bytes);

#endif
