/* 1. Where the columns go
 * 2. Reading the stream
 * 3. The file: a copy of the source, a part of it, or a new one
 * 4. obs
 * 5. obsm
 * 6. All together */

#include "formats/h5ad_output.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/progress.h"
#include "formats/h5ad_frame.h"
#include "formats/h5ad_gather.h"
#include "formats/h5ad_match.h"
#include "formats/h5ad_modernize.h"
#include "formats/h5ad_output_x.h"
#include "formats/h5ad_subset.h"
#include "formats/h5ad_write.h"

enum { COPY_BYTES = 1 << 20, ROWS_AT_ONCE = 1000 };

enum place { PLACE_NONE, PLACE_INDEX, PLACE_OBS, PLACE_OBSM, PLACE_X };

struct target {
	enum place place;
	const char *name; /* in the file */
	struct gather_column *gathered;
};

struct job {
	const struct cli *cli;
	const struct h5ad_output_options *options;
	struct cells_reader *in;
	const struct schema *schema;
	struct arena arena;
	struct target *targets; /* [schema->n_fields] */
	ptrdiff_t index;        /* the column that names the rows */
	const char *odd;        /* names of columns that have no place */
	size_t n_rows;          /* of the stream */

	struct h5ad *source;
	struct h5ad_frame *source_obs;
	struct strings barcodes; /* of the source */
	struct h5ad_match *match;

	struct output *output;
	struct hdf5_file file;
	struct output_x *x;
	const size_t
	    *rows; /* [n_cells]: for each cell of the file its row in the stream, or GATHER_NONE */
	size_t n_cells;
};

/* 1. Where the columns go */

/* What a row is: a cell, a gene or a state. */
static int
find_index(struct job *j, struct err *e)
{
	static const char *const names[] = { "cell", "gene", "state" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		j->index = schema_find(j->schema, names[i]);
		if (j->index >= 0 && j->schema->fields[j->index].type == TYPE_UTF8)
			break;
		j->index = -1;
	}
	if (j->index < 0)
		return err_set(
		    e, "%s: no column cell, gene or state that names the rows", cells_name(j->in));
	if (j->options->source && strcmp(j->schema->fields[j->index].name, "cell") != 0)
		return err_set(e,
		    "%s: a row is a %s, which cannot be matched with the cells of %s; without -i a "
		    "file of its "
		    "own is made",
		    cells_name(j->in), j->schema->fields[j->index].name, j->options->source);
	return 0;
}

static int
check_kind(struct job *j, struct err *e)
{
	enum kind kind = cells_kind(j->in);

	if (kind == KIND_PERTURBATIONS)
		return err_set(e,
		    "%s: holds perturbations, several rows a cell, which an .h5ad has no place "
		    "for; "
		    "cellview --csv writes them as a table",
		    cells_name(j->in));
	if (kind == KIND_TOKENS && !j->options->source)
		return err_set(e,
		    "%s: holds tokens, which an .h5ad has no place for; gfembed makes embeddings "
		    "of them, and "
		    "-i SOURCE.h5ad adds their other columns to obs",
		    cells_name(j->in));
	return find_index(j, e);
}

/* "obs.length" was `length` in the source (see kind_renamed). */
static const char *
name_in_obs(struct job *j, const char *name)
{
	const char *back = strncmp(name, "obs.", 4) == 0 ? kind_renamed(&j->arena, name + 4) : NULL;

	return back && strcmp(back, name) == 0 ? name + 4 : name;
}

/* Predictions are what the stream was made for: they take the place of older ones. Anything else
 * that obs has stays as it is. */
static bool
is_kept_by_source(struct job *j, const char *name)
{
	bool is_prediction =
	    strncmp(name, "prediction", 10) == 0 || strncmp(name, "probability", 11) == 0;

	if (!j->source_obs || is_prediction)
		return false;
	return strcmp(name, j->source_obs->index.name) == 0 || h5ad_frame_find(j->source_obs, name);
}

static enum place
choose_place(struct job *j, size_t i)
{
	const struct field *f = &j->schema->fields[i];

	if ((ptrdiff_t)i == j->index)
		return PLACE_INDEX;
	if (!gather_can(f))
		return PLACE_NONE;
	if (f->type == TYPE_FIXED_LIST)
		return PLACE_OBSM;
	return is_kept_by_source(j, name_in_obs(j, f->name)) ? PLACE_NONE : PLACE_OBS;
}

/* '/' would be a step into a group. */
static const char *
clean_name(struct job *j, const char *name)
{
	char *clean = arena_strdup(&j->arena, name);

	for (char *p = clean; *p; p++)
		if (*p == '/')
			*p = '_';
	return clean;
}

