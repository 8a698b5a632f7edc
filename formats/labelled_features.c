/* 1. Rows as they come
 * 2. Streams
 * 3. Labels
 * 4. Genes
 * 5. All of it */

#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/spill.h"
#include "cell/gene_groups.h"
#include "cell/gene_variance.h"
#include "formats/genes_file.h"
#include "formats/label_column.h"
#include "formats/labelled_features.h"

enum { WINDOW = 1 << 17 }; /* features that are read from the temporary file at once */

struct pair {
	uint32_t gene;
	float value;
};

/* What is kept until the genes are chosen. */
struct gathering {
	struct cli *cli;
	const struct labelled_features_options *options;
	struct labelled_features *l;

	struct label_column label; /* of the stream at hand */
	struct string_set label_set;
	struct buffer labels; /* uint32_t [l->n] */

	struct gene_source source; /* of the stream at hand */
	struct gene_numbers numbers;
	struct gene_variance variance;
	struct buffer lengths; /* uint32_t [l->n] features of each cell */
	struct buffer pairs;   /* those behind the ones in the file */
	struct spill spill;
	struct buffer window; /* of the file, from feature window_from on */
	size_t window_from;

	struct buffer dense; /* float [l->n][l->n_features] of embeddings */
	struct progress progress;
};

/* 1. Rows as they come */

static int
keep_pairs(
    struct gathering *g, const struct gene_features *x, size_t from, size_t to, struct err *e)
{
	struct pair *pairs = buffer_grow(&g->pairs, (to - from) * sizeof(*pairs));
	uint32_t n = (uint32_t)(to - from);

	for (size_t k = from; k < to; k++)
		pairs[k - from] = (struct pair){ x->genes[k], x->values[k] };
	buffer_add(&g->lengths, &n, sizeof(n));
	if (g->pairs.size <= g->options->max_memory)
		return 0;
	if (spill_append(&g->spill, g->pairs.data, g->pairs.size, e))
		return -1;
	g->pairs.size = 0;
	return 0;
}

/* The features `at`..`at` + n, which are one cell's; NULL where the file cannot be read. */
static const struct pair *
kept_pairs(struct gathering *g, size_t at, size_t n, struct err *e)
{
	size_t n_spilled = g->spill.size / sizeof(struct pair), size;
	size_t n_window = g->window.size / sizeof(struct pair);

	if (at >= n_spilled)
		return (const struct pair *)(const void *)g->pairs.data + (at - n_spilled);
	if (at < g->window_from || at + n > g->window_from + n_window) {
		size = n > WINDOW ? n : WINDOW;
		size = size < n_spilled - at ? size : n_spilled - at;
		g->window.size = 0;
		g->window_from = at;
		if (spill_read(&g->spill, at * sizeof(struct pair),
			buffer_grow(&g->window, size * sizeof(struct pair)),
			size * sizeof(struct pair), e))
			return NULL;
	}
	return (const struct pair *)(const void *)g->window.data + (at - g->window_from);
}

static int
keep_embedding(struct gathering *g, const struct array *list, size_t row, size_t n, struct err *e)
{
	if (!array_is_valid(list, row) || list->children[0].null_count > 0)
		return err_set(e, "row %zu: no embedding, or one with nulls", row);
	buffer_add(&g->dense, (const float *)list->children[0].values + row * n, n * sizeof(float));
	return 0;
}

/* The number of a row's label, or -1: a null, or an empty text. */
static ptrdiff_t
read_label(struct gathering *g, const struct schema *s, const struct batch *b, size_t row)
{
	size_t column = g->label.column, size = 1;

	if (s->fields[column].type == TYPE_UTF8)
		array_text(&s->fields[column], &b->columns[column], row, &size);
	return size ? label_column_read(&g->label, s, b, row, &g->label_set) : -1;
}

