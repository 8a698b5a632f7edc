#include <stdlib.h>

#include "formats/labelled_vectors.h"

/* Of the stream at hand. */
struct source {
	const struct labelled_vectors_options *options;
	const struct schema *schema;
	struct label_column label, batch;
	size_t embedding;
};

static int
find_columns(struct source *s, struct err *e)
{
	s->embedding = (size_t)schema_find(s->schema, "embedding");
	if (label_column_find(&s->label, s->schema, s->options->label, e))
		return -1;
	return s->options->batch ? label_column_find(&s->batch, s->schema, s->options->batch, e)
				 : 0;
}

static int
add_row(
    struct labelled_vectors *l, struct source *s, const struct batch *b, size_t row, struct err *e)
{
	const struct array *list = &b->columns[s->embedding];
	bool has_label = label_column_has(&s->label, s->schema, b, row);
	bool has_batch = !s->options->batch || label_column_has(&s->batch, s->schema, b, row);
	uint32_t number;

	if (!has_label || !has_batch) {
		l->n_left_out++;
		return s->options->is_strict
			   ? err_set(e, "row %zu: no %s", row, has_label ? "batch" : "label")
			   : 0;
	}
	if (!array_is_valid(list, row) || list->children[0].null_count > 0)
		return err_set(e, "row %zu: no embedding, or one with nulls", row);
	number = (uint32_t)label_column_read(&s->label, s->schema, b, row, &l->label_set);
	buffer_add(&l->labels, &number, sizeof(number));
	if (s->options->batch) {
		number = (uint32_t)label_column_read(&s->batch, s->schema, b, row, &l->batch_set);
		buffer_add(&l->batches, &number, sizeof(number));
	}
	buffer_add(
	    &l->x, (const float *)list->children[0].values + row * l->d, l->d * sizeof(float));
	l->n++;
	return 0;
}

/* The scores take a copy of the vectors of a label, and some numbers a row. */
static int
check_memory(const struct labelled_vectors *l, size_t max_memory, struct err *e)
{
	if (2 * l->x.size + 300 * l->n <= max_memory)
		return 0;
	return err_set(e,
	    "the vectors of %zu rows and more need more memory than the %zu bytes of "
	    "--max-memory",
	    l->n, max_memory);
}

static void
name_labels(struct arena *a, struct string_set *set, struct buffer *numbers, const char ***ret)
{
	uint32_t *places = label_places(set, 0);

	*ret = label_names(a, set, places);
	label_renumber(numbers, places);
	free(places);
}

static void
read_rows(struct labelled_vectors *l, struct source *s, struct cells_reader *in, struct err *e)
{
	struct batch b = { 0 };

	while (cells_read(in, &b, e) > 0) {
		for (size_t i = 0; i < b.rows && !e->is_set; i++)
			add_row(l, s, &b, i, e);
		if (!e->is_set)
			check_memory(l, s->options->max_memory, e);
		if (e->is_set)
			err_prefix(
			    e, "%s: batch %llu", cells_name(in), (unsigned long long)b.number);
	}
	batch_free(&b);
}

struct labelled_vectors *
labelled_vectors_read(
    struct cells_reader *in, const struct labelled_vectors_options *options, struct err *e)
{
	struct labelled_vectors *l;
	struct source s = { .options = options, .schema = cells_schema(in) };

	if (e->is_set)
		return NULL;
	if (find_columns(&s, e)) {
		err_prefix(e, "%s", cells_name(in));
		return NULL;
	}
	l = mem_zero(1, sizeof(*l));
	l->d = (size_t)s.schema->fields[s.embedding].list_size;
	read_rows(l, &s, in, e);
	label_column_free(&s.label);
	label_column_free(&s.batch);
	if (!e->is_set && l->n == 0)
		err_set(e, "%s: no row has a label%s", cells_name(in),
		    options->batch ? " and a batch" : "");
	if (e->is_set) {
		labelled_vectors_free(l);
		return NULL;
	}
	name_labels(&l->arena, &l->label_set, &l->labels, &l->label_names);
	if (options->batch)
		name_labels(&l->arena, &l->batch_set, &l->batches, &l->batch_names);
	return l;
}

void
labelled_vectors_free(struct labelled_vectors *l)
{
	if (!l)
		return;
	buffer_free(&l->x);
	buffer_free(&l->labels);
	buffer_free(&l->batches);
	string_set_free(&l->label_set);
	string_set_free(&l->batch_set);
	arena_free(&l->arena);
	free(l);
}
