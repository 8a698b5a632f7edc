#include <stdlib.h>

#include "base/mem.h"
#include "nn/cpu_gradient_pool.h"
#include "nn/cpu_rows.h"

/* y += factor * x */
static void
add_times(const float *x, float factor, size_t n, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] += factor * x[i];
}

void
pool_rows(const float *in, const float *weight, size_t n, size_t columns, float *ret_shares,
    float *ret_out)
{
	double *shares = mem_alloc(n, sizeof(*shares)), total = 0;

	rows_pool(in, 0, n, columns, weight, shares, ret_out);
	for (size_t i = 0; i < n; i++)
		total += shares[i];
	for (size_t i = 0; i < n; i++)
		ret_shares[i] = (float)(shares[i] / total);
	free(shares);
}

void
pool_rows_back(const float *in, const float *weight, const float *shares, size_t n, size_t columns,
    const float *d_out, float *d_in, float *d_weight)
{
	double mean = 0;

	for (size_t i = 0; i < n; i++)
		mean += (double)shares[i] * rows_dot(in + i * columns, d_out, columns);
	for (size_t i = 0; i < n; i++) {
		const float *row = in + i * columns;
		float d_score = shares[i] * (float)(rows_dot(row, d_out, columns) - mean);

		if (d_weight)
			add_times(row, d_score, columns, d_weight);
		if (!d_in)
			continue;
		add_times(d_out, shares[i], columns, d_in + i * columns);
		add_times(weight, d_score, columns, d_in + i * columns);
	}
}
