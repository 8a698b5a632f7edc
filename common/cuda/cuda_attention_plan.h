/* cuda_attention_plan.h - how the queries of a batch are spread over the device's blocks.
 *
 * A block takes 64 queries of one cell, so no block is shared and nothing is padded. All layers of
 * a network have the same cells: the plan of the last attention is kept with its copy on the
 * device, and used again for as long as the cells are the same. */

#ifndef CUDA_CUDA_ATTENTION_PLAN_H
#define CUDA_CUDA_ATTENTION_PLAN_H

#include "cuda/cuda_memory.h"

struct attention_plan;

struct attention_plan *attention_plan_create(void);
void attention_plan_free(struct attention_plan *p);

/* The tiles of these cells, those with the most keys first, since they take longest. Returns how
 * many there are; ret: room for as many, or NULL to count them only. */
size_t attention_tiles(const struct packing *cells, struct query_tile *ret);

/* Fills what *ret says of the cells. False after a failure. */
bool attention_plan_make(struct workspace *ws, struct attention_plan *p,
    const struct packing *cells, struct attention *ret);

#endif
