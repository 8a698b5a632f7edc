/* 1. From the upstream pickles
 * 2. From a stream of kind genes
 * 3. DICT of the command line */

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cell/string_set.h"
#include "formats/gene_pickles.h"
#include "formats/genes_file.h"

/* The tables of a dictionary while they grow. */
struct builder {
	struct genes *g;
	struct string_set ids, names;
	struct buffer tokens, medians, name_rows; /* int32_t, double, int32_t */
	struct buffer symbols;                    /* const char * [n], in the arena, "" none */
};

static int32_t *
token_of(const struct builder *b, size_t row)
{
	return (int32_t *)(void *)b->tokens.data + row;
}

static double *
median_of(const struct builder *b, size_t row)
{
	return (double *)(void *)b->medians.data + row;
}

static const char **
symbol_of(const struct builder *b, size_t row)
{
	return (const char **)(void *)b->symbols.data + row;
}

/* The row of the id, a new one where it was not met before. */
static size_t
add_row(struct builder *b, const char *id, size_t size)
{
	size_t row = string_set_add(&b->ids, id, size);
	int32_t token = NO_TOKEN;
	double median = NAN;
	const char *symbol = "";

	if (row * sizeof(token) == b->tokens.size) {
		buffer_add(&b->tokens, &token, sizeof(token));
		buffer_add(&b->medians, &median, sizeof(median));
		buffer_add(&b->symbols, &symbol, sizeof(symbol));
	}
	return row;
}

