#include "cuda/cuda_budget.h"

enum { MOST_TOKENS = 16384 };

/* Hidden states, queries, keys, values and context; the inner rows of the feed-forward part.
 * Activations are given an eighth more than they need (cuda_memory.c). */
size_t
cuda_bytes_per_token(const struct model_config *c, enum narrow_kind kind)
{
	size_t narrow = kind == NARROW_NONE ? sizeof(float) : sizeof(uint16_t);
	size_t states = sizeof(float) + (kind == NARROW_NONE ? 0 : narrow);
	size_t bytes = c->hidden * (states + 4 * narrow) + c->ffn * narrow;

	return bytes + bytes / 8;
}

size_t
cuda_batch_tokens(const struct model_config *c, enum narrow_kind kind, size_t free_bytes)
{
	size_t most = (size_t)2 << 30, room = free_bytes / 2 < most ? free_bytes / 2 : most;
	size_t tokens = room / CUDA_WORKSPACES / cuda_bytes_per_token(c, kind);

	if (tokens > MOST_TOKENS)
		tokens = MOST_TOKENS;
	return tokens < c->positions ? c->positions : tokens;
}
