#include <stdlib.h>
#include <string.h>

#include "cell/gene_lookup.h"

static ptrdiff_t
find(const struct gene_lookup *l, const char *name, size_t size)
{
	const struct genes *g = l->genes;
	bool is_exact = l->mode == LOOKUP_TOKENS || l->mode == LOOKUP_MEDIANS;
	ptrdiff_t row = is_exact ? genes_find(g, name, size) : genes_map(g, name, size, l->rules);

	if (row < 0 || genes_is_special(g, (size_t)row) ||
	    (l->mode == LOOKUP_TOKENS && g->tokens[row] == NO_TOKEN) ||
	    (l->mode == LOOKUP_MEDIANS && !(g->medians[row] > 0)))
		return -1;
	return row;
}

/* Whether the names are mostly Ensembl ids; then symbols among them are left alone unless the
 * dictionary's mapping has them. */
static bool
are_ids(const struct strings *names)
{
	size_t n_ids = 0, n_names = 0, size;

	for (size_t i = 0; i < names->n; i++) {
		const char *name = strings_get(names, i, &size);

		n_names += size > 0;
		n_ids += size > 6 && strncmp(name, "ENS", 3) == 0;
	}
	return 2 * n_ids > n_names;
}

void
gene_lookup_init(
    struct gene_lookup *l, const struct field *gene, const struct genes *genes, enum lookup mode)
{
	const struct strings *names = gene->children[0].dictionary;
	size_t size;

	*l = (struct gene_lookup){ .genes = genes, .names = names, .mode = mode };
	l->rules.versions = mode == LOOKUP_NAMES;
	l->rules.names =
	    genes->names_are_mapping || (mode == LOOKUP_NAMES && !(names && are_ids(names)));
	if (!names)
		return;
	l->rows = mem_alloc(names->n, sizeof(*l->rows));
	for (size_t i = 0; i < names->n; i++) {
		const char *name = strings_get(names, i, &size);

		l->rows[i] = (int32_t)find(l, name, size);
		if (l->rows[i] >= 0)
			l->n_known++;
		else
			l->n_unknown++;
	}
}

void
gene_lookup_free(struct gene_lookup *l)
{
	free(l->rows);
	l->rows = NULL;
}

const int32_t *
gene_lookup_rows(struct gene_lookup *l, struct arena *arena, const struct array *gene)
{
	const struct array *names = &gene->children[0];
	int32_t *rows = arena_alloc(arena, names->length, sizeof(*rows));
	const struct field plain = field_utf8("item");
	uint64_t n_known = 0;

	if (l->names) {
		for (size_t i = 0; i < names->length; i++)
			rows[i] = l->rows[((const int32_t *)names->values)[i]];
		return rows;
	}
	for (size_t i = 0; i < names->length; i++) {
		size_t size;
		const char *name = array_text(&plain, names, i, &size);

		rows[i] = (int32_t)find(l, name, size);
		n_known += rows[i] >= 0;
	}
	atomic_fetch_add(&l->n_known, n_known);
	atomic_fetch_add(&l->n_unknown, names->length - n_known);
	return rows;
}

static const char *
what_is_missing(enum lookup mode)
{
	static const char *const texts[] = {
		[LOOKUP_TOKENS] = "has a token in the dictionary; genemap brings symbols and other "
				  "names to its ids",
		[LOOKUP_MEDIANS] = "has a median in the dictionary; genemap brings symbols and "
				   "other names to its ids",
		[LOOKUP_NAMES] = "is in the dictionary",
		[LOOKUP_MAPPING] = "is in the dictionary",
	};

	return texts[mode];
}

int
gene_lookup_check(const struct gene_lookup *l, double *ret_share, struct err *e)
{
	uint64_t n = l->n_known + l->n_unknown;
	const char *example = "";
	size_t size = 0;

	*ret_share = n ? (double)l->n_known / (double)n : 1;
	if (l->n_known || !n)
		return 0;
	if (l->names)
		example = strings_get(l->names, 0, &size);
	return err_set(e, "none of %llu genes%s%.*s%s %s", (unsigned long long)n, size ? " (" : "",
	    (int)size, example, size ? ", ...)" : "", what_is_missing(l->mode));
}
