/* 1. Rows of cells
 * 2. States
 * 3. What is written at the end */

#include <stdlib.h>
#include <string.h>

#include "formats/label_column.h"
#include "nn/embed_rows.h"
#include "nn/token_summary.h"

struct embed_rows {
	const struct cli *cli;
	const struct genes *genes;
	const struct schema *in;
	size_t hidden;
	struct cells_writer *out;

	size_t input_ids, length; /* columns of the input that are left out */

	struct token_summary *tokens;   /* of genes, or NULL */
	struct vector_summary *summary; /* that of tokens, or of states; NULL: cells */
	bool is_of_states;
	struct label_column by;
	struct string_set states; /* numbered as they come */
	uint64_t n_stateless;
};

static struct field
embedding_field(size_t hidden, struct field *item)
{
	*item = field_float("item", 32);
	return field_fixed_list("embedding", item, (int32_t)hidden);
}

static struct array
embedding_column(struct arena *a, const float *vectors, size_t n, size_t hidden)
{
	struct array values = array_fixed(n * hidden, vectors), column = { .length = n };

	column.children = arena_copy(a, &values, 1, sizeof(values));
	return column;
}

/* 1. Rows of cells */

static struct schema *
cell_schema(const struct embed_rows *r)
{
	static const char *const taken[] = { "embedding", "gene", "state", "n_cells" };
	struct field item, embedding = embedding_field(r->hidden, &item);
	struct schema *s = schema_copy(r->in);
	size_t first = r->input_ids < r->length ? r->input_ids : r->length;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		schema_vacate(s, taken[i]);
	schema_remove(s, r->input_ids > r->length ? r->input_ids : r->length);
	schema_remove(s, first);
	schema_insert(s, first, &embedding);
	return s;
}

static int
write_cells(struct embed_rows *r, const struct embedded_group *group, struct err *e)
{
	struct batch *b = group->rows;
	size_t first = r->input_ids < r->length ? r->input_ids : r->length;

	batch_remove(b, r->input_ids > r->length ? r->input_ids : r->length);
	batch_remove(b, first);
	batch_insert(b, first, embedding_column(&b->arena, group->vectors, b->rows, r->hidden));
	return cells_write(r->out, b, e);
}

/* 2. States */

static int
add_states(struct embed_rows *r, const struct embedded_group *group, struct err *e)
{
	for (size_t i = 0; i < group->cells->n; i++) {
		ptrdiff_t state = label_column_read(&r->by, r->in, group->rows, i, &r->states);

		if (state < 0)
			r->n_stateless++;
		else if (vector_summary_add(
			     r->summary, (size_t)state, group->vectors + i * r->hidden, e))
			return -1;
	}
	return 0;
}

/* 3. What is written at the end */

static struct schema *
summary_schema(const struct embed_rows *r, const char *name)
{
	struct field item, fields[] = { field_utf8(name), field_int("n_cells", 64, true),
		embedding_field(r->hidden, &item) };
	struct schema *s = schema_new();

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		schema_append(s, &fields[i]);
	for (size_t i = 0; i < r->in->metadata.n; i++)
		metadata_set(
		    s, &s->metadata, r->in->metadata.pairs[i].key, r->in->metadata.pairs[i].value);
	return s;
}

struct named_group {
	const char *name;
	size_t size, group;
};

