/* 1. Signals
 * 2. Settings and the number of steps
 * 3. Checkpoints
 * 4. Evaluation
 * 5. Steps
 * 6. The run */

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/progress.h"
#include "formats/json_file.h"
#include "formats/safetensors.h"
#include "nn/gradient.h"
#include "nn/training_log.h"
#include "nn/training_parts.h"
#include "nn/training_run.h"
#include "nn/training_state.h"

static const char metadata_key[] = "cellpipe:training", state_name[] = "training.safetensors";

struct run {
	const struct cli *cli;
	const struct training_task *task;
	const struct training_options *o;
	struct training_result *ret;
	struct token_order *order, *eval_order;
	struct training_parts *parts;
	struct learner *learner;
	struct training_state state;
	json_t *settings; /* the task's, and ours */
	uint64_t steps, warmup;
	struct training_log *log;
	struct progress progress;
	double rate, norm;                      /* of the last step */
	double eval_totals[TRAINING_MAX_HEADS]; /* once they are known: */
	uint64_t n_eval_labels;
	bool is_saved; /* the folder has a checkpoint, of this step: */
	uint64_t saved_step;
};

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

/* 2. Settings and the number of steps */

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

/* Everything that the result depends on, as JSON. */
static void
collect_settings(struct run *r)
{
	const struct training_options *o = r->o;
	char corpus[33];
	json_t *own;

	token_corpus_hash(r->task->corpus, corpus);
	own = json_pack("{s:s s:I s:I s:I s:f s:i s:I s:f s:f s:f s:f s:f s:f s:f s:f s:I s:I}",
	    "cells", corpus, "steps", (json_int_t)r->steps, "batch_tokens",
	    (json_int_t)o->batch_tokens, "batch_cells", (json_int_t)o->batch_cells, "rate",
	    o->adamw.rate, "schedule", (int)o->schedule, "warmup", (json_int_t)r->warmup, "decay",
	    o->adamw.decay, "beta1", o->adamw.beta1, "beta2", o->adamw.beta2, "epsilon",
	    o->adamw.epsilon, "clip", o->adamw.clip, "hidden_dropout", o->backward.hidden_dropout,
	    "attention_dropout", o->backward.attention_dropout, "classifier_dropout",
	    o->backward.classifier_dropout, "seed", (json_int_t)o->seed, "dropout_seed",
	    (json_int_t)o->backward.seed);
	assert(own);
	r->settings = json_object();
	if (r->task->settings)
		json_object_update(r->settings, (json_t *)(uintptr_t)r->task->settings);
	json_object_update(r->settings, own);
	json_decref(own);
}

/* 3. Checkpoints */

/* Weights that are made of others follow these. */
static void
settle(const struct training_task *task)
{
	if (task->settle)
		task->settle(task->context);
}

/* For the model's own file: what made it. */
static char *
describe_training(const struct run *r, bool is_complete)
{
	json_t *root = json_pack("{s:I s:I s:b s:O}", "step", (json_int_t)r->state.step, "tokens",
	    (json_int_t)r->state.tokens, "is_complete", (int)is_complete, "settings", r->settings);
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);

	assert(text);
	json_decref(root);
	return text;
}

static void
note_place(struct run *r)
{
	r->state.epoch = token_order_epoch(r->order);
	r->state.place = token_order_place(r->order);
}

static int
save(struct run *r, bool is_complete, struct err *e)
{
	char *text = describe_training(r, is_complete);
	const char *metadata[] = { metadata_key, text, NULL };
	struct output_folder *f = output_folder_create(r->o->folder, true, e);

	note_place(r);
	if (f)
		r->task->write(r->task->context, f, metadata, e);
	if (f && !e->is_set && !is_complete)
		training_state_write(output_folder_file(f, state_name), r->task->parameters,
		    r->learner, &r->state, r->settings, r->task->memory, e);
	if (f)
		output_folder_drop(f, state_name);
	output_folder_commit(f, e);
	free(text);
	if (e->is_set)
		return err_prefix(e, "step %" PRIu64 ": no checkpoint", r->state.step);
	r->is_saved = true;
	r->saved_step = r->state.step;
	return 0;
}

