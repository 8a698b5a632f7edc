/* gene_features.h - cells as sparse rows of numbers of genes, as a regression takes them.
 *
 * Counts become log1p(count / n_counts * 10,000), values log1p(value); ids that stand twice in a
 * cell are summed before. Tokens become their rank, 1 for the first gene of a cell and falling
 * linearly towards 0, or 1 for each gene that is there; of a token that stands twice the first
 * place counts. Special tokens are no genes. Computed in double precision, kept in single. */

#ifndef CELL_GENE_FEATURES_H
#define CELL_GENE_FEATURES_H

#include "base/err.h"
#include "cell/depth_values.h"
#include "cell/genes.h"

enum gene_feature { FEATURE_COUNTS, FEATURE_VALUES, FEATURE_RANK, FEATURE_PRESENCE };

/* Row i has the numbers offsets[i] up to offsets[i + 1]; a gene stands once in a row. In the
 * batch's arena. */
struct gene_features {
	size_t rows;
	const size_t *offsets;
	const uint32_t *genes;
	const float *values;
};

/* A stream, and which number each of its genes has. Zero-initialise, then one of the starts. */
struct gene_source {
	enum gene_feature feature;
	const struct schema *schema;    /* the stream's, which must outlive this */
	const struct genes *vocabulary; /* of tokens; else NULL */
	size_t gene, list;              /* columns; tokens have no gene */
	struct depth_columns depth;     /* counts */

	struct gene_numbers *added; /* new genes are numbered; NULL: known ones only */
	struct string_index known;  /* of the genes that have a number */
	uint32_t *numbers;          /* of the vocabulary's tokens, or of the column's dictionary */
	size_t n_numbers;           /* when all genes are known: theirs, and one for all others */
};

/* For streams whose genes are numbered as they come, over several streams. `vocabulary` is needed
 * for tokens. */
void gene_source_add(struct gene_source *s, enum gene_feature feature, const struct schema *schema,
    const struct genes *vocabulary, struct gene_numbers *numbers);

/* For a stream of which only the genes `names` are wanted, which must outlive s: they are numbered
 * as they stand, others left out. ret_n_found: how many of them the stream's vocabulary or
 * dictionary has; -1 where its genes are plain text, or its dictionary is empty. */
void gene_source_find(struct gene_source *s, enum gene_feature feature, const struct schema *schema,
    const struct genes *vocabulary, const struct strings *names, ptrdiff_t *ret_n_found);

/* The features of a batch. -1 with e naming the cell: what depth_values_find and token_cells_take
 * refuse, and a value that is negative or not finite. After gene_source_find any number of threads
 * may call it at the same time. */
int gene_features_of(
    struct gene_source *s, struct batch *b, struct gene_features *ret_features, struct err *e);

void gene_source_free(struct gene_source *s);

#endif
