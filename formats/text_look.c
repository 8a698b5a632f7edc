/* 1. Names, types, metadata
 * 2. History
 * 3. First rows */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text_look.h"
#include "formats/text_value.h"

enum { LONGEST_VALUE = 60, WIDEST_NAME = 30, MOST_ENTRIES = 4, TYPE_SIZE = 1000 };

/* 1. Names, types, metadata */

static void
add(struct buffer *b, const char *text)
{
	text_printable(b, text, strlen(text));
}

/* Characters of UTF-8 text, as far as counting code points tells. */
static size_t
width_of(const struct buffer *b, size_t from)
{
	size_t width = 0;

	for (size_t i = from; i < b->size; i++)
		width += (b->data[i] & 0xc0) != 0x80;
	return width;
}

/* Spaces up to the column `width` of a text that began at byte `from`, and two more. */
static void
pad(struct buffer *b, size_t from, size_t width)
{
	size_t used = width_of(b, from);

	for (width = width > used ? width - used + 2 : 2; width; width--)
		add(b, " ");
}

/* Cuts the text that began at byte `from` to `width` characters, the last three of them dots. */
static void
cut(struct buffer *b, size_t from, size_t width)
{
	size_t end = from, used = 0;

	if (width_of(b, from) <= width)
		return;
	while (used <= width - 3)
		used += (b->data[end++] & 0xc0) != 0x80;
	b->size = end - 1;
	add(b, "...");
}

static size_t
widest_name(const struct schema *s, bool of_types)
{
	struct buffer text = { 0 };
	char type[TYPE_SIZE];
	size_t widest = 0;

	for (size_t i = 0; i < s->n_fields; i++) {
		const struct field *f = &s->fields[i];
		size_t width;

		text.size = 0;
		add(&text, of_types ? field_type_text(f, type, sizeof(type)) : f->name);
		width = width_of(&text, 0);
		if (width > widest)
			widest = width;
	}
	buffer_free(&text);
	return widest > WIDEST_NAME ? WIDEST_NAME : widest;
}

/* "  key  value", with the number of lines where there are several. */
static void
add_metadata(struct buffer *b, const struct metadata *m, const char *before)
{
	for (size_t i = 0; i < m->n; i++) {
		const char *value = m->pairs[i].value, *end = strchr(value, '\n');
		size_t lines = 1, from;

		add(b, before);
		add(b, m->pairs[i].key);
		add(b, "  ");
		from = b->size;
		text_printable(b, value, end ? (size_t)(end - value) : strlen(value));
		cut(b, from, LONGEST_VALUE);
		for (; end; end = strchr(end + 1, '\n'))
			lines++;
		if (lines > 1) {
			char *count = mem_printf(" ... (%zu lines)", lines);

			add(b, count);
			free(count);
		}
		buffer_add(b, "\n", 1);
	}
}

static void
add_dictionary(struct buffer *b, const struct field *f)
{
	const struct field *holder = f->n_children == 1 ? &f->children[0] : f;
	char *count;

	if (!holder->dictionary)
		return;
	count = mem_printf("  %zu texts", holder->dictionary->n);
	add(b, count);
	free(count);
}

int
text_look_schema(struct output *out, const char *kind, const struct schema *s, struct err *e)
{
	struct buffer b = { 0 };
	size_t width = widest_name(s, false);
	char type[TYPE_SIZE];

	add(&b, kind);
	buffer_add(&b, "\n", 1);
	for (size_t i = 0; i < s->n_fields; i++) {
		size_t from = b.size;

		add(&b, s->fields[i].name);
		pad(&b, from, width);
		add(&b, field_type_text(&s->fields[i], type, sizeof(type)));
		add_dictionary(&b, &s->fields[i]);
		buffer_add(&b, "\n", 1);
		add_metadata(&b, &s->fields[i].metadata, "    ");
	}
	if (s->metadata.n)
		add(&b, "metadata");
	if (s->metadata.n)
		buffer_add(&b, "\n", 1);
	add_metadata(&b, &s->metadata, "    ");
	output_write(out, b.data, b.size, e);
	buffer_free(&b);
	return e->is_set ? -1 : 0;
}

/* 2. History */