/* Of a model, or of adapters (lora.h). */
static char *
weights_path(const char *folder)
{
	char *path = mem_printf("%s/adapter_model.safetensors", folder);

	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return mem_printf("%s/model.safetensors", folder);
}

/* Does the folder hold the end of this very run? */
static int
check_complete(struct run *r, struct err *e)
{
	char *path = weights_path(r->o->folder);
	struct safetensors *file = safetensors_open(path, e);
	const char *text = file ? safetensors_metadata(file, metadata_key) : NULL;
	json_t *root = text ? json_bytes_read(text, strlen(text), path, e) : NULL;

	if (!e->is_set && (!root || !json_is_true(json_object_get(root, "is_complete"))))
		err_set(e, "%s: has no %s to go on from", r->o->folder, state_name);
	else if (!e->is_set && training_settings_compare(json_object_get(root, "settings"),
				   r->settings, r->o->folder, e) == 0) {
		r->ret->was_complete = true;
		r->ret->tokens = (uint64_t)json_integer_value(json_object_get(root, "tokens"));
		r->state.step = (uint64_t)json_integer_value(json_object_get(root, "step"));
	}
	json_decref(root);
	safetensors_close(file);
	free(path);
	return e->is_set ? -1 : 0;
}

bool
training_has_checkpoint(const char *folder)
{
	char *path = mem_printf("%s/%s", folder, state_name);
	bool is_there = access(path, F_OK) == 0;

	free(path);
	return is_there;
}

/* Counters that no run of these settings has. */
static int
check_state(const struct run *r, const char *path, struct err *e)
{
	const struct training_state *s = &r->state;

	if (s->step > r->steps || s->epoch > s->step ||
	    s->place > token_corpus_cells(r->task->corpus, TOKEN_SET_TRAIN))
		return err_set(e, "%s: damaged: there is no such step", path);
	return 0;
}

static int
resume(struct run *r, struct err *e)
{
	char *path = mem_printf("%s/%s", r->o->folder, state_name);

	if (!training_has_checkpoint(r->o->folder))
		check_complete(r, e);
	else if (training_state_read(path, r->task->parameters, r->learner, &r->state, r->settings,
		     r->task->memory, e) == 0 &&
		 check_state(r, path, e) == 0) {
		r->is_saved = true;
		r->saved_step = r->state.step;
		token_order_seek(r->order, r->state.epoch, r->state.place, e);
	}
	free(path);
	return e->is_set ? -1 : 0;
}

static int
start(struct run *r, struct err *e)
{
	struct stat st;

	if (lstat(r->o->folder, &st)) {
		/* can it be made? Better known now than after days. */
		output_folder_abort(output_folder_create(r->o->folder, false, e));
		return e->is_set ? -1 : 0;
	}
	if (r->o->is_resumed)
		return resume(r, e);
	return err_set(e, "%s: exists already; --resume goes on with it, or choose another name",
	    r->o->folder);
}

/* 4. Evaluation */

/* Goes through the cells of EVAL: adds up the totals, or with a result what is learned of them. */
static int
go_through_eval(struct run *r, struct backward_result *ret, struct err *e)
{
	struct token_step step;
	struct training_cut cut;
	int got = token_order_seek(r->eval_order, 0, 0, e) ? -1 : 1;

	while (got > 0 && !stop_signal) {
		struct backward_result part;

		got = token_order_take(r->eval_order, r->o->batch_tokens, &step, e);
		if (got <= 0 || training_parts_make(r->parts, &step, true, &cut, e))
			break;
		if (!ret) {
			for (size_t h = 0; h < r->task->n_heads; h++)
				r->eval_totals[h] += cut.totals[h];
			r->n_eval_labels += cut.n_labels;
			continue;
		}
		training_parts_weigh(r->parts, &cut, r->eval_totals);
		if (learner_evaluate(r->learner, cut.parts, cut.n, &part, e))
			break;
		ret->loss += part.loss;
		ret->n_right += part.n_right;
	}
	return e->is_set ? -1 : 0;
}

