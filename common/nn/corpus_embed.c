#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"
#include "nn/corpus_embed.h"

struct passage {
	struct token_order *order;
	struct embedder *embedder;
	corpus_sink *sink;
	void *context;
};

/* Of the ring: memory for as many tokens as an embedder takes at once. */
struct item {
	struct arena arena;
	struct corpus_group group;
	float *vectors;
};

static int
take(void *context, void *item, struct err *e)
{
	struct passage *p = context;
	struct item *k = item;
	const struct plan *plan = embedder_plan(p->embedder);
	struct token_step step;
	int got = token_order_take(p->order, embedder_batch_tokens(p->embedder), &step, e);
	size_t n_vectors;

	if (got <= 0)
		return got;
	arena_reset(&k->arena);
	k->group.cells = (struct token_cells){ .n = step.n,
		.ids = arena_copy(&k->arena, step.ids, step.offsets[step.n], sizeof(*step.ids)),
		.offsets = arena_copy(&k->arena, step.offsets, step.n + 1, sizeof(*step.offsets)) };
	k->group.rows = arena_copy(&k->arena, step.rows, step.n, sizeof(*step.rows));
	n_vectors = plan->rows == PLAN_ALL ? step.offsets[step.n] : step.n;
	k->vectors = arena_alloc(&k->arena, n_vectors, plan->width * sizeof(*k->vectors));
	k->group.vectors = k->vectors;
	return 1;
}

static int
work(void *context, size_t worker, void *item, struct err *e)
{
	struct passage *p = context;
	struct item *k = item;
	struct embed_cells cells = {
		.n = k->group.cells.n, .ids = k->group.cells.ids, .offsets = k->group.cells.offsets
	};

	return embedder_run(p->embedder, worker, &cells, k->vectors, e);
}

static int
give(void *context, void *item, struct err *e)
{
	struct passage *p = context;
	struct item *k = item;

	return p->sink(p->context, &k->group, e);
}

int
corpus_embed(const struct token_corpus *c, enum token_set set, struct embedder *embedder,
    size_t workers, corpus_sink *sink, void *context, struct err *e)
{
	struct passage p = { token_order_new(c, set, false, 0), embedder, sink, context };
	struct pool_stages stages = { take, work, give };
	size_t n_items = workers + 2;
	struct item *items = mem_zero(n_items, sizeof(*items));
	void **ring = mem_alloc(n_items, sizeof(*ring));

	for (size_t i = 0; i < n_items; i++)
		ring[i] = &items[i];
	pool_run(&stages, &p, ring, n_items, workers, e);
	for (size_t i = 0; i < n_items; i++)
		arena_free(&items[i].arena);
	free(items);
	free(ring);
	token_order_free(p.order);
	return e->is_set ? -1 : 0;
}
