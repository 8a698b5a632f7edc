/* cpu_product.h - plain float32 matrix products by oneDNN, for operands that change every time.
 *
 * Nothing is packed beforehand (cpu_matmul.h does that for weights that stay). The calling thread
 * does all of it; equal operands and shapes give equal bits. */

#ifndef NN_CPU_PRODUCT_H
#define NN_CPU_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* c[m][n] = (is_added ? c : bias) + A B, with bias [n] (NULL: 0) in every row, A [m][k] and B
 * [k][n]; where is_a_transposed, a lies as [k][m], where is_b_transposed, b as [n][k]. 0 or -1. */
struct product {
	const float *a, *b;
	float *c;
	const float *bias;
	size_t m, n, k;
	bool is_a_transposed, is_b_transposed, is_added;
};

int product_run(const struct product *p, struct err *e);

#endif
