#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

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

#if defined(__SSE__)

/* As below, for 4 rows and the columns up to the last whole four, whose number is returned. */
static size_t
transpose_four(const float *from, size_t stride, size_t d, float unit, float *to, size_t width)
{
	const __m128 u = _mm_set1_ps(unit);
	size_t c = 0;

	for (; c + 4 <= d; c += 4) {
		__m128 w = _mm_loadu_ps(from + c), x = _mm_loadu_ps(from + stride + c);
		__m128 y = _mm_loadu_ps(from + 2 * stride + c), z = _mm_loadu_ps(from + 3 * stride + c);

		_MM_TRANSPOSE4_PS(w, x, y, z);
		_mm_storeu_ps(to + c * width, _mm_mul_ps(w, u));
		_mm_storeu_ps(to + (c + 1) * width, _mm_mul_ps(x, u));
		_mm_storeu_ps(to + (c + 2) * width, _mm_mul_ps(y, u));
		_mm_storeu_ps(to + (c + 3) * width, _mm_mul_ps(z, u));
	}
	return c;
}

#else

static size_t
transpose_four(const float *from, size_t stride, size_t d, float unit, float *to, size_t width)
{
	(void)from, (void)stride, (void)d, (void)unit, (void)to, (void)width;
	return 0;
}

#endif

/* to[c][i] = from[i][c] * unit, to being [d][width]; columns from n to width - 1 become 0. */
static void
transpose(const float *from, size_t stride, size_t n, size_t d, float unit, float *to, size_t width)
{
	size_t i = 0;

	if (n < width)
		memset(to, 0, d * width * sizeof(*to));
	for (; i + 4 <= n; i += 4)
		for (size_t c = transpose_four(from + i * stride, stride, d, unit, to + i, width); c < d; c++)
			for (size_t r = i; r < i + 4; r++)
				to[c * width + r] = from[r * stride + c] * unit;
	for (; i < n; i++)
		for (size_t c = 0; c < d; c++)
			to[c * width + i] = from[i * stride + c] * unit;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void
pack_keys(float *to, const struct head *h, size_t panel)
{
	for (size_t j = 0; j < h->n_k; j += panel)
		transpose(h->k + j * h->stride, h->stride, least(h->n_k - j, panel), h->size, 1, to + j * h->size,
		    panel);
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

	for (size_t i = 0; i < n; i += group)
		transpose(h->q + (from + i) * h->stride, h->stride, least(n - i, group), h->size, unit,
		    to + i * h->size, group);
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
		for (size_t i = 0; i < n; i += kernel->group)
			pass_block(kernel, h, t, i, key, least(h->n_k - key, ATTENTION_BLOCK));
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
		run_queries(kernel, h, t, i, least(h->n_q - i, QUERIES));
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
