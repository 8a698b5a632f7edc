/* 1. One name
 * 2. Pickles and texts
 * 3. All names of a model */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/utf8.h"
#include "formats/pickle.h"
#include "nn/class_names.h"

/* The names of one task while they are found. */
struct list {
	struct arena *arena;
	const char *place;  /* for messages */
	const char **names; /* [n]; NULL: not yet */
	size_t n;
};

/* 1. One name */

static const char *
check_name(struct arena *a, const char *place, const char *text, size_t size, struct err *e)
{
	char *name = arena_zero(a, size + 1, 1);

	if (size > 0)
		memcpy(name, text, size);
	if (size == 0)
		err_set(e, "%s: an empty name", place);
	if (!utf8_is_valid(text, size))
		err_set(e, "%s: a name that is no UTF-8 text", place);
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 127)
			err_set(e, "%s: name %s: a control character in it", place, name);
	return e->is_set ? NULL : name;
}

static int
set_name(struct list *l, int64_t id, const char *text, size_t size, struct err *e)
{
	if (id < 0 || (uint64_t)id >= l->n)
		return err_set(e, "%s: class %lld, but the model has the classes 0 to %zu",
		    l->place, (long long)id, l->n - 1);
	if (l->names[id])
		return err_set(e, "%s: class %lld is named twice", l->place, (long long)id);
	l->names[id] = check_name(l->arena, l->place, text, size, e);
	return e->is_set ? -1 : 0;
}

/* 2. Pickles and texts */

/* Labels may be numbers or truths; their text is then that of such a column. */
static const char *
label_text(struct arena *a, const struct pickle_value *v, size_t *ret_size)
{
	const char *text = NULL;

	if (v->kind == PICKLE_TEXT) {
		*ret_size = v->size;
		return v->text;
	}
	if (v->kind == PICKLE_INT)
		text = arena_printf(a, "%lld", (long long)v->integer);
	if (v->kind == PICKLE_BOOL)
		text = v->integer ? "true" : "false";
	*ret_size = text ? strlen(text) : 0;
	return text;
}

/* Ids and labels of a dictionary: {id: label}, or with is_inverse {label: id}. */
static int
take_dictionary(struct list *l, const struct pickle_value *v, bool is_inverse, struct err *e)
{
	if (v->kind != PICKLE_DICT)
		return err_set(
		    e, "%s: holds %s, not a dictionary", l->place, pickle_kind_name(v->kind));
	for (size_t i = 0; i < v->size; i++) {
		const struct pickle_value *id = v->items[2 * i + is_inverse];
		size_t size;
		const char *text = label_text(l->arena, v->items[2 * i + !is_inverse], &size);

		if (id->kind != PICKLE_INT || !text)
			return err_set(e, "%s: entry %zu is no class and its name", l->place, i);
		if (set_name(l, id->integer, text, size, e))
			return -1;
	}
	return 0;
}

static int
take_lines(struct list *l, const char *text, size_t size, struct err *e)
{
	const char *end = text + size;

	for (int64_t id = 0; text < end; id++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		if (set_name(l, id, text, (size_t)(stop - text), e))
			return -1;
		text = stop + 1;
	}
	return 0;
}

/* 3. All names of a model */

static struct list
start_list(struct class_names *c, const struct model *m, size_t task, const char *place)
{
	size_t n = m->head[task].n_labels;

	return (struct list){ &c->arena, place, arena_zero(&c->arena, n, sizeof(char *)), n };
}

/* Checks that all are there and differ, and keeps them. */
static int
finish_list(struct class_names *c, size_t task, const struct list *l, struct err *e)
{
	struct task *to = &c->tasks[task];
	struct string_index index = { 0 };
	struct buffer lines = { 0 };

	for (size_t i = 0; i < l->n && !e->is_set; i++)
		if (!l->names[i])
			err_set(e, "%s: no name for class %zu of %zu", l->place, i, l->n);
	if (e->is_set)
		return -1;
	to->names = strings_from(&c->arena, l->names, l->n);
	string_index_build(&index, to->names);
	for (size_t i = 0; i < l->n; i++) {
		size_t size = strlen(l->names[i]);

		if (string_index_find(&index, l->names[i], size) != (ptrdiff_t)i)
			err_set(e, "%s: two classes are named %s", l->place, l->names[i]);
		buffer_add(&lines, l->names[i], size);
		buffer_add(&lines, i + 1 < l->n ? "\n" : "", 1);
	}
	to->list = arena_copy(&c->arena, lines.data, lines.size, 1);
	string_index_free(&index);
	buffer_free(&lines);
	return e->is_set ? -1 : 0;
}

static int
take_tasks(struct class_names *c, const struct model *m, const struct pickle_value *root,
    const char *path, struct err *e)
{
	if (root->kind != PICKLE_DICT || root->size != c->n_tasks)
		return err_set(
		    e, "%s: not a dictionary of the model's %zu tasks", path, c->n_tasks);
	for (size_t i = 0; i < c->n_tasks; i++) {
		const struct pickle_value *name = root->items[2 * i];
		struct list l;

		if (name->kind != PICKLE_TEXT)
			return err_set(e, "%s: the name of task %zu is no text", path, i);
		c->tasks[i].name = check_name(&c->arena, path, name->text, name->size, e);
		if (e->is_set)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(c->tasks[k].name, c->tasks[i].name))
				return err_set(
				    e, "%s: two tasks are named %s", path, c->tasks[i].name);
		l = start_list(
		    c, m, i, arena_printf(&c->arena, "%s: task %s", path, c->tasks[i].name));
		if (take_dictionary(&l, root->items[2 * i + 1], true, e) ||
		    finish_list(c, i, &l, e))
			return -1;
	}
	return 0;
}

