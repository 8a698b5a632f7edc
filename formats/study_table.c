#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/mem.h"
#include "formats/study_table.h"

/* Orders trials, the best first, those without a value last. */
static int
compare(const struct study *s, size_t a, size_t b)
{
	const struct study_trial *x = study_trial(s, a), *y = study_trial(s, b);
	double difference;

	if (x->n_values != y->n_values)
		return x->n_values > y->n_values ? -1 : 1;
	if (x->n_values) {
		difference = x->values[x->n_values - 1] - y->values[y->n_values - 1];
		if (study_plan_of(s)->is_maximized)
			difference = -difference;
		if (difference < 0 || difference > 0)
			return difference < 0 ? -1 : 1;
	}
	return a < b ? -1 : 1;
}

size_t
study_best(const struct study *s)
{
	size_t best = 0;

	for (size_t t = 1; t <= study_count(s); t++)
		if (study_trial(s, t)->n_values && (!best || compare(s, t, best) < 0))
			best = t;
	return best;
}

/* Insertion: studies have hundreds of trials, and qsort would need the study as a global. */
static size_t *
sort_trials(const struct study *s)
{
	size_t n = study_count(s), *order = mem_alloc(n + 1, sizeof(*order));

	for (size_t t = 1; t <= n; t++) {
		size_t i = t - 1;

		for (; i > 0 && compare(s, t, order[i - 1]) < 0; i--)
			order[i] = order[i - 1];
		order[i] = t;
	}
	return order;
}

static void
print_text(struct output *out, const char *text, struct err *e)
{
	char *copy = mem_strdup(text);

	err_make_printable(copy);
	output_printf(out, e, "\t%s", copy);
	free(copy);
}

/* The names of the options are those of the space: "NAME=VALUES". */
static char *
option_name(const struct study_plan *plan, size_t i)
{
	return mem_strndup(plan->space.items[i], strcspn(plan->space.items[i], "="));
}

static void
print_header(const struct study_plan *plan, struct output *out, struct err *e)
{
	output_printf(out, e, "trial\tstate%s", plan->rungs[0] ? "\tepochs" : "");
	print_text(out, plan->metric, e);
	for (size_t i = 0; i < plan->space.n; i++) {
		char *name = option_name(plan, i);

		print_text(out, name, e);
		free(name);
	}
	output_printf(out, e, "\tmodel\tmessage\n");
}

static void
print_options(
    const struct study_plan *plan, const struct study_trial *t, struct output *out, struct err *e)
{
	for (size_t i = 0; i < plan->space.n; i++) {
		char *name = option_name(plan, i);
		const char *value = json_string_value(json_object_get(t->options, name));

		print_text(out, value ? value : "", e);
		free(name);
	}
}

static void
print_trial(const struct study *s, size_t trial, struct output *out, struct err *e)
{
	static const char *const states[] = { "started", "released", "done", "failed" };
	const struct study_plan *plan = study_plan_of(s);
	const struct study_trial *t = study_trial(s, trial);
	char *folder = study_path(s, trial, "");
	size_t n = t->n_values;

	output_printf(out, e, "%zu\t%s", trial, states[t->state]);
	if (plan->rungs[0])
		output_printf(out, e, "\t%zu", n ? plan->rungs[n - 1] : 0);
	if (n)
		output_printf(out, e, "\t%.9g", t->values[n - 1]);
	else
		output_printf(out, e, "\t");
	print_options(plan, t, out, e);
	print_text(out, access(folder, F_OK) ? "" : folder, e);
	print_text(out, t->message ? t->message : "", e);
	output_printf(out, e, "\n");
	free(folder);
}

int
study_print(const struct study *s, struct output *out, struct err *e)
{
	size_t *order = sort_trials(s);

	print_header(study_plan_of(s), out, e);
	for (size_t i = 0; i < study_count(s); i++)
		print_trial(s, order[i], out, e);
	free(order);
	return e->is_set ? -1 : 0;
}

int
study_tidy(const struct study *s, struct err *e)
{
	size_t best = study_best(s);

	for (size_t t = 1; t <= study_count(s); t++) {
		enum study_state state = study_trial(s, t)->state;
		char *folder;

		if (t == best || (state != STUDY_DONE && state != STUDY_FAILED))
			continue;
		folder = study_path(s, t, "");
		folder_remove(folder, e);
		free(folder);
	}
	return e->is_set ? -1 : 0;
}