/* Another name of a row, in upper case; the first gene that a name is given to keeps it. */
static void
add_name(struct builder *b, const char *name, size_t size, size_t row)
{
	size_t n = b->names.n;
	int32_t narrow = (int32_t)row;
	char *upper = mem_strndup(name, size);

	for (char *c = upper; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (size && string_set_add(&b->names, upper, strlen(upper)) == n)
		buffer_add(&b->name_rows, &narrow, sizeof(narrow));
	free(upper);
}

static struct genes *
finish(struct builder *b, const char *name, struct err *e)
{
	struct genes *g = b->g;
	struct strings ids = string_set_strings(&b->ids), names = string_set_strings(&b->names);

	g->n = ids.n;
	g->ids = strings_copy(&g->arena, &ids);
	g->names = strings_copy(&g->arena, &names);
	g->tokens = arena_copy(&g->arena, b->tokens.data, b->tokens.size, 1);
	g->medians = arena_copy(&g->arena, b->medians.data, b->medians.size, 1);
	g->name_rows = arena_copy(&g->arena, b->name_rows.data, b->name_rows.size, 1);
	g->symbols = strings_from(&g->arena, symbol_of(b, 0), g->n);
	string_set_free(&b->ids);
	string_set_free(&b->names);
	buffer_free(&b->tokens);
	buffer_free(&b->medians);
	buffer_free(&b->name_rows);
	buffer_free(&b->symbols);
	if (!e->is_set && genes_complete(g, e))
		err_prefix(e, "%s", name);
	if (e->is_set) {
		genes_free(g);
		return NULL;
	}
	return g;
}

/* 1. From the upstream pickles. Rows: tokens in their order, then genes that have a median only. */

static void
add_pickled_names(struct builder *b, const char *const *names, const char *const *ids, size_t n)
{
	size_t known = b->ids.n;

	for (size_t i = 0; i < n; i++) {
		size_t row = string_set_add(&b->ids, ids[i], strlen(ids[i]));

		if (row < known && *token_of(b, row) != NO_TOKEN && strcmp(names[i], ids[i]) != 0)
			add_name(b, names[i], strlen(names[i]), row);
	}
}

/* Ids that only the name tables know were numbered on the way; they make no rows. */
static void
forget_rows(struct builder *b, size_t n)
{
	struct string_set kept = { 0 };
	struct strings ids = string_set_strings(&b->ids);
	size_t size;

	for (size_t i = 0; i < n; i++) {
		const char *id = strings_get(&ids, i, &size);

		string_set_add(&kept, id, size);
	}
	string_set_free(&b->ids);
	b->ids = kept;
}

static void
add_pickled_symbols(struct builder *b, const struct gene_pickles *p, size_t n_rows)
{
	for (size_t i = 0; i < p->n_symbols; i++) {
		size_t row =
		    string_set_add(&b->ids, p->symbol_genes[i], strlen(p->symbol_genes[i]));

		if (row < n_rows && !**symbol_of(b, row))
			*symbol_of(b, row) = arena_strdup(&b->g->arena, p->symbols[i]);
	}
}

static struct genes *
read_pickles(const char *folder, const char *version, struct err *e)
{
	struct gene_pickles *p = gene_pickles_open(folder, version, e);
	struct builder b = { 0 };
	size_t n_rows;
	bool is_identity = true;

	if (!p)
		return NULL;
	b.g = mem_zero(1, sizeof(*b.g));
	for (size_t i = 0; i < p->n_tokens; i++)
		*token_of(&b, add_row(&b, p->token_genes[i], strlen(p->token_genes[i]))) =
		    p->tokens[i];
	for (size_t i = 0; i < p->n_medians; i++)
		*median_of(&b, add_row(&b, p->median_genes[i], strlen(p->median_genes[i]))) =
		    p->medians[i];
	for (size_t i = 0; i < p->n_aliases; i++)
		is_identity &= strcmp(p->aliases[i], p->alias_genes[i]) == 0;
	n_rows = b.ids.n;
	b.g->names_are_mapping = !is_identity;
	if (is_identity)
		add_pickled_names(&b, p->symbols, p->symbol_genes, p->n_symbols);
	else
		add_pickled_names(&b, p->aliases, p->alias_genes, p->n_aliases);
	add_pickled_symbols(&b, p, n_rows);
	forget_rows(&b, n_rows);
	gene_pickles_close(p);
	return finish(&b, folder, e);
}

/* 2. From a stream of kind genes */

/* Its columns: gene is needed, the others may be missing. */
struct gene_columns {
	ptrdiff_t gene, token, median, symbol, aliases;
};

static bool
is_number(const struct schema *s, ptrdiff_t i)
{
	return i < 0 || s->fields[i].type == TYPE_INT || s->fields[i].type == TYPE_FLOAT;
}

static int
find_columns(const struct schema *s, struct gene_columns *c, struct err *e)
{
	*c = (struct gene_columns){ schema_find(s, "gene"), schema_find(s, "token"),
		schema_find(s, "median"), schema_find(s, "symbol"), schema_find(s, "aliases") };
	if (c->gene < 0 || s->fields[c->gene].type != TYPE_UTF8 || !is_number(s, c->token) ||
	    !is_number(s, c->median) ||
	    (c->symbol >= 0 && s->fields[c->symbol].type != TYPE_UTF8) ||
	    (c->aliases >= 0 && (s->fields[c->aliases].type != TYPE_LIST ||
				    s->fields[c->aliases].children[0].type != TYPE_UTF8)))
		return err_set(e,
		    "a gene dictionary has the columns gene (utf8), token, median (numbers), "
		    "symbol (utf8), aliases (list of utf8)");
	return 0;
}

static int
read_row(struct builder *b, const struct schema *s, const struct gene_columns *c,
    const struct batch *batch, size_t i, struct err *e)
{
	size_t size, row, n = b->ids.n;
	const char *text = array_text(&s->fields[c->gene], &batch->columns[c->gene], i, &size);
	double token =
	    c->token < 0 ? NAN : array_number(&s->fields[c->token], &batch->columns[c->token], i);

	if (!text)
		return err_set(e, "row %zu: no gene", i);
	row = add_row(b, text, size);
	if (row < n)
		return err_set(e, "gene '%.*s' stands twice", (int)size, text);
	if (!isnan(token) && !(token >= 0 && token <= INT32_MAX && token == floor(token)))
		return err_set(e, "gene '%.*s': token %g", (int)size, text, token);
	*token_of(b, row) = isnan(token) ? NO_TOKEN : (int32_t)token;
	if (c->median >= 0)
		*median_of(b, row) =
		    array_number(&s->fields[c->median], &batch->columns[c->median], i);
	if (!isnan(*median_of(b, row)) && !(*median_of(b, row) > 0 && isfinite(*median_of(b, row))))
		return err_set(e, "gene '%.*s': median %g", (int)size, text, *median_of(b, row));
	if (c->symbol >= 0 &&
	    (text = array_text(&s->fields[c->symbol], &batch->columns[c->symbol], i, &size)))
		*symbol_of(b, row) = arena_printf(&b->g->arena, "%.*s", (int)size, text);
	return 0;
}

/* Aliases wait until all symbols are there, since a gene's own symbol goes before another's alias.
 */
static void
keep_aliases(struct string_set *aliases, struct buffer *rows, const struct schema *s,
    const struct gene_columns *c, const struct batch *batch, size_t first_row)
{
	const struct array *list;

	if (c->aliases < 0)
		return;
	list = &batch->columns[c->aliases];
	for (size_t i = 0; i < batch->rows; i++) {
		int32_t end = array_is_valid(list, i) ? list->offsets[i + 1] : 0;

		for (int32_t k = list->offsets[i]; k < end; k++) {
			size_t size, row = first_row + i;
			const char *text = array_text(&s->fields[c->aliases].children[0],
			    &list->children[0], (size_t)k, &size);

			if (text && string_set_add(aliases, text, size) * sizeof(row) == rows->size)
				buffer_add(rows, &row, sizeof(row));
		}
	}
}

static void
add_stream_names(struct builder *b, const struct string_set *aliases, const size_t *alias_rows)
{
	struct strings texts = string_set_strings(aliases);
	size_t size;

	for (size_t i = 0; i < b->ids.n; i++)
		add_name(b, *symbol_of(b, i), strlen(*symbol_of(b, i)), i);
	for (size_t i = 0; i < texts.n; i++) {
		const char *text = strings_get(&texts, i, &size);

		add_name(b, text, size, alias_rows[i]);
	}
}

static struct genes *
read_stream(const struct cli *cli, const char *path, struct err *e)
{
	struct cells_reader *in = cells_open(cli, path, KIND_GENES, e);
	struct builder b = { 0 };
	struct batch batch = { 0 };
	struct gene_columns c;
	struct string_set aliases = { 0 };
	struct buffer alias_rows = { 0 };

	if (!in)
		return NULL;
	b.g = mem_zero(1, sizeof(*b.g));
	b.g->names_are_mapping = true;
	if (find_columns(cells_schema(in), &c, e))
		err_prefix(e, "%s", path);
	else
		while (cells_read(in, &batch, e) > 0) {
			size_t first = b.ids.n;

			for (size_t i = 0; i < batch.rows && !e->is_set; i++)
				if (read_row(&b, cells_schema(in), &c, &batch, i, e))
					err_prefix(e, "%s: batch %llu", path,
					    (unsigned long long)batch.number);
			keep_aliases(&aliases, &alias_rows, cells_schema(in), &c, &batch, first);
		}
	if (!e->is_set)
		add_stream_names(&b, &aliases, (const size_t *)(const void *)alias_rows.data);
	batch_free(&batch);
	cells_close(in);
	string_set_free(&aliases);
	buffer_free(&alias_rows);
	return finish(&b, path, e);
}

struct schema *
genes_schema(void)
{
	struct schema *s = schema_new();
	struct field item = field_utf8("item");
	struct field fields[] = { field_utf8("gene"), field_int("token", 32, true),
		field_float("median", 64), field_utf8("symbol"), field_list("aliases", &item) };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		schema_append(s, &fields[i]);
	return s;
}

/* 3. DICT of the command line */

static struct genes *
read_version(const char *version, struct err *e)
{
	const char *folder = getenv("GENEFORMER_DIR");

	if (!folder || !*folder) {
		err_set(e,
		    "dictionary %s: set GENEFORMER_DIR to the Geneformer checkout, or give a "
		    "folder or a genes file",
		    version);
		return NULL;
	}
	return read_pickles(folder, version, e);
}

struct genes *
genes_read(const struct cli *cli, const char *dictionary, struct err *e)
{
	struct stat st;

	if (e->is_set)
		return NULL;
	if (strcmp(dictionary, "V1") == 0 || strcmp(dictionary, "V2") == 0)
		return read_version(dictionary, e);
	if (stat(dictionary, &st) == 0 && S_ISDIR(st.st_mode))
		return read_pickles(dictionary, NULL, e);
	return read_stream(cli, dictionary, e);
}

struct genes *
genes_open(struct cli *cli, const char *dictionary, struct err *e)
{
	struct genes *g = genes_read(cli, dictionary, e);

	if (g)
		cli_note(cli, "dictionary", g->hash);
	return g;
}
