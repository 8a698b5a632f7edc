/*  1. layer norm
 *  2. activation functions
 *  3. sums and the loss */

#include <math.h>
#include <string.h>

#include "nn/cpu_gradient_rows.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

enum { LANES = 16 };

#define BODY static inline __attribute__((always_inline))

/* A body compiled for each set of instructions, and the call of the best that the CPU has. None of
 * them fuses products with sums, so all give the same bits. */
#if defined(__x86_64__)
#define EACH_ISA(type, name, parameters, arguments)                             \
	static type name##_generic parameters                                   \
	{                                                                       \
		return name arguments;                                          \
	}                                                                       \
	__attribute__((target("avx2"))) static type name##_avx2 parameters      \
	{                                                                       \
		return name arguments;                                          \
	}                                                                       \
	__attribute__((target("avx512f"))) static type name##_avx512 parameters \
	{                                                                       \
		return name arguments;                                          \
	}
#define RUN(name, arguments)                                           \
	(__builtin_cpu_supports("avx512f")   ? name##_avx512 arguments \
	    : __builtin_cpu_supports("avx2") ? name##_avx2 arguments   \
					     : name##_generic arguments)
#else
#define EACH_ISA(type, name, parameters, arguments) \
	static type name##_generic parameters       \
	{                                           \
		return name arguments;              \
	}
#define RUN(name, arguments) name##_generic arguments
#endif

/* ---- 1. layer norm ---- */

/* The lanes' sum, by halves. */
BODY float
add_lanes(float *lane)
{
	for (int half = LANES / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			lane[i] += lane[i + half];
	return lane[0];
}

/* What a row's norm was made of: mean, 1 / standard deviation, and the means over the columns of
 * gain * d_out and of gain * d_out * (in - mean) / deviation. */
struct row_norm {
	float mean, factor, d_mean, d_deviation;
};

BODY float
sum_of(const float *x, size_t n)
{
	float lane[LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lane[l] += x[i + l];
	for (size_t l = 0; i + l < n; l++)
		lane[l] += x[i + l];
	return add_lanes(lane);
}

BODY float
squares_of(const float *x, size_t n, float mean)
{
	float lane[LANES] = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lane[l] += (x[i + l] - mean) * (x[i + l] - mean);
	for (size_t l = 0; i + l < n; l++)
		lane[l] += (x[i + l] - mean) * (x[i + l] - mean);
	return add_lanes(lane);
}

BODY struct row_norm
analyse_row(const float *in, const float *d, size_t n, const float *gain, float eps)
{
	float plain[LANES] = { 0 }, scaled[LANES] = { 0 };
	struct row_norm r = { .mean = sum_of(in, n) / (float)n };
	size_t i = 0;

	r.factor = 1 / sqrtf(squares_of(in, n, r.mean) / (float)n + eps);
	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++) {
			plain[l] += d[i + l] * gain[i + l];
			scaled[l] += d[i + l] * gain[i + l] * ((in[i + l] - r.mean) * r.factor);
		}
	for (size_t l = 0; i + l < n; l++) {
		plain[l] += d[i + l] * gain[i + l];
		scaled[l] += d[i + l] * gain[i + l] * ((in[i + l] - r.mean) * r.factor);
	}
	r.d_mean = add_lanes(plain) / (float)n;
	r.d_deviation = add_lanes(scaled) / (float)n;
	return r;
}

/* Sixteen columns of a row, or fewer. */
BODY void
back_lanes(const struct row_norm *r, size_t n, const float *in, const float *d, const float *gain,
    float *out, float *d_gain, float *d_bias)
{
	for (size_t l = 0; l < n; l++) {
		float x = (in[l] - r->mean) * r->factor, y = d[l];

		d_gain[l] += y * x;
		d_bias[l] += y;
		out[l] = (y * gain[l] - r->d_mean - x * r->d_deviation) * r->factor;
	}
}

/* As above, without the gradients of gain and bias. */
BODY void
back_lanes_only(const struct row_norm *r, size_t n, const float *in, const float *d,
    const float *gain, float *out)
{
	for (size_t l = 0; l < n; l++) {
		float x = (in[l] - r->mean) * r->factor;

		out[l] = (d[l] * gain[l] - r->d_mean - x * r->d_deviation) * r->factor;
	}
}

BODY void
back_rows(const struct layer_norm *w, const float *in, const float *d, size_t rows, float *out,
    float *d_gain, float *d_bias)
{
	size_t n = w->n;

	for (size_t row = 0; row < rows; row++, in += n, d += n, out += n) {
		struct row_norm r = analyse_row(in, d, n, w->gain, w->eps);
		size_t i = 0;

		for (; d_gain && i + LANES <= n; i += LANES)
			back_lanes(
			    &r, LANES, in + i, d + i, w->gain + i, out + i, d_gain + i, d_bias + i);
		for (; i + LANES <= n; i += LANES)
			back_lanes_only(&r, LANES, in + i, d + i, w->gain + i, out + i);
		if (d_gain)
			back_lanes(
			    &r, n - i, in + i, d + i, w->gain + i, out + i, d_gain + i, d_bias + i);
		else
			back_lanes_only(&r, n - i, in + i, d + i, w->gain + i, out + i);
	}
}

EACH_ISA(void, back_rows,
    (const struct layer_norm *w, const float *in, const float *d, size_t rows, float *out,
	float *d_gain, float *d_bias),
    (w, in, d, rows, out, d_gain, d_bias))

void
rows_normalize_back(const struct layer_norm *w, const float *in, const float *d_out, size_t rows,
    float *d_in, float *d_gain, float *d_bias)
{
	RUN(back_rows, (w, in, d_out, rows, d_in, d_gain, d_bias));
}

/* ---- 2. activation functions ---- */

/* Constants of the normal distribution, and of its approximation by tanh (Hendrycks and Gimpel
 * 2016). */
static const float root_half = 0.707106781186547524f, root_two_by_pi = 0.797884560802865356f,
		   density_at_0 = 0.398942280401432678f, cubic = 0.044715f;

static float
value_of(enum activation f, float x)
{
	switch (f) {
	case ACTIVATION_GELU:
		return 0.5f * x * (1 + erff(x * root_half));
	case ACTIVATION_GELU_TANH:
		return 0.5f * x * (1 + tanhf(root_two_by_pi * (x + cubic * x * x * x)));
	case ACTIVATION_SILU:
		return x / (1 + expf(-x));
	case ACTIVATION_TANH:
		return tanhf(x);
	default:
		return x;
	}
}

static float
slope_of(enum activation f, float x)
{
	float t;

	switch (f) {
	case ACTIVATION_GELU:
		return 0.5f * (1 + erff(x * root_half)) + x * density_at_0 * expf(-0.5f * x * x);
	case ACTIVATION_GELU_TANH:
		t = tanhf(root_two_by_pi * (x + cubic * x * x * x));
		return 0.5f * (1 + t) +
		       0.5f * x * (1 - t * t) * root_two_by_pi * (1 + 3 * cubic * x * x);
	case ACTIVATION_SILU:
		t = 1 / (1 + expf(-x));
		return t * (1 + x * (1 - t));
	case ACTIVATION_TANH:
		t = tanhf(x);
		return 1 - t * t;
	default:
		return 1;
	}
}

/* Sixteen at a time, for the compiler. */
BODY void
relu(const float *in, size_t n, float *out)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		float y[LANES];

		for (size_t l = 0; l < LANES; l++)
			y[l] = in[i + l] > 0 ? in[i + l] : 0;
		for (size_t l = 0; l < LANES; l++)
			out[i + l] = y[l];
	}
	for (; i < n; i++)
		out[i] = in[i] > 0 ? in[i] : 0;
}

