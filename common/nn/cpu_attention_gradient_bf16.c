/*  1. memory
 *  2. packing
 *  3. tiles */

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_attention_gradient_bf16.h"

/* A tile, in queries and keys, and how many sides it has. */
enum { QUERIES = 128, KEYS = 128, SIDES = 4 };

/* All packed, but for the sums. Of the tile of queries at hand: */
struct attention_bf16_scratch {
	_Alignas(64) float s[BF16_SIDE * KEYS];
	float d[BF16_SIDE * KEYS];
	unsigned char weights[QUERIES * KEYS * 2], scores_pairs[QUERIES * KEYS * 2];
	unsigned char scores[BF16_SIDE * KEYS * 2];
	uint16_t numbers[BF16_SIDE * KEYS];
	float dot[QUERIES], log_sum[QUERIES];
	void *room;
	size_t room_size;
};

/* One head of one cell. width: the head size rounded up to whole sides, of which it has `sides`;
 * padded: the keys, rounded up to whole tiles. */
struct head {
	const struct attention_gradient *call;
	const struct bf16_kernel *kernel;
	struct attention_bf16_scratch *t;
	size_t index, first_query, first_key, n_q, n_k;
	size_t stride, size, width, sides, padded;
	/* Packed: keys and values as columns [keys / 32][sides]; keys along k [tiles][sides][4];
	 * queries and d_out as rows [4][sides] and along k [sides][4]. Each [2 tiles]. */
	unsigned char *k, *v, *k_along, *q, *d_out, *q_along, *d_out_along;
	float *d_k, *d_v; /* [width][padded]: transposed */
	float *d_q;       /* [QUERIES][width] */
};

/* ---- 1. memory ---- */

struct attention_bf16_scratch *
attention_bf16_scratch_create(void)
{
	return mem_zero(1, sizeof(struct attention_bf16_scratch));
}

