#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/name_hint.h"
#include "formats/label_column.h"
#include "formats/text_scalar.h"

static bool
holds_labels(const struct field *f)
{
	return f->type == TYPE_UTF8 || f->type == TYPE_BOOL || f->type == TYPE_INT ||
	       f->type == TYPE_FLOAT;
}

/* Says which columns of labels there are. */
static const char *
list_columns(const struct schema *s, const char *wanted, char *text, size_t size)
{
	const char **names = mem_alloc(s->n_fields, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < s->n_fields; i++)
		if (holds_labels(&s->fields[i]))
			names[n++] = s->fields[i].name;
	name_hint(text, size, wanted, names, n);
	free(names);
	return text;
}

int
label_column_find(struct label_column *l, const struct schema *s, const char *name, struct err *e)
{
	ptrdiff_t at = schema_find(s, name);
	char text[400];

	if (at < 0)
		return err_set(
		    e, "no column %s; %s", name, list_columns(s, name, text, sizeof(text)));
	if (!holds_labels(&s->fields[at]))
		return err_set(e, "the column %s is %s, and labels are texts, numbers or truths",
		    name, field_type_text(&s->fields[at], text, sizeof(text)));
	l->column = (size_t)at;
	return 0;
}

bool
label_column_has(
    const struct label_column *l, const struct schema *s, const struct batch *b, size_t row)
{
	const struct field *f = &s->fields[l->column];
	const struct array *a = &b->columns[l->column];

	return f->type == TYPE_UTF8 ? array_is_valid(a, row) : !isnan(array_number(f, a, row));
}

const char *
label_column_text(struct label_column *l, const struct schema *s, const struct batch *b, size_t row,
    size_t *ret_size)
{
	const struct field *f = &s->fields[l->column];
	const struct array *a = &b->columns[l->column];

	if (!label_column_has(l, s, b, row))
		return NULL;
	if (f->type == TYPE_UTF8)
		return array_text(f, a, row, ret_size);
	l->text.size = 0;
	text_scalar(&l->text, f, a, row);
	*ret_size = l->text.size;
	return (const char *)l->text.data;
}

ptrdiff_t
label_column_read(struct label_column *l, const struct schema *s, const struct batch *b, size_t row,
    struct string_set *names)
{
	size_t size;
	const char *text = label_column_text(l, s, b, row, &size);

	return text ? (ptrdiff_t)string_set_add(names, text, size) : -1;
}

void
label_column_free(struct label_column *l)
{
	buffer_free(&l->text);
}

struct label {
	const char *text;
	size_t size;
	uint32_t number;
};

static int
compare_labels(const void *x, const void *y)
{
	const struct label *a = x, *b = y;
	int order = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

uint32_t *
label_places(const struct string_set *names, size_t first)
{
	struct strings all = string_set_strings(names);
	struct label *labels = mem_alloc(names->n, sizeof(*labels));
	uint32_t *places = mem_alloc(names->n, sizeof(*places));

	for (size_t i = 0; i < names->n; i++) {
		labels[i].text = strings_get(&all, i, &labels[i].size);
		labels[i].number = (uint32_t)i;
	}
	if (names->n > first)
		qsort(labels + first, names->n - first, sizeof(*labels), compare_labels);
	for (size_t i = 0; i < names->n; i++)
		places[labels[i].number] = (uint32_t)i;
	free(labels);
	return places;
}

const char **
label_names(struct arena *a, const struct string_set *set, const uint32_t *places)
{
	const char **names = arena_alloc(a, set->n, sizeof(*names));
	struct strings all = string_set_strings(set);

	for (size_t i = 0; i < set->n; i++) {
		size_t size;
		const char *text = strings_get(&all, i, &size);
		char *copy = arena_alloc(a, size + 1, 1);

		memcpy(copy, text, size);
		copy[size] = '\0';
		names[places ? places[i] : i] = copy;
	}
	return names;
}

void
label_renumber(struct buffer *b, const uint32_t *places)
{
	uint32_t *numbers = (uint32_t *)(void *)b->data;

	for (size_t i = 0; i < b->size / sizeof(*numbers); i++)
		numbers[i] = places[numbers[i]];
}
