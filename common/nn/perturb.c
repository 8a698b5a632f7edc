/* 1. The perturber
 * 2. Cells and their originals
 * 3. Comparing
 * 4. Windows */

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tickets.h"
#include "cell/token_cells.h"
#include "nn/forward.h"
#include "nn/perturb.h"
#include "nn/perturb_copies.h"

/* A cell's copies are computed in windows of about as many tokens (at least one copy). In the first
 * layer the copies of a window share most of their attention; so that the bits do not depend on the
 * split of the work, what they share is what the whole window has in common, even where only a part
 * of it is computed. The larger, the more is shared, and the more memory a worker takes. */
enum { WINDOW_TOKENS = 8192, WINDOW_COPIES = 64 };

/* What copies are compared with: a cell, or it without the genes that a copy has no room for. */
struct original {
	struct activations *hidden; /* [n or 1][hidden] */
	double *state_cos;          /* [n_states] */
	struct buffer ids;          /* int32_t, of a cut one */
};

struct perturber {
	struct backend *backend;
	struct network *network;
	struct perturb_options options;
	bool is_whole; /* the vectors of all tokens are compared, not only those of the first */
	struct worker {
		struct forward *forward;
		struct activations *means; /* [copies][hidden] */
		struct original cut;       /* the last one of a copy that has no room for all */
	} * workers;             /* [n_workers]: a GPU wants fewer than there are threads */
	struct tickets *tickets; /* to them */
	size_t n_workers;
	struct activations *states; /* [n_states][hidden] */
};

struct perturber_cell {
	struct perturber *perturber;
	const struct perturbation_options *how;
	const int32_t *ids; /* [n] */
	size_t n;
	const struct cell_perturbations *what;
	/* Computed by the first call that needs it, then read by all: */
	struct original original;
	enum { NOT_YET, BEGUN, COMPUTED, FAILED } state;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

/* ---- 1. the perturber ---- */

static int
choose(const struct model *m, const struct perturb_options *options, struct plan *plan,
    enum device *device, enum precision *precision, struct err *e)
{
	bool is_whole = options->pool == EMBED_MEAN || options->is_per_gene;

	if (device_parse(options->device, device, e) ||
	    precision_parse(options->precision, precision, e))
		return -1;
	if (*precision == PRECISION_AUTO)
		*precision = PRECISION_F32;
	return plan_make(plan, m, is_whole ? PLAN_ALL : PLAN_FIRST, PLAN_HIDDEN, options->layer, e);
}

static void
create_workers(struct perturber *p)
{
	const struct backend_ops *op = p->backend->op;
	size_t hidden = p->network->config.hidden, n_states = p->options.n_states;
	struct workspace *ws;

	p->tickets = tickets_create(p->n_workers);
	for (size_t i = 0; i < p->n_workers; i++) {
		struct worker *w = &p->workers[i];

		w->forward = forward_create(p->network);
		forward_share_first_layer(w->forward);
		w->means = op->activations_create(forward_workspace(w->forward), hidden);
	}
	ws = forward_workspace(p->workers[0].forward);
	p->states = op->activations_create(ws, hidden);
	op->activations_shape(p->states, n_states);
	if (n_states)
		op->load(ws, p->options.states, (struct rows){ p->states, 0, n_states });
}

struct perturber *
perturber_open(const struct model *m, const struct perturb_options *options, struct err *e)
{
	struct perturber *p;
	struct plan plan;
	enum device device;
	enum precision precision;

	assert(options->workers > 0 && options->pool != EMBED_TOKENS);
	if (e->is_set || choose(m, options, &plan, &device, &precision, e))
		return NULL;
	p = mem_zero(1, sizeof(*p));
	p->options = *options;
	p->is_whole = plan.rows == PLAN_ALL;
	p->backend = backend_open(device, precision, e);
	if (p->backend) {
		size_t most = p->backend->workspaces;

		p->n_workers = most && most < options->workers ? most : options->workers;
		p->workers = mem_zero(p->n_workers, sizeof(*p->workers));
		p->network = network_create(p->backend, m, &plan);
		if (network_prepare(p->network, options->workers, e) == 0)
			create_workers(p);
	}
	if (!e->is_set)
		return p;
	perturber_close(p);
	return NULL;
}

static void
original_free(struct perturber *p, struct original *o)
{
	p->backend->op->activations_free(o->hidden);
	free(o->state_cos);
	buffer_free(&o->ids);
}

void
perturber_close(struct perturber *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_workers && p->workers[i].forward; i++) {
		p->backend->op->activations_free(p->workers[i].means);
		original_free(p, &p->workers[i].cut);
		if (i == 0)
			p->backend->op->activations_free(p->states);
		forward_free(p->workers[i].forward);
	}
	network_free(p->network);
	backend_close(p->backend);
	tickets_free(p->tickets);
	free(p->workers);
	free(p);
}

