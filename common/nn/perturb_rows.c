/* 1. Names of genes
 * 2. Columns
 * 3. Rows of perturbations
 * 4. Perturbed cells
 * 5. Opening and closing */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/name_list.h"
#include "nn/perturb_again.h"
#include "nn/perturb_left_out.h"
#include "nn/perturb_rows.h"

enum { BLOCK_ROWS = 1000, BLOCK_BYTES = 8 << 20 };

struct perturb_rows {
	const struct cli *cli;
	const struct genes *genes;
	const struct schema *in;
	const struct perturb_rows_options *options;
	struct cells_writer *out;

	struct arena names;           /* of the dictionaries */
	const struct strings *tokens; /* of all tokens, by token */
	const struct strings *groups; /* of the genes that can be perturbed */
	int32_t *places;              /* [tokens] in groups */

	size_t *columns; /* [n_columns] of the input that are carried */
	size_t n_columns;
	size_t n_states;
	struct buffer genes_of_copy;

	/* The rows of a cell that are not written yet. */
	size_t rows;
	struct buffer perturbed, perturbed_ends; /* int32_t: places; ends */
	struct buffer cos_sim;
	struct buffer *shifts; /* [n_states] */
	struct buffer affected, affected_ends, gene_cos;
	struct buffer ids, id_ends;
	struct cell_copy copy; /* its buffers have room for `most` */
	size_t most;

	struct perturb_again again;
	struct perturb_left_out left_out;
};

/* 1. Names of genes */

/* The names of some tokens as a dictionary. */
static const struct strings *
list_names(struct perturb_rows *r, const int32_t *tokens, size_t n)
{
	struct strings *list = arena_alloc(&r->names, 1, sizeof(*list));
	int32_t *offsets = arena_zero(&r->names, n + 1, sizeof(*offsets));
	struct buffer bytes = { 0 };

	for (size_t i = 0; i < n; i++) {
		size_t size;
		const char *name = genes_token_name(r->genes, tokens[i], &size);

		buffer_add(&bytes, name, size);
		offsets[i + 1] = (int32_t)bytes.size;
	}
	*list = (struct strings){ n, offsets, arena_copy(&r->names, bytes.data, bytes.size, 1) };
	buffer_free(&bytes);
	return list;
}

/* All tokens; and those that can be perturbed, which with given groups are few. */
static void
make_dictionaries(struct perturb_rows *r)
{
	const struct perturbation_options *what = r->options->what;
	size_t n = r->genes->n_tokens,
	       n_given = what->groups.n ? what->groups.cu[what->groups.n] : 0;
	int32_t *list = arena_alloc(&r->names, n + 1, sizeof(*list));
	size_t n_list = 0;

	r->places = arena_alloc(&r->names, n, sizeof(*r->places));
	for (size_t i = 0; i < n; i++)
		r->places[i] = list[i] = (int32_t)i;
	r->tokens = r->groups = list_names(r, list, n);
	if (!n_given)
		return;
	memset(r->places, 0xff, n * sizeof(*r->places));
	for (size_t i = 0; i < n_given + (what->anchor >= 0); i++) {
		int32_t token = i < n_given ? what->groups.tokens[i] : what->anchor;

		if (r->places[token] >= 0)
			continue;
		r->places[token] = (int32_t)n_list;
		list[n_list++] = token;
	}
	r->groups = list_names(r, list, n_list);
}

/* 2. Columns */

static void
append_genes(struct schema *s, const char *name, const struct strings *dictionary)
{
	struct field item = field_dictionary("item", dictionary), list = field_list(name, &item);

	schema_append(s, &list);
}

static void
append_floats(struct schema *s, const struct perturb_rows *r)
{
	struct field item = field_float("item", 32), list = field_list("gene_cos", &item), f;

	f = field_float("cos_sim", 32);
	schema_append(s, &f);
	for (size_t i = 0; i < r->n_states; i++) {
		char *name = mem_printf("shift:%s", r->options->states->names[i]);

		f = field_float(name, 32);
		schema_append(s, &f);
		free(name);
	}
	if (!r->options->is_per_gene)
		return;
	append_genes(s, "affected", r->tokens);
	schema_append(s, &list);
}

