/* gene_pickles.c - Geneformer's dictionaries. See gene_pickles.h. */

#include "formats/gene_pickles.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/pickle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where the pickles may lie in a folder, and how their names may end. */
static const char *const places[] = { "", "geneformer/", "gene_dictionaries_30m/",
	"geneformer/gene_dictionaries_30m/" };
static const struct {
	const char *version;
	const char *suffix;
} suffixes[] = {
	{ "V2", "_gc104M" },
	{ "V2", "_gc95M" },
	{ "V1", "_gc30M" },
	{ "V1", "" },
};

/* One dictionary while it is read: the file, and its entries as key, value, key, value ... */
struct table {
	char *path;
	struct io_map map;
	struct pickle *pickle;
	struct pickle_value **items;
	size_t n;
};

static void
table_close(struct table *t)
{
	pickle_free(t->pickle);
	io_map_close(&t->map);
	free(t->path);
}

/* Opens folder/place/stem+suffix.pkl; a missing file is an empty table unless it is needed. */
static int
table_open(struct table *t, const char *folder_and_place, const char *stem, const char *suffix,
    bool is_needed, struct err *e)
{
	*t = (struct table){ .path = mem_printf("%s%s%s.pkl", folder_and_place, stem, suffix) };
	if (!is_needed && access(t->path, F_OK) != 0)
		return 0;
	if (io_map_open(&t->map, t->path, e) < 0)
		return -1;
	t->pickle = pickle_read(t->map.bytes, t->map.size, t->path, e);
	if (!t->pickle)
		return -1;
	const struct pickle_value *root = pickle_root(t->pickle);
	if (root->kind != PICKLE_DICT)
		return err_set(
		    e, "%s: holds %s, not a dictionary", t->path, pickle_kind_name(root->kind));
	t->items = root->items;
	t->n = root->size;
	return 0;
}

static bool
is_name(const struct pickle_value *v)
{
	if (v->kind != PICKLE_TEXT)
		return false;
	for (uint32_t i = 0; i < v->size; i++)
		if ((unsigned char)v->text[i] < ' ' || v->text[i] == 127)
			return false;
	return true;
}

/* Copies the keys (which = 0) or values (which = 1) of a table, all of them names, into the
 * arena. */
static const char **
copy_names(struct arena *a, const struct table *t, int which, struct err *e)
{
	size_t room = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct pickle_value *v = t->items[2 * i + (size_t)which];
		if (!is_name(v)) {
			err_set(e, "%s: entry %zu: its %s is %s, not a name", t->path, i,
			    which ? "value" : "key",
			    v->kind == PICKLE_TEXT ? "odd text" : pickle_kind_name(v->kind));
			return NULL;
		}
		room += (size_t)v->size + 1;
	}
	const char **names = arena_alloc(a, t->n, sizeof(*names));
	char *text = arena_alloc(a, room, 1);
	for (size_t i = 0; i < t->n; i++) {
		const struct pickle_value *v = t->items[2 * i + (size_t)which];
		memcpy(text, v->text, v->size);
		text[v->size] = '\0';
		names[i] = text;
		text += v->size + 1;
	}
	return names;
}

static int
read_tokens(struct gene_pickles *g, const struct table *t, struct err *e)
{
	g->token_genes = copy_names(&g->arena, t, 0, e);
	if (!g->token_genes)
		return -1;
	g->n_tokens = t->n;
	g->tokens = arena_alloc(&g->arena, t->n, sizeof(*g->tokens));
	for (size_t i = 0; i < t->n; i++) {
		const struct pickle_value *v = t->items[2 * i + 1];
		if (v->kind != PICKLE_INT || v->integer < 0 || v->integer > INT32_MAX)
			return err_set(e, "%s: %s: its token is %s, not an integer from 0 to %d",
			    t->path, g->token_genes[i],
			    v->kind == PICKLE_INT ? "out of range" : pickle_kind_name(v->kind),
			    INT32_MAX);
		g->tokens[i] = (int32_t)v->integer;
	}
	return 0;
}

static int
read_medians(struct gene_pickles *g, const struct table *t, struct err *e)
{
	g->median_genes = copy_names(&g->arena, t, 0, e);
	if (!g->median_genes)
		return -1;
	g->n_medians = t->n;
	g->medians = arena_alloc(&g->arena, t->n, sizeof(*g->medians));
	for (size_t i = 0; i < t->n; i++) {
		const struct pickle_value *v = t->items[2 * i + 1];
		double median = v->kind == PICKLE_FLOAT ? v->real
				: v->kind == PICKLE_INT ? (double)v->integer
							: NAN;
		if (!isfinite(median) || median <= 0)
			return err_set(e, "%s: %s: its median is not a number above 0", t->path,
			    g->median_genes[i]);
		g->medians[i] = median;
	}
	return 0;
}

