#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_attention_gradient.h"

/* A tile. Both are multiples of what the kernels take at a time; the keys of 8, too (dropout). */
enum { QUERIES = 48, KEYS = 96 };

struct attention_gradient_scratch {
	float *keys; /* the six arrays of struct head that are as long as the cell */
	size_t room;
	float *queries; /* its three that are as long as a tile */
	size_t queries_room;
	float p[QUERIES * KEYS], d[QUERIES * KEYS]; /* weights, and their gradient */
	float new_p[QUERIES * KEYS], new_d[QUERIES * KEYS];
	uint16_t numbers[QUERIES * KEYS];
	float effect[KEYS];
};

/* One head of one cell. `padded` keys are its keys rounded up to whole steps, width is the head
 * size rounded up; what lies beyond is 0. */
struct head {
	const struct attention_gradient *call;
	size_t index, first_query, first_key;
	size_t n_q, n_k, stride, size, width, padded;
	float *k, *v;                         /* [padded][width] */
	float *k_t, *v_t;                     /* [size][padded] */
	float *d_k, *d_v;                     /* [padded][width] */
	float *q, *d_out, *d_q;               /* [QUERIES][width]: of the tile */
	float dot[QUERIES], log_sum[QUERIES]; /* of its queries: sum of d_out * out */
};

struct attention_gradient_scratch *
attention_gradient_scratch_create(void)
{
	return mem_zero(1, sizeof(struct attention_gradient_scratch));
}

