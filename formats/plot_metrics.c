/* plot_metrics.c - metrics of training runs; see plot_metrics.h. */

#include "formats/plot_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json_file.h"
#include "formats/plot_input.h"

enum { MOST_METRICS = 10000, LOG_LIMIT = 1 << 30 };

static struct metric *
find(const struct metrics *m, const char *name, size_t n)
{
	for (size_t i = 0; i < m->n; i++)
		if (strlen(m->metrics[i].name) == n && memcmp(m->metrics[i].name, name, n) == 0)
			return &m->metrics[i];
	return NULL;
}

const struct metric *
metrics_find(const struct metrics *m, const char *name, size_t n)
{
	return find(m, name, n);
}

static struct metric *
find_or_add(struct metrics *m, const char *name)
{
	struct metric *found = find(m, name, strlen(name));

	if (found || m->n == MOST_METRICS)
		return found;
	m->metrics = mem_resize(m->metrics, m->n, m->n + 1, sizeof(*m->metrics));
	m->metrics[m->n] = (struct metric){ .name = arena_strdup(&m->arena, name) };
	return &m->metrics[m->n++];
}

static void
add_value(struct metric *to, double step, double value)
{
	if (!isfinite(value)) {
		to->n_dropped++;
		return;
	}
	if (to->n == to->room) {
		size_t room = to->room ? 2 * to->room : 64;

		to->steps = mem_resize(to->steps, to->n, room, sizeof(double));
		to->values = mem_resize(to->values, to->n, room, sizeof(double));
		to->room = room;
	}
	to->steps[to->n] = step;
	to->values[to->n++] = value;
}

/* NaN and infinities as Python writes them, which is not JSON, become the text "?". */
static void
blank_odd_numbers(char *bytes, size_t size)
{
	static const char *const odd[] = { "NaN", "Infinity", "-Infinity" };
	bool is_text = false;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '"')
			is_text = !is_text;
		else if (is_text && bytes[i] == '\\')
			i++;
		for (size_t k = 0; k < 3 && !is_text; k++) {
			size_t n = strlen(odd[k]);

			if (n <= size - i && memcmp(bytes + i, odd[k], n) == 0) {
				memset(bytes + i, ' ', n);
				memcpy(bytes + i, "\"?\"", 3);
				i += n - 1;
			}
		}
	}
}

/* "NaN" and the like as texts, and what blank_odd_numbers left. */
static bool
is_odd_number(const json_t *value)
{
	static const char *const odd[] = { "?", "NaN", "nan", "Infinity", "-Infinity", "inf",
		"-inf" };

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd) && json_is_string(value); i++)
		if (strcmp(json_string_value(value), odd[i]) == 0)
			return true;
	return false;
}

static int
add_object(struct metrics *m, json_t *object, size_t number, struct err *e)
{
	const json_t *step = json_object_get(object, "step");
	double at = step ? json_number_value(step) : (double)number;
	const char *key;
	json_t *value;

	if (step && !json_is_number(step))
		return err_set(e, "entry %zu: step is no number", number);
	json_object_foreach(object, key, value)
	{
		struct metric *to;

		if (strcmp(key, "step") == 0 ||
		    (!json_is_number(value) && !json_is_null(value) && !is_odd_number(value)))
			continue;
		to = find_or_add(m, key);
		if (to)
			add_value(to, at, json_is_number(value) ? json_number_value(value) : NAN);
	}
	return 0;
}

static int
add_history(struct metrics *m, json_t *history, struct err *e)
{
	json_t *entry;
	size_t i;

	json_array_foreach(history, i, entry)
	{
		if (!json_is_object(entry))
			return err_set(e, "log_history: entry %zu is no object", i + 1);
		if (add_object(m, entry, i + 1, e))
			return -1;
	}
	return 0;
}

static bool
is_blank(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static int
add_lines(struct metrics *m, const char *bytes, size_t size, struct err *e)
{
	const char *end = bytes + size, *stop;
	size_t number = 0, line = 0;

	for (const char *p = bytes; p < end && !e->is_set; p = stop + 1) {
		char name[32];
		json_t *object;

		stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop ? stop : end;
		line++;
		if (is_blank(p, (size_t)(stop - p)))
			continue;
		snprintf(name, sizeof(name), "line %zu", line);
		object = json_bytes_read(p, (size_t)(stop - p), name, e);
		if (object)
			add_object(m, object, ++number, e);
		json_decref(object);
	}
	return e->is_set ? -1 : 0;
}

/* A file that is one object with a history; NULL: it is not. */
static json_t *
read_history(const char *bytes, size_t size)
{
	struct err no = { 0 };
	json_t *whole = json_bytes_read(bytes, size, "", &no);

	if (whole && json_is_array(json_object_get(whole, "log_history")))
		return whole;
	json_decref(whole);
	return NULL;
}

int
metrics_read(struct metrics *m, const char *path, bool force, struct err *e)
{
	size_t size;
	char *bytes = plot_input_read(path, force, LOG_LIMIT, &size, e);
	json_t *whole;

	if (!bytes)
		return -1;
	blank_odd_numbers(bytes, size);
	whole = read_history(bytes, size);
	if (whole)
		add_history(m, json_object_get(whole, "log_history"), e);
	else
		add_lines(m, bytes, size, e);
	if (!e->is_set && m->n == 0)
		err_set(e, "no metrics in it");
	err_prefix(e, "%s", plot_input_name(path));
	json_decref(whole);
	free(bytes);
	return e->is_set ? -1 : 0;
}

void
metrics_free(struct metrics *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->metrics[i].steps);
		free(m->metrics[i].values);
	}
	free(m->metrics);
	arena_free(&m->arena);
}
