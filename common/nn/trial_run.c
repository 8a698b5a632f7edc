#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/mem.h"
#include "formats/metric_lines.h"
#include "nn/trial_run.h"

enum { LOG_TAIL = 4096 };

struct trial_run {
	struct child *child;
	struct arena arena;
	const char *log, *metrics, *metric;
	size_t evaluation;
	off_t seen;      /* size of the metrics when they were read last */
	bool is_stopped; /* for it has the value */
	bool is_asked;   /* to end */
	struct err hopeless;
};

struct trial_run *
trial_run_start(const struct trial_run_options *o, struct err *e)
{
	struct child *child = child_start(o->argv, o->log, e);
	struct trial_run *r;

	if (!child)
		return NULL;
	r = mem_zero(1, sizeof(*r));
	r->child = child;
	r->log = arena_strdup(&r->arena, o->log);
	r->metrics = arena_strdup(&r->arena, o->metrics);
	r->metric = arena_strdup(&r->arena, o->metric);
	r->evaluation = o->evaluation;
	return r;
}

/* Stops a trainer that has the value which is wanted, or will never have it. */
static void
watch_metrics(struct trial_run *r)
{
	struct metric_lines m;
	struct err ignored = { 0 };
	struct stat st;

	if (!r->evaluation || r->is_stopped || stat(r->metrics, &st) || st.st_size == r->seen)
		return;
	r->seen = st.st_size;
	if (metric_lines_read(r->metrics, r->metric, r->evaluation, &m, &ignored))
		return;
	if (!m.n && m.n_evaluations >= r->evaluation)
		err_set(&r->hopeless,
		    "its evaluations do not say %s: choose another metric, or --restart",
		    r->metric);
	else if (m.n < r->evaluation)
		return;
	r->is_stopped = true;
	trial_run_stop(r);
}

/* The last line of the log that is not empty; within text. */
static char *
last_line(char *text, size_t n)
{
	while (n && strchr("\r\n \t", text[n - 1]))
		n--;
	text[n] = '\0';
	while (n && text[n - 1] != '\n' && text[n - 1] != '\r')
		n--;
	return text + n;
}

static void
explain_failure(const struct trial_run *r, struct err *ret)
{
	char tail[LOG_TAIL + 1] = "";
	FILE *f = fopen(r->log, "r");
	size_t n = 0;

	if (f) {
		if (fseek(f, -LOG_TAIL, SEEK_END))
			rewind(f);
		n = fread(tail, 1, LOG_TAIL, f);
		fclose(f);
	}
	err_set(ret, "%s: %.400s", child_outcome(r->child), last_line(tail, n));
}

enum trial_outcome
trial_run_look(struct trial_run *r, struct trial_result *ret)
{
	struct metric_lines m;

	*ret = (struct trial_result){ 0 };
	watch_metrics(r);
	if (!child_wait(r->child, 0))
		return TRIAL_RUNS;
	if (r->hopeless.is_set)
		ret->problem = r->hopeless;
	else if (!(r->is_stopped ? child_has_stopped(r->child) : child_has_succeeded(r->child)))
		explain_failure(r, &ret->problem);
	else
		metric_lines_read(r->metrics, r->metric, r->evaluation, &m, &ret->problem);
	if (ret->problem.is_set)
		return TRIAL_FAILED;
	ret->is_end = !r->evaluation || isnan(m.nth);
	ret->value = ret->is_end ? m.last : m.nth;
	if (!isnan(ret->value))
		return TRIAL_VALUE;
	err_set(&ret->problem, "%s has no %s", r->metrics, r->metric);
	return TRIAL_FAILED;
}

void
trial_run_stop(struct trial_run *r)
{
	if (!r->is_asked)
		child_signal(r->child, SIGTERM);
	r->is_asked = true;
}

void
trial_run_kill(struct trial_run *r)
{
	child_signal(r->child, SIGKILL);
}

void
trial_run_free(struct trial_run *r)
{
	if (!r)
		return;
	child_free(r->child);
	arena_free(&r->arena);
	free(r);
}
