/* plot_cells.c - embeddings in memory; see plot_cells.h. */

#include "formats/plot_cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/label_column.h"

/* What is read from a batch. */
struct source {
	const struct schema *schema;
	size_t embedding;
	size_t *from; /* [n_columns] of plot_cells: their places in the stream */
};

static void
add_column(struct plot_cells *p, struct source *s, size_t at, bool as_categories)
{
	p->columns = mem_resize(p->columns, p->n_columns, p->n_columns + 1, sizeof(*p->columns));
	s->from = mem_resize(s->from, p->n_columns, p->n_columns + 1, sizeof(*s->from));
	plot_column_start(&p->columns[p->n_columns], &s->schema->fields[at], as_categories);
	s->from[p->n_columns++] = at;
}

static int
choose_columns(struct plot_cells *p, struct source *s, const char *color, bool as_categories,
    bool has_all, struct err *e)
{
	struct label_column label = { 0 };
	size_t chosen = SIZE_MAX;

	if (color && label_column_find(&label, s->schema, color, e))
		return -1;
	if (color)
		chosen = label.column;
	p->color = SIZE_MAX;
	for (size_t i = 0; i < s->schema->n_fields; i++) {
		enum type type = s->schema->fields[i].type;
		bool is_label = type == TYPE_UTF8 || type == TYPE_BOOL || type == TYPE_INT ||
				type == TYPE_FLOAT;

		if (i == chosen)
			p->color = p->n_columns;
		if (i == chosen || (has_all && is_label))
			add_column(p, s, i, i == chosen && as_categories);
	}
	if (p->color == SIZE_MAX)
		p->color = p->n_columns;
	return 0;
}

static bool
is_usable(const struct array *embedding, const float *values, size_t row, size_t d)
{
	const struct array *numbers = &embedding->children[0];

	if (!array_is_valid(embedding, row))
		return false;
	for (size_t k = row * d; k < (row + 1) * d; k++)
		if (!array_is_valid(numbers, k) || !isfinite(values[k]))
			return false;
	return true;
}

static void
add_batch(struct plot_cells *p, const struct source *s, struct batch *b)
{
	const struct array *embedding = &b->columns[s->embedding];
	const float *values = embedding->children[0].values;
	size_t *rows = arena_alloc(&b->arena, b->rows, sizeof(*rows)), n = 0;

	for (size_t i = 0; i < b->rows; i++)
		if (is_usable(embedding, values, i, p->d)) {
			buffer_add(&p->vectors, values + i * p->d, p->d * sizeof(*values));
			rows[n++] = i;
		}
	p->n_dropped += b->rows - n;
	p->n += n;
	for (size_t c = 0; c < p->n_columns; c++) {
		const struct field *f = &s->schema->fields[s->from[c]];
		struct array kept = array_take(&b->arena, f, &b->columns[s->from[c]], rows, n);

		plot_column_add(&p->columns[c], f, &kept);
	}
}

static const char *
kind_of_rows(const struct schema *s)
{
	return schema_find(s, "cell") >= 0    ? "cells"
	       : schema_find(s, "gene") >= 0  ? "genes"
	       : schema_find(s, "state") >= 0 ? "states"
					      : "rows";
}

static void
read_rows(struct plot_cells *p, struct cells_reader *in, const char *color, bool as_categories,
    bool has_all, struct err *e)
{
	struct source s = { .schema = cells_schema(in) };
	struct batch b = { 0 };

	s.embedding = (size_t)kind_columns_find(s.schema).embedding;
	p->d = (size_t)s.schema->fields[s.embedding].list_size;
	p->rows = kind_of_rows(s.schema);
	if (choose_columns(p, &s, color, as_categories, has_all, e) == 0)
		while (cells_read(in, &b, e) > 0)
			add_batch(p, &s, &b);
	for (size_t c = 0; c < p->n_columns; c++)
		plot_column_finish(&p->columns[c]);
	if (!e->is_set && p->d == 0)
		err_set(e, "the embeddings have no dimensions");
	if (!e->is_set && p->n == 0 && p->n_dropped)
		err_set(
		    e, "none of its %llu embeddings is finite", (unsigned long long)p->n_dropped);
	if (!e->is_set && p->n == 0)
		err_set(e, "no embeddings in it");
	batch_free(&b);
	free(s.from);
}

int
plot_cells_read(struct plot_cells *p, const struct cli *cli, const char *color, bool as_categories,
    bool has_all, struct err *e)
{
	struct cells_reader *in = cells_open(cli, cli->input, KIND_EMBEDDINGS, e);

	*p = (struct plot_cells){ 0 };
	if (!in)
		return -1;
	read_rows(p, in, color, as_categories, has_all, e);
	err_prefix(e, "%s", cells_name(in));
	cells_close(in);
	if (!e->is_set && p->n_dropped)
		cli_warn(cli, "%s without a finite embedding, left out: %llu of %llu", p->rows,
		    (unsigned long long)p->n_dropped, (unsigned long long)(p->n + p->n_dropped));
	return e->is_set ? -1 : 0;
}

void
plot_cells_free(struct plot_cells *p)
{
	for (size_t c = 0; c < p->n_columns; c++)
		plot_column_free(&p->columns[c]);
	free(p->columns);
	buffer_free(&p->vectors);
}

const float *
plot_cells_vectors(const struct plot_cells *p)
{
	return (const float *)(const void *)p->vectors.data;
}

const struct plot_column *
plot_cells_color(const struct plot_cells *p)
{
	return p->color < p->n_columns ? &p->columns[p->color] : NULL;
}
