#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/vectors.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

/* Tiles of so many vectors of one block by so many of the other keep their sums in registers. */
enum { TILE_A = 2, TILE_B = 4 };

_Static_assert(VECTOR_BLOCK % TILE_A == 0 && VECTOR_BLOCK % TILE_B == 0, "whole tiles");

#define BODY static inline __attribute__((always_inline))

typedef double lanes __attribute__((vector_size(VECTOR_LANES * sizeof(double)), aligned(64)));

static double
number_of(const struct vectors *v, size_t i)
{
	return v->f32 ? (double)v->f32[i] : v->f64[i];
}

int
vectors_check(const struct vectors *v, struct err *e)
{
	for (size_t i = 0; i < v->n; i++)
		for (size_t j = 0; j < v->d; j++)
			if (!isfinite(number_of(v, i * v->d + j)))
				return err_set(
				    e, "row %zu: a number of the vector is not finite", i);
	return 0;
}

void
vector_block_start(struct vector_block *b, size_t d)
{
	size_t room;

	*b =
	    (struct vector_block){ .stride = (d + VECTOR_LANES - 1) / VECTOR_LANES * VECTOR_LANES };
	if (!mem_mul(b->stride, VECTOR_BLOCK, &room))
		mem_give_up("a vector is too long");
	b->x = mem_zero(room, sizeof(*b->x));
}

void
vector_block_free(struct vector_block *b)
{
	free(b->x);
	b->x = NULL;
}

/* Divided by the largest number first, so that no square overflows or vanishes. */
static double
length_of(const struct vectors *v, size_t i)
{
	double largest = 0, sum = 0;

	for (size_t j = 0; j < v->d; j++)
		largest = fmax(largest, fabs(number_of(v, i * v->d + j)));
	for (size_t j = 0; j < v->d && largest > 0; j++) {
		double x = number_of(v, i * v->d + j) / largest;

		sum += x * x;
	}
	return largest * sqrt(sum);
}

double *
vectors_scales(const struct vectors *v, enum vector_metric metric)
{
	double *scales;

	if (metric == METRIC_EUCLIDEAN)
		return NULL;
	scales = mem_alloc(v->n, sizeof(*scales));
	for (size_t i = 0; i < v->n; i++) {
		double length = length_of(v, i);

		scales[i] = length >= DBL_MIN ? 1 / length : 0;
	}
	return scales;
}

void
vector_block_load(
    struct vector_block *b, const struct vectors *v, const double *scales, size_t from)
{
	assert(from <= v->n && v->d <= b->stride);
	b->from = from;
	b->n = v->n - from < VECTOR_BLOCK ? v->n - from : VECTOR_BLOCK;
	for (size_t i = 0; i < b->n; i++) {
		double *x = b->x + i * b->stride;
		double scale = scales ? scales[from + i] : 1;

		b->is_zero[i] = scale == 0;
		if (v->f32)
			for (size_t j = 0; j < v->d; j++)
				x[j] = scale * (double)v->f32[(from + i) * v->d + j];
		else
			for (size_t j = 0; j < v->d; j++)
				x[j] = scale * v->f64[(from + i) * v->d + j];
	}
}

/* The lanes' sum, by halves. */
BODY double
add_lanes(const lanes *sum)
{
	double lane[VECTOR_LANES];

	memcpy(lane, sum, sizeof(lane));
	for (int half = VECTOR_LANES / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			lane[i] += lane[i + half];
	return lane[0];
}

/* Unrolled, or else gcc keeps the sums in memory. */
BODY void
square_tile(const double *a, const double *b, size_t stride, double *ret)
{
	lanes sum[TILE_A][TILE_B] = { { { 0 } } };

	for (size_t k = 0; k < stride; k += VECTOR_LANES)
#pragma GCC unroll 4
		for (size_t i = 0; i < TILE_A; i++) {
			const lanes x = *(const lanes *)(const void *)(a + i * stride + k);

#pragma GCC unroll 4
			for (size_t j = 0; j < TILE_B; j++) {
				lanes y = *(const lanes *)(const void *)(b + j * stride + k) - x;

				sum[i][j] += y * y;
			}
		}
#pragma GCC unroll 4
	for (size_t i = 0; i < TILE_A; i++)
#pragma GCC unroll 4
		for (size_t j = 0; j < TILE_B; j++)
			ret[i * VECTOR_BLOCK + j] = add_lanes(&sum[i][j]);
}

BODY void
square_block(const struct vector_block *a, const struct vector_block *b, double *ret)
{
	for (size_t i = 0; i < a->n; i += TILE_A)
		for (size_t j = 0; j < b->n; j += TILE_B)
			square_tile(a->x + i * a->stride, b->x + j * b->stride, a->stride,
			    ret + i * VECTOR_BLOCK + j);
}

static void
square_generic(const struct vector_block *a, const struct vector_block *b, double *ret)
{
	square_block(a, b, ret);
}

#if defined(__x86_64__)
/* The same operations in the same order, in wider registers. */
__attribute__((target("avx2"))) static void
square_avx2(const struct vector_block *a, const struct vector_block *b, double *ret)
{
	square_block(a, b, ret);
}

__attribute__((target("avx512f"))) static void
square_avx512(const struct vector_block *a, const struct vector_block *b, double *ret)
{
	square_block(a, b, ret);
}
#endif

static void
square(const struct vector_block *a, const struct vector_block *b, double *ret)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f")) {
		square_avx512(a, b, ret);
		return;
	}
	if (__builtin_cpu_supports("avx2")) {
		square_avx2(a, b, ret);
		return;
	}
#endif
	square_generic(a, b, ret);
}

void
vector_block_distances(const struct vector_block *a, const struct vector_block *b,
    enum vector_metric metric, double *ret_distances)
{
	assert(a->stride == b->stride);
	square(a, b, ret_distances);
	if (metric == METRIC_EUCLIDEAN)
		return;
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++) {
			double *x = &ret_distances[i * VECTOR_BLOCK + j];

			*x = a->is_zero[i] || b->is_zero[j] ? 1 : *x / 2;
		}
}
