#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/first_layer.h"

/* Above two rows for each position: tokens that a perturbation puts in, copies of earlier cells. */
enum { FURTHER_ROWS = 1024 };

struct first_layer {
	const struct network *net;
	struct workspace *ws;
	struct activations *q, *k, *v; /* [room][hidden] */
	size_t used, room;

	/* The row of a (token, position), by open addressing; 0 in keys: a free place. */
	uint64_t *keys; /* [places] token * positions + position + 1 */
	size_t *rows;   /* [places] */
	size_t places;  /* a power of 2, at least twice the room */

	/* Of the tokens at hand, grown to the largest batch: */
	size_t *index;                            /* [n]: their rows */
	int32_t *missing_ids, *missing_positions; /* [n_missing] */
	size_t n_missing, n_tokens;
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
	return f;
}

void
first_layer_free(struct first_layer *f)
{
	if (!f)
		return;
	f->net->backend->op->activations_free(f->q);
	f->net->backend->op->activations_free(f->k);
	f->net->backend->op->activations_free(f->v);
	free(f->keys);
	free(f->rows);
	free(f->index);
	free(f->missing_ids);
	free(f->missing_positions);
	free(f);
}

static void
grow_tokens(struct first_layer *f, size_t n)
{
	if (n <= f->n_tokens)
		return;
	free(f->index);
	free(f->missing_ids);
	free(f->missing_positions);
	f->index = mem_alloc(n, sizeof(*f->index));
	f->missing_ids = mem_alloc(n, sizeof(*f->missing_ids));
	f->missing_positions = mem_alloc(n, sizeof(*f->missing_positions));
	f->n_tokens = n;
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
	f->keys = mem_alloc(f->places, sizeof(*f->keys));
	f->rows = mem_alloc(f->places, sizeof(*f->rows));
}

/* Forgets all rows. Afterwards there is room for n and, up to the limit, for more than before. */
static void
start_anew(struct first_layer *f, size_t n)
{
	size_t limit = 2 * f->net->config.positions + FURTHER_ROWS;
	size_t room = 2 * (f->room > n ? f->room : n);

	if (room > limit)
		room = n > limit ? n : limit;
	if (room > f->room)
		make_room(f, room);
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

static void
compute(struct first_layer *f, const struct linear *w, struct rows x, struct rows y,
    const size_t *in_order, struct activations *out)
{
	const struct backend_ops *op = f->net->backend->op;

	op->linear(f->ws, w, x, y);
	op->gather(f->ws, y.a, in_order, (struct rows){ out, f->used, x.n });
}

/* q, k and v of the missing rows. */
static void
add_rows(struct first_layer *f, struct activations *x, struct activations *y)
{
	const struct layer *w = &f->net->layers[0];
	const struct backend_ops *op = f->net->backend->op;
	size_t n = f->n_missing, *in_order;
	struct rows in = { x, 0, n }, out = { y, 0, n };

	if (n == 0)
		return;
	in_order = mem_alloc(n, sizeof(*in_order));
	for (size_t i = 0; i < n; i++)
		in_order[i] = i;
	op->activations_shape(x, n);
	op->activations_shape(y, n);
	op->embed(f->ws, f->net->embedding, f->missing_ids, f->missing_positions, in);
	compute(f, w->query, in, out, in_order, f->q);
	compute(f, w->key, in, out, in_order, f->k);
	compute(f, w->value, in, out, in_order, f->v);
	f->used += n;
	free(in_order);
}

void
first_layer_run(struct first_layer *f, const int32_t *ids, const int32_t *positions, size_t n,
    struct activations *x, struct activations *y, struct activations *q, struct activations *k,
    struct activations *v)
{
	const struct backend_ops *op = f->net->backend->op;

	grow_tokens(f, n);
	if (!find_rows(f, ids, positions, n)) {
		start_anew(f, n);
		find_rows(f, ids, positions, n);
	}
	add_rows(f, x, y);
	op->activations_shape(q, n);
	op->activations_shape(k, n);
	op->activations_shape(v, n);
	op->gather(f->ws, f->q, f->index, (struct rows){ q, 0, n });
	op->gather(f->ws, f->k, f->index, (struct rows){ k, 0, n });
	op->gather(f->ws, f->v, f->index, (struct rows){ v, 0, n });
}