/* Both columns of a dictionary from name to gene id. */
static int
read_names(struct arena *a, const struct table *t, size_t *ret_n, const char ***ret_names,
    const char ***ret_genes, struct err *e)
{
	*ret_names = copy_names(a, t, 0, e);
	*ret_genes = *ret_names ? copy_names(a, t, 1, e) : NULL;
	if (!*ret_genes)
		return -1;
	*ret_n = t->n;
	return 0;
}

static int
read_all(struct gene_pickles *g, const char *place, const char *suffix, struct err *e)
{
	struct table tokens = { 0 }, medians = { 0 }, symbols = { 0 }, aliases = { 0 };
	int r = -1;

	if (table_open(&tokens, place, "token_dictionary", suffix, true, e) == 0 &&
	    table_open(&medians, place, "gene_median_dictionary", suffix, true, e) == 0 &&
	    table_open(&symbols, place, "gene_name_id_dict", suffix, false, e) == 0 &&
	    table_open(&aliases, place, "ensembl_mapping_dict", suffix, false, e) == 0 &&
	    read_tokens(g, &tokens, e) == 0 && read_medians(g, &medians, e) == 0 &&
	    read_names(&g->arena, &symbols, &g->n_symbols, &g->symbols, &g->symbol_genes, e) == 0)
		r = read_names(&g->arena, &aliases, &g->n_aliases, &g->aliases, &g->alias_genes, e);
	table_close(&tokens);
	table_close(&medians);
	table_close(&symbols);
	table_close(&aliases);
	return r;
}

/* The first place and suffix of this version (NULL: any) whose token dictionary is there;
 * *ret_place ends with a slash, both are the caller's to free. False where there is none. */
static bool
find_upstream(const char *folder, const char *version, char **ret_place, char **ret_suffix)
{
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		if (version && strcmp(version, suffixes[i].version) != 0)
			continue;
		for (size_t k = 0; k < COUNT(places); k++) {
			char *path = mem_printf(
			    "%s/%stoken_dictionary%s.pkl", folder, places[k], suffixes[i].suffix);
			bool is_there = access(path, F_OK) == 0;
			free(path);
			if (!is_there)
				continue;
			*ret_place = mem_printf("%s/%s", folder, places[k]);
			*ret_suffix = mem_strdup(suffixes[i].suffix);
			return true;
		}
	}
	return false;
}

/* The suffix of the only token_dictionary*.pkl of a folder; false where there is none, or (with
 * *e set) several. */
static bool
find_other(const char *folder, char **ret_place, char **ret_suffix, struct err *e)
{
	static const char stem[] = "token_dictionary", end[] = ".pkl";
	DIR *d = opendir(folder);
	const struct dirent *x;
	size_t n = 0;

	while (d && (x = readdir(d))) {
		size_t size = strlen(x->d_name), fixed = strlen(stem) + strlen(end);
		if (size < fixed || strncmp(x->d_name, stem, strlen(stem)) != 0 ||
		    strcmp(x->d_name + size - strlen(end), end) != 0)
			continue;
		if (n++ == 0)
			*ret_suffix = mem_strndup(x->d_name + strlen(stem), size - fixed);
	}
	if (d)
		closedir(d);
	if (n == 1)
		*ret_place = mem_printf("%s/", folder);
	if (n > 1) {
		free(*ret_suffix);
		err_set(e, "%s: several files token_dictionary*.pkl; which one is meant?", folder);
	}
	return n == 1;
}

struct gene_pickles *
gene_pickles_open(const char *folder, const char *version, struct err *e)
{
	char *place = NULL, *suffix = NULL;

	if (e->is_set)
		return NULL;
	if (!find_upstream(folder, version, &place, &suffix) &&
	    (version || !find_other(folder, &place, &suffix, e))) {
		err_set(e, "%s: no Geneformer dictionaries%s%s here (token_dictionary*.pkl)",
		    folder, version ? " of " : "", version ? version : "");
		return NULL;
	}
	struct gene_pickles *g = mem_zero(1, sizeof(*g));
	int r = read_all(g, place, suffix, e);
	free(place);
	free(suffix);
	if (r == 0)
		return g;
	gene_pickles_close(g);
	return NULL;
}

void
gene_pickles_close(struct gene_pickles *g)
{
	if (g)
		arena_free(&g->arena);
	free(g);
}