/* `cell`, and the columns of --keep. */
static int
find_columns(struct perturb_rows *r, struct err *e)
{
	char **names;
	size_t n;

	if (name_list_split(r->options->keep, &names, &n, e))
		err_prefix(e, "--keep");
	r->columns = mem_alloc(n + 1, sizeof(*r->columns));
	r->columns[r->n_columns++] = (size_t)schema_find(r->in, "cell");
	for (size_t i = 0; i < n && !e->is_set; i++) {
		ptrdiff_t at = schema_find(r->in, names[i]);

		if (at < 0)
			err_set(e, "--keep %s: there is no such column", names[i]);
		else if (strcmp(names[i], "input_ids") == 0)
			err_set(e, "--keep input_ids: --tokens gives the perturbed cells");
		else if ((size_t)at != r->columns[0])
			r->columns[r->n_columns++] = (size_t)at;
		for (size_t k = 1; k + 1 < r->n_columns; k++)
			if (at >= 0 && r->columns[k] == (size_t)at)
				err_set(e, "--keep: the column %s stands twice", names[i]);
	}
	name_list_free(names, n);
	return e->is_set ? -1 : 0;
}

static struct schema *
perturbation_schema(const struct perturb_rows *r)
{
	static const char *const taken[] = { "perturbed", "cos_sim", "affected", "gene_cos" };
	struct schema *s = schema_new();

	for (size_t i = 0; i < r->in->metadata.n; i++)
		metadata_set(
		    s, &s->metadata, r->in->metadata.pairs[i].key, r->in->metadata.pairs[i].value);
	for (size_t i = 0; i < r->n_columns; i++)
		schema_append(s, &r->in->fields[r->columns[i]]);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		schema_vacate(s, taken[i]);
	append_genes(s, "perturbed", r->groups);
	append_floats(s, r);
	return s;
}

/* The columns of the input, with the vocabulary, which they may lack, and `perturbed`. */
static struct schema *
token_schema(const struct perturb_rows *r)
{
	struct schema *s = schema_copy(r->in);
	size_t ids = (size_t)schema_find(s, "input_ids");
	struct arena a = { 0 };

	schema_vacate(s, "perturbed");
	append_genes(s, "perturbed", r->groups);
	metadata_set(
	    s, &s->fields[ids].metadata, "cells:vocabulary", genes_vocabulary(r->genes, &a));
	arena_free(&a);
	return s;
}

/* A list column of what two buffers hold, the ends being int32_t. */
static struct array
list_column(struct arena *a, size_t rows, const struct buffer *ends, struct array child)
{
	int32_t *offsets = arena_zero(a, rows + 1, sizeof(*offsets));

	assert(ends->size == rows * sizeof(*offsets));
	if (rows)
		memcpy(offsets + 1, ends->data, ends->size);
	return array_list(a, rows, offsets, child);
}

static struct array
values_of(struct arena *a, const struct buffer *b, size_t width)
{
	return array_fixed(b->size / width, arena_copy(a, b->data, b->size, 1));
}

static struct array
perturbed_column(struct arena *a, const struct perturb_rows *r)
{
	return list_column(
	    a, r->rows, &r->perturbed_ends, values_of(a, &r->perturbed, sizeof(int32_t)));
}

static struct array
repeat(struct arena *a, const struct perturb_rows *r, const struct perturbed_part *part, size_t i)
{
	size_t *zeros = arena_zero(a, r->rows, sizeof(*zeros));

	return array_take(a, &r->in->fields[i], &part->row->columns[i], zeros, r->rows);
}

static void
add_end(struct buffer *ends, const struct buffer *values, size_t width)
{
	int32_t end = (int32_t)(values->size / width);

	buffer_add(ends, &end, sizeof(end));
}

static size_t
list_genes(struct perturb_rows *r, const struct perturbed_part *part, size_t which)
{
	size_t most = perturbation_most(r->options->what, part->length);

	r->genes_of_copy.size = 0;
	buffer_grow(&r->genes_of_copy, most * sizeof(int32_t));
	return perturbation_genes(
	    r->options->what, part->what, which, (int32_t *)(void *)r->genes_of_copy.data);
}

static void
add_perturbed(struct perturb_rows *r, const int32_t *tokens, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buffer_add(&r->perturbed, &r->places[tokens[i]], sizeof(*r->places));
	add_end(&r->perturbed_ends, &r->perturbed, sizeof(*r->places));
	r->rows++;
}

static void
forget_rows(struct perturb_rows *r)
{
	struct buffer *all[] = { &r->perturbed, &r->perturbed_ends, &r->cos_sim, &r->affected,
		&r->affected_ends, &r->gene_cos, &r->ids, &r->id_ends };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		all[i]->size = 0;
	for (size_t i = 0; i < r->n_states; i++)
		r->shifts[i].size = 0;
	r->rows = 0;
}

