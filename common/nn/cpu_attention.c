#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_attention.h"

/* Queries that share a passage of the keys, so that keys of a long cell come from the second-level
 * cache or beyond once for all of them. A multiple of every kernel's group. */
enum { QUERIES = 96 };

struct space {
	unsigned char *data;
	size_t size;
};

struct attention_scratch {
	struct space q, k, v; /* packed: QUERIES queries, all keys and values of a cell */
	struct space s;       /* float [group][ATTENTION_BLOCK] */
	struct space out;     /* float [QUERIES][width] */
	float max[QUERIES], sum[QUERIES], scale[QUERIES];
	uint16_t numbers[ATTENTION_BLOCK]; /* for dropout */
};

/* One head of one cell. Pointers to its first value; rows are `stride` floats apart. */
struct head {
	const float *q, *k, *v;
	float *out;
	size_t n_q, n_k, stride;
	size_t size, width;
	size_t row_bytes, value_bytes; /* of a packed query or key, of a packed value row */
	const struct attention_call *call;
	size_t index, first_query; /* which head; the call's row of the first query */
};

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
	free(s);
}

static size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void
grow(struct space *s, size_t size)
{
	if (s->size >= size)
		return;
	free(s->data);
	s->data = mem_alloc(size, 1);
	s->size = size;
}

static void
pack_cell(const struct attention_kernel *kernel, const struct head *h, struct attention_scratch *t)
{
	size_t panel = kernel->panel, keys = round_up(h->n_k, panel);

	grow(&t->k, keys * h->row_bytes);
	grow(&t->v, keys * h->value_bytes);
	for (size_t i = 0; i < h->n_k; i += panel) {
		size_t n = least(h->n_k - i, panel), at = i * h->stride;

		kernel->pack_keys(h->k + at, h->stride, n, h->size, t->k.data + i * h->row_bytes);
		kernel->pack_values(
		    h->v + at, h->stride, n, h->size, t->v.data + i * h->value_bytes);
	}
}

/* Drops weights of a group of queries, from the `first`, for n keys. */
static void
drop_weights(const struct head *h, struct attention_scratch *t, size_t first, size_t queries,
    size_t from, size_t n)
{
	float *s = (float *)(void *)t->s.data;

	for (size_t i = 0; i < queries; i++, s += ATTENTION_BLOCK) {
		dropout_numbers(h->call->drop, h->first_query + first + i, h->index, h->n_k, from,
		    n, t->numbers);
		dropout_apply(h->call->drop, t->numbers, s, n);
	}
}

/* One block of keys, from .. from + n - 1, for the group of queries that starts at `first` of those
 * from `start`. */
static void
pass_block(const struct attention_kernel *kernel, const struct head *h, struct attention_scratch *t,
    size_t start, size_t first, size_t from, size_t n)
{
	size_t padded = round_up(n, kernel->panel);
	float *s = (float *)(void *)t->s.data, *out = (float *)(void *)t->out.data;

	kernel->scores(
	    t->q.data + first * h->row_bytes, t->k.data + from * h->row_bytes, h->size, padded, s);
	for (size_t i = 0; padded > n && i < kernel->group; i++)
		for (size_t j = n; j < padded; j++)
			s[i * ATTENTION_BLOCK + j] = ATTENTION_LOWEST;
	kernel->softmax(s, padded, t->max + first, t->sum + first, t->scale + first);
	if (h->call->drop)
		drop_weights(
		    h, t, start + first, least(h->n_q - start - first, kernel->group), from, n);
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
run_queries(const struct attention_kernel *kernel, const struct head *h,
    struct attention_scratch *t, size_t from, size_t n)
{
	/* scores in units of log2, so that the exponential is a power of 2 */
	float unit = (float)(1.4426950408889634 / sqrt((double)h->size));
	float *out = (float *)(void *)t->out.data;

	memset(out, 0, QUERIES * h->width * sizeof(*out));
	for (size_t i = 0; i < QUERIES; i++) {
		t->max[i] = ATTENTION_LOWEST;
		t->sum[i] = 0;
	}
	for (size_t i = 0; i < n; i += kernel->group)
		kernel->pack_queries(h->q + (from + i) * h->stride, h->stride,
		    least(n - i, kernel->group), h->size, unit, t->q.data + i * h->row_bytes);
	for (size_t key = 0; key < h->n_k; key += ATTENTION_BLOCK)
		for (size_t i = 0; i < n; i += kernel->group)
			pass_block(
			    kernel, h, t, from, i, key, least(h->n_k - key, ATTENTION_BLOCK));
	for (size_t i = 0; i < n; i++)
		scale_row(
		    h->out + (from + i) * h->stride, out + i * h->width, h->size, 1 / t->sum[i]);
	for (size_t i = 0; h->call->log_sum && i < n; i++)
		h->call->log_sum[(h->first_query + from + i) * h->call->heads + h->index] =
		    t->max[i] + log2f(t->sum[i]);
}

static void
run_head(const struct attention_kernel *kernel, const struct head *h, struct attention_scratch *t)
{
	grow(&t->q, QUERIES * h->row_bytes);
	grow(&t->s, kernel->group * ATTENTION_BLOCK * sizeof(float));
	grow(&t->out, QUERIES * h->width * sizeof(float));
	pack_cell(kernel, h, t);
	for (size_t i = 0; i < h->n_q; i += QUERIES)
		run_queries(kernel, h, t, i, least(h->n_q - i, QUERIES));
}

static void
run_cell(const struct attention_kernel *kernel, const struct attention_call *call, size_t cell,
    struct attention_scratch *scratch)
{
	size_t stride = call->heads * call->head_size;
	size_t q = call->cu_q[cell] * stride, k = call->cu_k[cell] * stride;
	struct head h = { .n_q = call->cu_q[cell + 1] - call->cu_q[cell],
		.n_k = call->cu_k[cell + 1] - call->cu_k[cell],
		.stride = stride,
		.size = call->head_size,
		.width = round_up(call->head_size, 16),
		.call = call,
		.first_query = call->cu_q[cell] };

	assert(h.n_k > 0);
	h.row_bytes = round_up(h.size, kernel->depth) * kernel->element;
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
	assert(QUERIES % kernel->group == 0 && ATTENTION_BLOCK % kernel->panel == 0);
	assert(!call->drop || kernel->element == sizeof(float));
	if (kernel->begin)
		kernel->begin();
	for (size_t cell = 0; cell < call->n_cells; cell++)
		run_cell(kernel, call, cell, scratch);
	if (kernel->end)
		kernel->end();
}