BODY void
relu_back(const float *in, size_t n, float *d)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		float y[LANES];

		for (size_t l = 0; l < LANES; l++)
			y[l] = in[i + l] > 0 ? d[i + l] : 0;
		for (size_t l = 0; l < LANES; l++)
			d[i + l] = y[l];
	}
	for (; i < n; i++)
		d[i] = in[i] > 0 ? d[i] : 0;
}

EACH_ISA(void, relu, (const float *in, size_t n, float *out), (in, n, out))
EACH_ISA(void, relu_back, (const float *in, size_t n, float *d), (in, n, d))

void
rows_activate(enum activation f, const float *in, size_t n, float *out)
{
	if (f == ACTIVATION_RELU) {
		RUN(relu, (in, n, out));
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = value_of(f, in[i]);
}

void
rows_activate_back(enum activation f, const float *in, size_t n, float *d)
{
	if (f == ACTIVATION_RELU) {
		RUN(relu_back, (in, n, d));
		return;
	}
	for (size_t i = 0; f != ACTIVATION_NONE && i < n; i++)
		d[i] *= slope_of(f, in[i]);
}

/* ---- 3. sums and the loss ---- */

/* to += x */
BODY void
add_row(const float *x, size_t n, float *to)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			to[i + l] += x[i + l];
	for (; i < n; i++)
		to[i] += x[i];
}

