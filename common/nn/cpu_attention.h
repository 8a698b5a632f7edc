/* cpu_attention.h - softmax(Q K' / sqrt(d)) V for each head of each cell, without a length x length
 * matrix.
 *
 * The keys of a head are packed once in panels, its values in rows without gaps. Then, for 96
 * queries at a time, blocks of 256 keys go by: the scores of a few queries with a block stay in the
 * first-level cache, are turned into weights against the running maximum of their query, and
 * multiply the values at once (online softmax; Milakov and Gimelshein 2018, Dao et al. 2022).
 * Scores are in units of log2, so that the exponential is 2^x, by a polynomial of degree 5 with a
 * relative error below 2e-7.
 *
 * What comes out for a query depends on that query and its cell's keys only, bit for bit: not on
 * the other queries, not on the other cells. Keys are added up in the order of the cell. */

#ifndef NN_CPU_ATTENTION_H
#define NN_CPU_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/cpu_isa.h"
#include "nn/dropout.h"

enum { ATTENTION_BLOCK = 256 }; /* keys that are scored together; the row length of `s` below */

struct attention_head;    /* cpu_attention_head.h */
struct attention_scratch; /* a thread's working memory: 2 * head_size floats for each key of the
			     longest cell */

/* One instruction set's packing and inner loops. They work on `group` queries at a time and know d,
 * the head size, and width, which is d rounded up to a multiple of 16. What is packed is its own
 * affair: `element` bytes a value, d rounded up to a multiple of `depth` values for a query or key,
 * width values for a value row. n is at most a group or a panel for packing, and a multiple of
 * `panel` up to ATTENTION_BLOCK for the loops. */
struct attention_kernel {
	size_t group, panel, depth, element;
	void (*begin)(void), (*end)(void); /* around the work of a thread; may be NULL */
	/* All of one head of one cell, in a way of its own; then the rest is NULL. */
	void (*run_head)(const struct attention_kernel *kernel, const struct attention_head *h,
	    struct attention_scratch *scratch);
	/* n rows of d, `stride` apart, times unit; the rest of the group or panel becomes 0. */
	void (*pack_queries)(
	    const float *q, size_t stride, size_t n, size_t d, float unit, void *to);
	void (*pack_keys)(const float *k, size_t stride, size_t n, size_t d, void *to);
	void (*pack_values)(const float *v, size_t stride, size_t n, size_t d, void *to);
	/* s[i][j] = query i times key j, for one group and n keys. s: [group][ATTENTION_BLOCK] */
	void (*scores)(const void *q, const void *k, size_t d, size_t n, float *s);
	/* Scores to weights, in place: s = 2^(s - max), where max [group] is first raised to the
	 * largest score. scale[i] = 2^(old max - new max), sum = sum * scale + the sum of the new
	 * weights. What form the weights have is the kernel's affair. */
	void (*softmax)(float *s, size_t n, float *max, float *sum, float *scale);
	/* o[i][c] = o[i][c] * scale[i] + sum over j of weight[i][j] * v[j][c]. o: [group][width] */
	void (*values)(
	    const float *s, const void *v, size_t n, size_t width, const float *scale, float *o);
};

/* The kernel of an instruction set (of the best lesser one, where it has none of its own). is_bf16:
 * it may round queries, keys, values and weights to bfloat16, where that is faster; sums are
 * float32. */
const struct attention_kernel *attention_kernel(enum cpu_isa isa, bool is_bf16);

extern const struct attention_kernel attention_generic;
#if defined(__x86_64__)
extern const struct attention_kernel attention_avx2;
extern const struct attention_kernel attention_avx512;
extern const struct attention_kernel attention_amx;
#endif

/* Below every score; finite, so that differences of two are numbers. */
#define ATTENTION_LOWEST -1e30f

/* Cells one after the other: cell i has the queries cu_q[i] .. cu_q[i + 1] - 1 and the keys and
 * values cu_k[i] .. cu_k[i + 1] - 1 (at least one key). Rows are [heads][head_size]. */
struct attention_call {
	const float *q, *k, *v;
	float *out; /* as q */
	const size_t *cu_q, *cu_k;
	size_t n_cells;
	size_t heads, head_size;
	/* For learning, or NULL: log_sum[query][head] becomes log2 of the sum of exp(score);
	 * weights are dropped after that (float32 kernels only). */
	float *log_sum;
	const struct dropout *drop;
};

struct attention_scratch *attention_scratch_create(void);
void attention_scratch_free(struct attention_scratch *s);

void attention_run(const struct attention_kernel *kernel, const struct attention_call *call,
    struct attention_scratch *scratch);

#endif
