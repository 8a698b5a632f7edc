/* plot_gene_effects.c - effects of genes from tables; see plot_gene_effects.h. */

#include "formats/plot_gene_effects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Shifts that tables have, and their false discovery rates. */
static const struct {
	const char *shift, *fdr;
} known[] = {
	{ "Shift_to_goal_end", "Goal_end_FDR" },
	{ "Test_vs_null_avg_shift", "Test_vs_null_FDR" },
	{ "Combo_minus_sum_shift", NULL },
	{ "Test_avg_shift", NULL },
	{ "Cosine_sim_mean", NULL },
	{ "Cosine_sim", NULL },
};

static const char *const name_columns[] = { "Affected_gene_name", "Gene_name", "Ensembl_ID",
	"Gene" };

enum { N_NAME_COLUMNS = sizeof(name_columns) / sizeof(*name_columns) };

/* Places of columns; -1: not there. */
struct places {
	ptrdiff_t shift, fdr, names[N_NAME_COLUMNS];
	size_t n_names;
};

static ptrdiff_t
find_named(const struct plot_table *t, const char *name, struct err *e)
{
	ptrdiff_t at = plot_table_find(t, name);

	if (at < 0)
		err_set(e, "%s: no column %s", t->path, name);
	return at;
}

static int
find_numbers(struct places *at, const struct plot_table *t, const char *shift, const char *fdr,
    bool needs_fdr, struct err *e)
{
	at->shift = shift ? find_named(t, shift, e) : -1;
	at->fdr = fdr ? find_named(t, fdr, e) : -1;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known) && at->shift < 0; i++) {
		at->shift = plot_table_find(t, known[i].shift);
		if (at->shift >= 0 && !shift)
			shift = known[i].shift;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known) && at->fdr < 0 && at->shift >= 0; i++)
		if (known[i].fdr && strcmp(known[i].shift, shift) == 0)
			at->fdr = plot_table_find(t, known[i].fdr);
	if (at->shift < 0)
		return err_set(e, "%s: no column with a shift, such as %s; choose one with --x",
		    t->path, known[0].shift);
	if (at->fdr < 0 && needs_fdr)
		return err_set(e,
		    "%s: no column with the false discovery rate of %s; choose one "
		    "with --y",
		    t->path, shift);
	return e->is_set ? -1 : 0;
}

static int
find_names(struct places *at, const struct plot_table *t, const char *names, struct err *e)
{
	if (names) {
		at->names[at->n_names++] = find_named(t, names, e);
		return e->is_set ? -1 : 0;
	}
	for (size_t i = 0; i < N_NAME_COLUMNS; i++) {
		ptrdiff_t column = plot_table_find(t, name_columns[i]);

		if (column >= 0)
			at->names[at->n_names++] = column;
	}
	return at->n_names ? 0
			   : err_set(e,
				 "%s: no column Gene_name, Ensembl_ID or Gene; choose one "
				 "with --name",
				 t->path);
}

/* The first that is not empty. */
static const char *
name_of(const struct plot_table *t, size_t row, const struct places *at)
{
	const char *name = "";

	for (size_t i = 0; i < at->n_names && !*name; i++)
		name = plot_table_text(t, row, (size_t)at->names[i]);
	return name;
}

static void
add_row(struct gene_effects *g, const struct plot_table *t, size_t row, const struct places *at,
    bool needs_fdr, struct err *e)
{
	struct gene_effect *gene = &g->genes[g->n];

	gene->name = name_of(t, row, at);
	gene->shift = plot_table_number(t, row, (size_t)at->shift, e);
	gene->fdr = at->fdr < 0 ? (double)NAN : plot_table_number(t, row, (size_t)at->fdr, e);
	if (gene->fdr < 0 || gene->fdr > 1)
		err_set(e, "%s: row %zu: %s is %g, and not between 0 and 1", t->path, row + 1,
		    t->names[at->fdr], gene->fdr);
	if (isfinite(gene->shift) && !(needs_fdr && isnan(gene->fdr)))
		g->n++;
	else
		g->n_dropped++;
}

int
gene_effects_read(struct gene_effects *g, const struct plot_table *t,
    const struct gene_columns *columns, bool needs_fdr, struct err *e)
{
	struct places at = { .n_names = 0 };

	*g = (struct gene_effects){ 0 };
	if (e->is_set || find_numbers(&at, t, columns->shift, columns->fdr, needs_fdr, e) ||
	    find_names(&at, t, columns->name, e))
		return -1;
	g->shift_column = t->names[at.shift];
	g->fdr_column = at.fdr < 0 ? NULL : t->names[at.fdr];
	g->genes = mem_alloc(t->n_rows, sizeof(*g->genes));
	for (size_t row = 0; row < t->n_rows && !e->is_set; row++)
		add_row(g, t, row, &at, needs_fdr, e);
	if (!e->is_set && g->n == 0)
		err_set(e, "%s: no row with a number in %s%s%s", t->path, g->shift_column,
		    needs_fdr ? " and in " : "", needs_fdr ? g->fdr_column : "");
	return e->is_set ? -1 : 0;
}

void
gene_effects_free(struct gene_effects *g)
{
	free(g->genes);
}

/* "Shift to goal end" of "Shift_to_goal_end". */
static const char *
readable(struct arena *a, const char *column)
{
	char *text = arena_strdup(a, column);

	for (char *p = text; *p; p++)
		if (*p == '_')
			*p = ' ';
	return text;
}

void
plot_genes_input(const struct plot_page *page, bool is_volcano, const struct gene_columns *columns,
    double alpha, size_t top, struct err *e)
{
	struct plot_table table;
	struct gene_effects genes;
	struct canvas *c = NULL;

	plot_table_read(&table, page->cli->input, page->cli->force, e);
	if (!gene_effects_read(&genes, &table, columns, is_volcano, e))
		c = plot_page_start(page, is_volcano ? 130 : 145, 100, e);
	if (c) {
		struct plot_genes what = { page->title,
			readable(canvas_arena(c), genes.shift_column),
			genes.fdr_column ? readable(canvas_arena(c), genes.fdr_column) : NULL,
			genes.n, genes.genes, alpha, top };

		(is_volcano ? plot_volcano_draw : plot_ranked_draw)(c, &what);
		if (genes.n_dropped)
			cli_warn(page->cli, "%zu rows without a number in %s%s%s are left out",
			    genes.n_dropped, genes.shift_column, is_volcano ? " or in " : "",
			    is_volcano ? genes.fdr_column : "");
	}
	plot_page_end(page, c, e);
	gene_effects_free(&genes);
	plot_table_free(&table);
}
