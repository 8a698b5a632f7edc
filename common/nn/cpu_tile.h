/* cpu_tile.h - small matrix products and the steps between them, for the gradient of attention.
 *
 * One kernel a set of instructions. A product adds up in the order of k, each sum by itself, fused
 * where the instructions fuse; results of different kernels differ by rounding. */

#ifndef NN_CPU_TILE_H
#define NN_CPU_TILE_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/cpu_isa.h"

enum { TILE_ROWS = 6, TILE_WIDTH = 16 };

/* c[i][x] = (is_added ? c[i][x] : 0) + sum over k < depth of a[i * a_row + k * a_step] * b[k *
 * b_row + x]. rows is a multiple of TILE_ROWS, width one of TILE_WIDTH. */
struct tile_product {
	const float *a;
	size_t a_row, a_step;
	const float *b;
	size_t b_row;
	float *c;
	size_t c_row;
	size_t rows, depth, width;
	bool is_added;
};

struct tile_kernel {
	void (*product)(const struct tile_product *p);
	/* s = 2^(s - log_sum) in a row of n values, a multiple of TILE_WIDTH. */
	void (*weights)(float *s, size_t n, float log_sum);
	/* d = p * (d - dot) */
	void (*scores_back)(const float *p, size_t n, float dot, float *d);
	/* effect += d / (1 - p), with 1 - p no less than 2^-10. */
	void (*effects)(const float *p, const float *d, size_t n, float *effect);
};

const struct tile_kernel *tile_kernel(enum cpu_isa isa);

extern const struct tile_kernel tile_generic;
#if defined(__x86_64__)
extern const struct tile_kernel tile_avx2;
extern const struct tile_kernel tile_avx512;
#endif

#endif
