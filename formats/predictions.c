/* 1. Columns of a stream
 * 2. Rows
 * 3. The end */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/predictions.h"

struct predictions *
predictions_new(const struct predictions_options *options)
{
	struct predictions *p = mem_zero(1, sizeof(*p));

	p->options = *options;
	if (options->gene_truth)
		p->is_met = mem_zero(options->gene_truth->genes.n, sizeof(*p->is_met));
	return p;
}

/* 1. Columns of a stream */

static const char prefix[] = "prediction:";

/* The head: the one that was asked for, or the only one. */
static int
find_task(struct predictions *p, const struct schema *s, struct err *e)
{
	struct buffer tasks = { 0 };
	size_t n = 0;

	p->task = p->options.task;
	if (p->task || schema_find(s, "prediction") >= 0)
		return 0;
	for (size_t i = 0; i < s->n_fields; i++) {
		const char *name = s->fields[i].name;

		if (strncmp(name, prefix, strlen(prefix)) != 0)
			continue;
		p->task = arena_strdup(&p->arena, name + strlen(prefix));
		if (n++)
			buffer_add(&tasks, ", ", 2);
		buffer_add(&tasks, p->task, strlen(p->task));
	}
	if (n == 0)
		err_set(e, "no column prediction");
	else if (n > 1)
		err_set(e, "several tasks: %.*s; say which with --task", (int)tasks.size,
		    (const char *)tasks.data);
	buffer_free(&tasks);
	return e->is_set ? -1 : 0;
}

static const char *
column_name(struct predictions *p, const char *name)
{
	return p->task ? arena_printf(&p->arena, "%s:%s", name, p->task) : name;
}

/* The model's classes, a line each, into the set; their numbers into places. */
static int
read_classes(struct predictions *p, const char *text, size_t n, struct err *e)
{
	size_t n_known = p->classes.n, n_lines = 0;

	p->columns.places = mem_alloc(n, sizeof(*p->columns.places));
	while (text) {
		const char *line_end = strchr(text, '\n');
		size_t size = line_end ? (size_t)(line_end - text) : strlen(text);

		if (n_lines == n)
			return err_set(e, "more names of classes than the %zu probabilities", n);
		p->columns.places[n_lines++] = (uint32_t)string_set_add(&p->classes, text, size);
		text = line_end ? line_end + 1 : NULL;
	}
	if (n_lines < n)
		return err_set(e, "%zu probabilities, but names of %zu classes", n, n_lines);
	if (p->n_scored == 0 && p->n == 0 && p->classes.n != n)
		return err_set(e, "two classes have the same name");
	if (n_known > 0 && (p->classes.n != n_known || p->n_scored != n))
		return err_set(e, "its classes are not those of the stream before");
	for (size_t i = 0; i < n; i++)
		if (p->columns.places[i] >= n)
			return err_set(e, "its classes are not those of the stream before");
	p->n_scored = n;
	return 0;
}

static int
find_probabilities(struct predictions *p, const struct schema *s, struct err *e)
{
	const char *name = column_name(p, "probabilities");
	ptrdiff_t at = schema_find(s, name);
	const struct field *f;
	const char *text;

	free(p->columns.places);
	p->columns.places = NULL;
	p->columns.probabilities = p->options.has_scores ? at : -1;
	if (at < 0 && p->n_scored > 0)
		return err_set(e, "no column %s, which the stream before has", name);
	if (p->columns.probabilities < 0)
		return 0;
	f = &s->fields[at];
	if (f->type != TYPE_FIXED_LIST || f->children[0].type != TYPE_FLOAT || f->list_size < 1)
		return err_set(e, "the column %s is no list of probabilities", name);
	text = metadata_get(&f->metadata, "cells:classes");
	if (!text)
		return err_set(
		    e, "the column %s does not say what its classes are (cells:classes)", name);
	return read_classes(p, text, (size_t)f->list_size, e);
}

static int
find_columns(struct predictions *p, const struct schema *s, const char *fold, struct err *e)
{
	const struct predictions_options *o = &p->options;
	struct prediction_columns *c = &p->columns;

	if (find_task(p, s, e))
		return -1;
	if (schema_find(s, column_name(p, "prediction")) < 0)
		return err_set(e, "no task %s", p->task);
	if (label_column_find(&c->prediction, s, column_name(p, "prediction"), e) ||
	    find_probabilities(p, s, e))
		return -1;
	if (o->truth && label_column_find(&c->truth, s, o->truth, e))
		return -1;
	if (o->fold && label_column_find(&c->fold, s, o->fold, e))
		return -1;
	if (!o->fold)
		c->stream_fold = (uint32_t)string_set_add(&p->folds, fold, strlen(fold));
	c->gene = schema_find(s, "gene");
	if (!o->truth && (c->gene < 0 || s->fields[c->gene].type != TYPE_UTF8))
		return err_set(e, "the predictions are not of genes: no column gene");
	return 0;
}

/* 2. Rows */

static ptrdiff_t
truth_of(struct predictions *p, const struct schema *s, const struct batch *b, size_t row)
{
	const struct gene_classes *g = p->options.gene_truth;
	size_t size;
	const char *text;
	ptrdiff_t gene;

	if (p->options.truth)
		return label_column_read(&p->columns.truth, s, b, row, &p->classes);
	text = array_text(&s->fields[p->columns.gene], &b->columns[p->columns.gene], row, &size);
	gene = text ? gene_classes_find(g, text, size) : -1;
	if (gene < 0)
		return -1;
	p->n_genes_met += !p->is_met[gene];
	p->is_met[gene] = true;
	text = gene_classes_class(g, (size_t)gene, &size);
	return (ptrdiff_t)string_set_add(&p->classes, text, size);
}

