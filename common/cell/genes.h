/* genes.h - a gene dictionary: which genes there are, their tokens, medians, and other names.
 *
 * One row is a gene, or a special token (<pad>, <mask>, <cls>, <eos>, <sep>). It comes from a
 * stream of kind `genes` or from the upstream pickles (formats/genes_file.h); here it is only
 * looked things up in. Nothing changes after genes_complete, so threads share it. */

#ifndef CELL_GENES_H
#define CELL_GENES_H

#include "base/err.h"
#include "cell/schema.h"

enum { NO_TOKEN = -1 };

struct genes {
	struct arena arena;
	size_t n;                  /* rows */
	const struct strings *ids; /* [n] Ensembl ids and special tokens; each stands once */
	const int32_t *tokens;     /* [n] NO_TOKEN: none */
	const double
	    *medians; /* [n] of count / n_counts * 10,000 over cells where it is not 0; NaN: none */
	const struct strings *symbols; /* [n] "": none */

	const struct strings *
	    names; /* other names: symbols, aliases, retired ids, in upper case; each stands once */
	const int32_t *name_rows; /* [names->n] the gene each stands for */
	bool names_are_mapping;   /* false: the names are no mapping dictionary (V1), used only for
				     input that is not Ensembl ids */

	size_t n_tokens;             /* size of the vocabulary: tokens are 0..n_tokens-1 */
	const int32_t *token_rows;   /* [n_tokens] */
	int32_t pad, mask, cls, eos; /* tokens, or NO_TOKEN */
	int32_t sep;                 /* between two cells (rankencode --pair), or NO_TOKEN */
	char hash[33];               /* XXH3-128 of rows and names */

	struct string_index by_id, by_name;
};

/* Takes the tables filled so far (ids, tokens, medians, symbols, names, name_rows, all in g->arena)
 * and makes the rest. -1 where an id stands twice or holds a control character (a vocabulary has
 * one a line), or tokens are not 0..n-1, once each. */
int genes_complete(struct genes *g, struct err *e);
void genes_free(struct genes *g);

/* The row of exactly this id, or -1. */
ptrdiff_t genes_find(const struct genes *g, const char *id, size_t size);

/* The id of the gene that has the token (which must be one of the vocabulary). */
const char *genes_token_name(const struct genes *g, int32_t token, size_t *ret_size);

/* Adds a special token behind the others: token n_tokens. The name must be new (asserted). */
void genes_add_token(struct genes *g, const char *name);

/* Whether the row is <pad>, <mask>, <cls>, <eos> or <sep>, and no gene. */
bool genes_is_special(const struct genes *g, size_t row);

/* What genes_map looks a name up in, beyond the ids. */
struct name_rules {
	bool names;    /* the other names */
	bool versions; /* an Ensembl id without its version, ENSG00000141510.18 */
};

/* The row that a name of any sort stands for, or -1. The name is an id with a token as it is
 * written; or in upper case: an id with a token, one of the other names, an id without a token; or
 * an id without a token as it is written; or one of these in upper case, its version taken off. */
ptrdiff_t genes_map(const struct genes *g, const char *name, size_t size, struct name_rules rules);

/* The names of all tokens by id, one a line (the metadata cells:vocabulary), in the arena. */
const char *genes_vocabulary(const struct genes *g, struct arena *a);

/* A dictionary that has only a vocabulary: names[t] is token t. NULL with e set where a name stands
 * twice. */
struct genes *genes_from_names(const char *const *names, size_t n, struct err *e);

/* The same from the text of cells:vocabulary. */
struct genes *genes_from_vocabulary(const char *text, struct err *e);

#endif
