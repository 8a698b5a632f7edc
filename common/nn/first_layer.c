/* 1. Memory
 * 2. Rows by token and position
 * 3. Attention to common keys */

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/first_layer.h"

/* ---- 1. memory ---- */

/* Above two rows for each position: tokens that a perturbation puts in, copies of earlier cells. */
enum { FURTHER_ROWS = 1024, LEAST_ROWS = 256 };

struct first_layer {
	const struct network *net;
	struct workspace *ws;
	struct activations *q, *k, *v; /* [room][hidden] */
	size_t used, room;

	/* The row of a (token, position), by open addressing; 0 in keys: a free place. */
	uint64_t *keys; /* [places] token * positions + position + 1 */
	size_t *rows;   /* [places] */
	size_t places;  /* a power of 2, at least twice the room */

	/* Of the n tokens at hand, with room for n_room: */
	size_t *index;                            /* [n]: their rows */
	int32_t *missing_ids, *missing_positions; /* [n_missing] */
	size_t n, n_missing, n_room;

	/* Attention to common keys: */
	struct activations *base, *base_sums; /* of each different query */
	struct activations *sums;             /* of the tokens, to the further keys of their cell */
	size_t *numbers;                      /* [room]: of the different queries, by row */
	size_t *chosen;                       /* [n]: rows that are gathered */
	size_t *base_rows;                    /* [n] */
};

struct first_layer *
first_layer_create(const struct network *net, struct workspace *ws)
{
	struct first_layer *f = mem_zero(1, sizeof(*f));
	const struct backend_ops *op = net->backend->op;

	f->net = net;
	f->ws = ws;
	f->q = op->activations_create(ws, net->config.hidden);
	f->k = op->activations_create(ws, net->config.hidden);
	f->v = op->activations_create(ws, net->config.hidden);
	f->base = op->activations_create(ws, net->config.hidden);
	f->base_sums = op->activations_create(ws, net->config.heads);
	f->sums = op->activations_create(ws, net->config.heads);
	return f;
}

static void
free_tokens(struct first_layer *f)
{
	free(f->index);
	free(f->missing_ids);
	free(f->missing_positions);
	free(f->chosen);
	free(f->base_rows);
}

void
first_layer_free(struct first_layer *f)
{
	if (!f)
		return;
	f->net->backend->op->activations_free(f->q);
	f->net->backend->op->activations_free(f->k);
	f->net->backend->op->activations_free(f->v);
	f->net->backend->op->activations_free(f->base);
	f->net->backend->op->activations_free(f->base_sums);
	f->net->backend->op->activations_free(f->sums);
	free_tokens(f);
	free(f->keys);
	free(f->rows);
	free(f->numbers);
	free(f);
}

static void
grow_tokens(struct first_layer *f, size_t n)
{
	f->n = n;
	if (n <= f->n_room)
		return;
	free_tokens(f);
	f->index = mem_alloc(n, sizeof(*f->index));
	f->missing_ids = mem_alloc(n, sizeof(*f->missing_ids));
	f->missing_positions = mem_alloc(n, sizeof(*f->missing_positions));
	f->chosen = mem_alloc(n, sizeof(*f->chosen));
	f->base_rows = mem_alloc(n, sizeof(*f->base_rows));
	f->n_room = n;
}

static void
make_room(struct first_layer *f, size_t room)
{
	const struct backend_ops *op = f->net->backend->op;

	f->room = room;
	op->activations_shape(f->q, room);
	op->activations_shape(f->k, room);
	op->activations_shape(f->v, room);
	for (f->places = 64; f->places < 2 * room;)
		f->places *= 2;
	free(f->keys);
	free(f->rows);
	free(f->numbers);
	f->numbers = mem_alloc(room, sizeof(*f->numbers));
	f->keys = mem_alloc(f->places, sizeof(*f->keys));
	f->rows = mem_alloc(f->places, sizeof(*f->rows));
}

/* ---- 2. rows by token and position ---- */

/* Forgets all rows; where there is no good reason to be full, there is more room afterwards. */
static void
start_anew(struct first_layer *f)
{
	size_t limit = 2 * f->net->config.positions + FURTHER_ROWS;

	if (f->room < limit)
		make_room(f, 2 * f->room < limit ? 2 * f->room + LEAST_ROWS : limit);
	else if (f->used == 0)
		make_room(f, 2 * f->room);
	memset(f->keys, 0, f->places * sizeof(*f->keys));
	f->used = 0;
}

/* The place of a key, or the free one where it belongs. */
static size_t
find_place(const struct first_layer *f, uint64_t key)
{
	size_t place = (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (f->places - 1);

	while (f->keys[place] && f->keys[place] != key)
		place = (place + 1) & (f->places - 1);
	return place;
}

/* Finds the rows of n tokens, those of the missing ones behind the used. False where there is no
 * room for these. */
static bool
find_rows(struct first_layer *f, const int32_t *ids, const int32_t *positions, size_t n)
{
	uint64_t most = f->net->config.positions;

	f->n_missing = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t key = (uint64_t)ids[i] * most + (uint64_t)positions[i] + 1;
		size_t place = f->room ? find_place(f, key) : 0;

		if (f->used + f->n_missing == f->room && (!f->room || !f->keys[place]))
			return false;
		if (!f->keys[place]) {
			f->keys[place] = key;
			f->rows[place] = f->used + f->n_missing;
			f->missing_ids[f->n_missing] = ids[i];
			f->missing_positions[f->n_missing++] = positions[i];
		}
		f->index[i] = f->rows[place];
	}
	return true;
}

