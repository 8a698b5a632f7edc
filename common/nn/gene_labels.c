#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cell/set_split.h"
#include "formats/gene_classes.h"
#include "formats/label_column.h"
#include "nn/chance.h"
#include "nn/gene_labels.h"

/* The table, and its genes that the vocabulary has. */
struct reading {
	const struct gene_labels_options *o;
	struct gene_classes *table;
	int32_t *tokens;   /* [n] */
	uint32_t *classes; /* [n] */
	size_t n;
};

static int
take_genes(struct reading *r, struct gene_labels *g, struct err *e)
{
	const struct gene_classes *t = r->table;
	const uint32_t *classes = (const uint32_t *)(const void *)t->numbers.data;

	r->tokens = mem_alloc(t->genes.n, sizeof(*r->tokens));
	r->classes = mem_alloc(t->genes.n, sizeof(*r->classes));
	for (size_t i = 0; i < t->genes.n; i++) {
		size_t size;
		const char *gene = strings_get(&t->texts, i, &size);
		ptrdiff_t row = genes_find(r->o->genes, gene, size);

		if (row < 0 || r->o->genes->tokens[row] == NO_TOKEN) {
			g->n_unknown++;
			continue;
		}
		r->tokens[r->n] = r->o->genes->tokens[row];
		r->classes[r->n++] = classes[i];
	}
	return r->n ? 0
		    : err_set(
			  e, "%s: none of its %zu genes is in the vocabulary", t->path, t->genes.n);
}

/* Classes by the bytes of their names, or as the model's own head has them. */
static int
name_classes(struct reading *r, struct gene_labels *g, struct err *e)
{
	struct arena a = { 0 };
	uint32_t *places = NULL;
	struct class_list list = { r->table->path, NULL, r->table->classes.n };

	if (r->o->own && r->o->own->n_tasks == 1)
		places = class_names_places(r->o->own->tasks[0].names, &r->table->classes);
	g->is_own = places != NULL;
	if (!places)
		places = label_places(&r->table->classes, 0);
	list.names = label_names(&a, &r->table->classes, places);
	if (list.n < 2)
		err_set(e, "%s: all genes are %s; there must be two classes to tell apart",
		    list.task, list.names[0]);
	else
		g->names = class_names_of_tasks(&list, 1, e);
	for (size_t i = 0; i < r->n; i++)
		r->classes[i] = places[r->classes[i]];
	arena_free(&a);
	free(places);
	return e->is_set ? -1 : 0;
}

/* A set without genes of its own has those that are learned from. */
static void
divide(const struct reading *r, struct gene_labels *g)
{
	struct set_split how = { .n_classes = r->table->classes.n, .n_sets = 3 };
	struct random chance = random_start(r->o->seed, chance_stream(CHANCE_SPLIT, 1));
	uint8_t *sets = mem_zero(r->n, 1);

	how.shares[TOKEN_SET_TRAIN] = 1 - r->o->valid - r->o->test;
	how.shares[TOKEN_SET_EVAL] = r->o->valid;
	how.shares[TOKEN_SET_TEST] = r->o->test;
	g->n_tokens = r->o->genes->n_tokens;
	set_split_items(&how, r->classes, r->n, &chance, sets);
	for (size_t k = 0; k < 3; k++) {
		g->of[k] = mem_alloc(g->n_tokens, sizeof(*g->of[k]));
		for (size_t t = 0; t < g->n_tokens; t++)
			g->of[k][t] = -1;
		for (size_t i = 0; i < r->n; i++)
			if (sets[i] == (how.shares[k] > 0 ? k : TOKEN_SET_TRAIN)) {
				g->of[k][r->tokens[i]] = (int32_t)r->classes[i];
				g->n_genes[k]++;
			}
	}
	free(sets);
}

static int
check_classes(const struct reading *r, const struct gene_labels *g, struct err *e)
{
	const struct strings *names = g->names->tasks[0].names;
	size_t *counts = mem_zero(names->n, sizeof(*counts));

	for (size_t t = 0; t < g->n_tokens; t++)
		if (g->of[TOKEN_SET_TRAIN][t] >= 0)
			counts[g->of[TOKEN_SET_TRAIN][t]]++;
	for (size_t c = 0; c < names->n && !e->is_set; c++) {
		size_t size;
		const char *name = strings_get(names, c, &size);

		if (!counts[c])
			err_set(e, "%s: class %.*s has no gene of the vocabulary to learn from",
			    r->table->path, (int)size, name);
	}
	free(counts);
	return e->is_set ? -1 : 0;
}

struct gene_labels *
gene_labels_open(const struct gene_labels_options *o, struct err *e)
{
	struct reading r = { .o = o, .table = gene_classes_open(o->path, e) };
	struct gene_labels *g = mem_zero(1, sizeof(*g));

	if (!e->is_set && take_genes(&r, g, e) == 0 && name_classes(&r, g, e) == 0) {
		divide(&r, g);
		check_classes(&r, g, e);
	}
	free(r.tokens);
	free(r.classes);
	gene_classes_free(r.table);
	if (!e->is_set)
		return g;
	gene_labels_free(g);
	return NULL;
}

void
gene_labels_free(struct gene_labels *g)
{
	if (!g)
		return;
	for (size_t k = 0; k < 3; k++)
		free(g->of[k]);
	class_names_free(g->names);
	free(g);
}

int
gene_labels_count(
    const struct gene_labels *g, const struct token_corpus *c, uint64_t *counts, struct err *e)
{
	struct token_order *o = token_order_new(c, TOKEN_SET_TRAIN, false, 0);
	struct token_step step;

	while (token_order_take(o, TOKEN_BLOCK_TOKENS, &step, e) > 0)
		for (size_t i = 0; i < step.offsets[step.n]; i++) {
			int32_t label = g->of[TOKEN_SET_TRAIN][step.ids[i]];

			if (label >= 0)
				counts[label]++;
		}
	token_order_free(o);
	return e->is_set ? -1 : 0;
}
