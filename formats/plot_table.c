/* plot_table.c - tables of texts; see plot_table.h. */

#include "formats/plot_table.h"

#include <csv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/plot_input.h"

enum { CHUNK = 1 << 16 };

/* Fields come one by one. */
struct reading {
	struct plot_table *t;
	struct buffer fields; /* const char * */
	size_t in_row;        /* fields of the row so far */
	size_t line;          /* of the table, from 1 */
	struct err *e;
};

static void
take_field(void *text, size_t n, void *context)
{
	struct reading *r = context;
	char *copy = arena_alloc(&r->t->arena, n + 1, 1);
	const char *field = copy;

	if (n)
		memcpy(copy, text, n);
	copy[n] = '\0';
	buffer_add(&r->fields, &field, sizeof(field));
	r->in_row++;
}

static void
take_row(int end, void *context)
{
	struct reading *r = context;
	struct plot_table *t = r->t;

	(void)end;
	r->line++;
	if (!t->names) {
		t->n_columns = r->in_row;
		t->names = arena_copy(&t->arena, r->fields.data, r->in_row, sizeof(*t->names));
		r->fields.size = 0;
	} else if (r->in_row == t->n_columns)
		t->n_rows++;
	else
		err_set(r->e, "row %zu has %zu fields, but there are %zu columns", r->line - 1,
		    r->in_row, t->n_columns);
	r->in_row = 0;
}

/* The divider, by the first line as far as it is in the chunk. */
static unsigned char
divider(const char *bytes, size_t n)
{
	const char *end = memchr(bytes, '\n', n);

	return memchr(bytes, '\t', end ? (size_t)(end - bytes) : n) ? '\t' : ',';
}

static int
parse(struct reading *r, struct input *in, struct csv_parser *parser, struct err *e)
{
	char *bytes = mem_alloc(CHUNK, 1);
	bool is_first = true;
	ptrdiff_t n;

	while ((n = input_read(in, bytes, CHUNK, e)) > 0 && !e->is_set) {
		if (memchr(bytes, '\0', (size_t)n))
			err_set(e, "a zero byte: this is no text");
		if (is_first && divider(bytes, (size_t)n) == '\t') {
			csv_set_delim(parser, '\t');
			csv_set_quote(parser, '\0'); /* TSV has none */
		}
		is_first = false;
		if (csv_parse(parser, bytes, (size_t)n, take_field, take_row, r) != (size_t)n)
			err_set(e, "line %zu: a quote where none belongs", r->line + 1);
	}
	if (!e->is_set && csv_fini(parser, take_field, take_row, r))
		err_set(e, "line %zu: a quote that is never closed", r->line + 1);
	if (!e->is_set && !r->t->names)
		err_set(e, "an empty file, where a table was expected");
	free(bytes);
	return e->is_set ? -1 : 0;
}

int
plot_table_read(struct plot_table *t, const char *path, bool force, struct err *e)
{
	struct reading r = { .t = t, .e = e };
	struct csv_parser parser;
	struct input *in = e->is_set ? NULL : input_open(path, force, e);

	*t = (struct plot_table){ .path = plot_input_name(path) };
	if (!in)
		return -1;
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL))
		mem_give_up("no memory for the table");
	if (parse(&r, in, &parser, e))
		err_prefix(e, "%s", t->path);
	else
		t->fields = arena_copy(
		    &t->arena, r.fields.data, t->n_rows * t->n_columns, sizeof(*t->fields));
	csv_free(&parser);
	buffer_free(&r.fields);
	input_close(in);
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