/* q, k or v of the missing rows, of which in_order counts the rows. */
static void
compute(struct first_layer *f, const struct linear *w, struct rows x, struct rows y,
    const size_t *in_order, struct activations *out)
{
	const struct backend_ops *op = f->net->backend->op;

	op->linear(f->ws, w, x, y);
	op->gather(f->ws, y.a, in_order, (struct rows){ out, f->used, x.n });
}

static void
add_rows(struct first_layer *f, struct activations *x, struct activations *y)
{
	const struct layer *w = &f->net->layers[0];
	const struct backend_ops *op = f->net->backend->op;
	size_t n = f->n_missing;
	struct rows in = { x, 0, n }, out = { y, 0, n };

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		f->chosen[i] = i;
	op->activations_shape(x, n);
	op->activations_shape(y, n);
	op->embed(f->ws, f->net->embedding, f->missing_ids, f->missing_positions, in);
	compute(f, w->query, in, out, f->chosen, f->q);
	compute(f, w->key, in, out, f->chosen, f->k);
	compute(f, w->value, in, out, f->chosen, f->v);
	f->used += n;
}

void
first_layer_find(struct first_layer *f, const int32_t *ids, const int32_t *positions, size_t n,
    struct activations *x, struct activations *y)
{
	grow_tokens(f, n);
	while (!find_rows(f, ids, positions, n))
		start_anew(f);
	add_rows(f, x, y);
}

/* out = n of these rows */
static void
take_rows(struct first_layer *f, struct activations *from, const size_t *rows, size_t n,
    struct activations *out)
{
	f->net->backend->op->activations_shape(out, n);
	f->net->backend->op->gather(f->ws, from, rows, (struct rows){ out, 0, n });
}

void
first_layer_take(
    struct first_layer *f, struct activations *q, struct activations *k, struct activations *v)
{
	take_rows(f, f->q, f->index, f->n, q);
	take_rows(f, f->k, f->index, f->n, k);
	take_rows(f, f->v, f->index, f->n, v);
}

/* ---- 3. attention to common keys ---- */

/* Chooses the row of each different token, and numbers base_rows by them. Returns how many. */
static size_t
choose_queries(struct first_layer *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->used; i++)
		f->numbers[i] = SIZE_MAX;
	for (size_t i = 0; i < f->n; i++) {
		size_t row = f->index[i];

		if (f->numbers[row] == SIZE_MAX) {
			f->numbers[row] = n;
			f->chosen[n++] = row;
		}
		f->base_rows[i] = f->numbers[row];
	}
	return n;
}

/* Chooses the rows of the tokens from .. to - 1 that are common, or not. Returns how many. */
static size_t
choose_keys(struct first_layer *f, size_t from, size_t to, const bool *is_common,
    size_t n_positions, bool which, size_t n)
{
	for (size_t i = from; i < to; i++)
		if ((i - from < n_positions && is_common[i - from]) == which)
			f->chosen[n++] = f->index[i];
	return n;
}

void
first_layer_attend(struct first_layer *f, const struct packing *cells, const bool *is_common,
    size_t n_positions, struct activations *q, struct activations *k, struct activations *v,
    struct activations *context)
{
	const struct backend_ops *op = f->net->backend->op;
	size_t heads = f->net->config.heads, n = choose_queries(f), all_q[2] = { 0, n }, all_k[2];
	size_t *cu_k = mem_alloc(cells->n + 1, sizeof(*cu_k));
	struct packing common = { 1, all_q, all_k }, further = { cells->n, cells->cu_q, cu_k };

	take_rows(f, f->q, f->chosen, n, q);
	all_k[0] = 0;
	all_k[1] = choose_keys(f, 0, cells->cu_q[1], is_common, n_positions, true, 0);
	take_rows(f, f->k, f->chosen, all_k[1], k);
	take_rows(f, f->v, f->chosen, all_k[1], v);
	op->activations_shape(f->base, n);
	op->activations_shape(f->base_sums, n);
	op->attention_sums(f->ws, heads, &common, q, k, v, f->base, f->base_sums);

	cu_k[0] = 0;
	for (size_t i = 0; i < cells->n; i++)
		cu_k[i + 1] = choose_keys(
		    f, cells->cu_q[i], cells->cu_q[i + 1], is_common, n_positions, false, cu_k[i]);
	take_rows(f, f->q, f->index, f->n, q);
	take_rows(f, f->k, f->chosen, cu_k[cells->n], k);
	take_rows(f, f->v, f->chosen, cu_k[cells->n], v);
	op->activations_shape(f->sums, f->n);
	op->attention_sums(f->ws, heads, &further, q, k, v, context, f->sums);
	op->attention_join(f->ws, heads, context, f->sums, f->base, f->base_sums, f->base_rows);
	free(cu_k);
}
