/* 1. Signals
 * 2. What is next
 * 3. Starting a trainer
 * 4. Recording its end
 * 5. The loop */

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/folder.h"
#include "base/progress.h"
#include "formats/study_table.h"
#include "nn/study_work.h"
#include "nn/trial_run.h"

static const double POLL_SECONDS = 0.05, NEWS_SECONDS = 1;

struct job {
	size_t trial;
	struct trial_run *run; /* NULL: a free place */
};

struct worker {
	struct study *s;
	const struct study_work *w;
	struct job *jobs; /* [w->jobs] */
	size_t n_running;
	bool *must_retry; /* [n_retry] by trial - 1 */
	size_t n_retry;
	struct progress progress;
};

enum next { NEXT_TRIAL, NEXT_WAIT, NEXT_NONE };

/* 1. Signals */

static volatile sig_atomic_t n_signals;

static void
on_stop(int number)
{
	(void)number;
	if (n_signals < 2)
		n_signals++;
}

/* Signals that are ignored (nohup) stay so. */
static void
watch_signals(struct sigaction old[2])
{
	static const int numbers[2] = { SIGTERM, SIGINT };
	struct sigaction action = { .sa_handler = on_stop };

	n_signals = 0;
	for (size_t i = 0; i < 2; i++)
		if (sigaction(numbers[i], NULL, &old[i]) == 0 && old[i].sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

static void
unwatch_signals(const struct sigaction old[2])
{
	sigaction(SIGTERM, &old[0], NULL);
	sigaction(SIGINT, &old[1], NULL);
}

/* 2. What is next */

/* Trials that failed before this worker began. */
static void
list_failed(struct worker *k)
{
	k->n_retry = k->w->is_retrying ? study_count(k->s) : 0;
	k->must_retry = mem_zero(k->n_retry, sizeof(*k->must_retry));
	for (size_t i = 0; i < k->n_retry; i++)
		k->must_retry[i] = study_trial(k->s, i + 1)->state == STUDY_FAILED;
}

static bool
find_left(struct worker *k, size_t *ret_trial, size_t *ret_rung)
{
	for (size_t t = 1; t <= study_count(k->s); t++) {
		const struct study_trial *trial = study_trial(k->s, t);
		bool is_failed =
		    t <= k->n_retry && k->must_retry[t - 1] && trial->state == STUDY_FAILED;

		if (!is_failed && !study_is_free(k->s, t))
			continue;
		if (is_failed)
			k->must_retry[t - 1] = false;
		*ret_trial = t;
		*ret_rung = trial->rung;
		return true;
	}
	return false;
}

static bool
is_any_open(const struct study *s)
{
	for (size_t t = 1; t <= study_count(s); t++) {
		enum study_state state = study_trial(s, t)->state;

		if (state == STUDY_STARTED || state == STUDY_RELEASED)
			return true;
	}
	return false;
}

static enum next
choose(struct worker *k, size_t *ret_trial, size_t *ret_rung)
{
	const struct study_work *w = k->w;

	if (find_left(k, ret_trial, ret_rung))
		return NEXT_TRIAL;
	if (w->promote(w->context, k->s, false, ret_trial, ret_rung)) {
		++*ret_rung;
		return NEXT_TRIAL;
	}
	if (study_count(k->s) < study_plan_of(k->s)->n_trials) {
		*ret_trial = study_count(k->s) + 1;
		*ret_rung = 0;
		return NEXT_TRIAL;
	}
	if (is_any_open(k->s))
		return NEXT_WAIT;
	if (!w->promote(w->context, k->s, true, ret_trial, ret_rung))
		return NEXT_NONE;
	++*ret_rung;
	return NEXT_TRIAL;
}

/* 3. Starting a trainer */

/* A command line, ended by NULL. */
struct words {
	struct arena arena;
	const char **items; /* [n + 1] */
	size_t n;
};

static void
add(struct words *words, const char *word)
{
	words->items = mem_resize(words->items, words->n + 1, words->n + 2, sizeof(*words->items));
	words->items[words->n++] = arena_strdup(&words->arena, word);
	words->items[words->n] = NULL;
}

static void
add_list(struct words *words, const struct study_words *list)
{
	for (size_t i = 0; i < list->n; i++)
		add(words, list->items[i]);
}

static void
add_option(struct words *words, const char *name, const char *value)
{
	add(words, arena_printf(&words->arena, "--%s", name));
	add(words, value);
}

static void
add_number(struct words *words, const char *name, size_t value)
{
	add_option(words, name, arena_printf(&words->arena, "%zu", value));
}

static void
add_sampled(struct words *words, const json_t *options)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)options, name, value)
	{
		if (json_is_string(value))
			add_option(words, name, json_string_value(value));
	}
}

