#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_attention.h"

/* Queries that share a passage of the keys, so that keys of a long cell come from the second-level cache or beyond
 * once for all of them. A multiple of every kernel's group. */
enum { QUERIES = 96 };

struct attention_scratch {
	float *k;   /* [panels][head_size][panel] */
	float *v;   /* [keys, up to a whole panel][width] */
	float *q;   /* [QUERIES / group][head_size][group] */
	float *s;   /* [group][ATTENTION_BLOCK] */
	float *out; /* [QUERIES][width] */
	size_t k_size, v_size, q_size, s_size, out_size;
	float max[QUERIES], sum[QUERIES], scale[QUERIES];
};

/* One head of one cell. Pointers to its first value; rows are `stride` floats apart. */
struct head {
	const float *q, *k, *v;
	float *out;
	size_t n_q, n_k, size, width, stride;
};

const struct attention_kernel *
attention_kernel(enum cpu_isa isa)
{
#if defined(__x86_64__)
	if (isa >= CPU_ISA_AVX512)
		return &attention_avx512;
	if (isa == CPU_ISA_AVX2)
		return &attention_avx2;
#endif
	(void)isa;
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
	free(s->k);
	free(s->v);
	free(s->q);
	free(s->s);
	free(s->out);
	free(s);
}

static size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static void
grow(float **p, size_t *have, size_t want)
{
	if (*have >= want)
		return;
	free(*p);
	*p = mem_alloc(want, sizeof(**p));
	*have = want;
}

static void
pack_keys(float *to, const struct head *h, size_t panel)
{
	for (size_t j = 0; j < h->n_k; j++) {
		const float *from = h->k + j * h->stride;
		float *column = to + j / panel * panel * h->size + j % panel;

		for (size_t c = 0; c < h->size; c++)
			column[c * panel] = from[c];
	}
	for (size_t j = h->n_k; j < round_up(h->n_k, panel); j++)
		for (size_t c = 0; c < h->size; c++)
			to[j / panel * panel * h->size + c * panel + j % panel] = 0;
}

static void
pack_values(float *to, const struct head *h, size_t panel)
{
	for (size_t j = 0; j < h->n_k; j++) {
		memcpy(to + j * h->width, h->v + j * h->stride, h->size * sizeof(*to));
		for (size_t c = h->size; c < h->width; c++)
			to[j * h->width + c] = 0;
	}
	memset(to + h->n_k * h->width, 0, (round_up(h->n_k, panel) - h->n_k) * h->width * sizeof(*to));
}

/* Queries from .. from + n - 1 by group, in units of log2; those beyond the last are 0. */
static void
pack_queries(float *to, const struct head *h, size_t from, size_t n, size_t group)
{
	float unit = (float)(1.4426950408889634 / sqrt((double)h->size));

	for (size_t i = 0; i < round_up(n, group); i++) {
		const float *q = h->q + (from + i) * h->stride;
		float *column = to + i / group * group * h->size + i % group;

		for (size_t c = 0; c < h->size; c++)
			column[c * group] = i < n ? q[c] * unit : 0;
	}
}

/* One block of keys, from .. from + n - 1, for the group of queries that starts at `first` of the 96. */
static void
pass_block(const struct attention_kernel *kernel, const struct head *h, struct attention_scratch *t, size_t first,
    size_t from, size_t n)
{
	size_t padded = round_up(n, kernel->panel);

	kernel->scores(t->q + first * h->size, t->k + from * h->size, h->size, padded, t->s);
	for (size_t i = 0; padded > n && i < kernel->group; i++)
		for (size_t j = n; j < padded; j++)
			t->s[i * ATTENTION_BLOCK + j] = -INFINITY;
	kernel->softmax(t->s, padded, t->max + first, t->sum + first, t->scale + first);
	kernel->values(t->s, t->v + from * h->width, padded, h->width, t->scale + first,
	    t->out + first * h->width);
}

static void
run_queries(const struct attention_kernel *kernel, const struct head *h, struct attention_scratch *t, size_t from,
    size_t n)
{
	pack_queries(t->q, h, from, n, kernel->group);
	memset(t->out, 0, QUERIES * h->width * sizeof(*t->out));
	for (size_t i = 0; i < QUERIES; i++) {
		t->max[i] = -INFINITY;
		t->sum[i] = 0;
	}
	for (size_t key = 0; key < h->n_k; key += ATTENTION_BLOCK) {
		size_t keys = h->n_k - key < ATTENTION_BLOCK ? h->n_k - key : ATTENTION_BLOCK;

		for (size_t i = 0; i < n; i += kernel->group)
			pass_block(kernel, h, t, i, key, keys);
	}
	for (size_t i = 0; i < n; i++) {
		float *out = h->out + (from + i) * h->stride, factor = 1 / t->sum[i];

		for (size_t c = 0; c < h->size; c++)
			out[c] = t->out[i * h->width + c] * factor;
	}
}

static void
run_head(const struct attention_kernel *kernel, const struct head *h, struct attention_scratch *t)
{
	size_t keys = round_up(h->n_k, kernel->panel);

	assert(h->n_k > 0 && QUERIES % kernel->group == 0 && ATTENTION_BLOCK % kernel->panel == 0);
	grow(&t->k, &t->k_size, keys * h->size);
	grow(&t->v, &t->v_size, keys * h->width);
	grow(&t->q, &t->q_size, QUERIES * h->size);
	grow(&t->s, &t->s_size, kernel->group * ATTENTION_BLOCK);
	grow(&t->out, &t->out_size, QUERIES * h->width);
	pack_keys(t->k, h, kernel->panel);
	pack_values(t->v, h, kernel->panel);
	for (size_t i = 0; i < h->n_q; i += QUERIES)
		run_queries(kernel, h, t, i, h->n_q - i < QUERIES ? h->n_q - i : QUERIES);
}

void
attention_run(const struct attention_kernel *kernel, const struct attention_call *call,
    struct attention_scratch *scratch)
{
	size_t stride = call->heads * call->head_size;

	for (size_t cell = 0; cell < call->n_cells; cell++) {
		size_t q = call->cu_q[cell] * stride, k = call->cu_k[cell] * stride;
		struct head h = { .n_q = call->cu_q[cell + 1] - call->cu_q[cell],
			.n_k = call->cu_k[cell + 1] - call->cu_k[cell], .size = call->head_size,
			.width = round_up(call->head_size, 16), .stride = stride };

		for (size_t i = 0; i < call->heads && h.n_q > 0; i++) {
			h.q = call->q + q + i * h.size;
			h.k = call->k + k + i * h.size;
			h.v = call->v + k + i * h.size;
			h.out = call->out + q + i * h.size;
			run_head(kernel, &h, scratch);
		}
	}
}
