#include <math.h>
#include <stdlib.h>

#include "cell/depth_values.h"

static uint32_t
number_of(struct gene_numbers *g, const char *name, size_t size)
{
	return size ? (uint32_t)string_set_add(&g->names, name, size) : NO_NUMBER;
}

void
gene_numbers_start(struct gene_numbers *g, const struct field *gene)
{
	const struct strings *names = gene->children[0].dictionary;

	free(g->dictionary);
	g->dictionary = names ? mem_alloc(names->n, sizeof(*g->dictionary)) : NULL;
	for (size_t i = 0; names && i < names->n; i++) {
		size_t size;
		const char *name = strings_get(names, i, &size);

		g->dictionary[i] = number_of(g, name, size);
	}
}

const uint32_t *
gene_numbers_of(struct gene_numbers *g, struct batch *b, size_t column)
{
	const struct array *names = &b->columns[column].children[0];
	uint32_t *numbers = arena_alloc(&b->arena, names->length, sizeof(*numbers));
	const struct field plain = field_utf8("item");

	for (size_t k = 0; k < names->length; k++) {
		size_t size = 0;
		const char *name = g->dictionary ? NULL : array_text(&plain, names, k, &size);

		numbers[k] = g->dictionary ? g->dictionary[((const int32_t *)names->values)[k]]
					   : number_of(g, name, size);
	}
	return numbers;
}

void
gene_numbers_free(struct gene_numbers *g)
{
	string_set_free(&g->names);
	free(g->dictionary);
	*g = (struct gene_numbers){ 0 };
}

struct depth_columns
depth_columns_find(const struct schema *s)
{
	struct depth_columns c = { (size_t)schema_find(s, "cell"), (size_t)schema_find(s, "gene"),
		(size_t)schema_find(s, "count"), schema_find(s, "n_counts"), { 0 } };

	if (c.n_counts >= 0)
		c.total = field_float("n_counts", s->fields[c.n_counts].bit_width);
	return c;
}

static int
refuse(const struct depth_columns *c, const struct batch *b, size_t row, const char *what, double x,
    struct err *e)
{
	const struct field text = field_utf8("cell");
	size_t size = 0;
	const char *cell = array_text(&text, &b->columns[c->cell], row, &size);

	return err_set(e, "cell %.*s: %s %g", (int)size, cell ? cell : "", what, x);
}

/* What the values of one batch are found with. places[g] is where gene g stands in `found`, if that
 * is in the cell at hand. */
struct finder {
	struct depth_values found;
	size_t *places; /* [n_numbers] */
};

static void
add_count(struct finder *f, size_t cell_start, uint32_t gene, double count)
{
	size_t place = f->places[gene];

	if (place >= cell_start && place < f->found.n && f->found.genes[place] == gene) {
		f->found.values[place] += count;
		return;
	}
	f->places[gene] = f->found.n;
	f->found.genes[f->found.n] = gene;
	f->found.values[f->found.n++] = count;
}

/* Adds the counts of a cell and sums them, those of genes without a number too. */
static int
add_cell(struct finder *f, const struct depth_columns *c, const struct batch *b,
    const uint32_t *numbers, size_t row, double *ret_sum, struct err *e)
{
	const struct array *list = &b->columns[c->count];
	const float *counts = list->children[0].values;
	size_t start = f->found.n;

	*ret_sum = 0;
	for (int32_t k = list->offsets[row]; k < list->offsets[row + 1]; k++) {
		if (!(counts[k] >= 0) || isinf(counts[k]))
			return refuse(c, b, row, "a count of", (double)counts[k], e);
		*ret_sum += (double)counts[k];
		if (counts[k] > 0 && numbers[k] != NO_NUMBER)
			add_count(f, start, numbers[k], (double)counts[k]);
	}
	return 0;
}

static int
scale_cell(struct finder *f, const struct depth_columns *c, const struct batch *b, size_t row,
    size_t from, double total, double target_sum, struct err *e)
{
	for (size_t i = from; i < f->found.n; i++) {
		double *value = &f->found.values[i];

		*value = *value / total * target_sum;
		if (!(*value > 0) || isinf(*value))
			return refuse(
			    c, b, row, "counts cannot be divided by an n_counts of", total, e);
	}
	return 0;
}

int
depth_values_find(struct batch *b, const struct depth_columns *c, const uint32_t *numbers,
    size_t n_numbers, double target_sum, struct depth_values *ret_values, struct err *e)
{
	size_t n_entries = b->columns[c->count].children[0].length;
	struct finder f = { { 0, arena_zero(&b->arena, b->rows + 1, sizeof(*f.found.offsets)),
				arena_alloc(&b->arena, n_entries, sizeof(*f.found.genes)),
				arena_alloc(&b->arena, n_entries, sizeof(*f.found.values)) },
		arena_zero(&b->arena, n_numbers, sizeof(*f.places)) };

	for (size_t row = 0; row < b->rows; row++) {
		size_t from = f.found.n;
		double total;

		if (add_cell(&f, c, b, numbers, row, &total, e))
			return -1;
		if (c->n_counts >= 0)
			total = array_number(&c->total, &b->columns[c->n_counts], row);
		if (scale_cell(&f, c, b, row, from, total, target_sum, e))
			return -1;
		f.found.offsets[row + 1] = f.found.n;
	}
	*ret_values = f.found;
	return 0;
}
