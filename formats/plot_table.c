/* plot_table.c - tables of texts; see plot_table.h. */

#include "formats/plot_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/delimited.h"
#include "formats/plot_input.h"

struct reading {
	struct plot_table *t;
	struct buffer fields; /* const char * */
};

/* A copy of the row's fields. */
static void
add_fields(struct reading *r, const struct delimited_row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		const char *field = arena_copy(&r->t->arena, row->fields[i], row->sizes[i] + 1, 1);

		buffer_add(&r->fields, &field, sizeof(field));
	}
}

static int
take_row(void *context, const struct delimited_row *row, struct err *e)
{
	struct reading *r = context;
	struct plot_table *t = r->t;

	if (t->names && row->n != t->n_columns)
		return err_set(e, "line %zu has %zu fields, but there are %zu columns", row->line,
		    row->n, t->n_columns);
	add_fields(r, row);
	if (t->names) {
		t->n_rows++;
		return 0;
	}
	t->n_columns = row->n;
	t->names = arena_copy(&t->arena, r->fields.data, row->n, sizeof(*t->names));
	r->fields.size = 0;
	return 0;
}

int
plot_table_read(struct plot_table *t, const char *path, bool force, struct err *e)
{
	struct reading r = { .t = t };

	*t = (struct plot_table){ .path = plot_input_name(path) };
	delimited_read(path, force, DELIMITED_TRIM, take_row, &r, e);
	if (!e->is_set && !t->names)
		err_set(e, "%s: an empty file, where a table was expected", t->path);
	if (!e->is_set)
		t->fields = arena_copy(
		    &t->arena, r.fields.data, t->n_rows * t->n_columns, sizeof(*t->fields));
	buffer_free(&r.fields);
	return e->is_set ? -1 : 0;
}

void
plot_table_free(struct plot_table *t)
{
	arena_free(&t->arena);
}

ptrdiff_t
plot_table_find(const struct plot_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->names[i], name) == 0)
			return (ptrdiff_t)i;
	return -1;
}

const char *
plot_table_text(const struct plot_table *t, size_t row, size_t column)
{
	return t->fields[row * t->n_columns + column];
}

double
plot_table_number(const struct plot_table *t, size_t row, size_t column, struct err *e)
{
	const char *text = plot_table_text(t, row, column);
	char *end;
	double x;

	if (!*text || strcasecmp(text, "nan") == 0 || strcmp(text, "NA") == 0)
		return NAN;
	x = strtod(text, &end);
	if (end != text && !*end)
		return x;
	err_set(e, "%s: row %zu: '%s' in column %s is no number", t->path, row + 1, text,
	    t->names[column]);
	return NAN;
}
