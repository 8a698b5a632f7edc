#include <stdlib.h>

#include "formats/perturbation_reading.h"

/* Its columns, where they stand; -1: not there. */
struct columns {
	const struct schema *schema;
	ptrdiff_t cell, perturbed, affected, gene_cos;
	size_t n_series;
	size_t *series;                             /* [n_series] */
	uint32_t *perturbed_genes, *affected_genes; /* of their dictionaries */
	struct buffer group;                        /* uint32_t: the genes of a row */
};

static bool
is_list_of(const struct schema *s, ptrdiff_t i, enum type type)
{
	return s->fields[i].type == TYPE_LIST && s->fields[i].children[0].type == type;
}

/* A column of numbers, or -1 with the error set. */
static ptrdiff_t
find_numbers(const struct schema *s, const char *before, const char *name, struct err *e)
{
	char *full = mem_printf("%s%s", before, name);
	ptrdiff_t i = schema_find(s, full);

	if (i >= 0 && s->fields[i].type != TYPE_FLOAT)
		err_set(e, "column %s: holds no floating-point numbers", full);
	else if (i < 0)
		err_set(e,
		    *before ? "no column %s: the cells were not perturbed towards this state "
			      "(gfperturb --states; cellview --schema lists the columns)"
			    : "no column %s",
		    full);
	free(full);
	return e->is_set ? -1 : i;
}

static void
find_gene_columns(struct columns *c, struct gene_sets *sets, struct err *e)
{
	const struct schema *s = c->schema;

	c->affected = schema_find(s, "affected");
	c->gene_cos = schema_find(s, "gene_cos");
	if (c->affected < 0 || c->gene_cos < 0)
		c->affected = c->gene_cos = -1;
	else if (!is_list_of(s, c->affected, TYPE_UTF8) || !is_list_of(s, c->gene_cos, TYPE_FLOAT))
		err_set(e, "columns affected and gene_cos: no lists of genes and of numbers");
	else
		c->affected_genes = gene_sets_dictionary(sets, &s->fields[c->affected]);
}

static void
find_columns(
    const struct perturbation_inputs *in, const struct schema *s, struct columns *c, struct err *e)
{
	const struct perturbation_wanted *w = in->what;

	*c = (struct columns){ .schema = s, .affected = -1, .gene_cos = -1 };
	c->cell = schema_find(s, "cell");
	if (c->cell >= 0 && s->fields[c->cell].type != TYPE_UTF8)
		c->cell = -1;
	c->perturbed = schema_find(s, "perturbed");
	if (c->perturbed < 0 || !is_list_of(s, c->perturbed, TYPE_UTF8))
		err_set(e, "no column perturbed that lists genes");
	else
		c->perturbed_genes = gene_sets_dictionary(in->sets, &s->fields[c->perturbed]);
	c->n_series = w->n_states ? w->n_states : 1;
	c->series = mem_alloc(c->n_series, sizeof(*c->series));
	for (size_t i = 0; i < w->n_states && !e->is_set; i++)
		c->series[i] = (size_t)find_numbers(s, SHIFT_PREFIX, w->states[i], e);
	if (!w->n_states && !e->is_set)
		c->series[0] = (size_t)find_numbers(s, "", "cos_sim", e);
	if (w->genes && !e->is_set)
		find_gene_columns(c, in->sets, e);
	if (w->triples && c->cell < 0)
		err_set(e, "no column cell, by which the parts of a pair are found");
}

static void
free_columns(struct columns *c)
{
	free(c->series);
	free(c->perturbed_genes);
	free(c->affected_genes);
	buffer_free(&c->group);
}

/* The set of what a row perturbs. */
static int
find_group(struct perturbation_inputs *in, struct columns *c, const struct batch *b, size_t row,
    uint32_t *ret_set, struct err *e)
{
	const struct field *f = &c->schema->fields[c->perturbed];
	const struct array *a = &b->columns[c->perturbed];
	size_t from = (size_t)a->offsets[row], n = (size_t)a->offsets[row + 1] - from;
	uint32_t *genes;

	if (!n || !array_is_valid(a, row))
		return err_set(e, "an empty group: no gene is perturbed");
	c->group.size = 0;
	genes = buffer_grow(&c->group, n * sizeof(*genes));
	for (size_t i = 0; i < n; i++) {
		if (!array_is_valid(&a->children[0], from + i))
			return err_set(e, "column perturbed: a gene that is null");
		genes[i] = gene_sets_entry(in->sets, c->perturbed_genes, f, a, from + i);
	}
	*ret_set = gene_sets_add(in->sets, genes, n);
	return 0;
}

static int
show_genes(struct perturbation_inputs *in, const struct columns *c, const struct batch *b,
    size_t row, struct perturbation_value *v, struct err *e)
{
	const struct field *f = &c->schema->fields[c->affected];
	const struct field *number = &c->schema->fields[c->gene_cos].children[0];
	const struct array *genes = &b->columns[c->affected], *cos = &b->columns[c->gene_cos];
	size_t from = (size_t)genes->offsets[row], cos_from = (size_t)cos->offsets[row];
	size_t n = (size_t)genes->offsets[row + 1] - from;

	if (n != (size_t)cos->offsets[row + 1] - cos_from)
		return err_set(e, "affected and gene_cos are not of the same length");
	v->series = 0;
	for (size_t i = 0; i < n; i++) {
		if (!array_is_valid(&genes->children[0], from + i))
			return err_set(e, "column affected: a gene that is null");
		v->affected = gene_sets_entry(in->sets, c->affected_genes, f, genes, from + i);
		if (perturbation_show(
			in, v, array_number(number, &cos->children[0], cos_from + i), e))
			return -1;
	}
	return 0;
}

static int
show_row(struct perturbation_inputs *in, struct columns *c, const struct batch *b, size_t row,
    struct err *e)
{
	struct perturbation_value v = { .affected = NO_GENE, .row = in->n_rows++ };

	if (find_group(in, c, b, row, &v.set, e))
		return -1;
	if (c->cell >= 0)
		v.cell = array_text(
		    &c->schema->fields[c->cell], &b->columns[c->cell], row, &v.cell_size);
	for (; v.series < c->n_series; v.series++) {
		size_t i = c->series[v.series];

		if (perturbation_show(
			in, &v, array_number(&c->schema->fields[i], &b->columns[i], row), e))
			return -1;
	}
	return c->affected < 0 ? 0 : show_genes(in, c, b, row, &v, e);
}

int
perturbation_read_stream(struct perturbation_inputs *in, struct cells_reader *r, double from,
    double share, struct err *e)
{
	struct columns c = { 0 };
	struct batch b = { 0 };

	find_columns(in, cells_schema(r), &c, e);
	if (e->is_set)
		err_prefix(e, "%s", cells_name(r));
	while (!e->is_set && cells_read(r, &b, e) > 0) {
		for (size_t i = 0; i < b.rows; i++)
			if (show_row(in, &c, &b, i, e)) {
				err_prefix(e, "%s: batch %llu: row %zu", cells_name(r),
				    (unsigned long long)b.number, i);
				break;
			}
		progress_advance(&in->progress, b.rows,
		    cells_fraction(r) < 0 ? -1 : from + share * cells_fraction(r));
	}
	batch_free(&b);
	free_columns(&c);
	return e->is_set ? -1 : 0;
}
