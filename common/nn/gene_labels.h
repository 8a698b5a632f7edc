/* gene_labels.h - which class the gene of a token is of, for models that classify genes.
 *
 * From a table of genes and classes (formats/gene_classes.h). As in the reference genes, not only
 * cells, are held out: those of validation and test are labelled in cells of these sets, and
 * nowhere else. */

#ifndef NN_GENE_LABELS_H
#define NN_GENE_LABELS_H

#include "cell/genes.h"
#include "nn/class_names.h"
#include "nn/token_corpus.h"

struct gene_labels {
	struct class_names *names;
	bool is_own;     /* the names are those of the model's head, in its order */
	int32_t *of[3];  /* by token_set: [vocab] class, or -1 */
	size_t n_tokens; /* of the vocabulary */
	size_t n_genes[3];
	size_t n_unknown; /* genes of the table that are not in the vocabulary */
};

struct gene_labels_options {
	const char *path;
	const struct genes *genes;
	const struct class_names *own; /* of the model's own head, or NULL */
	double valid, test;            /* shares of the genes of each class; 0 of a set that has
					  cells: it is evaluated with the genes of TRAIN */
	uint64_t seed;
};

/* NULL with e set: a table that cannot be read; one class only, or one that has no gene of the
 * vocabulary to learn from. */
struct gene_labels *gene_labels_open(const struct gene_labels_options *o, struct err *e);
/* NULL is fine. */
void gene_labels_free(struct gene_labels *g);

/* Adds the labels in the cells of TRAIN to counts [classes]. 0 or -1. */
int gene_labels_count(
    const struct gene_labels *g, const struct token_corpus *c, uint64_t *counts, struct err *e);

#endif
