/* 1. Scores: what the columns are made of
 * 2. Cells, and genes of cells
 * 3. Genes
 * 4. All of it */

#include <stdlib.h>
#include <string.h>

#include "nn/class_columns.h"
#include "nn/class_rows.h"
#include "nn/token_summary.h"

struct class_rows {
	struct class_rows_options options;
	const struct genes *genes;
	struct class_columns columns;
	size_t width; /* of a row of scores */
	const struct schema *in;
	struct cells_writer *out;

	size_t input_ids, length; /* columns of the input that are left out */
	struct schema *passed;    /* the others */
	size_t at;                /* where the new columns begin */

	struct token_summary *summary; /* genes; else NULL */
};

/* 1. Scores: what the columns are made of: the probabilities of all tasks, their logits, the
 * embedding */

static int
refuse_cell(
    const struct class_rows *r, const struct embedded_group *group, size_t cell, struct err *e)
{
	ptrdiff_t column = schema_find(r->in, "cell");
	size_t size = 0;
	const char *name =
	    array_text(&r->in->fields[column], &group->rows->columns[column], cell, &size);

	return err_set(e, "cell %.*s: the model gives logits that are no numbers", (int)size,
	    name ? name : "");
}

/* The scores of the group's cells, or of all its tokens: memory of the group. */
static const float *
score_group(const struct class_rows *r, const struct embedded_group *group, struct err *e)
{
	const struct token_cells *cells = group->cells;
	bool is_of_cells = r->options.of == CLASS_ROWS_OF_CELLS;
	size_t n = is_of_cells ? cells->n : cells->offsets[cells->n];
	float *scores = arena_alloc(&group->rows->arena, n, r->width * sizeof(*scores));

	for (size_t c = 0; c < cells->n; c++) {
		size_t first = is_of_cells ? c : cells->offsets[c];
		size_t last = is_of_cells ? c + 1 : cells->offsets[c + 1];

		for (size_t i = first; i < last; i++)
			if (class_columns_score(&r->columns,
				group->vectors + i * (r->columns.n_classes + r->columns.hidden),
				scores + i * r->width)) {
				refuse_cell(r, group, c, e);
				return NULL;
			}
	}
	return scores;
}

/* 2. Cells, and genes of cells */

static void
remove_tokens(const struct class_rows *r, struct batch *b)
{
	batch_remove(b, r->input_ids > r->length ? r->input_ids : r->length);
	batch_remove(b, r->at);
}

static int
write_cells(
    struct class_rows *r, const struct embedded_group *group, const float *scores, struct err *e)
{
	remove_tokens(r, group->rows);
	class_columns_add(&r->columns, group->rows, r->at, scores);
	return cells_write(r->out, group->rows, e);
}

/* A row for each token that is a gene: its cell's columns, the gene, the predictions. */
static int
write_positions(
    struct class_rows *r, const struct embedded_group *group, const float *scores, struct err *e)
{
	const struct token_cells *cells = group->cells;
	struct batch *b = group->rows;
	size_t n_tokens = cells->offsets[cells->n], n = 0;
	size_t *cell = arena_alloc(&b->arena, n_tokens, sizeof(*cell));
	int32_t *gene = arena_alloc(&b->arena, n_tokens, sizeof(*gene));
	float *kept = arena_alloc(&b->arena, n_tokens, r->width * sizeof(*kept));

	for (size_t c = 0; c < cells->n; c++)
		for (size_t i = cells->offsets[c]; i < cells->offsets[c + 1]; i++) {
			int32_t row = r->genes->token_rows[cells->ids[i]];

			if (genes_is_special(r->genes, (size_t)row))
				continue;
			cell[n] = c;
			gene[n] = row;
			memcpy(
			    kept + n++ * r->width, scores + i * r->width, r->width * sizeof(*kept));
		}
	remove_tokens(r, b);
	batch_take(b, r->passed, cell, n);
	batch_insert(b, r->at, array_fixed(n, gene));
	class_columns_add(&r->columns, b, r->at + 1, kept);
	return cells_write(r->out, b, e);
}

static struct schema *
row_schema(const struct class_rows *r)
{
	static const char *const taken[] = { "embedding", "gene", "state", "n_cells" };
	struct schema *s = schema_copy(r->passed);
	struct field gene = field_dictionary("gene", r->genes->ids);
	size_t at = r->at;

	class_columns_vacate(&r->columns, s);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		schema_vacate(s, taken[i]);
	if (r->options.of == CLASS_ROWS_OF_POSITIONS)
		schema_insert(s, at++, &gene);
	class_columns_add_fields(&r->columns, s, at);
	return s;
}