static int
take_bytes(struct class_names *c, const struct model *m, const char *path, const struct io_map *map,
    struct err *e)
{
	bool is_pickle = map->size > 0 && map->bytes[0] == 0x80;
	struct pickle *pickle = NULL;
	struct list l;

	if (is_pickle && !(pickle = pickle_read(map->bytes, map->size, path, e)))
		return -1;
	if (c->n_tasks > 1 || c->tasks[0].name) {
		if (pickle)
			take_tasks(c, m, pickle_root(pickle), path, e);
		else
			err_set(e, "%s: no pickle of the names of tasks and classes", path);
	} else {
		l = start_list(c, m, 0, path);
		if ((pickle ? take_dictionary(&l, pickle_root(pickle), false, e)
			    : take_lines(&l, (const char *)map->bytes, map->size, e)) == 0)
			finish_list(c, 0, &l, e);
	}
	pickle_free(pickle);
	return e->is_set ? -1 : 0;
}

static int
take_file(struct class_names *c, const struct model *m, const char *path, struct err *e)
{
	struct io_map map;
	int status;

	if (io_map_open(&map, path, e))
		return -1;
	status = take_bytes(c, m, path, &map, e);
	io_map_close(&map);
	return status;
}

/* Those of config.json, or numbers. */
static int
take_defaults(struct class_names *c, const struct model *m, struct err *e)
{
	const char *place = arena_printf(&c->arena, "%s/config.json", m->path);

	for (size_t t = 0; t < c->n_tasks; t++) {
		struct list l = start_list(c, m, t, place);

		for (size_t i = 0; i < l.n; i++) {
			const char *name = m->config.labels
					       ? m->config.labels[i]
					       : arena_printf(&c->arena, "LABEL_%zu", i);

			if (set_name(&l, (int64_t)i, name, strlen(name), e))
				return -1;
		}
		if (finish_list(c, t, &l, e))
			return -1;
	}
	return 0;
}

struct class_names *
class_names_open(const struct model *m, const char *file, struct err *e)
{
	struct class_names *c;
	char *own;

	if (e->is_set)
		return NULL;
	c = mem_zero(1, sizeof(*c));
	c->n_tasks = m->n_heads_out;
	c->tasks = arena_zero(&c->arena, c->n_tasks, sizeof(*c->tasks));
	own = mem_printf("%s/task_label_mappings.pkl", m->path);
	if (m->config.class == MODEL_MULTITASK) {
		for (size_t i = 0; i < c->n_tasks; i++)
			c->tasks[i].name = arena_printf(&c->arena, "task%zu", i + 1);
		if (!file && access(own, F_OK) == 0)
			file = own;
	}
	if (file)
		take_file(c, m, file, e);
	else
		take_defaults(c, m, e);
	free(own);
	if (!e->is_set)
		return c;
	class_names_free(c);
	return NULL;
}

struct class_names *
class_names_from(const char *const *names, size_t n, const char *place, struct err *e)
{
	struct class_list list = { place, names, n };

	return class_names_of_tasks(&list, 1, e);
}

struct class_names *
class_names_of_tasks(const struct class_list *lists, size_t n_tasks, struct err *e)
{
	struct class_names *c = mem_zero(1, sizeof(*c));

	c->n_tasks = n_tasks;
	c->tasks = arena_zero(&c->arena, n_tasks, sizeof(*c->tasks));
	for (size_t t = 0; t < n_tasks && !e->is_set; t++) {
		size_t n = lists[t].n;
		struct list l = { &c->arena, lists[t].task,
			arena_zero(&c->arena, n, sizeof(char *)), n };

		if (n_tasks > 1)
			c->tasks[t].name = arena_strdup(&c->arena, lists[t].task);
		for (size_t i = 0; i < n && !e->is_set; i++)
			set_name(&l, (int64_t)i, lists[t].names[i], strlen(lists[t].names[i]), e);
		if (!e->is_set)
			finish_list(c, t, &l, e);
	}
	if (!e->is_set)
		return c;
	class_names_free(c);
	return NULL;
}

uint32_t *
class_names_places(const struct strings *names, const struct string_set *labels)
{
	struct strings texts = string_set_strings(labels);
	struct string_index index = { 0 };
	uint32_t *places;

	if (texts.n != names->n)
		return NULL;
	places = mem_alloc(texts.n, sizeof(*places));
	string_index_build(&index, names);
	for (size_t i = 0; i < texts.n && places; i++) {
		size_t size;
		const char *text = strings_get(&texts, i, &size);
		ptrdiff_t at = string_index_find(&index, text, size);

		if (at < 0) {
			free(places);
			places = NULL;
		} else
			places[i] = (uint32_t)at;
	}
	string_index_free(&index);
	return places;
}

void
class_names_free(struct class_names *c)
{
	if (!c)
		return;
	arena_free(&c->arena);
	free(c);
}
