/* Kinds of rows: their names, the columns that make them, and who makes them. */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "formats/cells_kind.h"

static const struct kind_row {
	enum kind kind;
	const char *name, *makers;
} kinds[] = {
	{ KIND_COUNTS, "counts", "h5ad2cells or genemap" },
	{ KIND_VALUES, "values", "normalize" },
	{ KIND_TOKENS, "tokens", "rankencode or hf2cells" },
	{ KIND_EMBEDDINGS, "embeddings", "gfembed" },
	{ KIND_PREDICTIONS, "predictions", "gfclassify" },
	{ KIND_PERTURBATIONS, "perturbations", "gfperturb" },
	{ KIND_GENES, "genes", "medians" },
	{ KIND_TABLE, "a table", "any program" },
};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const char *
kind_name(enum kind kind)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	assert(false && "a kind");
	return "";
}

struct kind_columns
kind_columns_find(const struct schema *s)
{
	return (struct kind_columns){
		.cell = schema_find(s, "cell"),
		.gene = schema_find(s, "gene"),
		.count = schema_find(s, "count"),
		.n_counts = schema_find(s, "n_counts"),
		.value = schema_find(s, "value"),
		.input_ids = schema_find(s, "input_ids"),
		.length = schema_find(s, "length"),
		.embedding = schema_find(s, "embedding"),
	};
}

static bool
is_list(const struct schema *s, ptrdiff_t i)
{
	return i >= 0 && s->fields[i].type == TYPE_LIST;
}

static bool
is_text(const struct schema *s, ptrdiff_t i)
{
	return i >= 0 && s->fields[i].type == TYPE_UTF8;
}

/* What the columns make a stream. */
static enum kind
judge_columns(const struct schema *s)
{
	struct kind_columns c = kind_columns_find(s);

	if (is_list(s, c.input_ids))
		return KIND_TOKENS;
	if (is_list(s, c.gene) && is_list(s, c.count))
		return KIND_COUNTS;
	if (is_list(s, c.gene) && is_list(s, c.value))
		return KIND_VALUES;
	if (c.embedding >= 0 && s->fields[c.embedding].type == TYPE_FIXED_LIST)
		return KIND_EMBEDDINGS;
	if (schema_find(s, "prediction") >= 0)
		return KIND_PREDICTIONS;
	if (is_list(s, schema_find(s, "perturbed")))
		return KIND_PERTURBATIONS;
	if (is_text(s, c.gene) && (schema_find(s, "token") >= 0 || schema_find(s, "median") >= 0))
		return KIND_GENES;
	return KIND_TABLE;
}

enum kind
kind_judge(const struct schema *s)
{
	const char *said = metadata_get(&s->metadata, "cells:kind");

	for (size_t i = 0; said && i < N_KINDS; i++)
		if (strcmp(said, kinds[i].name) == 0 && kinds[i].kind != KIND_TABLE)
			return kinds[i].kind;
	return judge_columns(s);
}

int
kind_check_lists(const struct schema *s, enum kind kind, const struct batch *b, struct err *e)
{
	ptrdiff_t gene = schema_find(s, "gene"),
		  other = schema_find(s, kind == KIND_COUNTS ? "count" : "value");
	const int32_t *x, *y;

	if (!(kind & (KIND_COUNTS | KIND_VALUES)) || !is_list(s, gene) || !is_list(s, other))
		return 0;
	x = b->columns[gene].offsets;
	y = b->columns[other].offsets;
	for (size_t i = 0; i < b->rows; i++)
		if (x[i + 1] != y[i + 1])
			return err_set(e,
			    "row %zu: %d genes, but %d entries of %s (unequal list lengths)", i,
			    (int)(x[i + 1] - x[i]), (int)(y[i + 1] - y[i]), s->fields[other].name);
	return 0;
}

int
kind_refuse(const char *name, enum kind kind, unsigned wanted, const char *program, struct err *e)
{
	char needs[200] = "", makers[200] = "";

	for (size_t i = 0; i < N_KINDS; i++) {
		if (!(kinds[i].kind & wanted))
			continue;
		snprintf(needs + strlen(needs), sizeof(needs) - strlen(needs), "%s%s",
		    *needs ? " or " : "", kinds[i].name);
		snprintf(makers + strlen(makers), sizeof(makers) - strlen(makers), "%s%s",
		    *makers ? " or " : "", kinds[i].makers);
	}
	return err_set(e, "%s: holds %s, but %s needs %s (made by %s)", name, kind_name(kind),
	    program, needs, makers);
}

const char *
kind_renamed(struct arena *a, const char *obs_name)
{
	static const char *const taken[] = { "cell", "gene", "count", "value", "input_ids",
		"length", "embedding", "prediction", "probability", "probabilities", "perturbed",
		"cos_sim", "affected", "gene_cos", "state", "n_cells" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(obs_name, taken[i]) == 0)
			return arena_printf(a, "obs.%s", obs_name);
	return NULL;
}