static void
plan_columns(struct job *j)
{
	struct kind_columns k = kind_columns_find(j->schema);
	bool is_matrix = !j->options->source && (cells_kind(j->in) & (KIND_COUNTS | KIND_VALUES));

	j->odd = "";
	j->targets = arena_zero(&j->arena, j->schema->n_fields, sizeof(*j->targets));
	for (size_t i = 0; i < j->schema->n_fields; i++) {
		const struct field *f = &j->schema->fields[i];
		struct target *t = &j->targets[i];

		t->place = choose_place(j, i);
		if (is_matrix &&
		    ((ptrdiff_t)i == k.gene || (ptrdiff_t)i == k.count || (ptrdiff_t)i == k.value))
			t->place = PLACE_X;
		t->name = (ptrdiff_t)i == k.embedding ? j->options->key
						      : clean_name(j, name_in_obs(j, f->name));
		if (t->place == PLACE_INDEX ? !j->options->source
					    : t->place == PLACE_OBS || t->place == PLACE_OBSM)
			t->gathered = gather_new(f);
		if (t->place == PLACE_NONE && !gather_can(f) && strcmp(f->name, "input_ids") != 0 &&
		    (ptrdiff_t)i != k.gene && (ptrdiff_t)i != k.count && (ptrdiff_t)i != k.value)
			j->odd =
			    arena_printf(&j->arena, "%s%s%s", j->odd, *j->odd ? ", " : "", f->name);
	}
}

/* 2. Reading the stream */

static int
read_source(struct job *j, struct err *e)
{
	const char *wanted = j->options->cell_column;
	struct h5ad_column *c;

	j->source = h5ad_open(j->cli, j->options->source, e);
	j->source_obs = h5ad_frame_open(j->source, "obs", e);
	if (e->is_set)
		return -1;
	c = wanted ? h5ad_frame_find(j->source_obs, wanted) : &j->source_obs->index;
	if (!c || c->type == H5AD_ODD)
		return hdf5_fail(
		    &j->source->file, "obs", e, "no column %s of texts (-c)", wanted ? wanted : "");
	if (h5ad_column_texts(
		j->source_obs, c, 0, j->source_obs->n_rows, &j->arena, &j->barcodes, e))
		return -1;
	j->match = h5ad_match_new(&j->barcodes, j->options->source, cells_name(j->in));
	hdf5_guard(NULL, NULL); /* the stream comes next */
	return 0;
}

static int
match_rows(struct job *j, const struct batch *b, struct err *e)
{
	const struct field *f = &j->schema->fields[j->index];

	for (size_t i = 0; i < b->rows && !e->is_set; i++) {
		size_t size;
		const char *text = array_text(f, &b->columns[j->index], i, &size);

		if (!text)
			err_set(
			    e, "%s: row %zu has no %s", cells_name(j->in), j->n_rows + i, f->name);
		else if (j->match)
			h5ad_match_add(j->match, text, size, e);
	}
	return e->is_set ? -1 : 0;
}

static int
read_stream(struct job *j, struct err *e)
{
	struct batch b = { 0 };
	struct progress progress;

	progress_start(&progress, j->cli, "rows");
	while (!e->is_set && cells_read(j->in, &b, e) > 0) {
		match_rows(j, &b, e);
		for (size_t i = 0; i < b.n_columns && !e->is_set; i++)
			if (j->targets[i].gathered)
				gather_add(j->targets[i].gathered, &b.columns[i], e);
		if (j->x)
			output_x_add(j->x, &b, e);
		j->n_rows += b.rows;
		progress_advance(&progress, b.rows, -1);
	}
	progress_end(&progress);
	batch_free(&b);
	return e->is_set ? -1 : 0;
}

/* 3. The file */

static int
copy_source(struct job *j, struct err *e)
{
	struct input *in = input_open(j->options->source, true, e);
	uint8_t *bytes = mem_alloc(COPY_BYTES, 1);
	ptrdiff_t n = 0;

	while (in && !e->is_set && (n = input_read(in, bytes, COPY_BYTES, e)) > 0)
		output_write(j->output, bytes, (size_t)n, e);
	if (!e->is_set)
		output_flush(j->output, e);
	input_close(in);
	free(bytes);
	return e->is_set ? -1
			 : hdf5_modify(&j->file, output_temporary(j->output), j->cli->output, e);
}