/* Sixteen columns at a time, whose sums stay in registers. */
BODY void
column_sums(const float *x, size_t rows, size_t n, float *to)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		float sum[LANES];

		for (size_t l = 0; l < LANES; l++)
			sum[l] = to[i + l];
		for (size_t r = 0; r < rows; r++)
			for (size_t l = 0; l < LANES; l++)
				sum[l] += x[r * n + i + l];
		for (size_t l = 0; l < LANES; l++)
			to[i + l] = sum[l];
	}
	for (size_t r = 0; i < n && r < rows; r++)
		add_row(x + r * n + i, n - i, to + i);
}

/* x = x * factor */
BODY void
scale(float *x, size_t n, float factor)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			x[i + l] *= factor;
	for (; i < n; i++)
		x[i] *= factor;
}

BODY float
greatest(const float *x, size_t n)
{
	float lane[LANES], top = x[0];
	size_t i = 0;

	for (size_t l = 0; l < LANES; l++)
		lane[l] = top;
	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
	for (; i < n; i++)
		top = x[i] > top ? x[i] : top;
	for (size_t l = 0; l < LANES; l++)
		top = lane[l] > top ? lane[l] : top;
	return top;
}

EACH_ISA(void, add_row, (const float *x, size_t n, float *to), (x, n, to))
EACH_ISA(void, column_sums, (const float *x, size_t rows, size_t n, float *to), (x, rows, n, to))
EACH_ISA(void, scale, (float *x, size_t n, float factor), (x, n, factor))
EACH_ISA(float, greatest, (const float *x, size_t n), (x, n))

void
rows_add(const float *x, size_t n, float *to)
{
	RUN(add_row, (x, n, to));
}

void
rows_column_sums(const float *x, size_t rows, size_t n, float *to)
{
	RUN(column_sums, (x, rows, n, to));
}

/* x = 2^(x * log2(e) - log_sum), for any n */
static void
exponentials(const struct tile_kernel *kernel, float *x, size_t n, float log_sum)
{
	size_t whole = n / TILE_WIDTH * TILE_WIDTH;
	float rest[TILE_WIDTH] = { 0 };

	RUN(scale, (x, n, 1.44269504088896341f));
	kernel->weights(x, whole, log_sum);
	memcpy(rest, x + whole, (n - whole) * sizeof(*x));
	kernel->weights(rest, TILE_WIDTH, log_sum);
	memcpy(x + whole, rest, (n - whole) * sizeof(*x));
}

BODY double
sum_in_double(const float *x, size_t n)
{
	double lane[LANES] = { 0 }, sum = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			lane[l] += (double)x[i + l];
	for (; i < n; i++)
		sum += (double)x[i];
	for (size_t l = 0; l < LANES; l++)
		sum += lane[l];
	return sum;
}

BODY double
squares_in_double(const float *x, size_t n)
{
	double lane[LANES / 2] = { 0 }, sum = 0;
	size_t i = 0;

	for (; i + LANES / 2 <= n; i += LANES / 2)
		for (size_t l = 0; l < LANES / 2; l++)
			lane[l] += (double)x[i + l] * (double)x[i + l];
	for (; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	for (size_t l = 0; l < LANES / 2; l++)
		sum += lane[l];
	return sum;
}

EACH_ISA(double, sum_in_double, (const float *x, size_t n), (x, n))
EACH_ISA(double, squares_in_double, (const float *x, size_t n), (x, n))

double
rows_squares(const float *x, size_t n)
{
	return RUN(squares_in_double, (x, n));
}

double
rows_cross_entropy(const struct tile_kernel *kernel, float *x, size_t n, size_t label,
    double weight, double factor, bool *ret_is_right)
{
	float top = RUN(greatest, (x, n)), at_label = x[label];
	double sum, to_gradient;

	*ret_is_right = at_label == top;
	for (size_t i = 0; *ret_is_right && i < label; i++)
		*ret_is_right = x[i] < top;
	exponentials(kernel, x, n, top * 1.44269504088896341f);
	sum = RUN(sum_in_double, (x, n));
	to_gradient = factor * weight / sum;
	RUN(scale, (x, n, (float)to_gradient));
	x[label] -= (float)(factor * weight);
	return weight * (log(sum) - ((double)at_label - (double)top));
}