static json_t *
start_line(const struct run *r)
{
	return json_pack(
	    "{s:I s:I}", "step", (json_int_t)r->state.step, "tokens", (json_int_t)r->state.tokens);
}

static void
keep_best(struct run *r)
{
	const struct parameters *p = r->task->parameters;
	struct gradient_workspace *ws = p->backend->gradient->workspace_create(p->backend);

	if (!r->state.best)
		r->state.best = mem_alloc(p->n_values, sizeof(float));
	p->backend->gradient->get(ws, r->state.best, p->values, p->n_values);
	p->backend->gradient->workspace_free(ws);
}

static int
report_evaluation(struct run *r, const struct backward_result *got, struct err *e)
{
	struct training_evaluation v = { r->state.step, got->loss,
		r->n_eval_labels ? (double)got->n_right / (double)r->n_eval_labels : 0 };
	enum training_verdict verdict = TRAINING_GO_ON;
	json_t *line = start_line(r);

	json_object_set_new(line, "eval_loss", json_real(v.loss));
	json_object_set_new(line, "eval_accuracy", json_real(v.accuracy));
	if (r->task->judge && r->task->judge(r->task->context, &v, line, &verdict, e)) {
		json_decref(line);
		return -1;
	}
	if (verdict & TRAINING_KEEP)
		keep_best(r);
	if (verdict & TRAINING_STOP)
		r->state.is_over = true;
	r->ret->is_evaluated = true;
	r->ret->loss = v.loss;
	r->ret->accuracy = v.accuracy;
	return training_log_write(r->log, line, e);
}

/* The evaluation of the step at hand; when a signal comes it is still to come. */
static int
evaluate(struct run *r, struct err *e)
{
	struct backward_result got = { 0 };
	double none = 0;

	for (size_t h = 0; h < r->task->n_heads; h++)
		none += r->eval_totals[h];
	if (!(none > 0) && go_through_eval(r, NULL, e))
		return -1;
	if (stop_signal) {
		memset(r->eval_totals, 0, sizeof(r->eval_totals));
		r->n_eval_labels = 0;
		return 0;
	}
	if (go_through_eval(r, &got, e))
		return err_prefix(e, "evaluation at step %" PRIu64, r->state.step);
	if (stop_signal)
		return 0;
	r->state.must_evaluate = false;
	return report_evaluation(r, &got, e);
}

/* 5. Steps */

static bool
is_due(uint64_t step, uint64_t every)
{
	return every && step % every == 0;
}

/* Says which cells a loss that is not a number came from: those of the first part that has one
 * again. */
static void
name_cells(struct run *r, const struct training_cut *cut, char *text, size_t size)
{
	for (size_t i = 0; i < cut->n; i++) {
		struct err ignored = { 0 };
		struct backward_result one;
		size_t n = cut->parts[i].cells->n, used = 0;

		if (!learner_evaluate(r->learner, &cut->parts[i], 1, &one, &ignored))
			continue;
		for (size_t k = 0; k < n && k < 8; k++)
			used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64,
			    k ? ", " : " (cells of rows ", cut->rows[i][k]);
		if (n > 8)
			used += (size_t)snprintf(text + used, size - used, " and %zu more", n - 8);
		snprintf(text + used, size - used, ")");
		return;
	}
}

static int
fail_step(struct run *r, const struct training_cut *cut, struct err *e)
{
	struct err cause = *e;
	char cells[240] = "", kept[80] = "no checkpoint was written yet";

	name_cells(r, cut, cells, sizeof(cells));
	if (r->is_saved)
		snprintf(
		    kept, sizeof(kept), "the checkpoint of step %" PRIu64 " stays", r->saved_step);
	*e = (struct err){ 0 };
	return err_set(e, "step %" PRIu64 ", epoch %" PRIu64 ": %.300s%s; %s", r->state.step + 1,
	    token_order_epoch(r->order), cause.text, cells, kept);
}

