/* cpu_attention_int8_loops.h - the parts of integer attention that an instruction set has its own
 * of, between cpu_attention_int8.c and its kernels.
 *
 * Sixteen bits in between: a sum of products is shifted right until all that can occur fit, and is
 * multiplied by its key's weight, as round(x * w / 2^15). That is a score t; the row's unit says
 * how much of log2 a step of it is. A weight is 255 * 2^-y, y being (top - t) * unit in 1/1024,
 * below 32: the difference is cut at `limit`, times `power`, times `factor`, as round(x * f /
 * 2^15). From y, three tables give the weight, the fraction's power by 32 straight lines. The
 * definition is cpu_attention_int8_generic.c. */

#ifndef NN_CPU_ATTENTION_INT8_LOOPS_H
#define NN_CPU_ATTENTION_INT8_LOOPS_H

#include <stdint.h>
#include <string.h>

#include "nn/cpu_attention_head.h"

enum { INT8_MOST = 2048 }; /* values of a head */

/* A cell's keys of one head, all but their values. Kernels may order them within a panel; those
 * that fill up the last panel are as the last key, with is_key 0. */
struct attention_int8_keys {
	float *amplitude;      /* the greatest of a key, less the mean */
	int16_t *weight;       /* amplitude in 1/32767 of the greatest */
	int32_t *start;        /* what its sums begin with */
	unsigned char *is_key; /* 1 or 0 */
	int shift;
};

/* What there is of each query. */
struct attention_int8_rows {
	/* A number of 16 bits, in both halves. */
	uint32_t limit[ATTENTION_QUERIES], power[ATTENTION_QUERIES], factor[ATTENTION_QUERIES];
	float amplitude[ATTENTION_QUERIES], unit[ATTENTION_QUERIES];
	/* Over all blocks so far: the greatest score, the sum of weights against it. */
	float max[ATTENTION_QUERIES], sum[ATTENTION_QUERIES];
	/* What the sums so far are to be multiplied by, and what the block at hand. */
	float scale[ATTENTION_QUERIES], gain[ATTENTION_QUERIES];
};

/* A group of queries and a block of keys. */
struct attention_int8_block {
	const unsigned char *q, *k, *v; /* packed */
	size_t d, width;
	const struct attention_int8_keys *keys;
	size_t from, n; /* the first of keys; how many, to whole panels */
	struct attention_int8_rows *rows;
	size_t first; /* of rows */
	int32_t *s;   /* [group][ATTENTION_BLOCK] */
	float *out;   /* [group][width] */
};

struct attention_int8_kernel {
	struct attention_kernel base;
	size_t blocks_at_once; /* that have a place for scores of their own, at least 1 */
	/* ret[c] = the sum of column c over n rows, in their order. */
	void (*sums)(const float *x, size_t stride, size_t n, size_t d, float *ret);
	/* ret[c] = the greatest |x - mean[c]| in column c. */
	void (*amplitudes)(
	    const float *x, size_t stride, size_t n, size_t d, const float *mean, float *ret);
	/* The rows of a group, amplitude included; the rest of the group becomes 0. */
	void (*pack_queries)(
	    const float *q, size_t stride, size_t n, size_t d, void *to, float *amplitude);
	/* A panel of n keys: `to`, and from key `at` on amplitude, start and is_key. */
	void (*pack_keys)(const float *k, size_t stride, size_t n, size_t d, const float *mean,
	    void *to, const struct attention_int8_keys *keys, size_t at);
	/* A panel of values: (v - mean) * inverse, by the column. */
	void (*pack_values)(const float *v, size_t stride, size_t n, size_t d, const float *mean,
	    const float *inverse, void *to);
	/* From scores to weights to out[i][c] = out[i][c] * scale[i] + gain[i] * (float)sum over j
	 * of weight[i][j] * v[j][c], with all that rows keep of it. It is called once for each
	 * block as `now`, and before and after that as `next` and `last`, so that a kernel can work
	 * at three blocks at once; any may be NULL. */
	void (*pass)(const struct attention_int8_block *next,
	    const struct attention_int8_block *now, const struct attention_int8_block *last);
};

extern const struct attention_int8_kernel attention_int8_generic;
#if defined(__x86_64__)
extern const struct attention_int8_kernel attention_int8_vnni;
extern const struct attention_int8_kernel attention_int8_amx;
#endif

/* One head; what .run_head of these kernels is. */
void attention_int8_head(const struct attention_kernel *kernel, const struct attention_head *h,
    struct attention_scratch *scratch);

#define INT8_LEAST 1e-30f

/* 127 / amplitude, 0 where that is none or hardly any. */
static inline float
attention_int8_inverse(float amplitude)
{
	return amplitude < INT8_LEAST ? 0 : 127 / amplitude;
}

/* To the nearest whole number, of two the even; |x| < 2^22, else anything. */
static inline int
attention_int8_round(float x)
{
	uint32_t bits;

	x += 0x1.8p23f;
	memcpy(&bits, &x, sizeof(bits));
	return (int)(bits - 0x4b400000);
}

/* For y as above: by the fraction's first five bits 32640 * 2^-fraction, and how much less it is at
 * the next; by the whole part 256 * 2^-whole. */
extern const int16_t attention_int8_base[32], attention_int8_step[32], attention_int8_power[32];

#endif