static int
keep_batch(struct gathering *g, const struct schema *s, struct batch *b, struct err *e)
{
	struct labelled_features *l = g->l;
	bool is_dense = l->kind == KIND_EMBEDDINGS;
	struct gene_features x = { 0 };

	if (!is_dense && gene_features_of(&g->source, b, &x, e))
		return -1;
	for (size_t i = 0; i < b->rows; i++) {
		ptrdiff_t label = read_label(g, s, b, i);
		uint32_t number = (uint32_t)label;

		if (label < 0 && g->options->is_strict)
			return err_set(e, "row %zu: no label", i);
		if (label < 0) {
			l->n_left_out++;
			continue;
		}
		if (!is_dense)
			gene_variance_add(&g->variance, &x, x.offsets[i], x.offsets[i + 1]);
		if (is_dense ? keep_embedding(
				   g, &b->columns[schema_find(s, "embedding")], i, l->n_features, e)
			     : keep_pairs(g, &x, x.offsets[i], x.offsets[i + 1], e))
			return -1;
		buffer_add(&g->labels, &number, sizeof(number));
		l->n++;
	}
	return 0;
}

/* 2. Streams */

struct genes *
token_vocabulary(
    struct cli *cli, const char *dictionary, const struct cells_reader *in, struct err *e)
{
	const struct schema *s = cells_schema(in);
	const char *text =
	    metadata_get(&s->fields[schema_find(s, "input_ids")].metadata, "cells:vocabulary");
	struct genes *genes;

	if (!text && dictionary)
		return genes_open(cli, dictionary, e);
	if (!text) {
		err_set(e,
		    "%s: the stream has no vocabulary, so its genes are unknown; give it with "
		    "-d DICT",
		    cells_name(in));
		return NULL;
	}
	genes = genes_from_vocabulary(text, e);
	if (!genes)
		err_prefix(e, "%s", cells_name(in));
	return genes;
}

/* Embeddings: their width, which all streams must have. */
static int
take_width(struct gathering *g, const struct cells_reader *in, size_t width, struct err *e)
{
	if (g->l->n && g->l->n_features != width)
		return err_set(e, "%s: embeddings of %zu numbers behind those of %zu",
		    cells_name(in), width, g->l->n_features);
	g->l->n_features = width;
	return 0;
}

static int
read_stream(
    struct gathering *g, struct cells_reader *in, const struct genes *vocabulary, struct err *e)
{
	const struct schema *s = cells_schema(in);
	struct batch b = { 0 };
	size_t n_files = g->cli->n_inputs;

	if (label_column_find(&g->label, s, g->options->label, e))
		return err_prefix(e, "%s", cells_name(in));
	if (g->l->kind == KIND_EMBEDDINGS) {
		size_t width = (size_t)s->fields[schema_find(s, "embedding")].list_size;

		if (take_width(g, in, width, e))
			return -1;
	} else
		gene_source_add(&g->source, g->l->feature, s, vocabulary, &g->numbers);
	while (cells_read(in, &b, e) > 0) {
		if (keep_batch(g, s, &b, e))
			err_prefix(
			    e, "%s: batch %llu", cells_name(in), (unsigned long long)b.number);
		progress_advance(&g->progress, b.rows, n_files > 1 ? -1 : cells_fraction(in));
	}
	batch_free(&b);
	return e->is_set ? -1 : 0;
}

static enum gene_feature
choose_feature(const struct gathering *g)
{
	if (g->l->kind == KIND_TOKENS)
		return g->options->is_rank ? FEATURE_RANK : FEATURE_PRESENCE;
	return g->l->kind == KIND_VALUES ? FEATURE_VALUES : FEATURE_COUNTS;
}

static void
read_file(struct gathering *g, const char *path, struct err *e)
{
	unsigned kinds = g->l->kind ? (unsigned)g->l->kind : (unsigned)LABELLED_KINDS;
	struct cells_reader *in = cells_open(g->cli, path, kinds, e);
	struct genes *vocabulary = NULL;

	if (!in)
		return;
	g->l->kind = cells_kind(in);
	g->l->feature = choose_feature(g);
	if (g->l->kind == KIND_COUNTS && schema_find(cells_schema(in), "n_counts") < 0)
		cli_warn(g->cli,
		    "%s: no column n_counts: the sum of the counts that are there takes its place",
		    cells_name(in));
	if (g->l->kind == KIND_EMBEDDINGS && g->options->genes)
		err_set(e, "%s: embeddings have no genes, so --genes is of no use", cells_name(in));
	if (g->l->kind == KIND_TOKENS)
		vocabulary = token_vocabulary(g->cli, g->options->dictionary, in, e);
	if (!e->is_set)
		read_stream(g, in, vocabulary, e);
	genes_free(vocabulary);
	cells_close(in);
}

