#include <stdlib.h>
#include <string.h>

#include "base/name_list.h"
#include "formats/perturbation_pickle.h"
#include "formats/perturbation_reading.h"

/* What is known of the states while they are chosen. */
struct choice {
	struct string_set there; /* those of the input */
	json_t *options;         /* of gfperturb, in the history; NULL: none */
	struct arena *arena;
	struct buffer chosen; /* const char * */
};

/* The options of gfperturb, where the history has them. */
static void
find_options(struct choice *c, const struct schema *s)
{
	const char *text = metadata_get(&s->metadata, "cells:history");
	json_t *history = text ? json_loads(text, 0, NULL) : NULL, *entry;
	size_t i;

	json_array_foreach(history, i, entry)
	{
		const char *program = json_string_value(json_object_get(entry, "program"));

		if (!program || strcmp(program, "gfperturb") != 0)
			continue;
		json_decref(c->options);
		c->options = json_incref(json_object_get(entry, "options"));
	}
	json_decref(history);
}

static void
look_at_stream(struct perturbation_inputs *in, struct choice *c, struct err *e)
{
	const struct schema *s;
	size_t n = strlen(SHIFT_PREFIX);

	in->first = cells_open(in->cli, in->paths[0], KIND_PERTURBATIONS, e);
	if (!in->first)
		return;
	s = cells_schema(in->first);
	for (size_t i = 0; i < s->n_fields; i++) {
		const char *name = s->fields[i].name;

		if (strncmp(name, SHIFT_PREFIX, n) == 0)
			string_set_add(&c->there, name + n, strlen(name + n));
	}
	find_options(c, s);
}

static void
look_at_pickle(struct choice *c, const char *path, struct err *e)
{
	struct perturbation_pickle *p = perturbation_pickle_open(path, e);

	for (size_t i = 0; p && i < perturbation_pickle_states(p); i++) {
		size_t size;
		const char *name = perturbation_pickle_state(p, i, &size);

		string_set_add(&c->there, name, size);
	}
	perturbation_pickle_close(p);
}

/* The first file that has states tells which there are; of streams, the first one. */
static void
look(struct perturbation_inputs *in, struct choice *c, struct err *e)
{
	if (!perturbation_is_pickle(in->paths[0]))
		look_at_stream(in, c, e);
	for (size_t i = 0; i < in->n && !in->first && !c->there.n && !e->is_set; i++)
		if (perturbation_is_pickle(in->paths[i]))
			look_at_pickle(c, in->paths[i], e);
	if (!c->there.n)
		err_set(e, "%s: no shifts to cell states (gfperturb --states makes them)",
		    in->paths[0]);
}

static bool
is_text(const char *text, const char *other, size_t size)
{
	return text && strlen(text) == size && memcmp(text, other, size) == 0;
}

static void
add_state(struct choice *c, const char *name, size_t size, struct err *e)
{
	struct strings there = string_set_strings(&c->there);
	const char *copy = arena_printf(c->arena, "%.*s", (int)size, name), *first;
	size_t n;

	for (size_t i = 0; i < there.n; i++) {
		const char *state = strings_get(&there, i, &n);

		if (is_text(copy, state, n)) {
			buffer_add(&c->chosen, &copy, sizeof(copy));
			return;
		}
	}
	first = strings_get(&there, 0, &n);
	err_set(e, "no state '%s' among the %zu that there are shifts to ('%.*s'%s)", copy, there.n,
	    (int)n, first, there.n > 1 ? ", ..." : "");
}

static void
choose(struct choice *c, const struct perturbation_states *told, struct err *e)
{
	struct strings there = string_set_strings(&c->there);
	const char *goal =
	    told->goal ? told->goal : json_string_value(json_object_get(c->options, "goal"));
	const char *start =
	    told->start ? told->start : json_string_value(json_object_get(c->options, "start"));
	const char *state;
	char **more;
	size_t size, n_more;

	if (!goal && there.n > 1) {
		err_set(e, "--goal is needed: there are shifts to %zu states", there.n);
		return;
	}
	state = strings_get(&there, 0, &size);
	goal = goal ? goal : arena_printf(c->arena, "%.*s", (int)size, state);
	add_state(c, goal, strlen(goal), e);
	if (e->is_set)
		return;
	if (name_list_split(told->alternatives, &more, &n_more, e))
		err_prefix(e, "--alt");
	for (size_t i = 0; i < n_more && !e->is_set; i++)
		add_state(c, more[i], strlen(more[i]), e);
	name_list_free(more, n_more);
	for (size_t i = 0; i < there.n && !told->alternatives; i++) {
		state = strings_get(&there, i, &size);
		if (!is_text(goal, state, size) && !is_text(start, state, size))
			add_state(c, state, size, e);
	}
}

const char **
perturbation_inputs_choose(struct perturbation_inputs *in, const struct perturbation_states *told,
    struct arena *arena, size_t *ret_n, struct err *e)
{
	struct choice c = { .arena = arena };
	const char **chosen = NULL;

	if (e->is_set)
		return NULL;
	look(in, &c, e);
	if (!e->is_set) {
		choose(&c, told, e);
		if (e->is_set)
			err_prefix(e, "%s", in->paths[0]);
	}
	if (!e->is_set) {
		*ret_n = c.chosen.size / sizeof(*chosen);
		chosen = arena_copy(arena, c.chosen.data, *ret_n, sizeof(*chosen));
	}
	string_set_free(&c.there);
	buffer_free(&c.chosen);
	json_decref(c.options);
	return chosen;
}
