#include "nn/learner.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"
#include "base/ranks.h"
#include "nn/gradient.h"

/* Values that one thread updates at a time; also the pieces of the norm, whose order is fixed. */
enum { PIECE = 1 << 18 };

struct piece {
	const struct parameter *of;
	size_t from, n;
	double squares;
};

struct learner {
	struct parameters *p;
	struct learner_options options;
	const struct gradient_ops *op;
	struct gradient_sums *sums;
	struct backward **workers;      /* [threads] */
	struct gradient_workspace **ws; /* [threads] */
	float *mean, *square;           /* [n_values] */
	uint64_t n_updates;
	struct piece *pieces;
	size_t n_pieces;
	void **items; /* [threads + 2]: of the pool */
	size_t *numbers;

	/* Of what the threads are at. */
	struct backward_part *parts;
	struct backward_result *results; /* [results_room] */
	size_t *lane_of;                 /* [results_room] */
	size_t results_room;
	size_t next, n; /* items that were handed out, and all of them */
	struct adamw_step step;
};

/* Values that go over to the other ranks at a time. */
enum { EXCHANGED = 1 << 20 };

/* ---- ranks ---- */

size_t
learner_lanes(void)
{
	return ranks_count() > LEARNER_LANES ? ranks_count() : LEARNER_LANES;
}

size_t
learner_first_lane(size_t rank)
{
	return rank * learner_lanes() / ranks_count();
}

/* ---- threads ---- */

static int
hand_out(void *context, void *item, struct err *e)
{
	struct learner *l = context;

	(void)e;
	if (l->next == l->n)
		return 0;
	*(size_t *)item = l->next++;
	return 1;
}

static int
take_nothing(void *context, void *item, struct err *e)
{
	(void)context, (void)item, (void)e;
	return 0;
}

/* Work on 0 .. n - 1, taken in this order. */
static int
run(struct learner *l, size_t n, int (*work)(void *, size_t, void *, struct err *), struct err *e)
{
	struct pool_stages stages = { hand_out, work, take_nothing };

	l->next = 0;
	l->n = n;
	return pool_run(&stages, l, l->items, l->options.threads + 2, l->options.threads, e);
}

/* ---- memory ---- */

static void
cut_pieces(struct learner *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->p->n; i++)
		n += (l->p->list[i].n + PIECE - 1) / PIECE;
	l->pieces = mem_alloc(n, sizeof(*l->pieces));
	for (size_t i = 0; i < l->p->n; i++) {
		const struct parameter *p = &l->p->list[i];

		for (size_t at = 0; at < p->n; at += PIECE)
			l->pieces[l->n_pieces++] = (struct piece){ p, p->from + at,
				p->n - at < PIECE ? p->n - at : PIECE, 0 };
	}
}

static void
freeze_unreached(struct parameters *p, const struct plan *plan)
{
	if (plan->head != PLAN_MLM)
		parameters_freeze(p, "cls.");
	if (plan->head != PLAN_SEQUENCE || !model_has_pooled_head(&p->model))
		parameters_freeze(p, "bert.pooler.");
}

struct learner *
learner_create(struct parameters *p, const struct plan *plan, const struct learner_options *o)
{
	struct learner *l = mem_zero(1, sizeof(*l));
	struct backend *b = p->backend;

	l->p = p;
	l->options = *o;
	l->op = b->gradient;
	freeze_unreached(p, plan);
	l->sums = gradient_sums_create(p);
	l->mean = l->op->memory(b, p->n_values);
	l->square = l->op->memory(b, p->n_values);
	l->workers = mem_alloc(o->threads, sizeof(*l->workers));
	l->ws = mem_alloc(o->threads, sizeof(*l->ws));
	l->items = mem_alloc(o->threads + 2, sizeof(*l->items));
	l->numbers = mem_alloc(o->threads + 2, sizeof(*l->numbers));
	for (size_t i = 0; i < o->threads; i++) {
		l->workers[i] = backward_create(b, &p->model, plan, &o->backward);
		l->ws[i] = l->op->workspace_create(b);
	}
	for (size_t i = 0; i < o->threads + 2; i++)
		l->items[i] = &l->numbers[i];
	cut_pieces(l);
	return l;
}

void
learner_free(struct learner *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->options.threads; i++) {
		backward_free(l->workers[i]);
		l->op->workspace_free(l->ws[i]);
	}
	gradient_sums_free(l->sums);
	l->op->release(l->mean);
	l->op->release(l->square);
	free(l->workers);
	free(l->ws);
	free(l->items);
	free(l->numbers);
	free(l->pieces);
	free(l->results);
	free(l->lane_of);
	free(l);
}

/* ---- a step ---- */

static int
learn_part(void *context, size_t worker, void *item, struct err *e)
{
	struct learner *l = context;
	size_t i = *(size_t *)item;

	if (backward_learn(l->workers[worker], &l->parts[i], &l->results[i], e))
		return -1;
	if (isfinite(l->results[i].loss))
		return 0;
	if (l->parts[i].sums)
		gradient_sums_give_up(l->parts[i].sums);
	return err_set(e, "part %zu of the step: the loss is not a number", i);
}

