#include <math.h>

#include "nn/cpu_rows.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

enum { LANES = 16 };

#define BODY static inline __attribute__((always_inline))

/* The lanes' sum, by halves. */
BODY float
add_lanes(float *lane)
{
	for (int half = LANES / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			lane[i] += lane[i + half];
	return lane[0];
}

BODY float
mean_of(const float *x, size_t n)
{
	float lane[LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lane[l] += x[i + l];
	for (size_t l = 0; i + l < n; l++)
		lane[l] += x[i + l];
	return add_lanes(lane) / (float)n;
}

BODY float
variance_of(const float *x, size_t n, float mean)
{
	float lane[LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lane[l] += (x[i + l] - mean) * (x[i + l] - mean);
	for (size_t l = 0; i + l < n; l++)
		lane[l] += (x[i + l] - mean) * (x[i + l] - mean);
	return add_lanes(lane) / (float)n;
}

BODY void
normalize_row(
    const float *in, float *out, size_t n, const float *gain, const float *bias, float eps)
{
	float mean = mean_of(in, n);
	float factor = 1 / sqrtf(variance_of(in, n, mean) + eps);
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		float y[LANES];

		for (size_t l = 0; l < LANES; l++)
			y[l] = (in[i + l] - mean) * factor * gain[i + l] + bias[i + l];
		for (size_t l = 0; l < LANES; l++)
			out[i + l] = y[l];
	}
	for (; i < n; i++)
		out[i] = (in[i] - mean) * factor * gain[i] + bias[i];
}

BODY void
normalize_rows(const float *in, float *out, size_t rows, size_t n, const float *gain,
    const float *bias, float eps)
{
	for (size_t r = 0; r < rows; r++)
		normalize_row(in + r * n, out + r * n, n, gain, bias, eps);
}

static void
normalize_generic(const float *in, float *out, size_t rows, size_t n, const float *gain,
    const float *bias, float eps)
{
	normalize_rows(in, out, rows, n, gain, bias, eps);
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static void
normalize_avx2(const float *in, float *out, size_t rows, size_t n, const float *gain,
    const float *bias, float eps)
{
	normalize_rows(in, out, rows, n, gain, bias, eps);
}

#endif

void
rows_normalize(enum cpu_isa isa, const float *in, float *out, size_t rows, size_t n,
    const float *gain, const float *bias, float eps)
{
#if defined(__x86_64__)
	if (isa >= CPU_ISA_AVX2) {
		normalize_avx2(in, out, rows, n, gain, bias, eps);
		return;
	}
#endif
	(void)isa;
	normalize_generic(in, out, rows, n, gain, bias, eps);
}

void
rows_add3(const float *a, const float *b, const float *c, float *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = a[i] + b[i] + c[i];
}

/* Columns by blocks, so that the sums need no memory of their own. */
void
rows_mean(const float *in, size_t from, size_t to, size_t n, float *out)
{
	for (size_t c = 0; c < n; c += LANES) {
		double sum[LANES] = { 0 };
		size_t width = n - c < LANES ? n - c : LANES;

		for (size_t r = from; r < to; r++)
			for (size_t l = 0; l < width; l++)
				sum[l] += (double)in[r * n + c + l];
		for (size_t l = 0; l < width; l++)
			out[c + l] = to > from ? (float)(sum[l] / (double)(to - from)) : NAN;
	}
}

double
rows_dot(const float *x, const float *w, size_t n)
{
	double lane[LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lane[l] += (double)x[i + l] * (double)w[i + l];
	for (size_t l = 0; i + l < n; l++)
		lane[l] += (double)x[i + l] * (double)w[i + l];
	for (size_t half = LANES / 2; half > 0; half /= 2)
		for (size_t l = 0; l < half; l++)
			lane[l] += lane[l + half];
	return lane[0];
}

void
rows_pool(
    const float *in, size_t from, size_t to, size_t n, const float *w, double *shares, float *out)
{
	double most = -INFINITY, total = 0;

	for (size_t r = from; r < to; r++) {
		shares[r - from] = rows_dot(in + r * n, w, n);
		if (shares[r - from] > most)
			most = shares[r - from];
	}
	for (size_t r = 0; r < to - from; r++)
		total += shares[r] = exp(shares[r] - most);
	for (size_t c = 0; c < n; c += LANES) {
		double sum[LANES] = { 0 };
		size_t width = n - c < LANES ? n - c : LANES;

		for (size_t r = from; r < to; r++)
			for (size_t l = 0; l < width; l++)
				sum[l] += shares[r - from] * (double)in[r * n + c + l];
		for (size_t l = 0; l < width; l++)
			out[c + l] = (float)(sum[l] / total);
	}
}

double
rows_cosine(const float *a, const float *b, size_t n)
{
	double product = rows_dot(a, b, n), norm_a = sqrt(rows_dot(a, a, n)),
	       norm_b = sqrt(rows_dot(b, b, n));

	return product / fmax(norm_a, 1e-8) / fmax(norm_b, 1e-8);
}

/* Each softmax was divided by its own sum: 2^sums[h], 2^other_sums[h]. */
void
rows_join(float *out, const float *sums, const float *other, const float *other_sums, size_t heads,
    size_t head_size)
{
	for (size_t h = 0; h < heads; h++) {
		float share = 1 / (1 + exp2f(other_sums[h] - sums[h]));
		float other_share = 1 / (1 + exp2f(sums[h] - other_sums[h]));
		float *x = out + h * head_size;
		const float *y = other + h * head_size;
		size_t i = 0;

		for (; i + LANES <= head_size; i += LANES)
			for (size_t l = 0; l < LANES; l++)
				x[i + l] = x[i + l] * share + y[i + l] * other_share;
		for (; i < head_size; i++)
			x[i] = x[i] * share + y[i] * other_share;
	}
}