/* The epochs that the trainer plans: with halving all of them, unless each rung begins anew. */
static size_t
planned_epochs(const struct study_plan *plan, size_t rung)
{
	return plan->rungs[plan->is_restarting ? rung : plan->n_rungs - 1];
}

static void
make_command(struct worker *k, size_t trial, const char *folder, const char *metrics,
    bool is_resumed, struct words *words)
{
	const struct study_plan *plan = study_plan_of(k->s);
	const struct study_trial *t = study_trial(k->s, trial);
	size_t threads = (size_t)k->w->cli->threads / k->w->jobs;

	add_list(words, &plan->command);
	add_option(words, "output", folder);
	add_option(words, "metrics", metrics);
	add_number(words, "threads", threads ? threads : 1);
	if (is_resumed)
		add(words, "--resume");
	if (plan->rungs[0])
		add_number(words, "epochs", planned_epochs(plan, t->rung));
	add_sampled(words, t->options);
	add_list(words, &plan->arguments);
}

/* Is there something to go on from? What there is of a trial that begins anew goes. */
static bool
prepare(struct worker *k, const char *folder, const char *metrics, struct err *e)
{
	if (study_plan_of(k->s)->is_restarting)
		folder_remove(folder, e);
	if (access(folder, F_OK) == 0)
		return true;
	folder_remove(metrics, e);
	return false;
}

static int
start_trainer(struct worker *k, struct job *job, size_t trial, struct err *e)
{
	const struct study_plan *plan = study_plan_of(k->s);
	size_t rung = study_trial(k->s, trial)->rung;
	bool is_last = plan->is_restarting || rung + 1 == plan->n_rungs;
	char *folder = study_path(k->s, trial, "");
	char *metrics = study_path(k->s, trial, ".metrics.jsonl");
	char *log = study_path(k->s, trial, ".log");
	struct words words = { .items = mem_zero(1, sizeof(*words.items)) };
	struct trial_run_options o = { NULL, log, metrics, plan->metric,
		is_last ? 0 : plan->rungs[rung] };
	bool is_resumed = prepare(k, folder, metrics, e);

	make_command(k, trial, folder, metrics, is_resumed, &words);
	o.argv = words.items;
	job->trial = trial;
	job->run = trial_run_start(&o, e);
	if (job->run)
		k->n_running++;
	arena_free(&words.arena);
	free(words.items);
	free(folder);
	free(metrics);
	free(log);
	return job->run ? 0 : -1;
}

/* Takes a trial, if there is one; the study is locked. */
static enum next
take(struct worker *k, struct job *job, struct err *e)
{
	size_t trial, rung;
	enum next next = choose(k, &trial, &rung);
	json_t *options;
	struct err second = { 0 };

	if (next != NEXT_TRIAL)
		return next;
	if (trial <= study_count(k->s))
		options = json_deep_copy(study_trial(k->s, trial)->options);
	else
		options = k->w->sample(k->w->context, trial);
	if (study_start(k->s, trial, rung, options, e) == 0 && start_trainer(k, job, trial, e))
		study_release(k->s, trial, &second);
	return next;
}

/* Gives the free places trials. */
static enum next
fill(struct worker *k, struct err *e)
{
	enum next next = NEXT_TRIAL;

	if (study_lock(k->s, e))
		return NEXT_NONE;
	for (size_t i = 0; i < k->w->jobs && next == NEXT_TRIAL && !e->is_set; i++)
		if (!k->jobs[i].run)
			next = take(k, &k->jobs[i], e);
	study_unlock(k->s);
	return next;
}

/* 4. Recording its end */