static void
make_room(struct learner *l, size_t n)
{
	if (l->results_room >= n)
		return;
	free(l->results);
	free(l->lane_of);
	l->results = mem_alloc(n, sizeof(*l->results));
	l->lane_of = mem_alloc(n, sizeof(*l->lane_of));
	l->results_room = n;
}

static int
run_parts(struct learner *l, struct backward_part *parts, size_t n, struct backward_result *ret,
    struct err *e)
{
	l->parts = parts;
	*ret = (struct backward_result){ 0 };
	if (run(l, n, learn_part, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		ret->loss += l->results[i].loss;
		ret->n_right += l->results[i].n_right;
	}
	return 0;
}

int
learner_gradient_own(struct learner *l, struct backward_part *parts, size_t n,
    struct backward_result *ret, struct err *e)
{
	make_room(l, n);
	for (size_t i = 0; i < n; i++) {
		parts[i].sums = l->sums;
		parts[i].number = i;
		l->lane_of[i] = parts[i].lane;
	}
	gradient_sums_start(l->sums, l->lane_of, n, learner_first_lane(ranks_own()));
	return run_parts(l, parts, n, ret, e);
}

/* What each rank has becomes what all have. */
static void
add_ranks(struct learner *l, const struct gradient_exchange *x)
{
	float *host[2] = { mem_alloc(EXCHANGED, sizeof(float)),
		mem_alloc(EXCHANGED, sizeof(float)) };

	for (size_t at = 0; at < x->n; at += EXCHANGED) {
		size_t n = x->n - at < EXCHANGED ? x->n - at : EXCHANGED;

		l->op->get(l->ws[0], host[0], x->sums + at, n);
		if (x->lane)
			l->op->get(l->ws[0], host[1], x->lane + at, n);
		ranks_add_f32(host, x->lane ? 2 : 1, n);
		l->op->put(l->ws[0], x->sums + at, host[0], n);
	}
	free(host[0]);
	free(host[1]);
}

void
learner_gradient_join(struct learner *l)
{
	struct gradient_exchange x[2];

	if (ranks_count() > 1) {
		gradient_sums_exchange(l->sums, ranks_count() < learner_lanes(), x);
		add_ranks(l, &x[0]);
		add_ranks(l, &x[1]);
	}
	gradient_sums_finish(l->sums);
}

int
learner_gradient(struct learner *l, struct backward_part *parts, size_t n,
    struct backward_result *ret, struct err *e)
{
	learner_gradient_own(l, parts, n, ret, e);
	if (ranks_agree(NULL, e))
		return -1;
	learner_gradient_join(l);
	return 0;
}

const struct backward_result *
learner_results(const struct learner *l)
{
	return l->results;
}

int
learner_evaluate(struct learner *l, struct backward_part *parts, size_t n,
    struct backward_result *ret, struct err *e)
{
	make_room(l, n);
	for (size_t i = 0; i < n; i++) {
		parts[i].sums = NULL;
		parts[i].examples = NULL;
	}
	return run_parts(l, parts, n, ret, e);
}

float *
learner_gradient_values(struct learner *l)
{
	return gradient_sums_values(l->sums);
}

static int
measure_piece(void *context, size_t worker, void *item, struct err *e)
{
	struct learner *l = context;
	struct piece *k = &l->pieces[*(size_t *)item];

	(void)e;
	k->squares = l->op->squares(l->ws[worker], gradient_sums_values(l->sums) + k->from, k->n);
	return 0;
}

static int
update_piece(void *context, size_t worker, void *item, struct err *e)
{
	struct learner *l = context;
	const struct piece *k = &l->pieces[*(size_t *)item];
	struct adamw_step step = l->step;

	(void)e;
	if (k->of->is_frozen)
		return 0;
	if (!k->of->is_decayed)
		step.decay = 0;
	l->op->adamw(l->ws[worker], &step, k->n, gradient_sums_values(l->sums) + k->from,
	    l->mean + k->from, l->square + k->from, l->p->values + k->from);
	return 0;
}

double
learner_update(struct learner *l, double rate)
{
	double squares = 0, norm, clip = l->options.adamw.clip;
	struct err e = { 0 };

	run(l, l->n_pieces, measure_piece, &e);
	for (size_t i = 0; i < l->n_pieces; i++)
		squares += l->pieces[i].squares;
	norm = sqrt(squares);
	l->step = adamw_start(&l->options.adamw, rate, ++l->n_updates);
	/* as torch's clip_grad_norm_ */
	if (clip > 0 && norm + 1e-6 > clip)
		l->step.factor = clip / (norm + 1e-6);
	run(l, l->n_pieces, update_piece, &e);
	return norm;
}

struct learner_state
learner_state(struct learner *l)
{
	return (struct learner_state){ l->mean, l->square, &l->n_updates };
}
