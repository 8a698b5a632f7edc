#include <string.h>

#include "nn/class_columns.h"
#include "nn/class_scores.h"

size_t
class_columns_width(const struct class_columns *c)
{
	return 2 * c->n_classes + c->hidden;
}

static const char *
column_name(struct arena *a, const char *stem, const char *task)
{
	return task ? arena_printf(a, "%s:%s", stem, task) : stem;
}

static void
add_class_list(struct schema *s, size_t at, const char *stem, const struct task *task)
{
	struct field item = field_float("item", 32);
	struct field list = field_fixed_list(
	    column_name(&s->arena, stem, task->name), &item, (int32_t)task->names->n);

	schema_insert(s, at, &list);
	metadata_set(s, &s->fields[at].metadata, "cells:classes", task->list);
}

void
class_columns_vacate(const struct class_columns *c, struct schema *s)
{
	static const char *const stems[] = { "prediction", "probability", "probabilities",
		"logits" };

	for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]); i++) {
		schema_vacate(s, stems[i]);
		for (size_t t = 0; t < c->names->n_tasks; t++)
			schema_vacate(s, column_name(&s->arena, stems[i], c->names->tasks[t].name));
	}
}

void
class_columns_add_fields(const struct class_columns *c, struct schema *s, size_t at)
{
	struct field item = field_float("item", 32), f;

	for (size_t i = 0; i < c->names->n_tasks; i++) {
		const struct task *task = &c->names->tasks[i];

		f = field_dictionary(column_name(&s->arena, "prediction", task->name), task->names);
		schema_insert(s, at++, &f);
		f = field_float(column_name(&s->arena, "probability", task->name), 32);
		schema_insert(s, at++, &f);
		add_class_list(s, at++, "probabilities", task);
		if (c->has_logits)
			add_class_list(s, at++, "logits", task);
	}
	if (c->hidden) {
		f = field_fixed_list("embedding", &item, (int32_t)c->hidden);
		schema_insert(s, at, &f);
	}
}

/* Columns from..from+n of rows of scores, as a column of lists. */
static struct array
list_column(const struct class_columns *c, struct arena *a, const float *scores, size_t rows,
    size_t from, size_t n)
{
	size_t width = class_columns_width(c);
	float *values = arena_alloc(a, rows * n, sizeof(*values));
	struct array items = array_fixed(rows * n, values), column = { .length = rows };

	for (size_t i = 0; i < rows; i++)
		memcpy(values + i * n, scores + i * width + from, n * sizeof(*values));
	column.children = arena_copy(a, &items, 1, sizeof(items));
	return column;
}

void
class_columns_add(const struct class_columns *c, struct batch *b, size_t at, const float *scores)
{
	size_t n = b->rows, width = class_columns_width(c), from = 0;

	for (size_t i = 0; i < c->names->n_tasks; i++) {
		size_t n_labels = c->names->tasks[i].names->n;
		int32_t *best = arena_alloc(&b->arena, n, sizeof(*best));
		float *probability = arena_alloc(&b->arena, n, sizeof(*probability));
		size_t logits = c->n_classes + from, judged = c->is_mean ? from : logits;

		for (size_t k = 0; k < n; k++) {
			const float *row = scores + k * width;

			best[k] = (int32_t)class_best(row + judged, n_labels);
			probability[k] = row[from + (size_t)best[k]];
		}
		batch_insert(b, at++, array_fixed(n, best));
		batch_insert(b, at++, array_fixed(n, probability));
		batch_insert(b, at++, list_column(c, &b->arena, scores, n, from, n_labels));
		if (c->has_logits)
			batch_insert(
			    b, at++, list_column(c, &b->arena, scores, n, logits, n_labels));
		from += n_labels;
	}
	if (c->hidden)
		batch_insert(
		    b, at, list_column(c, &b->arena, scores, n, 2 * c->n_classes, c->hidden));
}

int
class_columns_score(const struct class_columns *c, const float *row, float *ret_scores)
{
	size_t from = 0;

	for (size_t i = 0; i < c->names->n_tasks; i++) {
		size_t n = c->names->tasks[i].names->n;

		if (class_probabilities(row + from, n, ret_scores + from))
			return -1;
		from += n;
	}
	memcpy(ret_scores + c->n_classes, row, (c->n_classes + c->hidden) * sizeof(*row));
	return 0;
}
