#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/delimited.h"
#include "formats/gene_classes.h"

static bool
is_header(const char *first)
{
	return strcasecmp(first, "gene") == 0 || strcasecmp(first, "gene_id") == 0 ||
	       strcasecmp(first, "ensembl_id") == 0;
}

static int
add_gene(struct gene_classes *g, const struct delimited_row *row, struct err *e)
{
	size_t n_genes = g->genes.n;
	size_t gene = string_set_add(&g->genes, row->fields[0], row->sizes[0]);
	uint32_t class = (uint32_t)string_set_add(&g->classes, row->fields[1], row->sizes[1]);

	if (gene == n_genes)
		buffer_add(&g->numbers, &class, sizeof(class));
	else if (((const uint32_t *)(const void *)g->numbers.data)[gene] != class)
		return err_set(
		    e, "line %zu: %.100s has another class above", row->line, row->fields[0]);
	return 0;
}

static int
take_row(void *context, const struct delimited_row *row, struct err *e)
{
	struct gene_classes *g = context;
	bool is_first = !g->has_rows;

	g->has_rows = true;
	if ((is_first && is_header(row->fields[0])) || (row->n == 1 && row->sizes[0] == 0))
		return 0;
	if (row->n == 1)
		return err_set(e, "line %zu: no class behind the gene", row->line);
	return row->sizes[0] && row->sizes[1] ? add_gene(g, row, e) : 0;
}

struct gene_classes *
gene_classes_open(const char *path, struct err *e)
{
	struct gene_classes *g;

	if (e->is_set)
		return NULL;
	g = mem_zero(1, sizeof(*g));
	g->path = path;
	delimited_read(path, false, DELIMITED_TSV_QUOTES | DELIMITED_TRIM, take_row, g, e);
	if (!e->is_set && g->genes.n == 0)
		err_set(e, "%s: no gene has a class", path);
	g->texts = string_set_strings(&g->genes);
	string_index_build(&g->index, &g->texts);
	if (!e->is_set)
		return g;
	gene_classes_free(g);
	return NULL;
}

ptrdiff_t
gene_classes_find(const struct gene_classes *g, const char *gene, size_t size)
{
	return string_index_find(&g->index, gene, size);
}

const char *
gene_classes_class(const struct gene_classes *g, size_t gene, size_t *ret_size)
{
	struct strings classes = string_set_strings(&g->classes);

	return strings_get(
	    &classes, ((const uint32_t *)(const void *)g->numbers.data)[gene], ret_size);
}

void
gene_classes_free(struct gene_classes *g)
{
	if (!g)
		return;
	string_set_free(&g->genes);
	string_set_free(&g->classes);
	buffer_free(&g->numbers);
	string_index_free(&g->index);
	free(g);
}
