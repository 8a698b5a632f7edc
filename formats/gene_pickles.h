/* gene_pickles.h - the gene dictionaries of a Geneformer checkout, as plain tables.
 *
 * Upstream keeps four pickled dictionaries for each generation of models:
 *
 *   token_dictionary_S.pkl         gene id -> token, and the special tokens
 *   gene_median_dictionary_S.pkl   gene id -> median of its non-zero normalised counts
 *   gene_name_id_dict_S.pkl        symbol -> gene id
 *   ensembl_mapping_dict_S.pkl     symbol, alias, retired id (upper case) -> gene id
 *
 * with S = gc104M or gc95M (V2; the two are the same), gc30M (V1), or without _S (older
 * checkouts, V1); dictionaries of one's own may end otherwise. They lie in geneformer/ of the
 * checkout, those of V1 in geneformer/gene_dictionaries_30m/ today. The first two are needed, the
 * others may be missing.
 *
 * The rows are as written, in file order. Types and ranges are checked, but not that keys differ
 * or that ids are known: that is the business of who builds a dictionary of them. */

#ifndef FORMATS_GENE_PICKLES_H
#define FORMATS_GENE_PICKLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct gene_pickles {
	size_t n_tokens;
	const char **token_genes; /* [n_tokens], "<pad>" and so on too */
	int32_t *tokens;          /* [n_tokens], not negative */

	size_t n_medians;
	const char **median_genes; /* [n_medians] */
	double *medians;           /* [n_medians], finite and above 0 */

	size_t n_symbols;
	const char **symbols;      /* [n_symbols] */
	const char **symbol_genes; /* [n_symbols] */

	size_t n_aliases;
	const char **aliases;     /* [n_aliases] */
	const char **alias_genes; /* [n_aliases] */

	struct arena arena; /* owns all of the above */
};

/* Reads the dictionaries of a folder: a checkout, its geneformer/ folder, or a folder that holds
 * the pickles themselves. version: "V1", "V2", or NULL for V2 where it is there, else V1. All text
 * is UTF-8 without control characters; a symbol may be empty (V1 has one such). NULL with *e set
 * on failure. */
struct gene_pickles *gene_pickles_open(const char *folder, const char *version, struct err *e);

/* Frees all tables; NULL is allowed. */
void gene_pickles_close(struct gene_pickles *g);

#endif
