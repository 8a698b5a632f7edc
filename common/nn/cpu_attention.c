#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_attention.h"
#include "nn/cpu_attention_head.h"

const struct attention_kernel *
attention_kernel(enum cpu_isa isa, bool is_bf16)
{
#if defined(__x86_64__)
	if (isa == CPU_ISA_AMX && is_bf16)
		return &attention_amx;
	if (isa >= CPU_ISA_AVX512)
		return &attention_avx512;
	if (isa == CPU_ISA_AVX2)
		return &attention_avx2;
#endif
	(void)isa, (void)is_bf16;
	return &attention_generic;
}

struct attention_scratch *
attention_scratch_create(void)
{
	return mem_zero(1, sizeof(struct attention_scratch));
}

void
attention_scratch_free(struct attention_scratch *s)
{
	if (!s)
		return;
	free(s->q.data);
	free(s->k.data);
	free(s->v.data);
	free(s->s.data);
	free(s->out.data);
	free(s->channels.data);
	free(s->keys.data);
	free(s->rows.data);
	free(s);
}

void
attention_space_grow(struct attention_space *s, size_t size)
{
	if (s->size >= size)
		return;
	free(s->data);
	s->data = mem_alloc(size, 1);
	s->size = size;
}

static void
pack_cell(const struct attention_kernel *kernel, const struct attention_head *h,
    struct attention_scratch *t)
{
	size_t panel = kernel->panel, keys = attention_round_up(h->n_k, panel);

	attention_space_grow(&t->k, keys * h->row_bytes);
	attention_space_grow(&t->v, keys * h->value_bytes);
	for (size_t i = 0; i < h->n_k; i += panel) {
		size_t n = attention_least(h->n_k - i, panel), at = i * h->stride;

		kernel->pack_keys(h->k + at, h->stride, n, h->size, t->k.data + i * h->row_bytes);
		kernel->pack_values(
		    h->v + at, h->stride, n, h->size, t->v.data + i * h->value_bytes);
	}
}

/* Drops weights of a group of queries, from the `first`, for n keys. Those of bfloat16, in the
 * first half of each row, are not scaled: what they add up to is, at the end. */
static void
drop_weights(const struct attention_kernel *kernel, const struct attention_head *h,
    struct attention_scratch *t, size_t first, size_t queries, size_t from, size_t n)
{
	float *s = (float *)(void *)t->s.data;

	for (size_t i = 0; i < queries; i++, s += ATTENTION_BLOCK) {
		dropout_numbers(h->call->drop, h->first_query + first + i, h->index, h->n_k, from,
		    n, t->numbers);
		if (kernel->element == sizeof(float))
			dropout_apply(h->call->drop, t->numbers, s, n);
		else
			dropout_clear(h->call->drop, t->numbers, (uint16_t *)(void *)s, n);
	}
}

/* One block of keys, from .. from + n - 1, for the group of queries that starts at `first` of those
 * from `start`. */
static void
pass_block(const struct attention_kernel *kernel, const struct attention_head *h,
    struct attention_scratch *t, size_t start, size_t first, size_t from, size_t n)
{
	size_t padded = attention_round_up(n, kernel->panel);
	float *s = (float *)(void *)t->s.data, *out = (float *)(void *)t->out.data;

	kernel->scores(
	    t->q.data + first * h->row_bytes, t->k.data + from * h->row_bytes, h->size, padded, s);
	for (size_t i = 0; padded > n && i < kernel->group; i++)
		for (size_t j = n; j < padded; j++)
			s[i * ATTENTION_BLOCK + j] = ATTENTION_LOWEST;
	kernel->softmax(s, padded, t->max + first, t->sum + first, t->scale + first);
	if (h->call->drop)
		drop_weights(kernel, h, t, start + first,
		    attention_least(h->n_q - start - first, kernel->group), from, n);
	kernel->values(s, t->v.data + from * h->value_bytes, padded, h->width, t->scale + first,
	    out + first * h->width);
}

/* to[c] = from[c] * factor; sixteen at a time, for the compiler. */
static void
scale_row(float *to, const float *from, size_t n, float factor)
{
	size_t c = 0;

	for (; c + 16 <= n; c += 16)
		for (size_t l = 0; l < 16; l++)
			to[c + l] = from[c + l] * factor;
	for (; c < n; c++)
		to[c] = from[c] * factor;
}

