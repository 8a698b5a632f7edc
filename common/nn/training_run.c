/* 1. Signals
 * 2. The number of steps
 * 3. Steps
 * 4. The run */

#include <math.h>
#include <signal.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/ranks.h"
#include "nn/gradient.h"
#include "nn/training_private.h"

/* 1. Signals */

static volatile sig_atomic_t stop_signal;

static void
on_stop(int number)
{
	if (stop_signal) {
		io_remove_unfinished();
		signal(number, SIG_DFL);
		raise(number);
	}
	stop_signal = number;
}

/* Signals that are ignored (nohup) stay so. */
static void
watch_stop(struct sigaction old[2])
{
	static const int numbers[2] = { SIGTERM, SIGINT };
	struct sigaction action = { .sa_handler = on_stop, .sa_flags = SA_RESTART };

	stop_signal = 0;
	for (size_t i = 0; i < 2; i++)
		if (sigaction(numbers[i], NULL, &old[i]) == 0 && old[i].sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

static void
unwatch_stop(const struct sigaction old[2])
{
	sigaction(SIGTERM, &old[0], NULL);
	sigaction(SIGINT, &old[1], NULL);
}

int
training_meet(struct run *r, struct err *e)
{
	r->is_stopping = stop_signal != 0;
	return ranks_agree(&r->is_stopping, e);
}

/* 2. The number of steps */

static void
count_steps(struct run *r)
{
	double left = r->o->epochs;

	r->steps = r->o->steps;
	for (uint64_t epoch = 0; !r->o->steps && left > 0; epoch++, left -= 1) {
		double n = (double)token_order_count(r->order, epoch, r->o->batch_tokens);

		r->steps += (uint64_t)ceil(n * (left < 1 ? left : 1));
	}
	r->warmup = r->o->warmup;
	if (!r->warmup)
		r->warmup = (uint64_t)ceil(r->o->warmup_ratio * (double)r->steps);
}

/* 3. Steps */

bool
training_is_due(uint64_t step, uint64_t every)
{
	return every && step % every == 0;
}

bool
training_is_over(const struct run *r)
{
	return r->state.is_over || r->state.step == r->steps;
}

static int
go_on(struct run *r, struct err *e)
{
	for (;;) {
		if (training_meet(r, e))
			return -1;
		if (r->state.must_evaluate && !r->is_stopping &&
		    (training_evaluate(r, e) || training_meet(r, e)))
			return -1;
		if (r->is_stopping || training_is_over(r))
			return 0;
		if (training_is_due(r->state.step, r->o->save_every) && r->state.step &&
		    !(r->is_saved && r->saved_step == r->state.step) && training_save(r, false, e))
			return -1;
		if (training_make_step(r, e))
			return -1;
	}
}

/* 4. The run */

static int
finish(struct run *r, struct err *e)
{
	const struct parameters *p = r->task->parameters;
	bool is_complete = training_is_over(r) && !r->state.must_evaluate;

	r->ret->is_interrupted = !is_complete;
	if (is_complete && r->state.best) {
		struct gradient_workspace *ws = p->backend->gradient->workspace_create(p->backend);

		p->backend->gradient->put(ws, p->values, r->state.best, p->n_values);
		p->backend->gradient->workspace_free(ws);
		training_settle(r->task);
	}
	return training_save(r, is_complete, e);
}

static int
run_from_start(struct run *r, struct err *e)
{
	struct sigaction old[2];

	watch_stop(old);
	r->log = training_log_open(r->cli, ranks_is_first() ? r->o->metrics : NULL, r->state.step,
	    !r->state.must_evaluate, e);
	if (r->log) {
		progress_start(&r->progress, r->cli, "tokens");
		if (go_on(r, e) == 0)
			finish(r, e);
		progress_end(&r->progress);
	}
	training_log_close(r->log, e);
	unwatch_stop(old);
	return e->is_set ? -1 : 0;
}

static void
open_run(struct run *r)
{
	struct learner_options options = { r->o->adamw, r->o->backward, r->o->threads };
	const struct token_corpus *c = r->task->corpus;

	r->order = token_order_new(c, TOKEN_SET_TRAIN, true, r->o->seed);
	token_order_limit(r->order, r->o->batch_cells);
	if (token_corpus_cells(c, TOKEN_SET_EVAL))
		r->eval_order = token_order_new(c, TOKEN_SET_EVAL, false, 0);
	r->parts = training_parts_new(r->task);
	r->losses = mem_zero(learner_lanes(), sizeof(*r->losses));
	count_steps(r);
	training_collect_settings(r);
	r->learner = learner_create(r->task->parameters, r->task->plan, &options);
}

static void
close_run(struct run *r)
{
	token_order_free(r->order);
	token_order_free(r->eval_order);
	training_parts_free(r->parts);
	learner_free(r->learner);
	free(r->losses);
	json_decref(r->settings);
	free(r->state.best);
}

int
training_run(const struct cli *cli, const struct training_task *task,
    const struct training_options *o, struct training_result *ret, struct err *e)
{
	struct run r = { .cli = cli, .task = task, .o = o, .ret = ret };

	*ret = (struct training_result){ 0 };
	if (e->is_set)
		return -1;
	if (!token_corpus_cells(task->corpus, TOKEN_SET_TRAIN))
		return err_set(e, "there are no cells to learn from");
	open_run(&r);
	ret->steps = r.steps;
	if (training_start(&r, e) == 0 && !ret->was_complete) {
		run_from_start(&r, e);
		ret->tokens = r.state.tokens;
	}
	ret->step = r.state.step;
	close_run(&r);
	return e->is_set ? -1 : 0;
}
