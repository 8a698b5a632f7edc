#include <csv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/io.h"
#include "base/utf8.h"
#include "formats/gene_classes.h"

#define LIMIT ((size_t)64 << 20)

/* The line at hand. */
struct table {
	struct gene_classes *g;
	struct buffer gene, class;
	size_t n_fields;
	size_t row; /* that have ended, empty lines aside */
	struct err *e;
};

static void
take_field(void *bytes, size_t size, void *context)
{
	struct table *t = context;
	struct buffer *into = t->n_fields == 0 ? &t->gene : &t->class;

	if (t->n_fields++ > 1)
		return;
	into->size = 0;
	buffer_add(into, bytes, size);
}

static bool
is_text(const struct buffer *b, const char *text)
{
	return b->size == strlen(text) && strncasecmp((const char *)b->data, text, b->size) == 0;
}

static bool
is_header(const struct table *t)
{
	return t->row == 1 && (is_text(&t->gene, "gene") || is_text(&t->gene, "gene_id") ||
				  is_text(&t->gene, "ensembl_id"));
}

static void
add_gene(struct table *t)
{
	struct gene_classes *g = t->g;
	size_t n_genes = g->genes.n;
	size_t gene = string_set_add(&g->genes, (const char *)t->gene.data, t->gene.size);
	uint32_t class =
	    (uint32_t)string_set_add(&g->classes, (const char *)t->class.data, t->class.size);

	if (gene == n_genes)
		buffer_add(&g->numbers, &class, sizeof(class));
	else if (((const uint32_t *)(const void *)g->numbers.data)[gene] != class)
		err_set(t->e, "row %zu: %.*s has another class above", t->row,
		    (int)(t->gene.size < 100 ? t->gene.size : 100), (const char *)t->gene.data);
}

static void
take_line(int end, void *context)
{
	struct table *t = context;
	size_t n_fields = t->n_fields;

	(void)end;
	t->n_fields = 0;
	t->row++;
	if (t->e->is_set || n_fields == 0 || (n_fields == 1 && t->gene.size == 0) || is_header(t))
		return;
	if (n_fields == 1)
		err_set(t->e, "row %zu: no class behind the gene", t->row);
	else if (!utf8_is_valid(t->gene.data, t->gene.size) ||
		 !utf8_is_valid(t->class.data, t->class.size))
		err_set(t->e, "row %zu: not UTF-8", t->row);
	else if (t->gene.size > 0 && t->class.size > 0)
		add_gene(t);
}

static void
parse(struct table *t, const char *text, size_t size)
{
	const char *line_end = memchr(text, '\n', size);
	size_t first = line_end ? (size_t)(line_end - text) : size;
	struct csv_parser parser;

	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI))
		mem_give_up("no memory");
	csv_set_delim(&parser, memchr(text, '\t', first) ? '\t' : ',');
	if (csv_parse(&parser, text, size, take_field, take_line, t) != size ||
	    csv_fini(&parser, take_field, take_line, t))
		err_set(t->e, "row %zu: %s", t->row + 1, csv_strerror(csv_error(&parser)));
	csv_free(&parser);
}

struct gene_classes *
gene_classes_open(const char *path, struct err *e)
{
	struct gene_classes *g;
	struct table t = { .e = e };
	size_t size;
	char *text;

	if (e->is_set || !(text = io_read_file(path, LIMIT, &size, e)))
		return NULL;
	g = t.g = mem_zero(1, sizeof(*g));
	g->path = path;
	parse(&t, text, size);
	if (!e->is_set && g->genes.n == 0)
		err_set(e, "no gene has a class");
	err_prefix(e, "%s", path);
	buffer_free(&t.gene);
	buffer_free(&t.class);
	free(text);
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
