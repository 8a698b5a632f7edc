#include "formats/gene_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text_scalar.h"
#include "formats/text_table.h"

enum naming { TOKENS, SYMBOLS, IDS, SYMBOLS_OR_IDS };

void
gene_table_text(struct gene_table *t, const char *text, size_t size)
{
	text_table_tsv(&t->line, text, size);
	buffer_add(&t->line, "\t", 1);
}

void
gene_table_name(struct gene_table *t, const char *text)
{
	gene_table_text(t, text, strlen(text));
}

void
gene_table_number(struct gene_table *t, double x, bool is_whole)
{
	if (is_whole && !isnan(x))
		text_integer(&t->line, (int64_t)x);
	else if (!isnan(x))
		text_real(&t->line, x, false);
	buffer_add(&t->line, "\t", 1);
}

/* Adds a name of one gene to the field at hand. */
static void
add_name(struct gene_table *t, uint32_t gene, enum naming naming)
{
	struct strings ids = string_set_strings(&t->sets->genes);
	size_t id_size, size = 0;
	const char *id = strings_get(&ids, gene, &id_size), *symbol = "";
	ptrdiff_t row = t->genes ? genes_find(t->genes, id, id_size) : -1;

	if (row >= 0)
		symbol = strings_get(t->genes->symbols, (size_t)row, &size);
	if (naming == TOKENS && row >= 0 && t->genes->tokens[row] != NO_TOKEN)
		text_integer(&t->field, t->genes->tokens[row]);
	if ((naming == SYMBOLS || naming == SYMBOLS_OR_IDS) && size)
		buffer_add(&t->field, symbol, size);
	if (naming == IDS || (naming == SYMBOLS_OR_IDS && !size))
		buffer_add(&t->field, id, id_size);
}

static void
add_genes(struct gene_table *t, const uint32_t *genes, size_t n, enum naming naming)
{
	t->field.size = 0;
	for (size_t i = 0; i < n; i++) {
		if (i)
			buffer_add(&t->field, "+", 1);
		add_name(t, genes[i], naming);
	}
	/* Without a dictionary a set has no tokens, not only its '+'. */
	if (!t->genes && naming != IDS && naming != SYMBOLS_OR_IDS)
		t->field.size = 0;
	gene_table_text(t, (const char *)t->field.data, t->field.size);
}

/* The genes of a set in the order of its text; the caller's. */
static uint32_t *
sorted_genes(struct gene_table *t, uint32_t set, size_t *ret_n)
{
	uint32_t *genes;

	gene_sets_get(t->sets, set, ret_n);
	genes = mem_alloc(*ret_n, sizeof(*genes));
	gene_sets_sorted(t->sets, set, genes);
	return genes;
}

void
gene_table_set(struct gene_table *t, uint32_t set)
{
	size_t n;
	uint32_t *genes = sorted_genes(t, set, &n);

	add_genes(t, genes, n, TOKENS);
	add_genes(t, genes, n, SYMBOLS);
	add_genes(t, genes, n, IDS);
	free(genes);
}

void
gene_table_gene(struct gene_table *t, uint32_t gene)
{
	if (gene == NO_SET) {
		gene_table_name(t, "cell_emb");
		gene_table_name(t, "");
		gene_table_name(t, "");
		return;
	}
	add_genes(t, &gene, 1, TOKENS);
	add_genes(t, &gene, 1, SYMBOLS);
	add_genes(t, &gene, 1, IDS);
}

void
gene_table_symbols(struct gene_table *t, uint32_t set)
{
	size_t n;
	uint32_t *genes = sorted_genes(t, set, &n);

	add_genes(t, genes, n, SYMBOLS_OR_IDS);
	free(genes);
}

void
gene_table_ids(struct gene_table *t, uint32_t set)
{
	size_t n;
	uint32_t *genes = sorted_genes(t, set, &n);

	add_genes(t, genes, n, IDS);
	free(genes);
}

int
gene_table_header(struct gene_table *t, const char *const *names, struct err *e)
{
	for (; *names; names++)
		gene_table_name(t, *names);
	return gene_table_end(t, e);
}

int
gene_table_end(struct gene_table *t, struct err *e)
{
	int r;

	t->line.data[t->line.size - 1] = '\n';
	r = output_write(t->output, t->line.data, t->line.size, e);
	t->line.size = 0;
	return r;
}

void
gene_table_free(struct gene_table *t)
{
	buffer_free(&t->line);
	buffer_free(&t->field);
}