void
attention_gradient_scratch_free(struct attention_gradient_scratch *s)
{
	if (!s)
		return;
	free(s->keys);
	free(s->queries);
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
grow(float **at, size_t *have, size_t want)
{
	if (*have >= want)
		return;
	free(*at);
	*at = mem_alloc(want, sizeof(**at));
	*have = want;
}

/* n rows of the head, times unit, to `padded` rows of width. */
static void
pack(const struct head *h, const float *from, size_t n, size_t padded, float unit, float *to)
{
	for (size_t i = 0; i < n; i++, from += h->stride, to += h->width) {
		for (size_t c = 0; c < h->size; c++)
			to[c] = from[c] * unit;
		for (size_t c = h->size; c < h->width; c++)
			to[c] = 0;
	}
	memset(to, 0, (padded - n) * h->width * sizeof(*to));
}

/* [padded][width] to [size][padded], a few rows at a time */
static void
transpose(const struct head *h, const float *from, float *to)
{
	for (size_t j = 0; j < h->padded; j += TILE_WIDTH)
		for (size_t c = 0; c < h->size; c++)
			for (size_t l = 0; l < TILE_WIDTH; l++)
				to[c * h->padded + j + l] = from[(j + l) * h->width + c];
}

static void
begin_head(struct head *h, struct attention_gradient_scratch *t)
{
	const struct attention_gradient *call = h->call;
	size_t at = h->first_key * h->stride + h->index * h->size, n = h->padded * h->width;

	grow(&t->keys, &t->room, 6 * n);
	grow(&t->queries, &t->queries_room, 3 * QUERIES * h->width);
	h->k = t->keys;
	h->v = t->keys + n;
	h->k_t = t->keys + 2 * n;
	h->v_t = t->keys + 3 * n;
	h->d_k = t->keys + 4 * n;
	h->d_v = t->keys + 5 * n;
	h->q = t->queries;
	h->d_out = t->queries + QUERIES * h->width;
	h->d_q = t->queries + 2 * QUERIES * h->width;
	pack(h, call->k + at, h->n_k, h->padded, 1, h->k);
	pack(h, call->v + at, h->n_k, h->padded, 1, h->v);
	transpose(h, h->k, h->k_t);
	transpose(h, h->v, h->v_t);
	memset(h->d_k, 0, 2 * n * sizeof(*h->d_k));
	if (!call->new_k)
		return;
	pack(h, call->new_k + at, h->n_k, h->padded, 1, h->k);
	pack(h, call->new_v + at, h->n_k, h->padded, 1, h->v);
	transpose(h, h->k, h->d_k);
	transpose(h, h->v, h->d_v);
}

static void
begin_queries(struct head *h, size_t from, size_t n)
{
	const struct attention_gradient *call = h->call;
	size_t row = h->first_query + from, at = row * h->stride + h->index * h->size;
	/* as in the forward pass: scores in units of log2 */
	float unit = (float)(1.4426950408889634 / sqrt((double)h->size));

	pack(h, call->q + at, n, QUERIES, unit, h->q);
	pack(h, call->d_out + at, n, QUERIES, 1, h->d_out);
	for (size_t i = 0; i < n; i++) {
		const float *out = call->out + at + i * h->stride, *d = h->d_out + i * h->width;
		float dot = 0;

		for (size_t c = 0; c < h->size; c++)
			dot += d[c] * out[c];
		h->dot[i] = dot;
		h->log_sum[i] = call->log_sum[(row + i) * call->heads + h->index];
	}
}

/* Masks both: what is dropped passes no gradient to its weight, and has none of its own. */
static void
drop(const struct head *h, struct attention_gradient_scratch *t, size_t from, size_t n, size_t key,
    size_t keys)
{
	const struct dropout *d = &h->call->drop;

	for (size_t i = 0; i < n; i++)
		dropout_numbers(d, h->first_query + from + i, h->index, h->n_k, key, keys,
		    t->numbers + i * KEYS);
	for (size_t i = 0; i < n; i++)
		dropout_apply(d, t->numbers + i * KEYS, t->d + i * KEYS, keys);
}

static float
effect_of(const struct attention_gradient_scratch *t, size_t i, size_t j)
{
	float rest = 1 - t->p[i * KEYS + j];

	return t->d[i * KEYS + j] / (rest > 0x1p-10f ? rest : 0x1p-10f);
}

/* Without key j the output is (out - p v) / (1 - p): it changes by p (out - v) / (1 - p). */
static void
add_effects(const struct tile_kernel *kernel, const struct head *h,
    struct attention_gradient_scratch *t, size_t from, size_t n, size_t key, size_t keys)
{
	const struct packing *cells = h->call->cells;
	float *to = h->call->key_effect + h->first_key + key;

	memset(t->effect, 0, sizeof(t->effect));
	for (size_t i = 0; i < n; i++)
		kernel->effects(
		    t->p + i * KEYS, t->d + i * KEYS, round_up(keys, TILE_WIDTH), t->effect);
	for (size_t i = 0; cells->cu_q == cells->cu_k && i < n; i++)
		if (from + i >= key && from + i < key + keys)
			t->effect[from + i - key] -= effect_of(t, i, from + i - key);
	for (size_t j = 0; j < keys; j++)
		to[j] -= t->effect[j];
}

/* A new key of weight w in the place of key j makes the output (out - p v + w v') / (1 - p + w): it
 * changes by (p (out - v) + w (v' - out)) / (1 - p + w). */
static void
pass_replacement(const struct tile_kernel *kernel, const struct head *h,
    struct attention_gradient_scratch *t, size_t from, size_t n, size_t key, size_t keys)
{
	size_t padded = round_up(keys, TILE_WIDTH);

	for (size_t i = 0; i < n; i++) {
		float *p = t->p + i * KEYS, *d = t->d + i * KEYS;
		float *w = t->new_p + i * KEYS, *new_d = t->new_d + i * KEYS;
		float most = h->log_sum[i] + 60; /* so that no weight is infinite */

		for (size_t j = 0; j < padded; j++)
			w[j] = w[j] < most ? w[j] : most;
		kernel->weights(p, padded, h->log_sum[i]);
		kernel->weights(w, padded, h->log_sum[i]);
		kernel->scores_back(p, padded, h->dot[i], d);
		kernel->scores_back(w, padded, h->dot[i], new_d);
		for (size_t j = 0; j < padded; j++) {
			p[j] -= w[j];
			d[j] -= new_d[j];
		}
	}
	add_effects(kernel, h, t, from, n, key, keys);
}

/* d becomes the gradient of the scores, p the weights as the values saw them. */
static void
pass_scores(const struct tile_kernel *kernel, const struct head *h,
    struct attention_gradient_scratch *t, size_t from, size_t n, size_t key, size_t keys)
{
	size_t padded = round_up(keys, TILE_WIDTH);
	bool has_dropout = h->call->drop.threshold > 0;

	for (size_t i = 0; i < n; i++) {
		kernel->weights(t->p + i * KEYS, padded, h->log_sum[i]);
		for (size_t j = keys; j < padded; j++)
			t->p[i * KEYS + j] = 0;
	}
	if (has_dropout)
		drop(h, t, from, n, key, keys);
	for (size_t i = 0; i < n; i++)
		kernel->scores_back(t->p + i * KEYS, padded, h->dot[i], t->d + i * KEYS);
	if (h->call->key_effect)
		add_effects(kernel, h, t, from, n, key, keys);
	for (size_t i = 0; has_dropout && i < n; i++)
		dropout_apply(&h->call->drop, t->numbers + i * KEYS, t->p + i * KEYS, keys);
}

/* The tile of n queries from `from` and of the keys from `key`. */
static void
pass_tile(const struct tile_kernel *kernel, const struct head *h,
    struct attention_gradient_scratch *t, size_t from, size_t n, size_t key, size_t keys)
{
	size_t w = h->width, rows = round_up(n, TILE_ROWS), at = key * w;
	struct tile_product scores = { .a_row = w,
		.a_step = 1,
		.b_row = h->padded,
		.c_row = KEYS,
		.rows = rows,
		.depth = h->size,
		.width = round_up(keys, TILE_WIDTH) };
	struct tile_product to_keys = { .a_row = 1,
		.a_step = KEYS,
		.b_row = w,
		.c_row = w,
		.rows = round_up(keys, TILE_ROWS),
		.depth = n,
		.width = w,
		.is_added = true };
	struct tile_product to_queries = { t->d, KEYS, 1, h->k + at, w, h->d_q, w, rows, keys, w,
		key > 0 };

	scores.a = h->q, scores.b = h->k_t + key, scores.c = t->p;
	kernel->product(&scores);
	scores.a = h->d_out, scores.b = h->v_t + key, scores.c = t->d;
	kernel->product(&scores);
	if (h->call->new_k) {
		scores.a = h->q, scores.b = h->d_k + key, scores.c = t->new_p;
		kernel->product(&scores);
		scores.a = h->d_out, scores.b = h->d_v + key, scores.c = t->new_d;
		kernel->product(&scores);
		pass_replacement(kernel, h, t, from, n, key, keys);
		return;
	}
	pass_scores(kernel, h, t, from, n, key, keys);
	to_keys.a = t->p, to_keys.b = h->d_out, to_keys.c = h->d_v + at;
	kernel->product(&to_keys);
	to_keys.a = t->d, to_keys.b = h->q, to_keys.c = h->d_k + at;
	kernel->product(&to_keys);
	kernel->product(&to_queries);
}

/* to = from * factor, rows of the head */
static void
unpack(const struct head *h, const float *from, size_t n, float factor, float *to)
{
	for (size_t i = 0; i < n; i++, from += h->width, to += h->stride)
		for (size_t c = 0; c < h->size; c++)
			to[c] = from[c] * factor;
}

static void
run_head(const struct tile_kernel *kernel, struct head *h, struct attention_gradient_scratch *t)
{
	const struct attention_gradient *call = h->call;
	size_t column = h->index * h->size, at = h->first_key * h->stride + column;

	begin_head(h, t);
	for (size_t i = 0; i < h->n_q; i += QUERIES) {
		size_t n = least(h->n_q - i, QUERIES);

		begin_queries(h, i, n);
		for (size_t key = 0; key < h->n_k; key += KEYS)
			pass_tile(kernel, h, t, i, n, key, least(h->n_k - key, KEYS));
		if (call->new_k)
			continue;
		unpack(h, h->d_q, n, (float)(1 / sqrt((double)h->size)),
		    call->d_q + (h->first_query + i) * h->stride + column);
	}
	if (call->new_k)
		return;
	/* q was in units of log2 and of the root */
	unpack(h, h->d_k, h->n_k, 0.693147180559945f, call->d_k + at);
	unpack(h, h->d_v, h->n_k, 1, call->d_v + at);
}

void
attention_gradient_run(const struct tile_kernel *kernel, const struct attention_gradient *call,
    struct attention_gradient_scratch *scratch)
{
	const struct packing *cells = call->cells;
	struct head h = { .call = call,
		.stride = call->heads * call->head_size,
		.size = call->head_size,
		.width = round_up(call->head_size, TILE_WIDTH) };

	assert(QUERIES % TILE_ROWS == 0 && KEYS % TILE_ROWS == 0 && KEYS % TILE_WIDTH == 0);
	for (size_t cell = 0; cell < cells->n; cell++) {
		h.first_query = cells->cu_q[cell];
		h.n_q = cells->cu_q[cell + 1] - h.first_query;
		h.first_key = cells->cu_k[cell];
		h.n_k = cells->cu_k[cell + 1] - h.first_key;
		h.padded = round_up(h.n_k, TILE_ROWS * TILE_WIDTH);
		for (h.index = 0; h.index < call->heads; h.index++)
			run_head(kernel, &h, scratch);
	}
}
