/* cellview.c - shows a stream as text.
 *
 * In: any stream. Out: a look at the first rows; or its schema, its history, a summary of every
 * column, or all rows as TSV, CSV or JSON lines (text_table.h says how each type is written). */

#define _DEFAULT_SOURCE /* TIOCGWINSZ */

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cell/genes.h"
#include "formats/cells.h"
#include "formats/text_look.h"
#include "formats/text_summary.h"
#include "formats/text_table.h"

enum { LOOK_ROWS = 5, PAGE_WIDTH = 100, LEAST_WIDTH = 40 };

struct options {
	struct cli common;
	bool schema, history, summary, tsv, csv, jsonl;
	bool names;
	size_t rows;
	const char *columns;
};

static const struct cli_option table[] = {
	CLI_FLAG(0, "schema", struct options, schema, "columns with their types, and all metadata"),
	CLI_FLAG(0, "history", struct options, history, "the programs that made it, a line each"),
	CLI_FLAG(0, "summary", struct options, summary,
	    "ranges, lengths and frequent texts of every column"),
	CLI_FLAG(0, "tsv", struct options, tsv, "rows with tabs between the columns"),
	CLI_FLAG(0, "csv", struct options, csv, "rows as CSV"),
	CLI_FLAG(0, "jsonl", struct options, jsonl, "rows as JSON, one object a line"),
	CLI_SIZE('n', "rows", "ROWS", struct options, rows, 0, 1e15,
	    "only the first ROWS rows (all; 5 in the first look)"),
	CLI_STRING(
	    'c', "columns", "A,B", struct options, columns, "only these columns, in this order"),
	CLI_FLAG(0, "names", struct options, names, "genes instead of token numbers"),
	CLI_END,
};

static const struct cli_program program = { "cellview", "show a stream as text", "FILE",
	CLI_TEXT_OUT, table };

/* The columns that are shown. */
struct view {
	const char *name; /* of the stream */
	struct schema *schema;
	size_t *from;             /* [schema->n_fields] their places in the stream */
	ptrdiff_t ids;            /* input_ids, to become names; -1: none */
	struct field tokens;      /* input_ids as it is in the stream */
	struct genes *vocabulary; /* NULL: ids stay numbers */
};

static void
select_column(struct view *v, const struct schema *s, const char *name, size_t n, struct err *e)
{
	for (size_t i = 0; i < s->n_fields; i++)
		if (strlen(s->fields[i].name) == n && memcmp(s->fields[i].name, name, n) == 0) {
			v->from = mem_resize(v->from, v->schema->n_fields, v->schema->n_fields + 1,
			    sizeof(*v->from));
			v->from[v->schema->n_fields] = i;
			schema_append(v->schema, &s->fields[i]);
			return;
		}
	err_set(e, "no column '%.*s' (--schema lists them)", (int)n, name);
}

static void
select_columns(struct view *v, const struct schema *s, const char *names, struct err *e)
{
	const char *end;

	for (size_t i = 0; !names && i < s->n_fields; i++)
		select_column(v, s, s->fields[i].name, strlen(s->fields[i].name), e);
	for (; names && !e->is_set; names = *end ? end + 1 : NULL) {
		end = strchr(names, ',');
		end = end ? end : names + strlen(names);
		select_column(v, s, names, (size_t)(end - names), e);
	}
	for (size_t i = 0; i < s->metadata.n; i++)
		metadata_set(v->schema, &v->schema->metadata, s->metadata.pairs[i].key,
		    s->metadata.pairs[i].value);
}

/* Makes the column input_ids a list of names. */
static void
plan_names(struct view *v, struct err *e)
{
	const char *text = NULL;
	struct field item, list;

	v->ids = schema_find(v->schema, "input_ids");
	if (v->ids >= 0)
		text = metadata_get(&v->schema->fields[v->ids].metadata, "cells:vocabulary");
	if (!text) {
		err_set(e, "--names: the stream has no input_ids with a vocabulary");
		return;
	}
	v->tokens = v->schema->fields[v->ids];
	v->vocabulary = genes_from_vocabulary(text, e);
	if (!v->vocabulary || v->tokens.type != TYPE_LIST ||
	    v->tokens.children[0].type != TYPE_INT) {
		err_set(e, "--names: input_ids is not a list of whole numbers");
		return;
	}
	item = field_dictionary("item", v->vocabulary->ids);
	list = field_list("input_ids", &item);
	schema_replace(v->schema, (size_t)v->ids, &list);
}

static int
plan_view(struct view *v, const struct options *opt, const struct cells_reader *in, struct err *e)
{
	v->name = cells_name(in);
	v->schema = schema_new();
	select_columns(v, cells_schema(in), opt->columns, e);
	if (opt->names && !e->is_set)
		plan_names(v, e);
	return e->is_set ? -1 : 0;
}

