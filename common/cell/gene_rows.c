#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cell/gene_rows.h"

static const char *const special_tokens[] = { "<pad>", "<mask>", "<cls>", "<eos>" };

static int
compare_ids(const void *x, const void *y)
{
	const struct gene_row *a = x, *b = y;
	int order = memcmp(a->id, b->id, a->size < b->size ? a->size : b->size);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int
check_id(const struct gene_row *row, struct err *e)
{
	for (size_t i = 0; i < sizeof(special_tokens) / sizeof(special_tokens[0]); i++)
		if (strlen(special_tokens[i]) == row->size &&
		    memcmp(special_tokens[i], row->id, row->size) == 0)
			return err_set(
			    e, "gene '%s': is the name of a special token", special_tokens[i]);
	for (size_t i = 0; i < row->size; i++)
		if ((unsigned char)row->id[i] < 0x20 || row->id[i] == 0x7f)
			return err_set(e, "gene '%.*s': a control character in its id",
			    (int)row->size, row->id);
	return 0;
}

/* The other names of a dictionary, by row: those of row r are first[r], next[first[r]], ... until
 * -1, in their order. */
struct name_lists {
	int32_t *first; /* [rows] */
	int32_t *next;  /* [names] */
};

static struct name_lists
list_names(const struct genes *g, struct arena *a)
{
	struct name_lists l = { arena_alloc(a, g->n, sizeof(*l.first)),
		arena_alloc(a, g->names->n, sizeof(*l.next)) };

	memset(l.first, 0xff, g->n * sizeof(*l.first));
	for (size_t i = g->names->n; i-- > 0;) {
		l.next[i] = l.first[g->name_rows[i]];
		l.first[g->name_rows[i]] = (int32_t)i;
	}
	return l;
}

static bool
equal_but_case(const char *a, size_t a_size, const char *b, size_t b_size)
{
	return a_size == b_size && strncasecmp(a, b, a_size) == 0;
}

/* Texts of the columns that are made of them, each with its room. */
struct texts {
	const char **ids, **symbols, **aliases;
	int32_t *alias_offsets;
};

/* Symbol and aliases of gene i of the batch. */
static void
name_gene(struct texts *t, size_t i, const struct gene_row *row, const struct genes *g,
    const struct name_lists *l, struct arena *a)
{
	ptrdiff_t known = g ? genes_find(g, row->id, row->size) : -1;
	const char *symbol;
	size_t symbol_size, size;

	t->alias_offsets[i + 1] = t->alias_offsets[i];
	if (known < 0)
		return;
	symbol = strings_get(g->symbols, (size_t)known, &symbol_size);
	if (symbol_size)
		t->symbols[i] = arena_printf(a, "%.*s", (int)symbol_size, symbol);
	for (int32_t k = l->first[known]; k >= 0; k = l->next[k]) {
		const char *name = strings_get(g->names, (size_t)k, &size);

		if (!equal_but_case(name, size, symbol, symbol_size) &&
		    !equal_but_case(name, size, row->id, row->size))
			t->aliases[t->alias_offsets[i + 1]++] =
			    arena_printf(a, "%.*s", (int)size, name);
	}
}

static void
add_columns(struct batch *b, const struct texts *t, const int32_t *tokens, const double *medians,
    size_t n_special)
{
	struct array median = array_fixed(b->rows, medians);
	uint8_t *validity = arena_alloc(&b->arena, b->rows / 8 + 1, 1);

	memset(validity, 0xff, b->rows / 8 + 1);
	validity[0] = (uint8_t)(0xff << n_special);
	median.validity = validity;
	median.null_count = n_special;
	batch_append(b, array_from_texts(&b->arena, t->ids, b->rows));
	batch_append(b, array_fixed(b->rows, tokens));
	batch_append(b, median);
	batch_append(b, array_from_texts(&b->arena, t->symbols, b->rows));
	batch_append(
	    b, array_list(&b->arena, b->rows, t->alias_offsets,
		   array_from_texts(&b->arena, t->aliases, (size_t)t->alias_offsets[b->rows])));
}

int
gene_rows_batch(struct gene_row *rows, size_t n, bool special, const struct genes *names,
    struct batch *b, struct err *e)
{
	size_t n_special = special ? 4 : 2;
	struct arena *a = &b->arena;
	struct name_lists lists = names ? list_names(names, a) : (struct name_lists){ NULL, NULL };
	struct texts t;
	int32_t *tokens;
	double *medians;

	b->rows = n + n_special;
	t = (struct texts){ arena_zero(a, b->rows, sizeof(*t.ids)),
		arena_zero(a, b->rows, sizeof(*t.symbols)),
		arena_zero(a, names ? names->names->n : 0, sizeof(*t.aliases)),
		arena_zero(a, b->rows + 1, sizeof(*t.alias_offsets)) };
	tokens = arena_alloc(a, b->rows, sizeof(*tokens));
	medians = arena_zero(a, b->rows, sizeof(*medians));
	qsort(rows, n, sizeof(*rows), compare_ids);
	for (size_t i = 0; i < b->rows; i++) {
		const struct gene_row *row = i < n_special ? NULL : &rows[i - n_special];

		if (row && check_id(row, e))
			return -1;
		tokens[i] = (int32_t)i;
		t.ids[i] =
		    row ? arena_printf(a, "%.*s", (int)row->size, row->id) : special_tokens[i];
		medians[i] = row ? row->median : 0;
		if (row)
			name_gene(&t, i, row, names, &lists, a);
	}
	add_columns(b, &t, tokens, medians, n_special);
	return 0;
}

static bool
is_ensembl_id(const struct gene_row *row)
{
	size_t n_digits = 0;

	if (row->size < 15 || memcmp(row->id, "ENS", 3) != 0)
		return false;
	while (n_digits < row->size && isdigit((unsigned char)row->id[row->size - 1 - n_digits]))
		n_digits++;
	return n_digits >= 10 && !memchr(row->id, '.', row->size);
}

const struct gene_row *
gene_rows_find_odd(const struct gene_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_ensembl_id(&rows[i]))
			return &rows[i];
	return NULL;
}