void
attention_bf16_scratch_free(struct attention_bf16_scratch *s)
{
	if (!s)
		return;
	free(s->room);
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

/* n bytes of the room, which are counted. */
static void *
take(unsigned char *room, size_t *at, size_t n)
{
	void *p = room ? room + *at : NULL;

	*at += round_up(n, 64);
	return p;
}

/* Returns the size; without room that is all it does. */
static size_t
lay_out(struct head *h, unsigned char *room)
{
	size_t at = 0, keys = h->padded * h->width, queries = QUERIES * h->width;

	h->k = take(room, &at, keys * 2);
	h->v = take(room, &at, keys * 2);
	h->k_along = take(room, &at, keys * 2);
	h->q = take(room, &at, queries * 2);
	h->d_out = take(room, &at, queries * 2);
	h->q_along = take(room, &at, queries * 2);
	h->d_out_along = take(room, &at, queries * 2);
	h->d_k = take(room, &at, keys * sizeof(float));
	h->d_v = take(room, &at, keys * sizeof(float));
	h->d_q = take(room, &at, queries * sizeof(float));
	return at;
}

static void
find_room(struct head *h)
{
	size_t size = lay_out(h, NULL);

	if (size > h->t->room_size) {
		free(h->t->room);
		h->t->room = mem_alloc(size, 1);
		h->t->room_size = size;
	}
	lay_out(h, h->t->room);
}

/* ---- 2. packing ---- */

/* One tile of n rows of the head, from row `row`: across the rows (k is the head's columns) or
 * along them. */
struct source {
	const float *at;
	size_t stride, n, size;
	bool is_along, is_by_pair;
	float unit;
};

static void
pack_tile(
    const struct bf16_kernel *kernel, const struct source *s, size_t x, size_t k, unsigned char *to)
{
	size_t n_x = s->is_along ? s->size : s->n, n_k = s->is_along ? s->n : s->size;
	struct bf16_part p = { .x_step = s->is_along ? 1 : s->stride,
		.k_step = s->is_along ? s->stride : 1,
		.is_by_pair = s->is_by_pair,
		.unit = s->unit };

	if (x >= n_x || k >= n_k) {
		memset(to, 0, BF16_TILE);
		return;
	}
	p.at = s->at + x * p.x_step + k * p.k_step;
	p.n_x = least(n_x - x, BF16_LINES);
	p.n_k = least(n_k - k, BF16_DEPTH);
	kernel->pack(&p, to);
}

/* [x / 32][k / 32][2 tiles] */
static void
pack(const struct bf16_kernel *kernel, const struct source *s, size_t n_x, size_t n_k,
    unsigned char *to)
{
	for (size_t x = 0; x < n_x; x += BF16_SIDE)
		for (size_t k = 0; k < n_k; k += BF16_DEPTH)
			for (size_t half = 0; half < BF16_SIDE; half += BF16_LINES, to += BF16_TILE)
				pack_tile(kernel, s, x + half, k, to);
}

static void
begin_head(struct head *h)
{
	const struct attention_gradient *call = h->call;
	size_t at = h->first_key * h->stride + h->index * h->size;
	struct source s = {
		.stride = h->stride, .n = h->n_k, .size = h->size, .is_by_pair = true, .unit = 1
	};

	s.at = call->v + at;
	pack(h->kernel, &s, h->padded, h->width, h->v);
	s.at = call->k + at;
	pack(h->kernel, &s, h->padded, h->width, h->k);
	s.is_along = true;
	for (size_t key = 0; key < h->n_k; key += KEYS) {
		s.at = call->k + at + key * h->stride;
		s.n = least(h->n_k - key, KEYS);
		pack(h->kernel, &s, h->width, KEYS, h->k_along + key * h->width * 2);
	}
}

/* n queries, whose number rounded up to whole sides is `rows`. */
static void
begin_queries(struct head *h, size_t from, size_t n, size_t rows)
{
	const struct attention_gradient *call = h->call;
	size_t row = h->first_query + from, at = row * h->stride + h->index * h->size;
	struct source q = { call->q + at, h->stride, n, h->size, false, false,
		/* as in the forward pass: scores in units of log2 */
		(float)(1.4426950408889634 / sqrt((double)h->size)) };
	struct source d = { call->d_out + at, h->stride, n, h->size, false, false, 1 };

	pack(h->kernel, &q, rows, h->width, h->q);
	pack(h->kernel, &d, rows, h->width, h->d_out);
	q.is_along = d.is_along = true;
	pack(h->kernel, &q, h->width, rows, h->q_along);
	pack(h->kernel, &d, h->width, rows, h->d_out_along);
	for (size_t i = 0; i < rows; i++) {
		float dot = 0;

		for (size_t c = 0; i < n && c < h->size; c++)
			dot +=
			    call->d_out[at + i * h->stride + c] * call->out[at + i * h->stride + c];
		h->t->dot[i] = dot;
		h->t->log_sum[i] = i < n ? call->log_sum[(row + i) * call->heads + h->index] : 0;
	}
}

/* ---- 3. tiles ---- */

/* 32 queries, from `strip` on of those from `from`, and the keys of a tile: weights and the
 * gradient of the scores; then the queries' gradient. */
static void
pass_strip(
    struct head *h, size_t from, size_t strip, size_t n_q, size_t rows, size_t key, size_t n_k)
{
	struct attention_bf16_scratch *t = h->t;
	const struct dropout *drop = &h->call->drop;
	size_t keys = round_up(n_k, BF16_SIDE), side = h->sides * 2 * BF16_TILE;
	size_t number = strip / BF16_SIDE, steps = keys / BF16_DEPTH;
	struct bf16_strip p = { .s = t->s,
		.d = t->d,
		.row = KEYS,
		.n = keys,
		.n_real = n_k,
		.log_sum = t->log_sum + strip,
		.dot = t->dot + strip,
		.numbers = drop->threshold ? t->numbers : NULL,
		.threshold = drop->threshold,
		.scale = drop->scale,
		.weights = t->weights + number * 2 * BF16_TILE,
		.scores_pairs = t->scores_pairs + number * 2 * BF16_TILE,
		.scores = t->scores,
		.side_bytes = rows / BF16_SIDE * 2 * BF16_TILE };

	for (size_t j = 0; j < keys; j += BF16_SIDE) {
		size_t column = (key + j) / BF16_SIDE;

		h->kernel->block(
		    h->q + number * side, h->k + column * side, h->sides, t->s + j, KEYS, false);
		h->kernel->block(h->d_out + number * side, h->v + column * side, h->sides, t->d + j,
		    KEYS, false);
	}
	for (size_t i = 0; p.numbers && i < BF16_SIDE && strip + i < n_q; i++)
		dropout_numbers(drop, h->first_query + from + strip + i, h->index, h->n_k, key, n_k,
		    t->numbers + i * KEYS);
	h->kernel->strip(&p);
	for (size_t c = 0; c < h->sides; c++)
		h->kernel->block(t->scores,
		    h->k_along + key * h->width * 2 + c * SIDES * 2 * BF16_TILE, steps,
		    h->d_q + strip * h->width + c * BF16_SIDE, h->width, key > 0);
}

/* The tile of n_q queries from `from` and n_k keys from `key`. */
static void
pass_tile(struct head *h, size_t from, size_t n_q, size_t rows, size_t key, size_t n_k)
{
	struct attention_bf16_scratch *t = h->t;
	size_t steps = rows / BF16_DEPTH, side = steps * 2 * BF16_TILE;

	for (size_t strip = 0; strip < rows; strip += BF16_SIDE)
		pass_strip(h, from, strip, n_q, rows, key, n_k);
	for (size_t c = 0; c < h->sides; c++)
		for (size_t j = 0; j < n_k; j += BF16_SIDE) {
			size_t at = c * BF16_SIDE * h->padded + key + j, s = j / BF16_SIDE * side;

			h->kernel->block(h->d_out_along + c * side, t->weights + s, steps,
			    h->d_v + at, h->padded, from > 0);
			h->kernel->block(h->q_along + c * side, t->scores_pairs + s, steps,
			    h->d_k + at, h->padded, from > 0);
		}
}

static void
run_head(struct head *h)
{
	const struct attention_gradient *call = h->call;
	size_t column = h->index * h->size, at = h->first_key * h->stride + column;
	float unit = (float)(1 / sqrt((double)h->size));

	begin_head(h);
	for (size_t i = 0; i < h->n_q; i += QUERIES) {
		size_t n = least(h->n_q - i, QUERIES), rows = round_up(n, BF16_SIDE);
		float *d_q = call->d_q + (h->first_query + i) * h->stride + column;

		begin_queries(h, i, n, rows);
		for (size_t key = 0; key < h->n_k; key += KEYS)
			pass_tile(h, i, n, rows, key, least(h->n_k - key, KEYS));
		for (size_t r = 0; r < n; r++)
			for (size_t c = 0; c < h->size; c++)
				d_q[r * h->stride + c] = h->d_q[r * h->width + c] * unit;
	}
	/* q was in units of log2 and of the root */
	h->kernel->turn(
	    h->d_k, h->padded, h->n_k, h->size, 0.693147180559945f, call->d_k + at, h->stride);
	h->kernel->turn(h->d_v, h->padded, h->n_k, h->size, 1, call->d_v + at, h->stride);
}

/* Keys that nobody looks at. */
static void
clear_keys(const struct head *h)
{
	const struct attention_gradient *call = h->call;
	size_t at = h->first_key * h->stride, n = h->n_k * h->stride;

	memset(call->d_k + at, 0, n * sizeof(float));
	memset(call->d_v + at, 0, n * sizeof(float));
}

void
attention_gradient_bf16_run(const struct bf16_kernel *kernel, const struct attention_gradient *call,
    struct attention_bf16_scratch *scratch)
{
	const struct packing *cells = call->cells;
	struct head h = { .call = call,
		.kernel = kernel,
		.t = scratch,
		.stride = call->heads * call->head_size,
		.size = call->head_size,
		.width = round_up(call->head_size, BF16_SIDE) };

	assert(!call->key_effect && !call->new_k);
	h.sides = h.width / BF16_SIDE;
	if (kernel->begin)
		kernel->begin();
	for (size_t cell = 0; cell < cells->n; cell++) {
		h.first_query = cells->cu_q[cell];
		h.n_q = cells->cu_q[cell + 1] - h.first_query;
		h.first_key = cells->cu_k[cell];
		h.n_k = cells->cu_k[cell + 1] - h.first_key;
		h.padded = round_up(h.n_k, KEYS);
		find_room(&h);
		if (h.n_q == 0)
			clear_keys(&h);
		for (h.index = 0; h.n_q > 0 && h.index < call->heads; h.index++)
			run_head(&h);
	}
	if (kernel->end)
		kernel->end();
}
