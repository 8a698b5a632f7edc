/* cpu_attention_generic.c - the attention kernel in plain C, 4 queries x 8 keys. */

#include <string.h>

#include "nn/cpu_attention.h"
#include "nn/cpu_attention_pack.h"
#include "nn/cpu_exp2.h"

enum { GROUP = 4, PANEL = 8, COLUMNS = 16 };

static void
pack_queries(const float *q, size_t stride, size_t n, size_t d, float unit, void *to)
{
	attention_transpose(q, stride, n, d, unit, to, GROUP);
}

static void
pack_keys(const float *k, size_t stride, size_t n, size_t d, void *to)
{
	attention_transpose(k, stride, n, d, 1, to, PANEL);
}

static void
pack_values(const float *v, size_t stride, size_t n, size_t d, void *to)
{
	attention_pad_rows(v, stride, n, d, to, PANEL);
}

static void
scores(const void *packed_q, const void *packed_k, size_t d, size_t n, float *s)
{
	const float *q = packed_q, *k = packed_k;

	for (size_t j = 0; j < n; j += PANEL, k += d * PANEL) {
		float sum[GROUP][PANEL] = { 0 };

		for (size_t c = 0; c < d; c++)
			for (size_t i = 0; i < GROUP; i++)
				for (size_t l = 0; l < PANEL; l++)
					sum[i][l] += q[c * GROUP + i] * k[c * PANEL + l];
		for (size_t i = 0; i < GROUP; i++)
			memcpy(s + i * ATTENTION_BLOCK + j, sum[i], sizeof(sum[i]));
	}
}

static void
softmax(float *s, size_t n, float *max, float *sum, float *scale)
{
	for (size_t i = 0; i < GROUP; i++, s += ATTENTION_BLOCK) {
		float top = max[i], total = 0;

		for (size_t j = 0; j < n; j++)
			top = s[j] > top ? s[j] : top;
		for (size_t j = 0; j < n; j++) {
			s[j] = exp2_plain(s[j] - top);
			total += s[j];
		}
		scale[i] = exp2_plain(max[i] - top);
		sum[i] = sum[i] * scale[i] + total;
		max[i] = top;
	}
}

static void
values(const float *s, const void *packed_v, size_t n, size_t width, const float *scale, float *o)
{
	const float *v = packed_v;

	for (size_t i = 0; i < GROUP; i++, s += ATTENTION_BLOCK)
		for (size_t at = 0; at < width; at += COLUMNS, o += COLUMNS) {
			float sum[COLUMNS];

			for (size_t c = 0; c < COLUMNS; c++)
				sum[c] = o[c] * scale[i];
			for (size_t j = 0; j < n; j++)
				for (size_t c = 0; c < COLUMNS; c++)
					sum[c] += s[j] * v[j * width + at + c];
			memcpy(o, sum, sizeof(sum));
		}
}

const struct attention_kernel attention_generic = {
	.group = GROUP,
	.panel = PANEL,
	.depth = 1,
	.element = sizeof(float),
	.pack_queries = pack_queries,
	.pack_keys = pack_keys,
	.pack_values = pack_values,
	.scores = scores,
	.softmax = softmax,
	.values = values,
};