static json_t *
read_history(const struct schema *s, struct err *e)
{
	const char *text = metadata_get(&s->metadata, "cells:history");
	json_t *history = text ? json_loads(text, 0, NULL) : NULL;

	if (text && !json_is_array(history)) {
		err_set(e, "the metadata cells:history is not a JSON array");
		json_decref(history);
		return NULL;
	}
	return history;
}

static void
add_json(struct buffer *b, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));

	add(b, json_is_string(value) ? json_string_value(value) : text ? text : "");
	free(text);
}

static void
add_option(struct buffer *b, const char *name, const json_t *value)
{
	if (json_is_false(value) || json_is_null(value))
		return;
	add(b, " --");
	add(b, name);
	if (json_is_true(value))
		return;
	add(b, " ");
	add_json(b, value);
}

static void
add_stage(struct buffer *b, json_t *stage)
{
	const char *name;
	json_t *value;

	add_json(b, json_object_get(stage, "program"));
	add(b, " ");
	add_json(b, json_object_get(stage, "version"));
	json_object_foreach(json_object_get(stage, "options"), name, value)
	    add_option(b, name, value);
	json_object_foreach(stage, name, value)
	{
		if (!strcmp(name, "program") || !strcmp(name, "version") ||
		    !strcmp(name, "options"))
			continue;
		add(b, " ");
		add(b, name);
		add(b, "=");
		add_json(b, value);
	}
	buffer_add(b, "\n", 1);
}

int
text_look_history(struct output *out, const struct schema *s, struct err *e)
{
	json_t *history = read_history(s, e), *stage;
	struct buffer b = { 0 };
	size_t i;

	json_array_foreach(history, i, stage) add_stage(&b, stage);
	output_write(out, b.data, b.size, e);
	buffer_free(&b);
	json_decref(history);
	return e->is_set ? -1 : 0;
}

/* 3. First rows */

void
text_look_start(struct text_look *l, const struct schema *s)
{
	*l = (struct text_look){ .schema = s,
		.columns = mem_zero(s->n_fields, sizeof(*l->columns)) };
}

void
text_look_add(struct text_look *l, const struct batch *b)
{
	for (size_t i = 0; i < b->n_columns; i++)
		for (size_t row = 0; row < b->rows; row++) {
			if (l->rows + row)
				add(&l->columns[i], " | ");
			text_short(&l->columns[i], &l->schema->fields[i], &b->columns[i], row,
			    MOST_ENTRIES);
		}
	l->rows += b->rows;
}

/* The programs of the history, "h5ad2cells | genemap". */
static void
add_programs(struct buffer *b, const struct schema *s)
{
	struct err ignored = { 0 };
	json_t *history = read_history(s, &ignored), *stage;
	size_t i;

	if (json_array_size(history))
		add(b, ", made by ");
	json_array_foreach(history, i, stage)
	{
		add(b, i ? " | " : "");
		add_json(b, json_object_get(stage, "program"));
	}
	json_decref(history);
}

int
text_look_write(
    struct text_look *l, struct output *out, const char *kind, size_t width, struct err *e)
{
	size_t names = widest_name(l->schema, false), types = widest_name(l->schema, true);
	struct buffer b = { 0 };
	char type[TYPE_SIZE];
	char *rows = mem_printf(", rows 1 to %zu", l->rows);

	add(&b, kind);
	add_programs(&b, l->schema);
	add(&b, l->rows ? rows : ", no rows");
	free(rows);
	buffer_add(&b, "\n", 1);
	for (size_t i = 0; i < l->schema->n_fields; i++) {
		size_t line = b.size, from;

		add(&b, l->schema->fields[i].name);
		pad(&b, line, names);
		from = b.size;
		add(&b, field_type_text(&l->schema->fields[i], type, sizeof(type)));
		pad(&b, from, types);
		buffer_add(&b, l->columns[i].data, l->columns[i].size);
		cut(&b, line, width);
		buffer_add(&b, "\n", 1);
	}
	output_write(out, b.data, b.size, e);
	buffer_free(&b);
	return e->is_set ? -1 : 0;
}

void
text_look_free(struct text_look *l)
{
	for (size_t i = 0; l->schema && i < l->schema->n_fields; i++)
		buffer_free(&l->columns[i]);
	free(l->columns);
	*l = (struct text_look){ 0 };
}