static int
compare_names(const void *x, const void *y)
{
	const struct named_group *a = x, *b = y;
	int order = memcmp(a->name, b->name, a->size < b->size ? a->size : b->size);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* Groups that have vectors: genes by token, states by name. */
static size_t
list_groups(const struct embed_rows *r, struct named_group *list)
{
	struct strings states = string_set_strings(&r->states);
	size_t n = 0;

	for (size_t g = 0; g < vector_summary_groups(r->summary); g++) {
		if (!vector_summary_count(r->summary, g))
			continue;
		list[n].group = g;
		list[n].name = r->is_of_states
				   ? strings_get(&states, g, &list[n].size)
				   : genes_token_name(r->genes, (int32_t)g, &list[n].size);
		n++;
	}
	if (r->is_of_states)
		qsort(list, n, sizeof(*list), compare_names);
	return n;
}

static struct array
name_column(struct arena *a, const struct named_group *list, size_t n)
{
	int32_t *offsets = arena_zero(a, n + 1, sizeof(*offsets));
	struct buffer bytes = { 0 };
	struct array column;

	for (size_t i = 0; i < n; i++) {
		buffer_add(&bytes, list[i].name, list[i].size);
		offsets[i + 1] = (int32_t)bytes.size; /* a string_set has no more bytes */
	}
	column = array_utf8(n, offsets, arena_copy(a, bytes.data, bytes.size, 1));
	buffer_free(&bytes);
	return column;
}

static int
write_summary(struct embed_rows *r, struct err *e)
{
	struct named_group *list = mem_alloc(vector_summary_groups(r->summary), sizeof(*list));
	size_t n = list_groups(r, list);

	for (size_t from = 0, step = 256; from < n && !e->is_set; from += step) {
		struct batch b = { .rows = n - from < step ? n - from : step };
		float *vectors = arena_alloc(&b.arena, b.rows, r->hidden * sizeof(*vectors));
		int64_t *counts = arena_alloc(&b.arena, b.rows, sizeof(*counts));

		for (size_t i = 0; i < b.rows && !e->is_set; i++) {
			const struct named_group *g = &list[from + i];

			counts[i] = (int64_t)vector_summary_count(r->summary, g->group);
			vector_summary_get(r->summary, g->group, vectors + i * r->hidden, e);
		}
		batch_append(&b, name_column(&b.arena, list + from, b.rows));
		batch_append(&b, array_fixed(b.rows, counts));
		batch_append(&b, embedding_column(&b.arena, vectors, b.rows, r->hidden));
		cells_write(r->out, &b, e);
		batch_free(&b);
	}
	free(list);
	return e->is_set ? -1 : 0;
}

struct embed_rows *
embed_rows_new(const struct cli *cli, const struct cells_reader *in, const struct genes *genes,
    const struct model *model, const char *by, bool is_median, size_t max_memory,
    enum embed_pool pool, struct err *e)
{
	struct embed_rows *r;
	struct schema *schema;

	if (e->is_set)
		return NULL;
	r = mem_zero(1, sizeof(*r));
	*r = (struct embed_rows){ .cli = cli,
		.genes = genes,
		.in = cells_schema(in),
		.hidden = model->config.hidden,
		.is_of_states = by != NULL };
	r->input_ids = (size_t)schema_find(r->in, "input_ids");
	r->length = (size_t)schema_find(r->in, "length");
	if (by && label_column_find(&r->by, r->in, by, e)) {
		err_prefix(e, "--by");
		embed_rows_free(r);
		return NULL;
	}
	if (pool == EMBED_TOKENS)
		r->tokens = token_summary_new(r->hidden, model->config.vocab);
	r->summary = r->tokens ? r->tokens->vectors
		     : by      ? vector_summary_new(r->hidden, is_median, max_memory)
			       : NULL;
	schema = by           ? summary_schema(r, "state")
		 : r->summary ? summary_schema(r, "gene")
			      : cell_schema(r);
	r->out = cells_create(cli, KIND_EMBEDDINGS, schema, e);
	if (!r->out) {
		embed_rows_free(r);
		return NULL;
	}
	if (!r->summary)
		cells_warn_renamed(cli, r->in, cells_written_schema(r->out));
	return r;
}

int
embed_rows_take(void *embed_rows, const struct embedded_group *group, struct err *e)
{
	struct embed_rows *r = embed_rows;

	cells_progress(r->out, group->fraction);
	if (!r->summary)
		return write_cells(r, group, e);
	cells_count(r->out, group->cells->n);
	return r->tokens ? token_summary_add(r->tokens, group->cells, group->vectors, e)
			 : add_states(r, group, e);
}

struct cells_writer *
embed_rows_finish(struct embed_rows *r, struct err *e)
{
	if (!r)
		return NULL;
	if (r->summary && !e->is_set)
		write_summary(r, e);
	if (r->n_stateless && !e->is_set)
		cli_warn(r->cli, "%llu cells without a state are in no summary",
		    (unsigned long long)r->n_stateless);
	return r->out;
}

void
embed_rows_free(struct embed_rows *r)
{
	if (!r)
		return;
	if (!r->tokens)
		vector_summary_free(r->summary);
	token_summary_free(r->tokens);
	string_set_free(&r->states);
	label_column_free(&r->by);
	free(r);
}
