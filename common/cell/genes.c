#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cell/genes.h"

enum { LONGEST_NAME = 255 };

static bool
has_control(const char *text, size_t size)
{
	bool found = false;

	for (size_t i = 0; i < size; i++)
		found |= (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
	return found;
}

static int
check_ids(const struct genes *g, struct err *e)
{
	for (size_t i = 0; i < g->n; i++) {
		size_t size;
		const char *id = strings_get(g->ids, i, &size);

		if (genes_find(g, id, size) != (ptrdiff_t)i)
			return err_set(e, "gene '%.*s' stands twice", (int)size, id);
		if (has_control(id, size))
			return err_set(
			    e, "gene '%.*s': a control character in its id", (int)size, id);
	}
	return 0;
}

/* Tokens must be 0..n-1, once each, so that they number the rows of the word embeddings. */
static int
list_tokens(struct genes *g, struct err *e)
{
	int32_t *rows;

	g->n_tokens = 0;
	for (size_t i = 0; i < g->n; i++)
		g->n_tokens += g->tokens[i] != NO_TOKEN;
	rows = arena_alloc(&g->arena, g->n_tokens, sizeof(*rows));
	memset(rows, 0xff, g->n_tokens * sizeof(*rows));
	for (size_t i = 0; i < g->n; i++) {
		int32_t token = g->tokens[i];
		size_t size;
		const char *id = strings_get(g->ids, i, &size);

		if (token == NO_TOKEN)
			continue;
		if (token < 0 || (size_t)token >= g->n_tokens || rows[token] >= 0)
			return err_set(e,
			    "gene '%.*s': token %d, but %zu tokens must be numbered 0 to %zu, once "
			    "each",
			    (int)size, id, (int)token, g->n_tokens, g->n_tokens - 1);
		rows[token] = (int32_t)i;
	}
	g->token_rows = rows;
	return 0;
}

static int32_t
find_token(const struct genes *g, const char *name)
{
	ptrdiff_t row = genes_find(g, name, strlen(name));

	return row < 0 ? NO_TOKEN : g->tokens[row];
}

static void
add_strings(struct hash128 *h, const struct strings *s)
{
	hash128_add(h, s->offsets, (s->n + 1) * sizeof(*s->offsets));
	hash128_add(h, s->bytes, (size_t)s->offsets[s->n]);
}

static void
hash_tables(struct genes *g)
{
	struct hash128 *h = hash128_new();

	add_strings(h, g->ids);
	hash128_add(h, g->tokens, g->n * sizeof(*g->tokens));
	for (size_t i = 0; i < g->n; i++) {
		double median = isnan(g->medians[i]) ? -1 : g->medians[i];

		hash128_add(h, &median, sizeof(median));
	}
	add_strings(h, g->names);
	hash128_add(h, g->name_rows, g->names->n * sizeof(*g->name_rows));
	hash128_finish(h, g->hash);
}

int
genes_complete(struct genes *g, struct err *e)
{
	string_index_build(&g->by_id, g->ids);
	string_index_build(&g->by_name, g->names);
	if (check_ids(g, e) || list_tokens(g, e))
		return -1;
	g->pad = find_token(g, "<pad>");
	g->mask = find_token(g, "<mask>");
	g->cls = find_token(g, "<cls>");
	g->eos = find_token(g, "<eos>");
	g->sep = find_token(g, "<sep>");
	hash_tables(g);
	return 0;
}

void
genes_free(struct genes *g)
{
	if (!g)
		return;
	string_index_free(&g->by_id);
	string_index_free(&g->by_name);
	arena_free(&g->arena);
	free(g);
}

/* The texts of s with one more behind them. */
static const struct strings *
add_text(struct arena *a, const struct strings *s, const char *text)
{
	size_t size = strlen(text), used = s->n ? (size_t)s->offsets[s->n] : 0;
	int32_t *offsets = arena_zero(a, s->n + 2, sizeof(*offsets));
	char *bytes = arena_alloc(a, used + size, 1);
	struct strings *ret = arena_alloc(a, 1, sizeof(*ret));

	if (s->n)
		memcpy(offsets, s->offsets, (s->n + 1) * sizeof(*offsets));
	if (used)
		memcpy(bytes, s->bytes, used);
	memcpy(bytes + used, text, size);
	offsets[s->n + 1] = (int32_t)(used + size);
	*ret = (struct strings){ s->n + 1, offsets, bytes };
	return ret;
}

void
genes_add_token(struct genes *g, const char *name)
{
	int32_t *tokens = arena_alloc(&g->arena, g->n + 1, sizeof(*tokens));
	double *medians = arena_alloc(&g->arena, g->n + 1, sizeof(*medians));
	struct err e = { 0 };

	memcpy(tokens, g->tokens, g->n * sizeof(*tokens));
	memcpy(medians, g->medians, g->n * sizeof(*medians));
	tokens[g->n] = (int32_t)g->n_tokens;
	medians[g->n] = NAN;
	g->tokens = tokens;
	g->medians = medians;
	g->ids = add_text(&g->arena, g->ids, name);
	if (g->symbols->n)
		g->symbols = add_text(&g->arena, g->symbols, "");
	g->n++;
	string_index_free(&g->by_id);
	string_index_free(&g->by_name);
	genes_complete(g, &e);
	assert(!e.is_set);
}

ptrdiff_t
genes_find(const struct genes *g, const char *id, size_t size)
{
	return string_index_find(&g->by_id, id, size);
}

const char *
genes_token_name(const struct genes *g, int32_t token, size_t *ret_size)
{
	return strings_get(g->ids, (size_t)g->token_rows[token], ret_size);
}

bool
genes_is_special(const struct genes *g, size_t row)
{
	int32_t token = g->tokens[row];

	return token != NO_TOKEN && (token == g->pad || token == g->mask || token == g->cls ||
					token == g->eos || token == g->sep);
}

static ptrdiff_t
map_exactly(const struct genes *g, const char *name, size_t size, bool use_names)
{
	ptrdiff_t row = genes_find(g, name, size), other = -1;

	if (row >= 0 && g->tokens[row] != NO_TOKEN)
		return row;
	if (use_names)
		other = string_index_find(&g->by_name, name, size);
	return other >= 0 ? g->name_rows[other] : row;
}

static const char *
find_version(const char *name, size_t size)
{
	return size > 4 && memcmp(name, "ENS", 3) == 0 ? memchr(name, '.', size) : NULL;
}

ptrdiff_t
genes_map(const struct genes *g, const char *name, size_t size, struct name_rules rules)
{
	char upper[LONGEST_NAME];
	const char *version;
	ptrdiff_t row, as_written;

	if (size == 0 || size > LONGEST_NAME)
		return -1;
	as_written = genes_find(g, name, size);
	if (as_written >= 0 && g->tokens[as_written] != NO_TOKEN)
		return as_written;
	for (size_t i = 0; i < size; i++)
		upper[i] = (char)toupper((unsigned char)name[i]);
	row = map_exactly(g, upper, size, rules.names);
	if (row < 0)
		row = as_written;
	if (row < 0 && rules.versions && (version = find_version(upper, size)))
		row = map_exactly(g, upper, (size_t)(version - upper), rules.names);
	return row;
}

const char *
genes_vocabulary(const struct genes *g, struct arena *a)
{
	size_t total = 1, used = 0, size;
	char *text;

	for (size_t i = 0; i < g->n_tokens; i++) {
		strings_get(g->ids, (size_t)g->token_rows[i], &size);
		total += size + 1;
	}
	text = arena_alloc(a, total, 1);
	for (size_t i = 0; i < g->n_tokens; i++) {
		const char *id = strings_get(g->ids, (size_t)g->token_rows[i], &size);

		memcpy(text + used, id, size);
		used += size;
		text[used++] = '\n';
	}
	text[used ? used - 1 : 0] = '\0';
	return text;
}

struct genes *
genes_from_names(const char *const *names, size_t n, struct err *e)
{
	struct genes *g = mem_zero(1, sizeof(*g));
	int32_t *tokens = arena_alloc(&g->arena, n, sizeof(*tokens));
	double *medians = arena_alloc(&g->arena, n, sizeof(*medians));

	for (size_t i = 0; i < n; i++) {
		tokens[i] = (int32_t)i;
		medians[i] = NAN;
	}
	g->n = n;
	g->ids = strings_from(&g->arena, names, n);
	g->tokens = tokens;
	g->medians = medians;
	g->symbols = g->names = strings_from(&g->arena, NULL, 0);
	if (genes_complete(g, e)) {
		err_prefix(e, "vocabulary");
		genes_free(g);
		return NULL;
	}
	return g;
}

struct genes *
genes_from_vocabulary(const char *text, struct err *e)
{
	struct arena lines = { 0 };
	size_t n = *text != '\0';
	char *copy = arena_strdup(&lines, text);
	const char **names;
	struct genes *g;

	for (const char *c = text; *c; c++)
		n += *c == '\n';
	names = arena_alloc(&lines, n, sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		char *end = strchr(copy, '\n');

		names[i] = copy;
		if (end)
			*end = '\0';
		copy = end ? end + 1 : copy;
	}
	g = genes_from_names(names, n, e);
	arena_free(&lines);
	return g;
}
