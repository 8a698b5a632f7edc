/* plot_gene_effects.h - effects of genes from a table of statistics: perturbstats', the
 * reference's, or any other with a number and a name a row. */

#ifndef FORMATS_PLOT_GENE_EFFECTS_H
#define FORMATS_PLOT_GENE_EFFECTS_H

#include "formats/plot_genes.h"
#include "formats/plot_page.h"
#include "formats/plot_table.h"

struct gene_effects {
	size_t n;
	struct gene_effect *genes; /* names point into the table */
	size_t n_dropped;          /* rows without a shift, or without an FDR that is needed */
	const char *shift_column;
	const char *fdr_column; /* NULL: none */
};

/* Names of columns; NULL: those that tables of perturbstats have. shift: Shift_to_goal_end,
 * Test_vs_null_avg_shift, Combo_minus_sum_shift, Test_avg_shift, Cosine_sim_mean or Cosine_sim.
 * fdr: the one that goes with it. name: Affected_gene_name, Gene_name, where these are empty
 * Ensembl_ID, Gene. */
struct gene_columns {
	const char *shift, *fdr, *name;
};

/* needs_fdr: without a column for it that is an error. -1 on failure: no such column, a field that
 * is no number, an FDR outside 0 to 1, no row left. Free it in either case. */
int gene_effects_read(struct gene_effects *g, const struct plot_table *t,
    const struct gene_columns *columns, bool needs_fdr, struct err *e);
void gene_effects_free(struct gene_effects *g);

/* The program's input as a volcano or a ranking, on a page of its own. */
void plot_genes_input(const struct plot_page *page, bool is_volcano,
    const struct gene_columns *columns, double alpha, size_t top, struct err *e);

#endif
