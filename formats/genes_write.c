#include <ctype.h>
#include <math.h>
#include <string.h>

#include "formats/genes_file.h"
#include "formats/genes_write.h"

/* A column of fixed width with nulls where is_null says so. */
static struct array
with_nulls(struct arena *a, size_t n, const void *values, const bool *is_null)
{
	struct array column = array_fixed(n, values);
	uint8_t *bits = arena_zero(a, (n + 7) / 8, 1);

	for (size_t i = 0; i < n; i++) {
		bits[i >> 3] |= (uint8_t)(!is_null[i] << (i & 7));
		column.null_count += is_null[i];
	}
	if (column.null_count)
		column.validity = bits;
	return column;
}

static struct array
token_column(struct arena *a, const struct genes *g)
{
	bool *is_null = arena_alloc(a, g->n, sizeof(*is_null));

	for (size_t i = 0; i < g->n; i++)
		is_null[i] = g->tokens[i] == NO_TOKEN;
	return with_nulls(a, g->n, g->tokens, is_null);
}

static struct array
median_column(struct arena *a, const struct genes *g)
{
	bool *is_null = arena_alloc(a, g->n, sizeof(*is_null));

	for (size_t i = 0; i < g->n; i++)
		is_null[i] = isnan(g->medians[i]);
	return with_nulls(a, g->n, g->medians, is_null);
}

static struct array
text_column(const struct strings *s)
{
	return array_utf8(s->n, s->offsets, s->bytes);
}

/* A name is the symbol of its gene already? */
static bool
is_symbol(const struct genes *g, size_t row, const char *name, size_t size)
{
	size_t n;
	const char *symbol;

	if (row >= g->symbols->n)
		return false;
	symbol = strings_get(g->symbols, row, &n);
	for (size_t i = 0; n == size && i < n; i++)
		if (toupper((unsigned char)symbol[i]) != (unsigned char)name[i])
			return false;
	return n == size;
}

/* The names by gene: counted, then put in their places. */
static struct array
alias_column(struct arena *a, const struct genes *g)
{
	size_t n_names = g->names_are_mapping ? g->names->n : 0, size, n = 0, used = 0;
	int32_t *cu = arena_zero(a, g->n + 1, sizeof(*cu)), *next;
	size_t *order = arena_alloc(a, n_names, sizeof(*order));
	int32_t *offsets = arena_alloc(a, n_names + 1, sizeof(*offsets));
	char *bytes = arena_alloc(a, n_names ? (size_t)g->names->offsets[n_names] : 0, 1);
	bool *is_other = arena_alloc(a, n_names, sizeof(*is_other));

	for (size_t i = 0; i < n_names; i++) {
		const char *name = strings_get(g->names, i, &size);

		is_other[i] = !is_symbol(g, (size_t)g->name_rows[i], name, size);
		cu[g->name_rows[i] + 1] += is_other[i];
		n += is_other[i];
	}
	for (size_t r = 0; r < g->n; r++)
		cu[r + 1] += cu[r];
	next = arena_copy(a, cu, g->n + 1, sizeof(*next));
	for (size_t i = 0; i < n_names; i++)
		if (is_other[i])
			order[next[g->name_rows[i]]++] = i;
	offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = strings_get(g->names, order[i], &size);

		memcpy(bytes + used, name, size);
		used += size;
		offsets[i + 1] = (int32_t)used;
	}
	return array_list(a, g->n, cu, array_utf8(n, offsets, bytes));
}

int
genes_write(const struct cli *cli, const char *path, const struct genes *g, struct err *e)
{
	struct cli silent = *cli; /* a side file: no progress line, no summary */
	struct cells_writer *out;
	struct batch b = { .rows = g->n };
	struct field symbol = field_utf8("symbol");

	silent.verbose = false;
	silent.quiet = true;
	out = cells_create_at(&silent, path, KIND_GENES, genes_schema(), e);
	batch_append(&b, text_column(g->ids));
	batch_append(&b, token_column(&b.arena, g));
	batch_append(&b, median_column(&b.arena, g));
	batch_append(
	    &b, g->symbols->n ? text_column(g->symbols) : array_nulls(&b.arena, &symbol, g->n));
	batch_append(&b, alias_column(&b.arena, g));
	if (out)
		cells_write(out, &b, e);
	if (out)
		cells_commit(out, e);
	batch_free(&b);
	return e->is_set ? -1 : 0;
}
