#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/json_file.h"
#include "formats/metric_lines.h"

struct reading {
	const char *metric;
	size_t nth;
	struct metric_lines *ret;
	double sum; /* over tasks */
	size_t n_tasks;
};

static bool
is_evaluation(json_t *line)
{
	const char *key;
	json_t *value;

	json_object_foreach(line, key, value)
	{
		if (strncmp(key, "eval_", 5) == 0)
			return true;
	}
	return false;
}

/* A line about the model that was written. */
static void
take_set(struct reading *r, const json_t *line, const char *set)
{
	const char *prefix = strcmp(set, "valid") == 0 ? "eval_" : "test_";
	const json_t *value;

	if (strncmp(r->metric, prefix, 5) != 0)
		return;
	value = json_object_get(line, r->metric + 5);
	if (!json_is_number(value))
		return;
	r->sum += json_number_value(value);
	r->ret->last = r->sum / (double)++r->n_tasks;
}

static void
take_line(struct reading *r, json_t *line)
{
	const char *set = json_string_value(json_object_get(line, "set"));
	const json_t *value = json_object_get(line, r->metric);

	if (set) {
		take_set(r, line, set);
		return;
	}
	if (is_evaluation(line))
		r->ret->n_evaluations++;
	if (!json_is_number(value))
		return;
	r->ret->last = json_number_value(value);
	if (++r->ret->n == r->nth)
		r->ret->nth = r->ret->last;
}

int
metric_lines_read(
    const char *path, const char *metric, size_t nth, struct metric_lines *ret, struct err *e)
{
	struct reading r = { metric, nth, ret, 0, 0 };
	size_t size, n_lines = 0;
	char *text, *end;

	*ret = (struct metric_lines){ .nth = NAN, .last = NAN };
	if (access(path, F_OK))
		return 0;
	text = io_read_file(path, JSON_FILE_LIMIT, &size, e);
	for (char *at = text; at && !e->is_set && (end = strchr(at, '\n')); at = end + 1) {
		char *name = mem_printf("%s: line %zu", path, ++n_lines);
		json_t *line = json_bytes_read(at, (size_t)(end - at), name, e);

		if (line)
			take_line(&r, line);
		json_decref(line);
		free(name);
	}
	free(text);
	return e->is_set ? -1 : 0;
}