/* 3. Labels */

static void
check_labels(const struct gathering *g, struct err *e)
{
	const struct labelled_features *l = g->l;

	if (l->n == 0)
		err_set(e, "no cell has a label in the column %s (%zu have none)",
		    g->options->label, l->n_left_out);
	else if (l->n_classes == 1)
		err_set(e, "all %zu cells have the label %s, and one class is nothing to learn",
		    l->n, l->classes[0]);
	for (size_t i = 0; i < l->n_classes; i++)
		for (const char *c = l->classes[i]; *c && !e->is_set; c++)
			if ((unsigned char)*c < ' ' || *c == 127)
				err_set(e, "label %s: a control character in it", l->classes[i]);
}

static void
take_labels(struct gathering *g, struct err *e)
{
	struct labelled_features *l = g->l;
	uint32_t *places = label_places(&g->label_set, 0);

	l->n_classes = g->label_set.n;
	l->classes = label_names(&l->arena, &g->label_set, places);
	label_renumber(&g->labels, places);
	free(places);
	l->labels = (uint32_t *)(void *)g->labels.data;
	g->labels = (struct buffer){ 0 };
	check_labels(g, e);
}

/* 4. Genes */

static int
add_name(void *context, const char *name, size_t size, bool is_last, struct err *e)
{
	struct string_set *wanted = context;

	if (!is_last)
		return err_set(e, "--genes: '+' stands behind %.*s, but each gene is one here",
		    (int)size, name);
	string_set_add(wanted, name, size);
	return 0;
}

/* The genes of a list that some cell has: [*ret_n] numbers, in the order of the names' bytes. */
static uint32_t *
find_listed(struct gathering *g, const struct strings *names, size_t *ret_n, struct err *e)
{
	struct string_set wanted = { 0 };
	struct string_index index;
	uint32_t *places, *numbers;
	struct strings texts;

	gene_groups_each(g->options->genes, add_name, &wanted, e);
	places = label_places(&wanted, 0);
	numbers = mem_alloc(wanted.n, sizeof(*numbers));
	texts = string_set_strings(&wanted);
	string_index_build(&index, names);
	for (size_t i = 0; i < wanted.n; i++) {
		size_t size;
		const char *name = strings_get(&texts, i, &size);
		ptrdiff_t number = string_index_find(&index, name, size);
		bool is_met = number >= 0 && gene_variance_count(&g->variance, (uint32_t)number);

		numbers[places[i]] = is_met ? (uint32_t)number : NO_NUMBER;
	}
	*ret_n = 0;
	for (size_t i = 0; i < wanted.n; i++)
		if (numbers[i] != NO_NUMBER)
			numbers[(*ret_n)++] = numbers[i];
	g->l->n_absent = wanted.n - *ret_n;
	if (!e->is_set && *ret_n == 0)
		err_set(e, "no cell has any of the %zu genes of --genes %s", wanted.n,
		    g->options->genes);
	string_index_free(&index);
	string_set_free(&wanted);
	free(places);
	return numbers;
}

static uint32_t *
choose_genes(struct gathering *g, const struct strings *names, size_t *ret_n, struct err *e)
{
	const char *genes = g->options->genes ? g->options->genes : "2000";
	size_t most = SIZE_MAX;
	uint32_t *chosen;
	char *end;

	if (strcmp(genes, "all") != 0) {
		unsigned long long n = strtoull(genes, &end, 10);

		if (*end || *genes < '1' || *genes > '9')
			return find_listed(g, names, ret_n, e);
		most = n < SIZE_MAX ? (size_t)n : SIZE_MAX;
	}
	chosen = gene_variance_top(&g->variance, names, most, ret_n);
	if (*ret_n == 0)
		err_set(e, "no gene varies over the %zu cells", g->l->n);
	return chosen;
}

