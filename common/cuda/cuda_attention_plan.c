#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cuda/cuda_attention_plan.h"

struct attention_plan {
	size_t n, room;       /* cells; bounds that there is room for */
	size_t *cu_q, *cu_k;  /* [n + 1] */
	size_t n_tiles;       /* 0: there is no plan */
	struct cuda_array on; /* int32 cu_q [n + 1], cu_k [n + 1], tiles [n_tiles] */
};

struct attention_plan *
attention_plan_create(void)
{
	return mem_zero(1, sizeof(struct attention_plan));
}

void
attention_plan_free(struct attention_plan *p)
{
	if (!p)
		return;
	cuda_array_free(&p->on);
	free(p->cu_q);
	free(p->cu_k);
	free(p);
}

struct cell_size {
	size_t cell, keys;
};

static int
compare_sizes(const void *x, const void *y)
{
	const struct cell_size *a = x, *b = y;

	if (a->keys != b->keys)
		return a->keys < b->keys ? 1 : -1;
	return (a->cell > b->cell) - (a->cell < b->cell);
}

size_t
attention_tiles(const struct packing *cells, struct query_tile *ret)
{
	struct cell_size *order;
	size_t n_tiles = 0;

	for (size_t i = 0; !ret && i < cells->n; i++)
		n_tiles += (cells->cu_q[i + 1] - cells->cu_q[i] + QUERY_TILE - 1) / QUERY_TILE;
	if (!ret)
		return n_tiles;
	order = mem_alloc(cells->n, sizeof(*order));
	for (size_t i = 0; i < cells->n; i++)
		order[i] = (struct cell_size){ i, cells->cu_k[i + 1] - cells->cu_k[i] };
	qsort(order, cells->n, sizeof(*order), compare_sizes);
	for (size_t i = 0; i < cells->n; i++) {
		size_t cell = order[i].cell, n = cells->cu_q[cell + 1] - cells->cu_q[cell];

		for (size_t first = 0; first < n; first += QUERY_TILE)
			ret[n_tiles++] = (struct query_tile){ (int32_t)cell, (int32_t)first };
	}
	free(order);
	return n_tiles;
}

static bool
is_same(const struct attention_plan *p, const struct packing *cells)
{
	size_t size = (cells->n + 1) * sizeof(*cells->cu_q);

	return p->n_tiles && p->n == cells->n && memcmp(p->cu_q, cells->cu_q, size) == 0 &&
	       memcmp(p->cu_k, cells->cu_k, size) == 0;
}

static void
remember(struct attention_plan *p, const struct packing *cells)
{
	size_t n = cells->n + 1;

	if (p->room < n) {
		free(p->cu_q);
		free(p->cu_k);
		p->cu_q = mem_alloc(n, sizeof(*p->cu_q));
		p->cu_k = mem_alloc(n, sizeof(*p->cu_k));
		p->room = n;
	}
	p->n = cells->n;
	memcpy(p->cu_q, cells->cu_q, n * sizeof(*p->cu_q));
	memcpy(p->cu_k, cells->cu_k, n * sizeof(*p->cu_k));
}

/* Fails at more than 2^31 - 1 rows, far above any memory. */
static void
copy_bounds(int32_t *to, const size_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert(from[i] <= INT32_MAX);
		to[i] = (int32_t)from[i];
	}
}

static bool
bring(struct workspace *ws, struct attention_plan *p, const struct packing *cells)
{
	size_t bounds = cells->n + 1, n_tiles = attention_tiles(cells, NULL);
	size_t size = 2 * bounds * sizeof(int32_t) + n_tiles * sizeof(struct query_tile);
	struct upload u;
	int32_t *at;

	p->n_tiles = 0;
	if (!cuda_array_room(ws, &p->on, size) || !cuda_upload_begin(ws, size, &u))
		return false;
	at = u.host;
	copy_bounds(at, cells->cu_q, bounds);
	copy_bounds(at + bounds, cells->cu_k, bounds);
	attention_tiles(cells, (struct query_tile *)(at + 2 * bounds));
	cuda_upload_send(ws, &u, p->on.data);
	if (ws->err.is_set)
		return false;
	remember(p, cells);
	p->n_tiles = n_tiles;
	return true;
}

bool
attention_plan_make(struct workspace *ws, struct attention_plan *p, const struct packing *cells,
    struct attention *ret)
{
	const int32_t *on;

	if (ws->err.is_set || (!is_same(p, cells) && !bring(ws, p, cells)))
		return false;
	on = p->on.data;
	ret->cu_q = on;
	ret->cu_k = on + p->n + 1;
	ret->tiles = (const struct query_tile *)(on + 2 * (p->n + 1));
	ret->n_tiles = p->n_tiles;
	return true;
}