static int
add_scores(
    struct predictions *p, const struct schema *s, const struct batch *b, size_t row, struct err *e)
{
	const struct array *list = &b->columns[p->columns.probabilities];
	const struct field *item = &s->fields[p->columns.probabilities].children[0];
	float *scores;

	if (!array_is_valid(list, row))
		return err_set(e, "row %zu: a prediction without probabilities", row);
	scores = buffer_grow(&p->scores, p->n_scored * sizeof(*scores));
	for (size_t i = 0; i < p->n_scored; i++) {
		double x = array_number(item, &list->children[0], row * p->n_scored + i);

		if (!isfinite(x))
			return err_set(e, "row %zu: a probability that is not a number", row);
		scores[p->columns.places[i]] = (float)x;
	}
	return 0;
}

static int
leave_out(struct predictions *p, uint64_t *n, size_t row, const char *what, struct err *e)
{
	++*n;
	if (p->options.is_strict)
		return err_set(e, "row %zu: no %s", row, what);
	return 0;
}

static int
add_row(
    struct predictions *p, const struct schema *s, const struct batch *b, size_t row, struct err *e)
{
	struct prediction_columns *c = &p->columns;
	ptrdiff_t truth, predicted, fold = (ptrdiff_t)c->stream_fold;
	uint32_t numbers[3];

	if (!label_column_has(&c->prediction, s, b, row))
		return leave_out(p, &p->n_without_prediction, row, "prediction", e);
	if ((truth = truth_of(p, s, b, row)) < 0)
		return leave_out(p, &p->n_without_truth, row, "truth", e);
	predicted = label_column_read(&c->prediction, s, b, row, &p->classes);
	if (p->options.fold && (fold = label_column_read(&c->fold, s, b, row, &p->folds)) < 0)
		return err_set(e, "row %zu: no fold in the column %s", row, p->options.fold);
	numbers[0] = (uint32_t)truth;
	numbers[1] = (uint32_t)predicted;
	numbers[2] = (uint32_t)fold;
	buffer_add(&p->truth, &numbers[0], sizeof(numbers[0]));
	buffer_add(&p->predicted, &numbers[1], sizeof(numbers[1]));
	buffer_add(&p->fold, &numbers[2], sizeof(numbers[2]));
	p->n++;
	return c->probabilities < 0 ? 0 : add_scores(p, s, b, row, e);
}

/* A curve takes about 100 bytes a row, one at a time. */
static int
check_memory(const struct predictions *p, struct err *e)
{
	size_t size = p->truth.size + p->predicted.size + p->fold.size + p->scores.size;

	if (p->n_scored > 0)
		size += p->n * 100;
	if (size <= p->options.max_memory)
		return 0;
	return err_set(e, "%zu rows need more memory than the %zu bytes of --max-memory%s", p->n,
	    p->options.max_memory,
	    p->n_scored > 0 ? "; --no-curves needs 12 bytes a row only" : "");
}

int
predictions_read(struct predictions *p, struct cells_reader *in, const char *fold, struct err *e)
{
	const struct schema *s = cells_schema(in);
	struct batch b = { 0 };

	if (e->is_set)
		return -1;
	if (find_columns(p, s, fold, e))
		return err_prefix(e, "%s", cells_name(in));
	while (cells_read(in, &b, e) > 0) {
		for (size_t i = 0; i < b.rows && !e->is_set; i++)
			add_row(p, s, &b, i, e);
		if (!e->is_set)
			check_memory(p, e);
		if (e->is_set)
			err_prefix(
			    e, "%s: batch %llu", cells_name(in), (unsigned long long)b.number);
	}
	batch_free(&b);
	return e->is_set ? -1 : 0;
}

/* 3. The end */

/* A stream may have no row that counts. */
static int
check_folds(const struct predictions *p, struct err *e)
{
	const uint32_t *fold = (const uint32_t *)(const void *)p->fold.data;
	size_t *sizes = mem_zero(p->folds.n, sizeof(*sizes));

	if (p->n == 0)
		err_set(e, "%s%sno row has both truth and prediction",
		    p->folds.n == 1 ? p->fold_names[0] : "", p->folds.n == 1 ? ": " : "");
	for (size_t i = 0; i < p->n; i++)
		sizes[fold[i]]++;
	for (size_t f = 0; f < p->folds.n; f++)
		if (sizes[f] == 0)
			err_set(e, "%s: no row has both truth and prediction", p->fold_names[f]);
	free(sizes);
	return e->is_set ? -1 : 0;
}

int
predictions_finish(struct predictions *p, struct err *e)
{
	uint32_t *places;

	if (e->is_set)
		return -1;
	if (p->options.gene_truth && p->n_genes_met == 0)
		return err_set(e, "%s: none of its %zu genes has a prediction",
		    p->options.gene_truth->path, p->options.gene_truth->genes.n);
	places = label_places(&p->classes, p->n_scored);
	label_renumber(&p->truth, places);
	label_renumber(&p->predicted, places);
	p->class_names = label_names(&p->arena, &p->classes, places);
	free(places);
	places = label_places(&p->folds, p->options.fold ? 0 : p->folds.n);
	label_renumber(&p->fold, places);
	p->fold_names = label_names(&p->arena, &p->folds, places);
	free(places);
	return check_folds(p, e);
}

void
predictions_free(struct predictions *p)
{
	if (!p)
		return;
	buffer_free(&p->truth);
	buffer_free(&p->predicted);
	buffer_free(&p->fold);
	buffer_free(&p->scores);
	string_set_free(&p->classes);
	string_set_free(&p->folds);
	label_column_free(&p->columns.truth);
	label_column_free(&p->columns.prediction);
	label_column_free(&p->columns.fold);
	free(p->columns.places);
	free(p->is_met);
	arena_free(&p->arena);
	free(p);
}
