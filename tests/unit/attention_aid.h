/* attention_aid.h - one cell of queries, keys and values, attention over it, and what that is by
 * definition, in double precision. */

#ifndef TESTS_UNIT_ATTENTION_AID_H
#define TESTS_UNIT_ATTENTION_AID_H

#include "network_aid.h"
#include "nn/cpu_attention.h"

struct cell {
	struct arena arena;
	size_t n, heads, d;
	float *q, *k, *v; /* [n][heads][d] */
	float *out;       /* the same: room for a result, or NULL */
};

/* The first n_q queries with all keys, to out [n_q][heads][d]; log_sum may be NULL. */
void aid_attend(const struct attention_kernel *kernel, const struct cell *c, size_t n_q, float *out,
    float *log_sum);

/* What a query's attention is by definition: softmax(q k' / sqrt(d)) v. */
struct expected {
	double *out;    /* [d], the arena's */
	double log_sum; /* to base 2 */
	double keys;    /* that share the weights: e to their entropy */
};

struct expected aid_define(const struct cell *c, struct arena *a, size_t query, size_t head);

#endif
