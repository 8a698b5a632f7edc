#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_attention_int8.h"
#include "nn/cpu_attention_int8_loops.h"

/* Each [width]. */
struct channels {
	float *key_mean, *value_mean, *value_amplitude, *value_inverse, *value_unit;
};

struct pass {
	const struct attention_int8_kernel *kernel;
	const struct attention_head *head;
	struct attention_scratch *scratch;
	struct attention_int8_rows *rows;
	struct attention_int8_keys keys;
	struct channels channels;
	size_t padded;       /* keys, to whole panels */
	float key_amplitude; /* the greatest */
};

const int16_t attention_int8_base[32] = { 32640, 31941, 31256, 30586, 29931, 29290, 28662, 28048,
	27447, 26859, 26283, 25720, 25169, 24630, 24102, 23585, 23080, 22585, 22101, 21628, 21164,
	20711, 20267, 19833, 19408, 18992, 18585, 18187, 17797, 17416, 17043, 16677 };
const int16_t attention_int8_step[32] = { 699, 685, 670, 655, 641, 628, 614, 601, 588, 576, 563,
	551, 539, 528, 517, 505, 495, 484, 473, 464, 453, 444, 434, 425, 416, 407, 398, 390, 381,
	373, 366, 357 };
const int16_t attention_int8_power[32] = { 256, 128, 64, 32, 16, 8, 4, 2, 1 };

const struct attention_kernel *
attention_kernel_int8(enum cpu_isa isa)
{
#if defined(__x86_64__)
	if (cpu_isa_has_amx_int8(isa) && cpu_isa_has_vnni(isa))
		return &attention_int8_amx.base;
	if (cpu_isa_has_vnni(isa))
		return &attention_int8_vnni.base;
#endif
	(void)isa;
	return &attention_int8_generic.base;
}

/* The greatest of n numbers that are not negative; a NaN is the greatest. Such numbers are ordered
 * as the integers of their bits; four at a time, for the processor. */
static float
greatest_of(const float *x, size_t n)
{
	uint32_t greatest[4] = { 0 }, bits[4];
	float ret;

	for (size_t i = 0; i < n; i += 4) {
		size_t left = attention_least(n - i, 4);

		memset(bits, 0, sizeof(bits));
		memcpy(bits, x + i, left * sizeof(*x));
		for (size_t l = 0; l < 4; l++)
			greatest[l] = bits[l] > greatest[l] ? bits[l] : greatest[l];
	}
	for (size_t l = 1; l < 4; l++)
		greatest[0] = greatest[l] > greatest[0] ? greatest[l] : greatest[0];
	memcpy(&ret, greatest, sizeof(ret));
	return ret;
}

static void
prepare_memory(struct pass *p)
{
	const struct attention_kernel *kernel = &p->kernel->base;
	const struct attention_head *h = p->head;
	struct attention_scratch *t = p->scratch;
	float *channel;

	attention_space_grow(&t->q, ATTENTION_QUERIES * h->row_bytes);
	attention_space_grow(&t->k, p->padded * h->row_bytes);
	attention_space_grow(&t->v, p->padded * h->value_bytes);
	attention_space_grow(
	    &t->s, p->kernel->blocks_at_once * kernel->group * ATTENTION_BLOCK * sizeof(int32_t));
	attention_space_grow(&t->out, ATTENTION_QUERIES * h->width * sizeof(float));
	attention_space_grow(&t->channels, 5 * h->width * sizeof(float));
	attention_space_grow(&t->rows, sizeof(*p->rows));
	attention_space_grow(&t->keys, p->padded * 11);
	p->rows = (struct attention_int8_rows *)(void *)t->rows.data;
	p->keys.amplitude = (float *)(void *)t->keys.data;
	p->keys.start = (int32_t *)(void *)(t->keys.data + 4 * p->padded);
	p->keys.weight = (int16_t *)(void *)(t->keys.data + 8 * p->padded);
	p->keys.is_key = t->keys.data + 10 * p->padded;
	channel = (float *)(void *)t->channels.data;
	p->channels = (struct channels){ channel, channel + h->width, channel + 2 * h->width,
		channel + 3 * h->width, channel + 4 * h->width };
}

