#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "nn/backend.h"
#include "nn/embed.h"
#include "nn/forward.h"
#include "nn/plan.h"

/* Enough rows to feed the matrix units, few enough that the work is spread evenly over the workers
 * and that a worker's memory (20 bytes * hidden a token) stays small. */
enum { BATCH_TOKENS = 2048 };

struct embedder {
	struct backend *backend;
	struct network *network;
	struct forward **forward; /* [workers] */
	size_t workers;
};

static int
choose(const struct model *m, const struct embed_options *options, struct plan *plan,
    enum device *device, enum precision *precision, struct err *e)
{
	static const enum plan_rows rows[] = { PLAN_FIRST, PLAN_MEAN, PLAN_ALL };

	if (device_parse(options->device, device, e) ||
	    precision_parse(options->precision, precision, e))
		return -1;
	return plan_make(plan, m, rows[options->pool], PLAN_HIDDEN, options->layer, e);
}

struct embedder *
embedder_open(const struct model *m, const struct embed_options *options, struct err *e)
{
	struct embedder *embedder;
	struct plan plan;
	enum device device;
	enum precision precision;

	assert(options->workers > 0);
	if (e->is_set || choose(m, options, &plan, &device, &precision, e))
		return NULL;
	embedder = mem_zero(1, sizeof(*embedder));
	embedder->workers = options->workers;
	embedder->forward = mem_zero(options->workers, sizeof(struct forward *));
	embedder->backend = backend_open(device, precision, e);
	if (embedder->backend) {
		embedder->network = network_create(embedder->backend, m, &plan);
		network_prepare(embedder->network, options->workers, e);
		for (size_t i = 0; i < options->workers; i++)
			embedder->forward[i] = forward_create(embedder->network);
	}
	if (!e->is_set)
		return embedder;
	embedder_close(embedder);
	return NULL;
}

const char *
embedder_device(const struct embedder *m)
{
	return m->backend->name;
}

const char *
embedder_precision(const struct embedder *m)
{
	return precision_name(m->backend->precision);
}

size_t
embedder_batch_tokens(const struct embedder *m)
{
	(void)m;
	return BATCH_TOKENS;
}

int
embedder_run(struct embedder *m, size_t worker, const struct embed_cells *cells, float *ret_rows,
    struct err *e)
{
	struct forward_cells in = { .n = cells->n,
		.ids = cells->ids,
		.offsets = cells->offsets,
		.from = cells->from,
		.to = cells->to };

	assert(worker < m->workers);
	return forward_run(m->forward[worker], &in, ret_rows, e);
}

void
embedder_close(struct embedder *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->workers; i++)
		forward_free(m->forward[i]);
	network_free(m->network);
	backend_close(m->backend);
	free(m->forward);
	free(m);
}
