#include <string.h>

#include "formats/json_file.h"
#include "formats/study_plan.h"

enum { HEADER_VERSION = 1 };

/* Is the argument "--NAME" or "--NAME=..."? name[n] */
static bool
is_option(const char *argument, const char *name, size_t n)
{
	return strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, name, n) == 0 &&
	       (argument[2 + n] == '\0' || argument[2 + n] == '=');
}

static bool
is_set_here(const struct study_plan *plan, const char *argument)
{
	static const char *const names[] = { "output", "metrics", "resume", "epochs" };
	size_t n_names = plan->rungs[0] ? 4 : 3;

	for (size_t i = 0; i < n_names; i++)
		if (is_option(argument, names[i], strlen(names[i])))
			return true;
	for (size_t i = 0; i < plan->space.n; i++)
		if (is_option(argument, plan->space.items[i], strcspn(plan->space.items[i], "=")))
			return true;
	return strncmp(argument, "-o", 2) == 0 ||
	       (plan->rungs[0] && strncmp(argument, "-e", 2) == 0);
}

int
study_plan_check(const struct study_plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->arguments.n; i++)
		if (is_set_here(plan, plan->arguments.items[i]))
			return err_set(e, "'%s' is set by the study, so it cannot be an argument",
			    plan->arguments.items[i]);
	for (size_t i = 0; plan->rungs[0] && i < plan->space.n; i++)
		if (strncmp(plan->space.items[i], "epochs=", 7) == 0)
			return err_set(e, "halving says the epochs, so the space cannot");
	return 0;
}

static json_t *
words_to_json(const struct study_words *words)
{
	json_t *list = json_array();

	for (size_t i = 0; i < words->n; i++)
		json_array_append_new(list, json_string(words->items[i]));
	return list;
}

/* Texts that are not UTF-8 have no place in JSON. */
static int
check_words(const struct study_words *words, const json_t *list, struct err *e)
{
	if (json_array_size(list) != words->n)
		return err_set(e, "a study's arguments must be UTF-8, which one is not");
	return 0;
}

json_t *
study_plan_write(const struct study_plan *plan, struct err *e)
{
	json_t *rungs = json_array(), *root;
	json_t *lists[] = { words_to_json(&plan->command), words_to_json(&plan->arguments),
		words_to_json(&plan->space) };

	for (size_t i = 0; i < plan->n_rungs; i++)
		json_array_append_new(rungs, json_integer((json_int_t)plan->rungs[i]));
	check_words(&plan->command, lists[0], e);
	check_words(&plan->arguments, lists[1], e);
	check_words(&plan->space, lists[2], e);
	root = json_pack("{s:i s:I s:I s:s s:b s:o s:I s:b s:o s:o s:o}", "study", HEADER_VERSION,
	    "seed", (json_int_t)plan->seed, "trials", (json_int_t)plan->n_trials, "metric",
	    plan->metric, "maximize", (int)plan->is_maximized, "epochs", rungs, "reduction",
	    (json_int_t)plan->reduction, "restart", (int)plan->is_restarting, "space", lists[2],
	    "command", lists[0], "arguments", lists[1]);
	if (!root)
		err_set(e, "the name of a metric must be UTF-8");
	if (!e->is_set)
		return root;
	json_decref(root);
	return NULL;
}

static int
read_words(const json_t *header, const char *key, const char *path, struct arena *a,
    struct study_words *ret, struct err *e)
{
	const json_t *list = json_object_get(header, key);
	const char **items = arena_alloc(a, json_array_size(list) + 1, sizeof(*items));

	if (!json_is_array(list))
		return err_set(e, "%s: no list \"%s\"", path, key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		items[i] = json_string_value(json_array_get(list, i));
		if (!items[i])
			return err_set(e, "%s: \"%s\": not a text", path, key);
	}
	ret->items = items;
	ret->n = json_array_size(list);
	return 0;
}

static int
read_rungs(const json_t *header, const char *path, struct study_plan *ret, struct err *e)
{
	const json_t *list = json_object_get(header, "epochs");

	ret->n_rungs = json_array_size(list);
	if (ret->n_rungs < 1 || ret->n_rungs > STUDY_MAX_RUNGS)
		return err_set(e, "%s: no list \"epochs\"", path);
	for (size_t i = 0; i < ret->n_rungs; i++) {
		json_int_t at = json_integer_value(json_array_get(list, i));

		if (at < 0 || (at == 0 && ret->n_rungs > 1))
			return err_set(e, "%s: \"epochs\": not above 0", path);
		ret->rungs[i] = (size_t)at;
	}
	return 0;
}

int
study_plan_read(
    const json_t *header, const char *path, struct arena *a, struct study_plan *ret, struct err *e)
{
	if (json_integer_in(header, "study", 0, INT32_MAX, 0, path, e) != HEADER_VERSION)
		return err_set(e, "%s: not a study of this version", path);
	ret->seed = (uint64_t)json_integer_in(header, "seed", 0, INT64_MAX, 0, path, e);
	ret->n_trials = (size_t)json_integer_in(header, "trials", 1, STUDY_MAX_TRIALS, 1, path, e);
	ret->reduction = (size_t)json_integer_in(header, "reduction", 2, INT32_MAX, 2, path, e);
	ret->metric = json_text(header, "metric", "", path, e);
	ret->is_maximized = json_is_true(json_object_get(header, "maximize"));
	ret->is_restarting = json_is_true(json_object_get(header, "restart"));
	read_rungs(header, path, ret, e);
	read_words(header, "command", path, a, &ret->command, e);
	read_words(header, "arguments", path, a, &ret->arguments, e);
	read_words(header, "space", path, a, &ret->space, e);
	return e->is_set ? -1 : 0;
}

int
study_plan_compare(const json_t *header, const json_t *wanted, const char *path, struct err *e)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
	{
		if (strcmp(key, "trials") != 0 && !json_equal(value, json_object_get(header, key)))
			return err_set(e,
			    "%s: is a study with other %s; go on with it as it is, or "
			    "choose another name",
			    path, key);
	}
	return 0;
}