static int
name_tokens(const struct view *v, struct batch *b, struct err *e)
{
	struct array *lists = &b->columns[v->ids], names = lists->children[0];
	int32_t *rows = arena_alloc(&b->arena, names.length, sizeof(*rows));

	for (size_t i = 0; i < names.length; i++) {
		double id = array_number(&v->tokens.children[0], &lists->children[0], i);

		if (array_is_valid(&names, i) && !(id >= 0 && id < (double)v->vocabulary->n_tokens))
			return err_set(e, "batch %llu: token %.0f, but the vocabulary has %zu",
			    (unsigned long long)b->number, id, v->vocabulary->n_tokens);
		rows[i] = array_is_valid(&names, i) ? v->vocabulary->token_rows[(size_t)id] : 0;
	}
	names.values = rows;
	lists->children = arena_copy(&b->arena, &names, 1, sizeof(names));
	return 0;
}

/* Brings a batch of the stream to the columns that are shown, and at most `rows` of them. */
static int
view_batch(const struct view *v, struct batch *b, size_t rows, struct err *e)
{
	struct array *columns = arena_alloc(&b->arena, v->schema->n_fields, sizeof(*columns));

	for (size_t i = 0; i < v->schema->n_fields; i++)
		columns[i] = b->columns[v->from[i]];
	b->columns = columns;
	b->n_columns = v->schema->n_fields;
	if (v->vocabulary && name_tokens(v, b, e))
		return err_prefix(e, "%s", v->name);
	if (rows < b->rows) {
		for (size_t i = 0; i < b->n_columns; i++)
			columns[i] =
			    array_slice(&b->arena, &v->schema->fields[i], &columns[i], 0, rows);
		b->rows = rows;
	}
	return 0;
}

static size_t
page_width(const struct options *opt)
{
	struct winsize size;

	if (opt->common.output || !isatty(STDOUT_FILENO) ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return PAGE_WIDTH;
	return size.ws_col < LEAST_WIDTH ? LEAST_WIDTH : size.ws_col;
}

static void
show_history(const struct view *v, struct output *out, struct err *e)
{
	if (text_look_history(out, v->schema, e))
		err_prefix(e, "%s", v->name);
}

/* All that is said of rows. */
static void
show_rows(const struct options *opt, struct cells_reader *in, const struct view *v,
    struct output *out, struct err *e)
{
	bool is_table = opt->tsv || opt->csv || opt->jsonl, is_look = !is_table && !opt->summary;
	const char *kind = kind_name(cells_kind(in));
	struct text_table rows = { .output = out, .schema = v->schema };
	struct text_summary *summary = text_summary_new(v->schema);
	struct text_look look;
	struct batch b = { 0 };
	size_t left = is_look && opt->rows == SIZE_MAX ? LOOK_ROWS : opt->rows;

	rows.form = opt->tsv ? TEXT_TSV : opt->csv ? TEXT_CSV : TEXT_JSONL;
	rows.is_shown = !opt->common.output && isatty(STDOUT_FILENO);
	text_look_start(&look, v->schema);
	if (is_table)
		text_table_header(&rows, e);
	while (left && cells_read(in, &b, e) > 0 && view_batch(v, &b, left, e) == 0) {
		left -= b.rows;
		if (is_table && text_table_write(&rows, &b, e) == 0 && !output_is_file(out))
			output_flush(out, e);
		if (opt->summary)
			text_summary_add(summary, &b);
		if (is_look)
			text_look_add(&look, &b);
	}
	if (opt->summary && !e->is_set)
		text_summary_write(summary, out, kind, e);
	if (is_look && !e->is_set)
		text_look_write(&look, out, kind, page_width(opt), e);
	text_table_free(&rows);
	text_summary_free(summary);
	text_look_free(&look);
	batch_free(&b);
}

int
main(int argc, char **argv)
{
	struct options opt = { .rows = SIZE_MAX };
	struct err e = { 0 };
	struct view v = { 0 };

	cli_parse(&opt, argc, argv, &program);
	if (opt.schema + opt.history + opt.summary + opt.tsv + opt.csv + opt.jsonl > 1)
		cli_usage(&opt.common,
		    "one of --schema, --history, --summary, --tsv, --csv and --jsonl at a time");
	struct cells_reader *in = cells_open(&opt.common, opt.common.input, KIND_ANY, &e);
	if (in && plan_view(&v, &opt, in, &e))
		err_prefix(&e, "%s", v.name);
	struct output *out = output_create(opt.common.output, false, true, &e);

	if (out && opt.schema)
		text_look_schema(out, kind_name(cells_kind(in)), v.schema, &e);
	else if (out && opt.history)
		show_history(&v, out, &e);
	else if (out)
		show_rows(&opt, in, &v, out, &e);
	if (out)
		output_commit(out, &e);
	cells_close(in);
	genes_free(v.vocabulary);
	schema_free(v.schema);
	free(v.from);
	return cli_status(&opt.common, &e);
}
