/* bench_peak.c - the float32 operations a second that oneDNN's best large matrix product reaches
 *here.
 *
 *	OMP_NUM_THREADS=N bench_peak
 *
 * Prints one number: the best of several products of square matrices. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <dnnl.h>

#include "base/mem.h"

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The best of 8, and one before to get warm. */
static double
speed(size_t n)
{
	float *a = mem_zero(n * n, sizeof(*a)), *b = mem_zero(n * n, sizeof(*b)),
	      *c = mem_zero(n * n, sizeof(*c));
	double best = 0;

	for (size_t i = 0; i < n * n; i++) {
		a[i] = (float)(i % 17) - 8;
		b[i] = (float)(i % 13) - 6;
	}
	for (int i = 0; i < 9; i++) {
		double start = now(), found;

		if (dnnl_sgemm('N', 'N', (dnnl_dim_t)n, (dnnl_dim_t)n, (dnnl_dim_t)n, 1, a,
			(dnnl_dim_t)n, b, (dnnl_dim_t)n, 0, c, (dnnl_dim_t)n) != dnnl_success)
			return 0;
		found = 2.0 * (double)n * (double)n * (double)n / (now() - start);
		if (i > 0 && found > best)
			best = found;
	}
	free(a);
	free(b);
	free(c);
	return best;
}

int
main(void)
{
	double best = 0;

	for (size_t n = 1024; n <= 4096; n *= 2) {
		double found = speed(n);

		best = found > best ? found : best;
	}
	printf("%.0f\n", best);
	return best > 0 ? 0 : 1;
}