/* 3. Genes */

static struct schema *
gene_schema(const struct class_rows *r)
{
	struct field gene = field_dictionary("gene", r->genes->ids);
	struct field n_cells = field_int("n_cells", 64, true);
	struct schema *s = schema_new();

	schema_append(s, &gene);
	schema_append(s, &n_cells);
	class_columns_add_fields(&r->columns, s, 2);
	for (size_t i = 0; i < r->in->metadata.n; i++)
		metadata_set(
		    s, &s->metadata, r->in->metadata.pairs[i].key, r->in->metadata.pairs[i].value);
	return s;
}

/* Genes in the order of their tokens. */
static int
write_genes(struct class_rows *r, struct err *e)
{
	struct vector_summary *v = r->summary->vectors;
	size_t token = 0, n_tokens = vector_summary_groups(v);
	enum { STEP = 256 };

	while (token < n_tokens && !e->is_set) {
		struct batch b = { 0 };
		int32_t *gene = arena_alloc(&b.arena, STEP, sizeof(*gene));
		int64_t *counts = arena_alloc(&b.arena, STEP, sizeof(*counts));
		float *scores = arena_alloc(&b.arena, STEP, r->width * sizeof(*scores));

		for (; token < n_tokens && b.rows < STEP; token++) {
			int32_t row = r->genes->token_rows[token];

			if (!vector_summary_count(v, token) ||
			    genes_is_special(r->genes, (size_t)row))
				continue;
			gene[b.rows] = row;
			counts[b.rows] = (int64_t)vector_summary_count(v, token);
			vector_summary_get(v, token, scores + b.rows++ * r->width, e);
		}
		batch_append(&b, array_fixed(b.rows, gene));
		batch_append(&b, array_fixed(b.rows, counts));
		class_columns_add(&r->columns, &b, 2, scores);
		cells_write(r->out, &b, e);
		batch_free(&b);
	}
	return e->is_set ? -1 : 0;
}

/* 4. All of it */

static void
find_columns(struct class_rows *r)
{
	r->input_ids = (size_t)schema_find(r->in, "input_ids");
	r->length = (size_t)schema_find(r->in, "length");
	r->at = r->input_ids < r->length ? r->input_ids : r->length;
	r->passed = schema_copy(r->in);
	schema_remove(r->passed, r->input_ids > r->length ? r->input_ids : r->length);
	schema_remove(r->passed, r->at);
}

struct class_rows *
class_rows_new(const struct cli *cli, const struct schema *in, const struct genes *genes,
    const struct class_names *names, const struct model *model, const struct plan *plan,
    const struct class_rows_options *options, struct err *e)
{
	struct class_rows *r;
	bool is_of_genes = options->of == CLASS_ROWS_OF_GENES;
	size_t hidden = plan->has_vectors ? model->config.hidden : 0;

	if (e->is_set)
		return NULL;
	r = mem_zero(1, sizeof(*r));
	*r = (struct class_rows){ .options = *options,
		.genes = genes,
		.columns = { names, plan->width - hidden, hidden, options->has_logits,
		    is_of_genes },
		.in = in };
	r->width = class_columns_width(&r->columns);
	find_columns(r);
	if (is_of_genes)
		r->summary = token_summary_new(r->width, model->config.vocab);
	r->out =
	    cells_create(cli, KIND_PREDICTIONS, is_of_genes ? gene_schema(r) : row_schema(r), e);
	if (!r->out) {
		class_rows_free(r);
		return NULL;
	}
	if (!is_of_genes)
		cells_warn_renamed(cli, r->in, cells_written_schema(r->out));
	return r;
}

int
class_rows_take(void *class_rows, const struct embedded_group *group, struct err *e)
{
	struct class_rows *r = class_rows;
	const float *scores;

	cells_progress(r->out, group->fraction);
	if (r->options.of != CLASS_ROWS_OF_CELLS)
		cells_count(r->out, group->cells->n);
	scores = score_group(r, group, e);
	if (!scores)
		return -1;
	if (r->summary)
		return token_summary_add(r->summary, group->cells, scores, e);
	return r->options.of == CLASS_ROWS_OF_CELLS ? write_cells(r, group, scores, e)
						    : write_positions(r, group, scores, e);
}

struct cells_writer *
class_rows_finish(struct class_rows *r, struct err *e)
{
	if (!r)
		return NULL;
	if (r->summary && !e->is_set)
		write_genes(r, e);
	return r->out;
}

void
class_rows_free(struct class_rows *r)
{
	if (!r)
		return;
	token_summary_free(r->summary);
	schema_free(r->passed);
	free(r);
}
