/* plot_genes.h - effects of perturbed genes: a volcano (shift against significance) and a ranking.
 */

#ifndef FORMATS_PLOT_GENES_H
#define FORMATS_PLOT_GENES_H

#include "formats/plot_canvas.h"

struct gene_effect {
	const char *name;
	double shift; /* finite */
	double fdr;   /* 0 to 1; NAN: not known */
};

struct plot_genes {
	const char *title; /* NULL: none */
	const char *shift; /* what shift is: "Shift to goal end" */
	const char *fdr;   /* what the FDR is; of a ranking NULL where there is none */
	size_t n;
	const struct gene_effect *genes;
	double alpha; /* FDR from which on down a gene is significant */
	size_t top;   /* so many genes are named, as far as there is room */
};

/* -log10(FDR) against shift. An FDR of 0 is drawn at the upper edge. Genes whose FDR is not known
 * are left out. Named are the significant ones with the largest shifts up or down, then others. */
void plot_volcano_draw(struct canvas *c, const struct plot_genes *p);

/* Shifts in descending order against their rank. Named are the `top` at each end. */
void plot_ranked_draw(struct canvas *c, const struct plot_genes *p);

#endif
