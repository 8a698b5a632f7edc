/* cpu_attention.h - softmax(Q K' / sqrt(d)) V for each head of each cell, without a length x length matrix.
 *
 * The keys of a head are packed once in panels, its values in rows without gaps. Then, for 96 queries at a time, blocks of
 * 256 keys go by: the scores of a few queries with a block stay in the first-level cache, are turned into weights
 * against the running maximum of their query, and multiply the values at once (online softmax; Milakov and
 * Gimelshein 2018, Dao et al. 2022). Scores are in units of log2, so that the exponential is 2^x, by a polynomial of degree 5
 * with a relative error below 2e-7.
 *
 * What comes out for a query depends on that query and its cell's keys only, bit for bit: not on the
 * other queries, not on the other cells. Keys are added up in the order of the cell. */

#ifndef NN_CPU_ATTENTION_H
#define NN_CPU_ATTENTION_H

#include <stddef.h>

#include "nn/cpu_isa.h"

enum { ATTENTION_BLOCK = 256 }; /* keys that are scored together; the row length of `s` below */

/* The three inner loops of one instruction set. They work on `group` queries at a time; d is the
 * head size, width is d rounded up to a multiple of 16, n a multiple of `panel` up to ATTENTION_BLOCK. */
struct attention_kernel {
	size_t group, panel;
	/* s[i][j] = sum over c of q[c][i] * k[j / panel][c][j % panel], for n keys.
	 * q: [d][group]; k: [n / panel][d][panel]; s: [group][ATTENTION_BLOCK] */
	void (*scores)(const float *q, const float *k, size_t d, size_t n, float *s);
	/* Scores to weights, in place: s = 2^(s - max), where max [group] is first raised to the largest score. scale[i]
	 * = 2^(old max - new max), sum = sum * scale + the sum of the new weights. */
	void (*softmax)(float *s, size_t n, float *max, float *sum, float *scale);
	/* o[i][c] = o[i][c] * scale[i] + sum over j of s[i][j] * v[j][c]. v: [n][width]; o: [group][width] */
	void (*values)(const float *s, const float *v, size_t n, size_t width, const float *scale, float *o);
};

/* The kernel of an instruction set (of the best lesser one, where it has none of its own). */
const struct attention_kernel *attention_kernel(enum cpu_isa isa);

extern const struct attention_kernel attention_generic;
#if defined(__x86_64__)
extern const struct attention_kernel attention_avx2;
extern const struct attention_kernel attention_avx512;
#endif

/* Cells one after the other: cell i has the queries cu_q[i] .. cu_q[i + 1] - 1 and the keys and values cu_k[i] ..
 * cu_k[i + 1] - 1 (at least one key). Rows are [heads][head_size]. */
struct attention_call {
	const float *q, *k, *v;
	float *out; /* as q */
	const size_t *cu_q, *cu_k;
	size_t n_cells;
	size_t heads, head_size;
};

struct attention_scratch; /* a thread's working memory: 2 * head_size floats for each key of the longest cell */

struct attention_scratch *attention_scratch_create(void);
void attention_scratch_free(struct attention_scratch *s);

void attention_run(const struct attention_kernel *kernel, const struct attention_call *call,
    struct attention_scratch *scratch);

#endif
