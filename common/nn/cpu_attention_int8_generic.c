/* cpu_attention_int8_generic.c - integer attention in plain C, 4 queries at a time: the definition,
 * to the last bit, of what the other kernels compute. */

#include <math.h>
#include <string.h>

#include "nn/cpu_attention_int8_loops.h"
#include "nn/cpu_exp2.h"

enum { GROUP = 4 };

static void
sums(const float *x, size_t stride, size_t n, size_t d, float *ret)
{
	memset(ret, 0, d * sizeof(*ret));
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < d; c++)
			ret[c] += x[i * stride + c];
}

/* The greater of a and |x|; a NaN is greater than all else, and stays. */
static float
amplitude_with(float a, float x)
{
	x = fabsf(x);
	return x <= a || isnan(a) ? a : x;
}

static void
amplitudes(const float *x, size_t stride, size_t n, size_t d, const float *mean, float *ret)
{
	memset(ret, 0, d * sizeof(*ret));
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < d; c++)
			ret[c] = amplitude_with(ret[c], x[i * stride + c] - mean[c]);
}

static void
pack_queries(const float *q, size_t stride, size_t n, size_t d, void *to, float *amplitude)
{
	int8_t *row = to;

	memset(to, 0, GROUP * d);
	memset(amplitude, 0, GROUP * sizeof(*amplitude));
	for (size_t i = 0; i < n; i++, q += stride, row += d) {
		float inverse;

		for (size_t c = 0; c < d; c++)
			amplitude[i] = amplitude_with(amplitude[i], q[c]);
		inverse = attention_int8_inverse(amplitude[i]);
		for (size_t c = 0; c < d; c++)
			row[c] = (int8_t)attention_int8_round(q[c] * inverse);
	}
}

/* to: [keys][d] */
static void
pack_keys(const float *k, size_t stride, size_t n, size_t d, const float *mean, void *to,
    const struct attention_int8_keys *keys, size_t at)
{
	int8_t *row = to;

	for (size_t i = 0; i < n; i++, k += stride, row += d) {
		float amplitude = 0, inverse;

		for (size_t c = 0; c < d; c++)
			amplitude = amplitude_with(amplitude, k[c] - mean[c]);
		inverse = attention_int8_inverse(amplitude);
		for (size_t c = 0; c < d; c++)
			row[c] = (int8_t)attention_int8_round((k[c] - mean[c]) * inverse);
		keys->amplitude[at + i] = amplitude;
	}
}

/* to: [keys][width] */
static void
pack_values(const float *v, size_t stride, size_t n, size_t d, const float *mean,
    const float *inverse, void *to)
{
	size_t width = attention_round_up(d, 16);
	int8_t *row = to;

	memset(to, 0, n * width);
	for (size_t i = 0; i < n; i++, v += stride, row += width)
		for (size_t c = 0; c < d; c++)
			row[c] = (int8_t)attention_int8_round((v[c] - mean[c]) * inverse[c]);
}

static void
scores(const struct attention_int8_block *b)
{
	const int8_t *q = (const int8_t *)b->q;
	int32_t *s = b->s;
	size_t d = b->d;

	for (size_t i = 0; i < GROUP; i++, q += d, s += ATTENTION_BLOCK) {
		const int8_t *k = (const int8_t *)b->k;

		for (size_t j = 0; j < b->n; j++, k += d) {
			s[j] = 0;
			for (size_t c = 0; c < d; c++)
				s[j] += q[c] * k[c];
		}
	}
}

/* a * b / 2^15, to the nearest. */
static int
multiply(int a, int b)
{
	return ((a * b >> 14) + 1) >> 1;
}

static int
least(int a, int b)
{
	return a < b ? a : b;
}

/* 255 * 2^-(y / 1024), to the nearest, for 0 <= y <= 32767. */
static int
weight_of(int y)
{
	int part = y >> 5 & 31, rest = y & 31; /* of the fraction */
	int x = attention_int8_base[part] - (attention_int8_step[part] * rest >> 5);

	return multiply(x, attention_int8_power[y >> 10]);
}

static void
join_block(struct attention_int8_rows *r, size_t i, int top, int sum)
{
	float max = r->max[i] > (float)top ? r->max[i] : (float)top;

	r->scale[i] = exp2_plain((r->max[i] - max) * r->unit[i]);
	r->gain[i] = exp2_plain(((float)top - max) * r->unit[i]);
	r->sum[i] = r->sum[i] * r->scale[i] + (float)sum * r->gain[i];
	r->max[i] = max;
}

static void
softmax(const struct attention_int8_block *b)
{
	const int16_t *weight = b->keys->weight + b->from;
	const struct attention_int8_rows *r = b->rows;
	int32_t *s = b->s;

	for (size_t i = b->first; i < b->first + GROUP; i++, s += ATTENTION_BLOCK) {
		int limit = (int)(r->limit[i] >> 16), power = (int)(r->power[i] >> 16),
		    factor = (int)(r->factor[i] >> 16), top = INT16_MIN, sum = 0;

		for (size_t j = 0; j < b->n; j++) {
			s[j] = multiply(s[j] >> b->keys->shift, weight[j]);
			top = s[j] > top ? s[j] : top;
		}
		for (size_t j = 0; j < b->n; j++) {
			s[j] = weight_of(multiply(least(top - s[j], limit) * power, factor));
			sum += s[j];
		}
		join_block(b->rows, i, top, sum);
	}
}

static void
values(const struct attention_int8_block *b)
{
	const float *scale = b->rows->scale + b->first, *gain = b->rows->gain + b->first;
	const int8_t *v = (const int8_t *)b->v;
	const int32_t *s = b->s;
	size_t width = b->width;
	float *o = b->out;

	for (size_t i = 0; i < GROUP; i++, s += ATTENTION_BLOCK, o += width)
		for (size_t at = 0; at < width; at += 16) {
			int32_t sum[16] = { 0 };

			for (size_t j = 0; j < b->n; j++)
				for (size_t c = 0; c < 16; c++)
					sum[c] += s[j] * v[j * width + at + c];
			for (size_t c = 0; c < 16; c++)
				o[at + c] = o[at + c] * scale[i] + (float)sum[c] * gain[i];
		}
}

static void
pass(const struct attention_int8_block *next, const struct attention_int8_block *now,
    const struct attention_int8_block *last)
{
	(void)next, (void)last;
	if (!now)
		return;
	scores(now);
	softmax(now);
	values(now);
}

const struct attention_int8_kernel attention_int8_generic = {
	.base = { .group = GROUP,
	    .panel = 1,
	    .depth = 1,
	    .element = 1,
	    .run_head = attention_int8_head },
	.blocks_at_once = 1,
	.sums = sums,
	.amplitudes = amplitudes,
	.pack_queries = pack_queries,
	.pack_keys = pack_keys,
	.pack_values = pack_values,
	.pass = pass,
};
