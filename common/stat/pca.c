#include <assert.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/pca.h"

/* So many vectors are added to the covariance at once. */
enum { ROWS = 8, MAX_SIZE = 32768 };

_Static_assert(VECTOR_BLOCK % ROWS == 0, "whole groups of rows");

typedef double lanes __attribute__((vector_size(VECTOR_LANES * sizeof(double)), aligned(64)));

/* The block that starts with that vector; rows that it does not have are 0. */
static void
load(struct vector_block *b, const struct vectors *x, size_t from)
{
	vector_block_load(b, x, NULL, from);
	memset(b->x + b->n * b->stride, 0, (VECTOR_BLOCK - b->n) * b->stride * sizeof(*b->x));
}

static void
centre(struct vector_block *b, const double *mean, size_t d)
{
	for (size_t i = 0; i < b->n; i++)
		for (size_t j = 0; j < d; j++)
			b->x[i * b->stride + j] -= mean[j];
}

static void
find_mean(double *ret_mean, struct vector_block *b, const struct vectors *x)
{
	memset(ret_mean, 0, x->d * sizeof(*ret_mean));
	for (size_t from = 0; from < x->n; from += VECTOR_BLOCK) {
		load(b, x, from);
		for (size_t i = 0; i < b->n; i++)
			for (size_t j = 0; j < x->d; j++)
				ret_mean[j] += b->x[i * b->stride + j];
	}
	for (size_t j = 0; j < x->d; j++)
		ret_mean[j] /= (double)x->n;
}

/* Adds the products of ROWS vectors to the upper triangle (and what shares its lanes). */
static void
add_products(double *covariance, const double *x, size_t stride, size_t d)
{
	for (size_t i = 0; i < d; i++) {
		lanes *sums = (lanes *)(void *)(covariance + i * stride);

		for (size_t j = i / VECTOR_LANES; j < stride / VECTOR_LANES; j++) {
			lanes sum = sums[j];

			for (size_t r = 0; r < ROWS; r++)
				sum += x[r * stride + i] *
				       ((const lanes *)(const void *)(x + r * stride))[j];
			sums[j] = sum;
		}
	}
}

/* [d][stride]; the sum of its diagonal is the total variance. */
static double *
find_covariance(struct vector_block *b, const struct vectors *x, const double *mean)
{
	double *covariance = mem_zero(x->d * b->stride, sizeof(*covariance));
	double degrees = x->n > 1 ? (double)(x->n - 1) : 1;

	for (size_t from = 0; from < x->n; from += VECTOR_BLOCK) {
		load(b, x, from);
		centre(b, mean, x->d);
		for (size_t i = 0; i < b->n; i += ROWS)
			add_products(covariance, b->x + i * b->stride, b->stride, x->d);
	}
	for (size_t i = 0; i < x->d * b->stride; i++)
		covariance[i] /= degrees;
	return covariance;
}

/* What LAPACK calls the lower triangle of columns is our upper one of rows. Overwrites the
 * covariance. */
static int
find_eigenvectors(struct pca *p, double *covariance, size_t stride, struct err *e)
{
	double *values = mem_alloc(p->d, sizeof(*values)); /* ascending */
	double *vectors = mem_alloc(p->k * p->d, sizeof(*vectors));
	lapack_int *support = mem_alloc(2 * p->d, sizeof(*support));
	lapack_int d = (lapack_int)p->d, k = (lapack_int)p->k, n_found = 0;
	lapack_int status = LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', d, covariance,
	    (lapack_int)stride, 0, 0, d - k + 1, d, 0, &n_found, values, vectors, d, support);

	for (size_t i = 0; i < p->k && status == 0 && n_found == k; i++) {
		size_t from = p->k - 1 - i;

		p->variances[i] = fmax(values[from], 0);
		memcpy(p->components + i * p->d, vectors + from * p->d, p->d * sizeof(*vectors));
	}
	free(values);
	free(vectors);
	free(support);
	if (status != 0 || n_found != k)
		return err_set(e, "LAPACK found no principal components (dsyevr: %d)", (int)status);
	return 0;
}

static void
fix_sign(double *component, size_t d)
{
	size_t largest = 0;

	for (size_t j = 1; j < d; j++)
		if (fabs(component[j]) > fabs(component[largest]))
			largest = j;
	for (size_t j = 0; j < d && component[largest] < 0; j++)
		if (j != largest)
			component[j] = -component[j];
	component[largest] = fabs(component[largest]);
}

static int
fit(struct pca *p, const struct vectors *x, struct err *e)
{
	struct vector_block b;
	double *covariance, total = 0;
	size_t stride;
	int status;

	vector_block_start(&b, x->d);
	stride = b.stride;
	find_mean(p->mean, &b, x);
	covariance = find_covariance(&b, x, p->mean);
	vector_block_free(&b);
	for (size_t i = 0; i < x->d; i++)
		total += covariance[i * stride + i];
	status = find_eigenvectors(p, covariance, stride, e);
	free(covariance);
	for (size_t i = 0; i < p->k && status == 0; i++) {
		fix_sign(p->components + i * p->d, p->d);
		p->ratios[i] = total > 0 ? p->variances[i] / total : 0;
	}
	return status;
}

int
pca_fit(struct pca *p, const struct vectors *x, size_t k, struct err *e)
{
	assert(k >= 1 && k <= x->d);
	if (x->n == 0)
		return err_set(e, "no vectors to find principal components of");
	if (x->d > MAX_SIZE)
		return err_set(
		    e, "vectors of %zu numbers are too long for principal components", x->d);
	if (vectors_check(x, e))
		return -1;
	*p = (struct pca){
		.d = x->d,
		.k = k,
		.mean = mem_alloc(x->d, sizeof(double)),
		.components = mem_alloc(k * x->d, sizeof(double)),
		.variances = mem_alloc(k, sizeof(double)),
		.ratios = mem_alloc(k, sizeof(double)),
	};
	if (fit(p, x, e) == 0)
		return 0;
	pca_free(p);
	return -1;
}

void
pca_scores(const struct pca *p, const struct vectors *x, double *ret_scores)
{
	struct vector_block b;

	assert(x->d == p->d);
	vector_block_start(&b, x->d);
	for (size_t from = 0; from < x->n; from += VECTOR_BLOCK) {
		load(&b, x, from);
		centre(&b, p->mean, x->d);
		for (size_t i = 0; i < b.n; i++)
			for (size_t c = 0; c < p->k; c++) {
				double sum = 0;

				for (size_t j = 0; j < p->d; j++)
					sum += b.x[i * b.stride + j] * p->components[c * p->d + j];
				ret_scores[(from + i) * p->k + c] = sum;
			}
	}
	vector_block_free(&b);
}

void
pca_free(struct pca *p)
{
	free(p->mean);
	free(p->components);
	free(p->variances);
	free(p->ratios);
	*p = (struct pca){ 0 };
}
