#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "formats/arrow.h"
#include "formats/cells_part.h"
#include "formats/cells_reader.h"

enum { MAX_ROWS = 1000, MAX_BYTES = 8 << 20, FILE_LEVEL = 3 };

struct cells_writer {
	struct output *output;
	struct arrow_writer *arrow;
	struct schema *schema;
	struct arena slices;
	struct progress progress;
	double fraction;
	bool counts_itself; /* by cells_count, so that rows written are not counted */
	bool is_resumable;  /* every batch goes to the file at once */
};

/* The value of an option as it stands in the history; NULL where a text is not given. */
static json_t *
option_value(const struct cli_option *o, const void *options)
{
	const void *member = (const char *)options + o->offset;

	switch (o->type) {
	case CLI_TYPE_FLAG:
		return json_boolean(*(const bool *)member);
	case CLI_TYPE_INT:
		return json_integer(*(const int *)member);
	case CLI_TYPE_SIZE:
		return json_integer((json_int_t) * (const size_t *)member);
	case CLI_TYPE_DOUBLE:
		return json_real(*(const double *)member);
	default:
		return *(const char *const *)member ? json_string(*(const char *const *)member)
						    : NULL;
	}
}

static json_t *
history_entry(const struct cli *cli)
{
	json_t *entry = json_object(), *options = json_object();

	for (const struct cli_option *o = cli->program->options; o->type != CLI_TYPE_END; o++)
		if (o->in_history)
			json_object_set_new(options, o->name, option_value(o, cli->options));
	if (cli->program->features & CLI_SEED)
		json_object_set_new(options, "seed", json_integer((json_int_t)cli->seed));
	json_object_set_new(entry, "program", json_string(cli->program->name));
	json_object_set_new(entry, "version", json_string(CELLPIPE_VERSION));
	json_object_set_new(entry, "options", options);
	for (size_t i = 0; i < cli->n_notes; i++)
		json_object_set_new(entry, cli->notes[i].key, json_string(cli->notes[i].value));
	return entry;
}

/* A history that is no JSON array (a foreign stream's) is not carried on. */
static void
add_history(struct schema *schema, const struct cli *cli)
{
	const char *before = metadata_get(&schema->metadata, "cells:history");
	json_t *history = before ? json_loads(before, 0, NULL) : NULL;
	char *text;

	if (!json_is_array(history)) {
		json_decref(history);
		history = json_array();
	}
	json_array_append_new(history, history_entry(cli));
	text = json_dumps(history, JSON_COMPACT | JSON_REAL_PRECISION(17));
	if (!text)
		mem_give_up("out of memory");
	metadata_set(schema, &schema->metadata, "cells:history", text);
	free(text);
	json_decref(history);
}

/* A writer without its output yet. */
static struct cells_writer *
new_writer(const struct cli *cli, enum kind kind, struct schema *schema)
{
	struct cells_writer *w = mem_zero(1, sizeof(*w));

	w->schema = schema;
	w->fraction = -1;
	metadata_set(schema, &schema->metadata, "cells:version", "1");
	metadata_set(
	    schema, &schema->metadata, "cells:kind", kind == KIND_TABLE ? NULL : kind_name(kind));
	add_history(schema, cli);
	progress_start(&w->progress, cli,
	    kind == KIND_GENES           ? "genes"
	    : kind == KIND_TABLE         ? "rows"
	    : kind == KIND_PERTURBATIONS ? "perturbations"
					 : "cells");
	return w;
}

static int
level_of(const struct cli *cli, const struct output *output)
{
	return cli->level >= 0 ? cli->level : output_is_file(output) ? FILE_LEVEL : 0;
}

struct cells_writer *
cells_create_at(
    const struct cli *cli, const char *path, enum kind kind, struct schema *schema, struct err *e)
{
	struct cells_writer *w;

	if (e->is_set) {
		schema_free(schema);
		return NULL;
	}
	w = new_writer(cli, kind, schema);
	w->output = output_create(path, true, cli->force, e);
	if (w->output)
		w->arrow = arrow_create(w->output, schema, level_of(cli, w->output), e);
	if (e->is_set) {
		cells_commit(w, e);
		return NULL;
	}
	return w;
}

