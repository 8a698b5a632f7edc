#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/schema.h"

struct schema *
schema_new(void)
{
	return mem_zero(1, sizeof(struct schema));
}

void
schema_free(struct schema *s)
{
	if (!s)
		return;
	arena_free(&s->arena);
	free(s);
}

static struct metadata
copy_metadata(struct arena *a, const struct metadata *m)
{
	struct metadata copy = { m->n, arena_alloc(a, m->n, sizeof(*m->pairs)) };

	for (size_t i = 0; i < m->n; i++) {
		copy.pairs[i].key = arena_strdup(a, m->pairs[i].key);
		copy.pairs[i].value = arena_strdup(a, m->pairs[i].value);
	}
	return copy;
}

static struct field
copy_field(struct arena *a, const struct field *f)
{
	struct field copy = *f;

	copy.name = arena_strdup(a, f->name);
	copy.timezone = f->timezone ? arena_strdup(a, f->timezone) : NULL;
	copy.dictionary = f->dictionary ? strings_copy(a, f->dictionary) : NULL;
	copy.metadata = copy_metadata(a, &f->metadata);
	copy.children = arena_alloc(a, f->n_children, sizeof(*f->children));
	for (size_t i = 0; i < f->n_children; i++)
		copy.children[i] = copy_field(a, &f->children[i]);
	return copy;
}

struct schema *
schema_copy(const struct schema *s)
{
	struct schema *copy = schema_new();

	for (size_t i = 0; i < s->n_fields; i++)
		schema_append(copy, &s->fields[i]);
	copy->metadata = copy_metadata(&copy->arena, &s->metadata);
	return copy;
}

ptrdiff_t
schema_find(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->n_fields; i++)
		if (strcmp(s->fields[i].name, name) == 0)
			return (ptrdiff_t)i;
	return -1;
}

size_t
schema_insert(struct schema *s, size_t i, const struct field *field)
{
	struct field *fields = arena_alloc(&s->arena, s->n_fields + 1, sizeof(*fields));

	assert(i <= s->n_fields);
	for (size_t k = 0; k < s->n_fields; k++)
		fields[k + (k >= i)] = s->fields[k];
	fields[i] = copy_field(&s->arena, field);
	s->fields = fields;
	s->n_fields++;
	return i;
}

size_t
schema_append(struct schema *s, const struct field *field)
{
	return schema_insert(s, s->n_fields, field);
}

void
schema_replace(struct schema *s, size_t i, const struct field *field)
{
	assert(i < s->n_fields);
	s->fields[i] = copy_field(&s->arena, field);
}

void
schema_remove(struct schema *s, size_t i)
{
	assert(i < s->n_fields);
	s->n_fields--;
	memmove(&s->fields[i], &s->fields[i + 1], (s->n_fields - i) * sizeof(*s->fields));
}

void
schema_vacate(struct schema *s, const char *name)
{
	ptrdiff_t i = schema_find(s, name);
	const char *other;

	if (i < 0)
		return;
	other = arena_printf(&s->arena, "obs.%s", name);
	schema_vacate(s, other);
	s->fields[i].name = other;
}

const char *
metadata_get(const struct metadata *m, const char *key)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->pairs[i].key, key) == 0)
			return m->pairs[i].value;
	return NULL;
}

static void
remove_pair(struct metadata *m, size_t i)
{
	m->n--;
	memmove(&m->pairs[i], &m->pairs[i + 1], (m->n - i) * sizeof(*m->pairs));
}

void
metadata_set(struct schema *s, struct metadata *m, const char *key, const char *value)
{
	struct metadata_pair *pairs;
	size_t i = 0;

	while (i < m->n && strcmp(m->pairs[i].key, key) != 0)
		i++;
	if (!value) {
		if (i < m->n)
			remove_pair(m, i);
		return;
	}
	if (i == m->n) {
		pairs = arena_alloc(&s->arena, m->n + 1, sizeof(*pairs));
		for (size_t k = 0; k < m->n; k++)
			pairs[k] = m->pairs[k];
		pairs[m->n++].key = arena_strdup(&s->arena, key);
		m->pairs = pairs;
	}
	m->pairs[i].value = arena_strdup(&s->arena, value);
}

struct field
field_utf8(const char *name)
{
	return (struct field){ .name = name, .type = TYPE_UTF8 };
}

struct field
field_dictionary(const char *name, const struct strings *dictionary)
{
	return (struct field){ .name = name, .type = TYPE_UTF8, .dictionary = dictionary };
}

struct field
field_bool(const char *name)
{
	return (struct field){ .name = name, .type = TYPE_BOOL, .bit_width = 1 };
}

struct field
field_int(const char *name, int bit_width, bool is_signed)
{
	return (struct field){
		.name = name, .type = TYPE_INT, .bit_width = bit_width, .is_signed = is_signed
	};
}

struct field
field_float(const char *name, int bit_width)
{
	return (struct field){ .name = name, .type = TYPE_FLOAT, .bit_width = bit_width };
}

struct field
field_list(const char *name, struct field *item)
{
	return (struct field){ .name = name, .type = TYPE_LIST, .n_children = 1, .children = item };
}

struct field
field_fixed_list(const char *name, struct field *item, int32_t size)
{
	struct field f = field_list(name, item);

	f.type = TYPE_FIXED_LIST;
	f.list_size = size;
	return f;
}

bool
field_same_type(const struct field *a, const struct field *b)
{
	if (a->type != b->type || a->bit_width != b->bit_width || a->is_signed != b->is_signed ||
	    a->list_size != b->list_size || a->precision != b->precision || a->scale != b->scale ||
	    a->unit != b->unit || !a->dictionary != !b->dictionary ||
	    a->n_children != b->n_children)
		return false;
	for (size_t i = 0; i < a->n_children; i++)
		if (!field_same_type(&a->children[i], &b->children[i]))
			return false;
	return true;
}

const char *
field_type_text(const struct field *f, char *text, size_t size)
{
	static const char *const names[] = { "null", "bool", "int", "float", "utf8", "binary",
		"fixed_size_binary", "list", "fixed_size_list", "struct", "map", "decimal", "date",
		"time", "timestamp", "duration", "interval" };
	size_t used;

	if (f->type == TYPE_INT || f->type == TYPE_FLOAT)
		snprintf(text, size, "%s%s%d", f->type == TYPE_INT && !f->is_signed ? "u" : "",
		    names[f->type], f->bit_width);
	else if (f->dictionary)
		snprintf(text, size, "dictionary<int32, utf8>");
	else
		snprintf(text, size, "%s", names[f->type]);
	if (!f->n_children || (used = strlen(text)) + 2 >= size)
		return text;
	snprintf(text + used, size - used, "<");
	for (size_t i = 0; i < f->n_children; i++) {
		used = strlen(text);
		snprintf(text + used, size - used, "%s", i ? ", " : "");
		used = strlen(text);
		field_type_text(&f->children[i], text + used, size - used);
	}
	used = strlen(text);
	if (f->type == TYPE_FIXED_LIST)
		snprintf(text + used, size - used, ">[%d]", (int)f->list_size);
	else
		snprintf(text + used, size - used, ">");
	return text;
}
