/* cpu_attention_head.h - what cpu_attention.c hands to a kernel that runs whole heads itself. */

#ifndef NN_CPU_ATTENTION_HEAD_H
#define NN_CPU_ATTENTION_HEAD_H

#include <stdint.h>

#include "nn/cpu_attention.h"

/* Queries that share a passage of the keys, so that keys of a long cell come from the second-level
 * cache or beyond once for all of them. A multiple of every kernel's group. */
enum { ATTENTION_QUERIES = 96 };

/* Memory that grows; what it held is lost then. */
struct attention_space {
	unsigned char *data;
	size_t size;
};

struct attention_scratch {
	struct attention_space q, k,
	    v;                      /* packed: ATTENTION_QUERIES queries, a cell's keys, values */
	struct attention_space s;   /* [group][ATTENTION_BLOCK] scores of 4 bytes */
	struct attention_space out; /* float [ATTENTION_QUERIES][width] */
	float max[ATTENTION_QUERIES], sum[ATTENTION_QUERIES], scale[ATTENTION_QUERIES];
	uint16_t numbers[ATTENTION_BLOCK];           /* for dropout */
	struct attention_space channels, keys, rows; /* cpu_attention_int8.c's */
};

/* One head of one cell. Pointers to its first value; rows are `stride` floats apart. */
struct attention_head {
	const float *q, *k, *v;
	float *out;
	size_t n_q, n_k, stride;
	size_t size, width;
	size_t row_bytes, value_bytes; /* of a packed query or key, of a packed value row */
	const struct attention_call *call;
	size_t index, first_query; /* which head; the call's row of the first query */
};

static inline size_t
attention_round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static inline size_t
attention_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void attention_space_grow(struct attention_space *s, size_t size);

#endif