static void
measure_channels(struct pass *p)
{
	const struct attention_head *h = p->head;
	const struct channels *c = &p->channels;
	float n = (float)h->n_k;

	p->kernel->sums(h->k, h->stride, h->n_k, h->size, c->key_mean);
	p->kernel->sums(h->v, h->stride, h->n_k, h->size, c->value_mean);
	for (size_t i = 0; i < h->size; i++) {
		c->key_mean[i] /= n;
		c->value_mean[i] /= n;
	}
	p->kernel->amplitudes(h->v, h->stride, h->n_k, h->size, c->value_mean, c->value_amplitude);
	for (size_t i = 0; i < h->size; i++) {
		c->value_inverse[i] = attention_int8_inverse(c->value_amplitude[i]);
		c->value_unit[i] = c->value_amplitude[i] / 127;
	}
}

static void
weigh_keys(struct pass *p)
{
	float greatest = greatest_of(p->keys.amplitude, p->padded);
	float inverse = attention_int8_inverse(greatest) * (32767.0f / 127);

	for (size_t i = 0; i < p->padded; i++)
		p->keys.weight[i] = (int16_t)attention_int8_round(p->keys.amplitude[i] * inverse);
	p->key_amplitude = greatest;
}

static void
pack_cell(struct pass *p)
{
	const struct attention_head *h = p->head;
	const struct channels *c = &p->channels;
	size_t panel = p->kernel->base.panel;

	for (size_t i = 0; i < h->n_k; i += panel) {
		size_t n = attention_least(h->n_k - i, panel), at = i * h->stride;

		p->kernel->pack_keys(h->k + at, h->stride, n, h->size, c->key_mean,
		    p->scratch->k.data + i * h->row_bytes, &p->keys, i);
		p->kernel->pack_values(h->v + at, h->stride, n, h->size, c->value_mean,
		    c->value_inverse, p->scratch->v.data + i * h->value_bytes);
	}
	weigh_keys(p);
}

/* The unit of a row, given in log2, as what brings a difference to 1/1024. Units above 8 only occur
 * where one key has all the weight. */
static void
set_row(struct attention_int8_rows *r, size_t i, float unit)
{
	float steps = unit * 1024;
	int power = 13, factor = 32767;

	if (steps < 8192) {
		frexpf(steps, &power);
		power = power > 0 ? power : 0;
		factor = attention_int8_round(ldexpf(steps, 15 - power));
		factor = factor < 32767 ? factor : 32767;
	}
	r->unit[i] = unit;
	r->limit[i] = (uint32_t)(32767 >> power) * 0x10001;
	r->power[i] = (uint32_t)(1 << power) * 0x10001;
	r->factor[i] = (uint32_t)factor * 0x10001;
	r->max[i] = -65536; /* below every score */
	r->sum[i] = 0;
}

/* to = (o * inverse) * unit + mean; sixteen at a time, for the compiler. */
static void
finish_row(const float *restrict o, float inverse, const float *restrict unit,
    const float *restrict mean, size_t n, float *restrict to)
{
	size_t i = 0;

	for (; i + 16 <= n; i += 16)
		for (size_t l = i; l < i + 16; l++)
			to[l] = o[l] * inverse * unit[l] + mean[l];
	for (; i < n; i++)
		to[i] = o[i] * inverse * unit[i] + mean[i];
}

/* Of a query's n scores, in units of log2. */
static float
log_sum(const struct pass *p, size_t query, size_t row, float log2_unit)
{
	const struct attention_head *h = p->head;
	const float *q = h->q + query * h->stride;
	float with_mean = 0;

	for (size_t c = 0; c < h->size; c++)
		with_mean += q[c] * p->channels.key_mean[c];
	return p->rows->max[row] * p->rows->unit[row] + log2f(p->rows->sum[row] / 255) +
	       with_mean * log2_unit;
}