/* 3. Rows of perturbations */

static int
write_perturbations(struct perturb_rows *r, const struct perturbed_part *part, struct err *e)
{
	struct batch b = { .rows = r->rows };
	struct arena *a = &b.arena;

	for (size_t i = 0; i < r->n_columns; i++)
		batch_append(&b, repeat(a, r, part, r->columns[i]));
	batch_append(&b, perturbed_column(a, r));
	batch_append(&b, values_of(a, &r->cos_sim, sizeof(float)));
	for (size_t i = 0; i < r->n_states; i++)
		batch_append(&b, values_of(a, &r->shifts[i], sizeof(float)));
	if (r->options->is_per_gene) {
		batch_append(&b, list_column(a, r->rows, &r->affected_ends,
				     values_of(a, &r->affected, sizeof(int32_t))));
		batch_append(&b, list_column(a, r->rows, &r->affected_ends,
				     values_of(a, &r->gene_cos, sizeof(float))));
	}
	cells_write(r->out, &b, e);
	batch_free(&b);
	forget_rows(r);
	return e->is_set ? -1 : 0;
}

static void
add_numbers(struct perturb_rows *r, const struct perturbed *numbers, size_t i)
{
	buffer_add(&r->cos_sim, &numbers->cos_sim[i], sizeof(float));
	for (size_t s = 0; s < r->n_states; s++)
		buffer_add(&r->shifts[s], &numbers->shifts[i * r->n_states + s], sizeof(float));
	if (r->options->is_per_gene) {
		size_t from = numbers->cu_genes[i], n = numbers->cu_genes[i + 1] - from;

		buffer_add(&r->affected, numbers->affected + from, n * sizeof(int32_t));
		buffer_add(&r->gene_cos, numbers->gene_cos + from, n * sizeof(float));
		add_end(&r->affected_ends, &r->affected, sizeof(int32_t));
	}
}

static int
take_perturbations(struct perturb_rows *r, const struct perturbed_part *part, struct err *e)
{
	for (size_t i = 0; i < part->n && !e->is_set; i++) {
		size_t which = part->first + i, n = list_genes(r, part, which);

		add_perturbed(r, (const int32_t *)(void *)r->genes_of_copy.data, n);
		add_numbers(r, part->numbers, i);
		if ((which + 1) % BLOCK_ROWS == 0 || which + 1 == part->what->n)
			write_perturbations(r, part, e);
	}
	return e->is_set ? -1 : 0;
}

/* 4. Perturbed cells */

static int
write_tokens(struct perturb_rows *r, const struct perturbed_part *part, struct err *e)
{
	size_t ids = (size_t)schema_find(r->in, "input_ids"),
	       length = (size_t)schema_find(r->in, "length");
	size_t width = (size_t)r->in->fields[ids].children[0].bit_width / 8;
	struct batch b = { .rows = r->rows };
	struct arena *a = &b.arena;
	const int32_t *ends = (const int32_t *)(const void *)r->id_ends.data;
	int64_t *lengths = arena_alloc(a, r->rows, sizeof(*lengths));

	for (size_t i = 0; i < r->rows; i++)
		lengths[i] = ends[i] - (i ? ends[i - 1] : 0);
	for (size_t i = 0; i < r->in->n_fields; i++)
		batch_append(&b,
		    i == ids ? list_column(a, r->rows, &r->id_ends, values_of(a, &r->ids, width))
		    : i == length ? array_fixed(r->rows, lengths)
				  : repeat(a, r, part, i));
	batch_append(&b, perturbed_column(a, r));
	cells_write(r->out, &b, e);
	batch_free(&b);
	forget_rows(r);
	return e->is_set ? -1 : 0;
}

static void
grow_copy(struct perturb_rows *r, size_t most)
{
	if (most <= r->most)
		return;
	r->copy.ids = mem_resize(r->copy.ids, 0, most, sizeof(int32_t));
	r->copy.sources = mem_resize(r->copy.sources, 0, most, sizeof(int32_t));
	r->copy.genes = mem_resize(r->copy.genes, 0, most, sizeof(int32_t));
	r->most = most;
}

static void
add_ids(struct perturb_rows *r, size_t width)
{
	for (size_t i = 0; i < r->copy.length; i++) {
		uint16_t narrow = (uint16_t)r->copy.ids[i];

		buffer_add(&r->ids, width == 2 ? (void *)&narrow : &r->copy.ids[i], width);
	}
	add_end(&r->id_ends, &r->ids, width);
}