const char *
perturber_device(const struct perturber *p)
{
	return p->backend->name;
}

const char *
perturber_precision(const struct perturber *p)
{
	return precision_name(p->backend->precision);
}

enum embed_pool
perturber_pool(const struct perturber *p)
{
	return p->options.pool;
}

size_t
perturber_batch_tokens(const struct perturber *p)
{
	(void)p;
	return WINDOW_TOKENS;
}

/* ---- 2. cells and their originals ---- */

struct perturber_cell *
perturber_cell_new(struct perturber *p, const struct perturbation_options *o, const int32_t *ids,
    size_t n, const struct cell_perturbations *what)
{
	struct perturber_cell *c = mem_zero(1, sizeof(*c));

	c->perturber = p;
	c->how = o;
	c->ids = ids;
	c->n = n;
	c->what = what;
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->changed, NULL);
	return c;
}

void
perturber_cell_free(struct perturber_cell *c)
{
	if (!c)
		return;
	original_free(c->perturber, &c->original);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

/* Whether the original is this call's to compute. */
static bool
claim(struct perturber_cell *c)
{
	bool is_first;

	pthread_mutex_lock(&c->mutex);
	is_first = c->state == NOT_YET;
	if (is_first)
		c->state = BEGUN;
	pthread_mutex_unlock(&c->mutex);
	return is_first;
}

/* Says to the other workers that the original is there, or will never be. */
static int
publish(struct perturber_cell *c, int status)
{
	pthread_mutex_lock(&c->mutex);
	c->state = status ? FAILED : COMPUTED;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
	return status;
}

static int
wait_for_original(struct perturber_cell *c, struct err *e)
{
	bool failed;

	pthread_mutex_lock(&c->mutex);
	while (c->state == BEGUN)
		pthread_cond_wait(&c->changed, &c->mutex);
	failed = c->state == FAILED;
	pthread_mutex_unlock(&c->mutex);
	return failed ? err_set(e, "the cell without perturbation could not be computed") : 0;
}

/* Cosines of n rows of x with all states: ret [n][n_states]. */
static int
compare_states(struct perturber *p, struct worker *w, struct activations *x, const size_t *rows,
    size_t n, struct arena *a, double *ret, struct err *e)
{
	size_t n_states = p->options.n_states;
	size_t *x_rows = arena_alloc(a, n * n_states, sizeof(*x_rows));
	size_t *states = arena_alloc(a, n * n_states, sizeof(*states));

	for (size_t i = 0; i < n * n_states; i++) {
		x_rows[i] = rows[i / n_states];
		states[i] = i % n_states;
	}
	return p->backend->op->cosine(
	    forward_workspace(w->forward), x, x_rows, p->states, states, n * n_states, ret, e);
}

/* What stands for the whole cell, of n cells whose tokens are the rows of x: either their rows in
 * it, or rows of means. from, to: their genes. */
static struct activations *
pool_cells(struct perturber *p, struct worker *w, struct activations *x, const size_t *first,
    const size_t *from, const size_t *to, size_t n, size_t *ret_rows)
{
	const struct backend_ops *op = p->backend->op;

	for (size_t i = 0; i < n; i++)
		ret_rows[i] = p->options.pool == EMBED_MEAN || !p->is_whole ? i : first[i];
	if (p->options.pool != EMBED_MEAN)
		return x;
	op->activations_shape(w->means, n);
	op->mean(forward_workspace(w->forward), x, from, to, (struct rows){ w->means, 0, n });
	return w->means;
}

/* Fills *o: the hidden states of a cell, and its cosines with the states. */
static int
compute_original(struct perturber *p, struct worker *w, const struct perturbation_options *how,
    const int32_t *ids, size_t n, struct original *o, struct arena *a, struct err *e)
{
	const struct backend_ops *op = p->backend->op;
	struct workspace *ws = forward_workspace(w->forward);
	size_t offsets[2] = { 0, n }, rows = p->is_whole ? n : 1, row, from, to;
	struct forward_cells cells = { .n = 1, .ids = ids, .offsets = offsets };
	size_t *in_order = arena_alloc(a, rows, sizeof(*in_order));
	struct activations *x = forward_hidden(w->forward, &cells), *pooled;

	for (size_t i = 0; i < rows; i++)
		in_order[i] = i;
	if (!o->hidden) {
		o->hidden = op->activations_create(ws, p->network->config.hidden);
		o->state_cos = mem_zero(p->options.n_states, sizeof(*o->state_cos));
	}
	op->activations_shape(o->hidden, rows);
	op->gather(ws, x, in_order, (struct rows){ o->hidden, 0, rows });
	token_cells_genes(ids, n, how->cls, how->eos, &from, &to);
	pooled = pool_cells(p, w, x, offsets, &from, &to, 1, &row);
	return compare_states(p, w, pooled, &row, 1, a, o->state_cos, e);
}

/* The original of copies that have no room for all genes. Copies that follow each other mostly
 * have the same one, so the worker keeps its last. */
static int
find_cut_original(struct perturber *p, struct worker *w, const struct perturbation_options *how,
    const int32_t *ids, size_t n, struct arena *a, struct err *e)
{
	struct buffer *last = &w->cut.ids;

	if (last->size == n * sizeof(*ids) && memcmp(last->data, ids, last->size) == 0)
		return 0;
	last->size = 0;
	if (compute_original(p, w, how, ids, n, &w->cut, a, e))
		return -1;
	buffer_add(last, ids, n * sizeof(*ids));
	return 0;
}

/* ---- 3. comparing ---- */

/* What compares copies of one original: x are their hidden states. Numbers go behind those of the
 * `done` copies before them. */
struct comparison {
	struct perturber *perturber;
	struct worker *worker;
	const struct original *original;
	struct activations *x;
	const struct copies *copies;
	size_t done;
	struct perturbed *ret;
	struct arena *arena;
};

/* Cosines of the copies' first tokens with the original's. */
static int
compare_first(const struct comparison *c, struct err *e)
{
	const struct copies *copies = c->copies;
	size_t n = copies->n, *rows = arena_alloc(c->arena, n, sizeof(*rows));
	size_t *zeros = arena_zero(c->arena, n, sizeof(*zeros));
	double *cosines = arena_alloc(c->arena, n, sizeof(*cosines));

	for (size_t i = 0; i < n; i++)
		rows[i] = c->perturber->is_whole ? copies->offsets[i] : i;
	if (c->perturber->backend->op->cosine(forward_workspace(c->worker->forward), c->x, rows,
		c->original->hidden, zeros, n, cosines, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		c->ret->cos_sim[c->done + i] = (float)cosines[i];
	return 0;
}

/* Cosines of the unperturbed genes, and their means. */
static int
compare_genes(const struct comparison *c, struct err *e)
{
	const struct copies *copies = c->copies;
	struct perturbed *ret = c->ret;
	size_t most = copies->offsets[copies->n], n = 0, base = ret->cu_genes[c->done];
	size_t *rows = arena_alloc(c->arena, most, sizeof(*rows));
	size_t *sources = arena_alloc(c->arena, most, sizeof(*sources));
	double *cosines;

	for (size_t i = 0; i < copies->n; i++) {
		for (size_t at = copies->from[i]; at < copies->to[i]; at++)
			if (copies->sources[at] >= 0) {
				ret->affected[base + n] = copies->ids[at];
				rows[n] = at;
				sources[n++] = (size_t)copies->sources[at];
			}
		ret->cu_genes[c->done + i + 1] = base + n;
	}
	cosines = arena_alloc(c->arena, n, sizeof(*cosines));
	if (c->perturber->backend->op->cosine(forward_workspace(c->worker->forward), c->x, rows,
		c->original->hidden, sources, n, cosines, e))
		return -1;
	for (size_t i = c->done; i < c->done + copies->n; i++) {
		size_t from = ret->cu_genes[i], to = ret->cu_genes[i + 1];
		double sum = 0;

		for (size_t k = from; k < to; k++) {
			sum += cosines[k - base];
			ret->gene_cos[k] = (float)cosines[k - base];
		}
		ret->cos_sim[i] = to > from ? (float)(sum / (double)(to - from)) : NAN;
	}
	return 0;
}

static int
find_shifts(const struct comparison *c, struct err *e)
{
	struct perturber *p = c->perturber;
	const struct copies *copies = c->copies;
	size_t n_states = p->options.n_states,
	       *rows = arena_alloc(c->arena, copies->n, sizeof(*rows));
	double *cosines = arena_alloc(c->arena, copies->n * n_states, sizeof(*cosines));
	float *ret = c->ret->shifts + c->done * n_states;
	struct activations *pooled = pool_cells(
	    p, c->worker, c->x, copies->offsets, copies->from, copies->to, copies->n, rows);

	if (compare_states(p, c->worker, pooled, rows, copies->n, c->arena, cosines, e))
		return -1;
	for (size_t i = 0; i < copies->n * n_states; i++)
		ret[i] = (float)(cosines[i] - c->original->state_cos[i % n_states]);
	return 0;
}

static int
compare(const struct comparison *c, struct err *e)
{
	const struct perturb_options *options = &c->perturber->options;

	if (c->perturber->is_whole && compare_genes(c, e))
		return -1;
	if (options->pool == EMBED_FIRST && compare_first(c, e))
		return -1;
	return options->n_states ? find_shifts(c, e) : 0;
}

/* Room for the numbers of n copies. */
static void
prepare_numbers(const struct perturber_cell *c, size_t n, struct arena *a, struct perturbed *ret)
{
	const struct perturber *p = c->perturber;
	size_t n_states = p->options.n_states, most = n * perturbation_most(c->how, c->n);

	ret->cos_sim = arena_alloc(a, n, sizeof(*ret->cos_sim));
	ret->shifts = n_states ? arena_alloc(a, n * n_states, sizeof(*ret->shifts)) : NULL;
	if (!p->is_whole)
		return;
	ret->affected = arena_alloc(a, most, sizeof(*ret->affected));
	ret->gene_cos = arena_alloc(a, most, sizeof(*ret->gene_cos));
	ret->cu_genes = arena_zero(a, n + 1, sizeof(*ret->cu_genes));
}

/* A run of copies through the network, its original first where it is to be computed here. */
static int
compute_run(struct worker *w, struct perturber_cell *c, struct comparison *comparison,
    struct arena *a, struct err *e)
{
	struct perturber *p = c->perturber;
	const struct copies *run = comparison->copies;
	struct forward_cells cells = { .n = run->n,
		.ids = run->ids,
		.offsets = run->offsets,
		.is_common = run->is_common,
		.n_common = run->n_common };

	if (run->cut_n[0]) {
		if (find_cut_original(p, w, c->how, run->cut_ids[0], run->cut_n[0], a, e))
			return -1;
	} else if (claim(c) &&
		   publish(c, compute_original(p, w, c->how, c->ids, c->n, &c->original, a, e)))
		return -1;
	comparison->x = forward_hidden(w->forward, &cells);
	comparison->original = run->cut_n[0] ? &w->cut : &c->original;
	if (!run->cut_n[0] && wait_for_original(c, e))
		return -1;
	return compare(comparison, e);
}

/* ---- 4. windows ---- */

static size_t
window_size(const struct perturber_cell *c)
{
	size_t n = WINDOW_TOKENS / perturbation_most(c->how, c->n);

	return n < 1 ? 1 : n > WINDOW_COPIES ? WINDOW_COPIES : n;
}

/* Copies from .. to - 1, all of the window that starts with number `start` and has n. Numbers go
 * behind those of the `done` copies before them. */
static int
run_window(struct worker *w, struct perturber_cell *c, size_t start, size_t n, size_t from,
    size_t to, size_t done, struct arena *a, struct perturbed *ret, struct err *e)
{
	struct copies window = copies_make(c->how, c->ids, c->n, c->what, start, n, a);

	copies_find_common(&window, a);
	window.n = to - start;
	for (size_t i = from - start; i < window.n;) {
		struct copies run = copies_take_run(&window, i, a);
		struct comparison comparison = { c->perturber, w, NULL, NULL, &run, done, ret, a };

		if (compute_run(w, c, &comparison, a, e))
			return -1;
		i += run.n;
		done += run.n;
	}
	return 0;
}

static int
run_windows(struct worker *w, struct perturber_cell *c, size_t first, size_t end, struct arena *a,
    struct perturbed *ret, struct err *e)
{
	size_t size = window_size(c);

	for (size_t at = first; at < end;) {
		size_t start = at / size * size, rest = c->what->n - start;
		size_t n_window = rest < size ? rest : size;
		size_t to = start + n_window < end ? start + n_window : end;

		if (run_window(w, c, start, n_window, at, to, at - first, a, ret, e))
			return -1;
		at = to;
	}
	return 0;
}

int
perturber_run(struct perturber *p, size_t worker, struct perturber_cell *c, size_t first, size_t n,
    struct arena *a, struct perturbed *ret, struct err *e)
{
	size_t ticket;
	int status;

	assert(worker < p->options.workers && c->perturber == p && first + n <= c->what->n);
	*ret = (struct perturbed){ 0 };
	if (e->is_set || n == 0)
		return e->is_set ? -1 : 0;
	prepare_numbers(c, n, a, ret);
	ticket = tickets_take(p->tickets);
	status = run_windows(&p->workers[ticket], c, first, first + n, a, ret, e);
	tickets_give(p->tickets, ticket);
	if (!p->options.is_per_gene) {
		ret->affected = NULL;
		ret->gene_cos = NULL;
		ret->cu_genes = NULL;
	}
	return status;
}