static int
take_up(struct cells_writer *w, const struct cli *cli, cells_part_visit *visit, void *context,
    uint64_t *ret_rows, struct err *e)
{
	struct buffer head = { 0 };
	struct cells_part part = { 0 };
	char *path = output_part(cli->output, e);

	arrow_head(w->schema, &head);
	if (path && cells_part_read(path, &head, visit, context, &part, e) == 0)
		w->output = output_continue(cli->output, part.bytes, e);
	buffer_free(&head);
	free(path);
	if (!w->output)
		return -1;
	if (part.bytes)
		w->arrow = arrow_continue(
		    w->output, w->schema, level_of(cli, w->output), part.rows, part.batches);
	else
		w->arrow = arrow_create(w->output, w->schema, level_of(cli, w->output), e);
	*ret_rows = part.rows;
	return e->is_set ? -1 : output_flush(w->output, e);
}

struct cells_writer *
cells_resume(const struct cli *cli, enum kind kind, struct schema *schema, cells_part_visit *visit,
    void *context, uint64_t *ret_rows, struct err *e)
{
	struct cells_writer *w;

	if (e->is_set) {
		schema_free(schema);
		return NULL;
	}
	w = new_writer(cli, kind, schema);
	w->is_resumable = true;
	if (take_up(w, cli, visit, context, ret_rows, e)) {
		cells_commit(w, e);
		return NULL;
	}
	return w;
}

struct cells_writer *
cells_create(const struct cli *cli, enum kind kind, struct schema *schema, struct err *e)
{
	return cells_create_at(cli, cli->output, kind, schema, e);
}

const struct schema *
cells_written_schema(const struct cells_writer *w)
{
	return w->schema;
}

void
cells_progress(struct cells_writer *w, double fraction)
{
	if (w)
		w->fraction = fraction;
}

void
cells_count(struct cells_writer *w, uint64_t n)
{
	w->counts_itself = true;
	progress_advance(&w->progress, n, w->fraction);
}

/* Rows from `from` on that go into one record batch. */
static size_t
rows_that_fit(const struct cells_writer *w, const struct batch *b, size_t from)
{
	size_t n = b->rows - from;

	n = n > MAX_ROWS ? MAX_ROWS : n;
	while (n > 1 && batch_bytes(b, w->schema, from, n) > MAX_BYTES)
		n = n > 16 ? n / 16 * 8 : n / 2;
	return n;
}

static int
write_slice(struct cells_writer *w, const struct batch *b, size_t from, size_t n, struct err *e)
{
	struct batch slice;

	arena_reset(&w->slices);
	slice = batch_slice(&w->slices, w->schema, b, from, n);
	return arrow_write(w->arrow, &slice, e);
}

/* The rest of writing b. */
static int
end_batch(struct cells_writer *w, const struct batch *b, struct err *e)
{
	if (e->is_set)
		return -1;
	if (!w->counts_itself)
		progress_advance(&w->progress, b->rows, w->fraction);
	return output_is_file(w->output) && !w->is_resumable ? 0 : output_flush(w->output, e);
}

int
cells_write(struct cells_writer *w, const struct batch *b, struct err *e)
{
	size_t from = 0;

	while (!e->is_set && from < b->rows) {
		size_t n = rows_that_fit(w, b, from);

		if (n == b->rows)
			arrow_write(w->arrow, b, e);
		else
			write_slice(w, b, from, n, e);
		from += n;
	}
	return end_batch(w, b, e);
}

int
cells_pass(
    struct cells_writer *w, const struct cells_reader *r, const struct batch *b, struct err *e)
{
	if (e->is_set || r->conversion || rows_that_fit(w, b, 0) < b->rows)
		return cells_write(w, b, e);
	arrow_pass(w->arrow, r->arrow, b, e);
	return end_batch(w, b, e);
}

int
cells_commit(struct cells_writer *w, struct err *e)
{
	if (!w)
		return e->is_set ? -1 : 0;
	if (!e->is_set)
		arrow_finish(w->arrow, e);
	arrow_writer_free(w->arrow);
	if (w->output)
		output_commit(w->output, e);
	progress_end(&w->progress);
	arena_free(&w->slices);
	schema_free(w->schema);
	free(w);
	return e->is_set ? -1 : 0;
}