/* Names of the chosen genes, and the column of each gene: NO_NUMBER for the others. */
static uint32_t *
name_columns(struct gathering *g, const struct strings *names, const uint32_t *chosen, size_t n)
{
	uint32_t *columns = mem_alloc(names->n, sizeof(*columns));
	const char **texts = mem_alloc(n, sizeof(*texts));

	for (size_t i = 0; i < names->n; i++)
		columns[i] = NO_NUMBER;
	for (size_t i = 0; i < n; i++) {
		size_t size;
		const char *name = strings_get(names, chosen[i], &size);

		columns[chosen[i]] = (uint32_t)i;
		texts[i] = arena_printf(&g->l->arena, "%.*s", (int)size, name);
	}
	g->l->n_features = n;
	g->l->genes = strings_from(&g->l->arena, texts, n);
	free(texts);
	return columns;
}

/* The features of chosen genes as sparse rows. */
static void
fill_rows(struct gathering *g, const uint32_t *columns, size_t n_entries, struct err *e)
{
	struct labelled_features *l = g->l;
	const uint32_t *lengths = (const uint32_t *)(const void *)g->lengths.data;
	size_t at = 0, n = 0;

	l->offsets = mem_zero(l->n + 1, sizeof(*l->offsets));
	l->columns = mem_alloc(n_entries, sizeof(*l->columns));
	l->values = mem_alloc(n_entries, sizeof(*l->values));
	for (size_t i = 0; i < l->n; i++) {
		const struct pair *pairs = lengths[i] ? kept_pairs(g, at, lengths[i], e) : NULL;

		if (e->is_set)
			return;
		for (size_t k = 0; k < lengths[i]; k++) {
			if (columns[pairs[k].gene] == NO_NUMBER)
				continue;
			l->columns[n] = columns[pairs[k].gene];
			l->values[n++] = pairs[k].value;
		}
		at += lengths[i];
		l->offsets[i + 1] = n;
	}
}

static void
take_genes(struct gathering *g, struct err *e)
{
	struct strings names = string_set_strings(&g->numbers.names);
	size_t n = 0, n_entries = 0;
	uint32_t *chosen = choose_genes(g, &names, &n, e), *columns;

	if (!e->is_set) {
		for (size_t i = 0; i < n; i++)
			n_entries += gene_variance_count(&g->variance, chosen[i]);
		columns = name_columns(g, &names, chosen, n);
		fill_rows(g, columns, n_entries, e);
		free(columns);
	}
	free(chosen);
}

/* 5. All of it */

static void
end(struct gathering *g)
{
	label_column_free(&g->label);
	string_set_free(&g->label_set);
	gene_source_free(&g->source);
	gene_numbers_free(&g->numbers);
	gene_variance_free(&g->variance);
	buffer_free(&g->labels);
	buffer_free(&g->lengths);
	buffer_free(&g->pairs);
	buffer_free(&g->window);
	buffer_free(&g->dense);
	spill_close(&g->spill);
}

struct labelled_features *
labelled_features_read(
    struct cli *cli, const struct labelled_features_options *options, struct err *e)
{
	struct labelled_features *l = mem_zero(1, sizeof(*l));
	struct gathering g = { .cli = cli, .options = options, .l = l, .spill = spill_new() };

	progress_start(&g.progress, cli, "cells");
	for (size_t i = 0; i < (cli->n_inputs ? cli->n_inputs : 1) && !e->is_set; i++)
		read_file(&g, cli->n_inputs ? cli->inputs[i] : "-", e);
	progress_end(&g.progress);
	if (!e->is_set)
		take_labels(&g, e);
	if (!e->is_set && l->kind != KIND_EMBEDDINGS)
		take_genes(&g, e);
	l->dense = (float *)(void *)g.dense.data;
	g.dense = (struct buffer){ 0 };
	end(&g);
	if (!e->is_set)
		return l;
	labelled_features_free(l);
	return NULL;
}

void
labelled_features_free(struct labelled_features *l)
{
	if (!l)
		return;
	free(l->dense);
	free(l->offsets);
	free(l->columns);
	free(l->values);
	free(l->labels);
	arena_free(&l->arena);
	free(l);
}