static int
take_tokens(struct perturb_rows *r, const struct perturbed_part *part, struct err *e)
{
	size_t ids = (size_t)schema_find(r->in, "input_ids");
	size_t width = (size_t)r->in->fields[ids].children[0].bit_width / 8;
	size_t most = perturbation_most(r->options->what, part->length);
	size_t block = BLOCK_BYTES / (most * width);

	if (block > BLOCK_ROWS)
		block = BLOCK_ROWS;
	grow_copy(r, most);
	for (size_t i = 0; i < part->n && !e->is_set; i++) {
		size_t which = part->first + i;

		perturbation_apply(
		    r->options->what, part->ids, part->length, part->what, which, &r->copy);
		add_perturbed(r, r->copy.genes, r->copy.n_genes);
		add_ids(r, width);
		if (block < 2 || (which + 1) % block == 0 || which + 1 == part->what->n)
			write_tokens(r, part, e);
	}
	return e->is_set ? -1 : 0;
}

/* 5. Opening and closing */

struct perturb_rows *
perturb_rows_new(const struct cli *cli, const struct cells_reader *in, const struct genes *genes,
    const struct perturb_rows_options *options, struct err *e)
{
	struct perturb_rows *r;
	struct schema *schema;
	enum kind kind = options->is_tokens ? KIND_TOKENS : KIND_PERTURBATIONS;

	if (e->is_set)
		return NULL;
	r = mem_zero(1, sizeof(*r));
	*r = (struct perturb_rows){ .cli = cli,
		.genes = genes,
		.in = cells_schema(in),
		.options = options,
		.n_states = options->states ? options->states->n : 0 };
	r->shifts = mem_zero(r->n_states, sizeof(*r->shifts));
	if (perturb_left_out_init(
		&r->left_out, genes, options->what, r->in, options->by, options->start, e) ||
	    find_columns(r, e)) {
		perturb_rows_free(r);
		return NULL;
	}
	make_dictionaries(r);
	schema = options->is_tokens ? token_schema(r) : perturbation_schema(r);
	if (options->is_resumable) {
		perturb_again_init(&r->again, genes, options->what);
		r->out = cells_resume(
		    cli, kind, schema, perturb_again_visit, &r->again, &r->again.there, e);
	} else
		r->out = cells_create(cli, kind, schema, e);
	if (!r->out) {
		perturb_rows_free(r);
		return NULL;
	}
	cells_warn_renamed(cli, r->in, cells_written_schema(r->out));
	return r;
}

uint64_t
perturb_rows_there(const struct perturb_rows *r)
{
	return r->again.there;
}

bool
perturb_rows_filter(void *perturb_rows, const struct batch *b, size_t row)
{
	struct perturb_rows *r = perturb_rows;

	return perturb_left_out_filter(&r->left_out, b, row);
}

int
perturb_rows_take(void *perturb_rows, const struct perturbed_part *part, struct err *e)
{
	struct perturb_rows *r = perturb_rows;

	if (part->is_first) {
		perturb_left_out_count(&r->left_out, part);
		if (r->options->is_resumable && perturb_again_check(&r->again, r->in, part, e))
			return err_prefix(e, "%s.part", r->cli->output);
	}
	cells_progress(r->out, part->fraction);
	cells_count(r->out, part->n);
	return r->options->is_tokens ? take_tokens(r, part, e) : take_perturbations(r, part, e);
}

struct cells_writer *
perturb_rows_finish(struct perturb_rows *r, struct err *e)
{
	if (!r)
		return NULL;
	if (!e->is_set && perturb_again_finish(&r->again, e))
		err_prefix(e, "%s.part", r->cli->output);
	if (!e->is_set)
		perturb_left_out_say(&r->left_out, r->cli);
	return r->out;
}

void
perturb_rows_free(struct perturb_rows *r)
{
	if (!r)
		return;
	struct buffer *all[] = { &r->genes_of_copy, &r->perturbed, &r->perturbed_ends, &r->cos_sim,
		&r->affected, &r->affected_ends, &r->gene_cos, &r->ids, &r->id_ends };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buffer_free(all[i]);
	for (size_t i = 0; i < r->n_states; i++)
		buffer_free(&r->shifts[i]);
	perturb_again_free(&r->again);
	perturb_left_out_free(&r->left_out);
	arena_free(&r->names);
	free(r->shifts);
	free(r->columns);
	free(r->copy.ids);
	free(r->copy.sources);
	free(r->copy.genes);
	free(r);
}
