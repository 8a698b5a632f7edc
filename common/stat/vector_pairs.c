#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "stat/vector_pairs.h"

enum { MAX_WORKERS = 64 };

struct run {
	const struct vector_pairs *pairs;
	double *row_scales, *other_scales;
	size_t next; /* the row that the next item starts with */
};

struct item {
	struct vector_block rows, others;
	void *state;
	double distances[VECTOR_BLOCK * VECTOR_BLOCK];
};

static int
read_item(void *context, void *pool_item, struct err *e)
{
	struct run *r = context;
	struct item *item = pool_item;

	(void)e;
	if (r->next >= r->pairs->rows->n)
		return 0;
	item->rows.from = r->next;
	r->next += VECTOR_BLOCK;
	return 1;
}

static int
work_item(void *context, size_t worker, void *pool_item, struct err *e)
{
	const struct run *r = context;
	const struct vector_pairs *p = r->pairs;
	struct item *item = pool_item;

	(void)worker;
	(void)e;
	memset(item->state, 0, p->state_size);
	vector_block_load(&item->rows, p->rows, r->row_scales, item->rows.from);
	for (size_t from = 0; from < p->others->n; from += VECTOR_BLOCK) {
		vector_block_load(&item->others, p->others, r->other_scales, from);
		vector_block_distances(&item->rows, &item->others, p->metric, item->distances);
		p->meet(p->context, item->state, &item->rows, &item->others, item->distances);
	}
	p->finish(p->context, item->state, &item->rows);
	return 0;
}

static int
write_item(void *context, void *pool_item, struct err *e)
{
	(void)context;
	(void)pool_item;
	(void)e;
	return 0;
}

int
vector_pairs_run(const struct vector_pairs *p, size_t threads, struct err *e)
{
	static const struct pool_stages stages = { read_item, work_item, write_item };
	size_t n_workers = threads < 1 ? 1 : threads > MAX_WORKERS ? MAX_WORKERS : threads;
	struct run r = { .pairs = p };
	struct item *items;
	void *ring[MAX_WORKERS + 2];

	if (e->is_set)
		return -1;
	assert(p->rows->d == p->others->d);
	r.row_scales = vectors_scales(p->rows, p->metric);
	r.other_scales = vectors_scales(p->others, p->metric);
	items = mem_alloc(n_workers + 2, sizeof(*items));
	for (size_t i = 0; i < n_workers + 2; i++) {
		ring[i] = &items[i];
		vector_block_start(&items[i].rows, p->rows->d);
		vector_block_start(&items[i].others, p->rows->d);
		items[i].state = mem_alloc(1, p->state_size);
	}
	pool_run(&stages, &r, ring, n_workers + 2, n_workers, e);
	for (size_t i = 0; i < n_workers + 2; i++) {
		vector_block_free(&items[i].rows);
		vector_block_free(&items[i].others);
		free(items[i].state);
	}
	free(items);
	free(r.row_scales);
	free(r.other_scales);
	return e->is_set ? -1 : 0;
}
