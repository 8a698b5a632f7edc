#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "nn/backend.h"
#include "nn/embed.h"
#include "nn/forward.h"
#include "nn/network.h"

/* Enough rows to feed the matrix units, few enough that the work is spread evenly over the workers
 * and that a worker's memory (20 bytes * hidden a token) stays small. */
enum { BATCH_TOKENS = 2048 };

struct embedder {
	struct backend *backend;
	struct network *network;
	struct forward **forward; /* [workers] */
	size_t workers;
};

struct embedder *
embedder_open_plan(const struct model *m, const struct plan *plan, const char *device,
    const char *precision, size_t workers, struct err *e)
{
	struct embedder *embedder;
	enum device d;
	enum precision p;

	assert(workers > 0);
	if (e->is_set || device_parse(device, &d, e) || precision_parse(precision, &p, e))
		return NULL;
	embedder = mem_zero(1, sizeof(*embedder));
	embedder->workers = workers;
	embedder->forward = mem_zero(workers, sizeof(struct forward *));
	embedder->backend = backend_open(d, p, e);
	if (embedder->backend) {
		embedder->network = network_create(embedder->backend, m, plan);
		network_prepare(embedder->network, workers, e);
		for (size_t i = 0; i < workers; i++)
			embedder->forward[i] = forward_create(embedder->network);
	}
	if (!e->is_set)
		return embedder;
	embedder_close(embedder);
	return NULL;
}

struct embedder *
embedder_open(const struct model *m, const struct embed_options *options, struct err *e)
{
	static const enum plan_rows rows[] = { PLAN_FIRST, PLAN_MEAN, PLAN_ALL };
	struct plan plan;

	if (e->is_set || plan_make(&plan, m, rows[options->pool], PLAN_HIDDEN, options->layer, e))
		return NULL;
	return embedder_open_plan(
	    m, &plan, options->device, options->precision, options->workers, e);
}

const struct plan *
embedder_plan(const struct embedder *m)
{
	return &m->network->plan;
}

void
embedder_note(const struct embedder *m, const struct model *model, struct cli *cli)
{
	char hash[33];

	model_hash(model, hash);
	cli_note(cli, "model", hash);
	cli_note(cli, "precision", embedder_precision(m));
	cli_inform(cli, "on %s in %s", embedder_device(m), embedder_precision(m));
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