static void
tell(struct worker *k, size_t trial, enum trial_outcome outcome, const struct trial_result *r)
{
	const struct study_plan *plan = study_plan_of(k->s);
	char epochs[40] = "";

	if (outcome == TRIAL_FAILED) {
		cli_warn(k->w->cli, "trial %zu failed: %s", trial, r->problem.text);
		return;
	}
	if (plan->rungs[0])
		snprintf(epochs, sizeof(epochs), " at epoch %zu",
		    plan->rungs[study_trial(k->s, trial)->rung]);
	cli_inform(k->w->cli, "trial %zu: %s %.6g%s", trial, plan->metric, r->value, epochs);
}

/* Ends a job; when we are stopping, what has no value yet is only released. */
static void
record(struct worker *k, struct job *job, enum trial_outcome outcome, const struct trial_result *r,
    bool is_stopping, struct err *e)
{
	const struct study_plan *plan = study_plan_of(k->s);
	bool is_end = r->is_end && !(plan->is_restarting && plan->n_rungs > 1);

	trial_run_free(job->run);
	job->run = NULL;
	k->n_running--;
	if (study_lock(k->s, e))
		return;
	if (is_stopping && (outcome != TRIAL_VALUE || r->is_end)) {
		study_release(k->s, job->trial, e);
	} else {
		if (outcome == TRIAL_VALUE)
			study_value(k->s, job->trial, r->value, is_end, e);
		else
			study_fail(k->s, job->trial, r->problem.text, e);
		tell(k, job->trial, outcome, r);
		progress_advance(&k->progress, 1, -1);
	}
	if (plan->n_rungs == 1 && !k->w->is_keeping_all)
		study_tidy(k->s, e);
	study_unlock(k->s);
}

/* Looks after all jobs. True where one has ended. */
static bool
look(struct worker *k, bool is_stopping, struct err *e)
{
	bool has_ended = false;

	for (size_t i = 0; i < k->w->jobs; i++) {
		struct trial_result result;
		enum trial_outcome outcome;

		if (!k->jobs[i].run)
			continue;
		outcome = trial_run_look(k->jobs[i].run, &result);
		if (outcome == TRIAL_RUNS)
			continue;
		record(k, &k->jobs[i], outcome, &result, is_stopping || n_signals > 0, e);
		has_ended = true;
	}
	return has_ended;
}

/* 5. The loop */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Ends the trainers; an error before does not keep their trials from being released. */
static void
stop(struct worker *k, struct err *e)
{
	double end = now() + k->w->grace;
	struct err second = { 0 };

	for (size_t i = 0; i < k->w->jobs; i++)
		if (k->jobs[i].run)
			trial_run_stop(k->jobs[i].run);
	while (k->n_running) {
		bool is_over = now() >= end || n_signals > 1;

		for (size_t i = 0; is_over && i < k->w->jobs; i++)
			if (k->jobs[i].run)
				trial_run_kill(k->jobs[i].run);
		look(k, true, &second);
		if (k->n_running)
			child_pause(POLL_SECONDS);
	}
	if (second.is_set)
		err_set(e, "%s", second.text);
}

static void
work(struct worker *k, struct err *e)
{
	double looked = -INFINITY;
	enum next next = NEXT_TRIAL;

	while (!n_signals && !e->is_set) {
		if (k->n_running < k->w->jobs && now() - looked >= NEWS_SECONDS) {
			next = fill(k, e);
			looked = now();
		}
		if (e->is_set || (!k->n_running && next == NEXT_NONE))
			break;
		child_pause(k->n_running ? POLL_SECONDS : NEWS_SECONDS);
		if (look(k, false, e))
			looked = -INFINITY;
	}
}

int
study_work(struct study *s, const struct study_work *w, bool *ret_is_stopped, struct err *e)
{
	struct worker k = { .s = s, .w = w };
	struct sigaction old[2];

	*ret_is_stopped = false;
	if (study_lock(s, e))
		return -1;
	list_failed(&k);
	study_unlock(s);
	k.jobs = mem_zero(w->jobs, sizeof(*k.jobs));
	watch_signals(old);
	progress_start(&k.progress, w->cli, "trainings");
	work(&k, e);
	*ret_is_stopped = n_signals > 0;
	stop(&k, e);
	progress_end(&k.progress);
	unwatch_signals(old);
	if (!*ret_is_stopped && !w->is_keeping_all && study_lock(s, e) == 0) {
		study_tidy(s, e);
		study_unlock(s);
	}
	free(k.jobs);
	free(k.must_retry);
	return e->is_set ? -1 : 0;
}