static int
learn(struct run *r, struct training_cut *cut, struct err *e)
{
	struct backward_result got;

	training_parts_weigh(r->parts, cut, cut->totals);
	r->rate =
	    r->o->adamw.rate * schedule_at(r->o->schedule, r->state.step, r->warmup, r->steps);
	if (!cut->n)
		return 0;
	if (learner_gradient(r->learner, cut->parts, cut->n, &got, e))
		return fail_step(r, cut, e);
	if (r->task->project)
		r->task->project(r->task->context, learner_gradient_values(r->learner));
	r->norm = learner_update(r->learner, r->rate);
	settle(r->task);
	if (!isfinite(r->norm)) {
		err_set(e, "the norm of the gradient is not a number");
		return fail_step(r, cut, e);
	}
	r->state.loss += got.loss;
	r->state.n_losses++;
	return 0;
}

static int
report_step(struct run *r, struct err *e)
{
	json_t *line;

	if (!is_due(r->state.step, r->o->log_every) || !r->state.n_losses)
		return 0;
	line = start_line(r);
	json_object_set_new(line, "loss", json_real(r->state.loss / (double)r->state.n_losses));
	json_object_set_new(line, "learning_rate", json_real(r->rate));
	json_object_set_new(line, "gradient_norm", json_real(r->norm));
	r->state.loss = 0;
	r->state.n_losses = 0;
	return training_log_write(r->log, line, e);
}

/* The next cells, those of the next epoch where one has ended. */
static int
take(struct run *r, struct token_step *step, struct err *e)
{
	int got = token_order_take(r->order, r->o->batch_tokens, step, e);

	if (got == 0)
		got = token_order_take(r->order, r->o->batch_tokens, step, e);
	return got > 0 ? 0 : -1;
}

static int
make_step(struct run *r, struct err *e)
{
	struct token_step step;
	struct training_cut cut;
	uint64_t tokens;

	if (take(r, &step, e) || training_parts_make(r->parts, &step, false, &cut, e))
		return -1;
	tokens = step.offsets[step.n];
	if (learn(r, &cut, e))
		return -1;
	r->state.step++;
	r->state.tokens += tokens;
	r->state.must_evaluate =
	    r->eval_order && (r->state.step == r->steps || is_due(r->state.step, r->o->eval_every));
	progress_advance(&r->progress, tokens, (double)r->state.step / (double)r->steps);
	return report_step(r, e);
}

static bool
is_over(const struct run *r)
{
	return r->state.is_over || r->state.step == r->steps;
}

static int
go_on(struct run *r, struct err *e)
{
	while (!stop_signal) {
		if (r->state.must_evaluate && evaluate(r, e))
			return -1;
		if (stop_signal || is_over(r))
			break;
		if (is_due(r->state.step, r->o->save_every) && r->state.step &&
		    !(r->is_saved && r->saved_step == r->state.step) && save(r, false, e))
			return -1;
		if (make_step(r, e))
			return -1;
	}
	return 0;
}

/* 6. The run */

static int
finish(struct run *r, struct err *e)
{
	const struct parameters *p = r->task->parameters;
	bool is_complete = is_over(r) && !r->state.must_evaluate;

	r->ret->is_interrupted = !is_complete;
	if (is_complete && r->state.best) {
		struct gradient_workspace *ws = p->backend->gradient->workspace_create(p->backend);

		p->backend->gradient->put(ws, p->values, r->state.best, p->n_values);
		p->backend->gradient->workspace_free(ws);
		settle(r->task);
	}
	return save(r, is_complete, e);
}

static int
run_from_start(struct run *r, struct err *e)
{
	struct sigaction old[2];

	watch_stop(old);
	r->log =
	    training_log_open(r->cli, r->o->metrics, r->state.step, !r->state.must_evaluate, e);
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
	count_steps(r);
	collect_settings(r);
	r->learner = learner_create(r->task->parameters, r->task->plan, &options);
}

static void
close_run(struct run *r)
{
	token_order_free(r->order);
	token_order_free(r->eval_order);
	training_parts_free(r->parts);
	learner_free(r->learner);
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
	if (start(&r, e) == 0 && !ret->was_complete) {
		run_from_start(&r, e);
		ret->tokens = r.state.tokens;
	}
	ret->step = r.state.step;
	close_run(&r);
	return e->is_set ? -1 : 0;
}
