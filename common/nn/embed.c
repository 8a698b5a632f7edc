/*  1. opening
 *  2. running */

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/tickets.h"
#include "nn/backend.h"
#include "nn/embed.h"
#include "nn/forward.h"
#include "nn/network.h"

/* Enough rows to feed the matrix units, few enough that the work is spread evenly over the workers
 * and that a worker's memory (20 bytes * hidden a token) stays small. */
enum { BATCH_TOKENS = 2048 };

/* A worker takes whichever forward is free, since a GPU wants fewer of them than there are
 * processors: the others wait. */
struct embedder {
	struct backend *backend;
	struct network *network;
	struct forward **forwards; /* [n_forwards] */
	struct tickets *tickets;   /* to them */
	size_t n_forwards, workers;
	atomic_size_t batch_tokens; /* halved where the device's memory is too small for it */
};

/* ---- 1. opening ---- */

static void
create_forwards(struct embedder *m)
{
	const struct backend *b = m->backend;

	m->n_forwards = b->workspaces && b->workspaces < m->workers ? b->workspaces : m->workers;
	m->forwards = mem_zero(m->n_forwards, sizeof(*m->forwards));
	m->tickets = tickets_create(m->n_forwards);
	for (size_t i = 0; i < m->n_forwards; i++)
		m->forwards[i] = forward_create(m->network);
	m->batch_tokens =
	    b->op->batch_tokens ? b->op->batch_tokens(b, &m->network->config) : BATCH_TOKENS;
}

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
	embedder->backend = backend_open(d, p, e);
	if (embedder->backend) {
		embedder->network = network_create(embedder->backend, m, plan);
		if (network_prepare(embedder->network, workers, e) == 0)
			create_forwards(embedder);
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
	if (*backend_why_cpu())
		cli_inform(cli, "%s", backend_why_cpu());
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
	return m->batch_tokens;
}

/* ---- 2. running ---- */

/* Cells first .. first + n - 1 of these. offsets: [n + 1], filled with theirs. */
static struct forward_cells
cut_cells(const struct embed_cells *cells, size_t first, size_t n, size_t *offsets)
{
	size_t start = cells->offsets[first];

	for (size_t i = 0; i <= n; i++)
		offsets[i] = cells->offsets[first + i] - start;
	return (struct forward_cells){ .n = n,
		.ids = cells->ids + start,
		.offsets = offsets,
		.from = cells->from ? cells->from + first : NULL,
		.to = cells->to ? cells->to + first : NULL };
}

/* Where the device has no room for the cells, one half of them after the other, down to one; a
 * cell's result is the same. */
static int
run_cells(struct embedder *m, struct forward *f, const struct embed_cells *cells, size_t first,
    size_t n, size_t *offsets, float *ret_rows, struct err *e)
{
	struct forward_cells part = cut_cells(cells, first, n, offsets);
	size_t half = n / 2, tokens = offsets[n], rows;
	struct err failure = { 0 };
	int status = forward_run(f, &part, ret_rows, &failure);

	if (status == BACKEND_NO_ROOM && n > 1) {
		if (m->batch_tokens > tokens / 2)
			m->batch_tokens = tokens / 2;
		part.n = half;
		rows = forward_rows(&m->network->plan, &part);
		status = run_cells(m, f, cells, first, half, offsets, ret_rows, e);
		return status ? status
			      : run_cells(m, f, cells, first + half, n - half, offsets,
				    ret_rows + rows * m->network->plan.width, e);
	}
	return status ? err_set(e, "%s", failure.text) : 0;
}

int
embedder_run(struct embedder *m, size_t worker, const struct embed_cells *cells, float *ret_rows,
    struct err *e)
{
	size_t *offsets;
	size_t ticket;
	int status;

	assert(worker < m->workers);
	if (e->is_set)
		return -1;
	offsets = mem_alloc(cells->n + 1, sizeof(*offsets));
	ticket = tickets_take(m->tickets);
	status = run_cells(m, m->forwards[ticket], cells, 0, cells->n, offsets, ret_rows, e);
	tickets_give(m->tickets, ticket);
	free(offsets);
	return status;
}

void
embedder_close(struct embedder *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_forwards; i++)
		forward_free(m->forwards[i]);
	network_free(m->network);
	backend_close(m->backend);
	tickets_free(m->tickets);
	free(m->forwards);
	free(m);
}