/* The rows of the source that the stream has, and which of its rows these are. */
static int
cut_source(struct job *j, struct err *e)
{
	size_t *keep = arena_alloc(&j->arena, j->n_cells, sizeof(*keep)), n = 0;
	size_t *rows = arena_alloc(&j->arena, j->n_cells, sizeof(*rows));

	for (size_t i = 0; i < j->n_cells; i++)
		if (j->rows[i] != GATHER_NONE) {
			keep[n] = i;
			rows[n++] = j->rows[i];
		}
	if (hdf5_create(&j->file, output_temporary(j->output), j->cli->output, e) ||
	    h5ad_subset(&j->source->file, &j->file, keep, n, j->n_cells, e))
		return -1;
	j->rows = rows;
	j->n_cells = n;
	return 0;
}

static int
place_rows(struct job *j, struct err *e)
{
	size_t n_found, *rows;

	if (j->match) {
		hdf5_guard(j->cli->program->name, j->options->source);
		j->rows = h5ad_match_rows(j->match, &n_found, e);
		j->n_cells = j->barcodes.n;
		if (!e->is_set && n_found < j->n_cells)
			cli_inform(j->cli, "%zu of %zu cells of %s are not in the stream",
			    j->n_cells - n_found, j->n_cells, j->options->source);
		return e->is_set ? -1 : j->options->subset ? cut_source(j, e) : copy_source(j, e);
	}
	j->n_cells = j->n_rows;
	j->rows = rows = arena_alloc(&j->arena, j->n_rows, sizeof(*rows));
	for (size_t i = 0; i < j->n_rows; i++)
		rows[i] = i;
	return 0;
}

/* A new file, before the stream is read: X is written on the way. */
static int
start_file(struct job *j, struct err *e)
{
	struct kind_columns k = kind_columns_find(j->schema);

	if (hdf5_create(&j->file, output_temporary(j->output), j->cli->output, e))
		return -1;
	h5ad_write_skeleton(&j->file, e);
	if (cells_kind(j->in) & (KIND_COUNTS | KIND_VALUES))
		j->x = output_x_new(&j->file, j->schema, k.gene,
		    cells_kind(j->in) == KIND_COUNTS ? k.count : k.value, e);
	return e->is_set ? -1 : 0;
}

/* What a new file has besides the columns. */
static int
finish_file(struct job *j, struct err *e)
{
	struct strings index, none = { 0, (const int32_t[]){ 0 }, "" };
	struct field field;
	struct array names;

	gather_take(j->targets[j->index].gathered, j->rows, j->n_cells, &j->arena, &field, &names);
	if (field.dictionary)
		names = array_decode(&j->arena, &field, &names);
	index = (struct strings){ names.length, names.offsets, names.values };
	h5ad_write_frame(&j->file, "obs", "_index", &index, e);
	return j->x ? output_x_finish(j->x, e)
		    : h5ad_write_frame(&j->file, "var", "_index", &none, e);
}

/* 4. obs */

/* Names of the columns that obs has, and room for all of the stream's. */
static const char **
list_columns(struct job *j, size_t *ret_n)
{
	const char **names,
	    **old = hdf5_attribute_texts(&j->file, "obs", "column-order", &j->arena, ret_n);

	if (!old && j->source_obs) {
		*ret_n = j->source_obs->n_columns;
		old = arena_alloc(&j->arena, *ret_n, sizeof(*old));
		for (size_t i = 0; i < *ret_n; i++)
			old[i] = j->source_obs->columns[i].name;
	}
	names = arena_alloc(&j->arena, *ret_n + j->schema->n_fields, sizeof(*names));
	if (*ret_n)
		memcpy(names, old, *ret_n * sizeof(*names));
	return names;
}

static int
write_obs(struct job *j, struct err *e)
{
	size_t n, n_new = 0;
	const char **names = NULL;

	for (size_t i = 0; i < j->schema->n_fields && !e->is_set; i++) {
		struct target *t = &j->targets[i];
		struct arena a = { 0 };
		struct field field;
		struct array x;
		size_t k = 0;

		if (t->place != PLACE_OBS)
			continue;
		if (!names && j->source_obs && hdf5_object(&j->file, "obs") == HDF5_DATASET &&
		    h5ad_modernize(&j->file, "obs", e))
			break;
		if (!names)
			names = list_columns(j, &n);
		while (k < n && strcmp(names[k], t->name) != 0)
			k++;
		if (k == n)
			names[n++] = t->name;
		gather_take(t->gathered, j->rows, j->n_cells, &a, &field, &x);
		h5ad_write_column(&j->file, "obs", t->name, &field, &x, e);
		arena_free(&a);
		n_new++;
	}
	return n_new ? h5ad_write_order(&j->file, "obs", names, n, e) : 0;
}