static void
run_queries(const struct attention_kernel *kernel, const struct attention_head *h,
    struct attention_scratch *t, size_t from, size_t n)
{
	/* scores in units of log2, so that the exponential is a power of 2 */
	float unit = (float)(1.4426950408889634 / sqrt((double)h->size));
	float *out = (float *)(void *)t->out.data;
	bool is_scaled = h->call->drop && kernel->element != sizeof(float);

	memset(out, 0, ATTENTION_QUERIES * h->width * sizeof(*out));
	for (size_t i = 0; i < ATTENTION_QUERIES; i++) {
		t->max[i] = ATTENTION_LOWEST;
		t->sum[i] = 0;
	}
	for (size_t i = 0; i < n; i += kernel->group)
		kernel->pack_queries(h->q + (from + i) * h->stride, h->stride,
		    attention_least(n - i, kernel->group), h->size, unit,
		    t->q.data + i * h->row_bytes);
	for (size_t key = 0; key < h->n_k; key += ATTENTION_BLOCK)
		for (size_t i = 0; i < n; i += kernel->group)
			pass_block(kernel, h, t, from, i, key,
			    attention_least(h->n_k - key, ATTENTION_BLOCK));
	for (size_t i = 0; i < n; i++)
		scale_row(h->out + (from + i) * h->stride, out + i * h->width, h->size,
		    (is_scaled ? h->call->drop->scale : 1) / t->sum[i]);
	for (size_t i = 0; h->call->log_sum && i < n; i++)
		h->call->log_sum[(h->first_query + from + i) * h->call->heads + h->index] =
		    t->max[i] + log2f(t->sum[i]);
}

static void
run_head(const struct attention_kernel *kernel, const struct attention_head *h,
    struct attention_scratch *t)
{
	if (kernel->run_head) {
		kernel->run_head(kernel, h, t);
		return;
	}
	attention_space_grow(&t->q, ATTENTION_QUERIES * h->row_bytes);
	attention_space_grow(&t->s, kernel->group * ATTENTION_BLOCK * sizeof(float));
	attention_space_grow(&t->out, ATTENTION_QUERIES * h->width * sizeof(float));
	pack_cell(kernel, h, t);
	for (size_t i = 0; i < h->n_q; i += ATTENTION_QUERIES)
		run_queries(kernel, h, t, i, attention_least(h->n_q - i, ATTENTION_QUERIES));
}

static void
run_cell(const struct attention_kernel *kernel, const struct attention_call *call, size_t cell,
    struct attention_scratch *scratch)
{
	size_t stride = call->heads * call->head_size;
	size_t q = call->cu_q[cell] * stride, k = call->cu_k[cell] * stride;
	struct attention_head h = { .n_q = call->cu_q[cell + 1] - call->cu_q[cell],
		.n_k = call->cu_k[cell + 1] - call->cu_k[cell],
		.stride = stride,
		.size = call->head_size,
		.width = attention_round_up(call->head_size, 16),
		.call = call,
		.first_query = call->cu_q[cell] };

	assert(h.n_k > 0);
	h.row_bytes = attention_round_up(h.size, kernel->depth) * kernel->element;
	h.value_bytes = h.width * kernel->element;
	for (size_t i = 0; i < call->heads && h.n_q > 0; i++) {
		h.index = i;
		h.q = call->q + q + i * h.size;
		h.k = call->k + k + i * h.size;
		h.v = call->v + k + i * h.size;
		h.out = call->out + q + i * h.size;
		run_head(kernel, &h, scratch);
	}
}

void
attention_run(const struct attention_kernel *kernel, const struct attention_call *call,
    struct attention_scratch *scratch)
{
	assert(ATTENTION_QUERIES % kernel->group == 0 && ATTENTION_BLOCK % kernel->panel == 0);
	assert(!call->drop || kernel->element >= sizeof(uint16_t));
	if (kernel->begin)
		kernel->begin();
	for (size_t cell = 0; cell < call->n_cells; cell++)
		run_cell(kernel, call, cell, scratch);
	if (kernel->end)
		kernel->end();
}