/* The i-th of the blocks of n queries: all groups of a passage of keys, then the next passage. */
static struct attention_int8_block
block_at(struct pass *p, size_t i, size_t n)
{
	const struct attention_head *h = p->head;
	struct attention_scratch *t = p->scratch;
	size_t group = p->kernel->base.group, groups = (n + group - 1) / group;
	size_t first = i % groups * group, key = i / groups * ATTENTION_BLOCK;
	size_t place = i % p->kernel->blocks_at_once;

	return (struct attention_int8_block){ .q = t->q.data + first * h->row_bytes,
		.k = t->k.data + key * h->row_bytes,
		.v = t->v.data + key * h->value_bytes,
		.d = h->size,
		.width = h->width,
		.keys = &p->keys,
		.from = key,
		.n = attention_least(p->padded - key, ATTENTION_BLOCK),
		.rows = p->rows,
		.first = first,
		.s = (int32_t *)(void *)t->s.data + place * group * ATTENTION_BLOCK,
		.out = (float *)(void *)t->out.data + first * h->width };
}

static void
run_blocks(struct pass *p, size_t n)
{
	size_t group = p->kernel->base.group, groups = (n + group - 1) / group;
	size_t blocks = (p->padded + ATTENTION_BLOCK - 1) / ATTENTION_BLOCK * groups;
	struct attention_int8_block last, now, next = block_at(p, 0, n);

	memset(p->scratch->out.data, 0, ATTENTION_QUERIES * p->head->width * sizeof(float));
	p->kernel->pass(&next, NULL, NULL);
	for (size_t i = 0; i < blocks; i++) {
		last = i > 0 ? now : next;
		now = next;
		if (i + 1 < blocks)
			next = block_at(p, i + 1, n);
		p->kernel->pass(i + 1 < blocks ? &next : NULL, &now, i > 0 ? &last : NULL);
	}
	p->kernel->pass(NULL, NULL, &now);
}

/* n queries from `from` on, at most ATTENTION_QUERIES. */
static void
run_queries(struct pass *p, size_t from, size_t n)
{
	const struct attention_kernel *kernel = &p->kernel->base;
	const struct attention_head *h = p->head;
	/* of a product of two numbers that are what they are; of two of 127 shifted and weighted */
	float log2_unit = (float)(1.4426950408889634 / sqrt((double)h->size));
	float unit = log2_unit * (float)(1 << p->keys.shift) * (32768.0f / 32767) / (127 * 127);
	const float *out = (const float *)(const void *)p->scratch->out.data;

	for (size_t i = 0; i < n; i += kernel->group)
		p->kernel->pack_queries(h->q + (from + i) * h->stride, h->stride,
		    attention_least(n - i, kernel->group), h->size,
		    p->scratch->q.data + i * h->row_bytes, p->rows->amplitude + i);
	for (size_t i = 0; i < attention_round_up(n, kernel->group); i++)
		set_row(p->rows, i, p->rows->amplitude[i] * p->key_amplitude * unit);
	run_blocks(p, n);
	for (size_t i = 0; i < n; i++)
		finish_row(out + i * h->width, 1 / p->rows->sum[i] + 0 * p->rows->unit[i],
		    p->channels.value_unit, p->channels.value_mean, h->size,
		    h->out + (from + i) * h->stride);
	for (size_t i = 0; h->call->log_sum && i < n; i++)
		h->call->log_sum[(h->first_query + from + i) * h->call->heads + h->index] =
		    log_sum(p, from + i, i, log2_unit);
}

void
attention_int8_head(const struct attention_kernel *kernel, const struct attention_head *h,
    struct attention_scratch *scratch)
{
	struct pass p = { .kernel = (const struct attention_int8_kernel *)kernel,
		.head = h,
		.scratch = scratch,
		.padded = attention_round_up(h->n_k, kernel->panel) };

	assert(h->size <= INT8_MOST);
	while (h->size * 127 * 127 >> p.keys.shift > INT16_MAX)
		p.keys.shift++;
	prepare_memory(&p);
	measure_channels(&p);
	pack_cell(&p);
	for (size_t i = 0; i < h->n_q; i += ATTENTION_QUERIES)
		run_queries(&p, i, attention_least(h->n_q - i, ATTENTION_QUERIES));
}