/* 5. obsm */

static int
write_rows(struct job *j, struct gather_column *g, hid_t dataset, struct err *e)
{
	size_t width = gather_width(g);
	float *values = mem_alloc(ROWS_AT_ONCE, width * sizeof(*values));

	for (size_t i = 0; i < j->n_cells && !e->is_set; i += ROWS_AT_ONCE) {
		size_t n = j->n_cells - i < ROWS_AT_ONCE ? j->n_cells - i : ROWS_AT_ONCE;

		if (!gather_take_lists(g, j->rows + i, n, values, e) &&
		    h5ad_matrix_write(dataset, i, n, width, values))
			hdf5_fail(&j->file, "obsm", e, "cannot be written");
	}
	free(values);
	return e->is_set ? -1 : 0;
}

/* The class names of probabilities (one a line in the field's metadata) become uns/NAME_classes. */
static int
write_classes(struct job *j, const struct field *f, const char *name, struct err *e)
{
	const char *classes = metadata_get(&f->metadata, "cells:classes");
	char *text, *next = NULL, *path;
	const char **names;
	struct strings *list;
	size_t n = 0;

	if (!classes || e->is_set)
		return e->is_set ? -1 : 0;
	text = arena_strdup(&j->arena, classes);
	names = arena_alloc(&j->arena, strlen(text) + 1, sizeof(*names));
	for (char *p = strtok_r(text, "\n", &next); p; p = strtok_r(NULL, "\n", &next))
		names[n++] = p;
	list = strings_from(&j->arena, names, n);
	path = mem_printf("uns/%s_classes", name);
	if (hdf5_object(&j->file, "uns") == HDF5_NOTHING)
		h5ad_write_group(&j->file, "uns", "dict", "0.1.0", e);
	h5ad_write_texts(&j->file, path, list, e);
	free(path);
	return e->is_set ? -1 : 0;
}

static int
write_obsm(struct job *j, struct err *e)
{
	for (size_t i = 0; i < j->schema->n_fields && !e->is_set; i++) {
		struct target *t = &j->targets[i];
		hid_t dataset;

		if (t->place != PLACE_OBSM)
			continue;
		if (hdf5_object(&j->file, "obsm") == HDF5_DATASET)
			h5ad_modernize_obsm(&j->file, e);
		if (hdf5_object(&j->file, "obsm") == HDF5_NOTHING)
			h5ad_write_group(&j->file, "obsm", "dict", "0.1.0", e);
		dataset = h5ad_matrix_create(&j->file, hdf5_join(&j->arena, "obsm", t->name),
		    j->n_cells, gather_width(t->gathered), e);
		if (dataset < 0)
			break;
		write_rows(j, t->gathered, dataset, e);
		write_classes(j, &j->schema->fields[i], t->name, e);
		if (H5Dclose(dataset) < 0)
			hdf5_fail(&j->file, "obsm", e, "close");
	}
	return e->is_set ? -1 : 0;
}

/* 6. All together */

static void
close_job(struct job *j, struct err *e)
{
	output_x_free(j->x);
	if (j->file.name)
		hdf5_close(&j->file, e);
	h5ad_match_free(j->match);
	h5ad_frame_close(j->source_obs);
	h5ad_close(j->source);
	for (size_t i = 0; j->targets && i < j->schema->n_fields; i++)
		gather_free(j->targets[i].gathered);
	arena_free(&j->arena);
	if (j->output)
		output_commit(j->output, e);
}

int
h5ad_output_write(const struct cli *cli, struct cells_reader *in,
    const struct h5ad_output_options *options, struct err *e)
{
	struct job j = { .cli = cli, .options = options, .in = in, .file.id = -1 };

	if (e->is_set)
		return -1;
	j.schema = cells_schema(in);
	if (!check_kind(&j, e) && (!options->source || !read_source(&j, e))) {
		plan_columns(&j);
		j.output = output_create(cli->output, true, cli->force, e);
	}
	if (!e->is_set && !options->source)
		start_file(&j, e);
	if (!e->is_set && !read_stream(&j, e) && !place_rows(&j, e)) {
		if (!options->source)
			finish_file(&j, e);
		write_obs(&j, e);
		write_obsm(&j, e);
	}
	if (!e->is_set && *j.odd)
		cli_warn(cli, "%s: columns left out, since an .h5ad has no place for them: %s",
		    cells_name(in), j.odd);
	close_job(&j, e);
	return e->is_set ? -1 : 0;
}
