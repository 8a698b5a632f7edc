/* readers.c - what the readers of dictionaries and models make of the shared data, as lines of
 *text.
 *
 *	readers dictionary FOLDER VERSION     sizes, ends, three genes, what the aliases lead to
 *	readers model FOLDER                  class, sizes, labels, hash
 *	readers compare FOLDER FOLDER         equal or not, tensor by tensor
 *	readers pickle FILE                   what it holds and how many entries */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "formats/gene_pickles.h"
#include "formats/pickle.h"
#include "formats/safetensors.h"
#include "formats/torch_zip.h"
#include "nn/model.h"

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Aliases that lead to a gene with a token, and how many of them are ids. */
static void
print_aliases(const struct gene_pickles *g)
{
	const char **genes = mem_alloc(g->n_tokens, sizeof(*genes));
	size_t n = 0, n_ids = 0, n_identical = 0;

	memcpy(genes, g->token_genes, g->n_tokens * sizeof(*genes));
	qsort(genes, g->n_tokens, sizeof(*genes), compare_texts);
	for (size_t i = 0; i < g->n_aliases; i++) {
		if (!bsearch(&g->alias_genes[i], genes, g->n_tokens, sizeof(*genes), compare_texts))
			continue;
		n++;
		n_ids += strncmp(g->aliases[i], "ENSG", 4) == 0;
		n_identical += strcmp(g->aliases[i], g->alias_genes[i]) == 0;
	}
	printf("aliases of tokens %zu ids %zu identical %zu\n", n, n_ids, n_identical);
	free(genes);
}

static void
print_gene(const struct gene_pickles *g, const char *symbol)
{
	for (size_t i = 0; i < g->n_symbols; i++) {
		if (strcmp(g->symbols[i], symbol) != 0)
			continue;
		printf("%s %s", symbol, g->symbol_genes[i]);
		for (size_t k = 0; k < g->n_tokens; k++)
			if (!strcmp(g->token_genes[k], g->symbol_genes[i]))
				printf(" token %d", (int)g->tokens[k]);
		for (size_t k = 0; k < g->n_medians; k++)
			if (!strcmp(g->median_genes[k], g->symbol_genes[i]))
				printf(" median %.17g", g->medians[k]);
		printf("\n");
	}
}

static void
print_dictionary(const char *folder, const char *version, struct err *e)
{
	struct gene_pickles *g = gene_pickles_open(folder, version, e);
	double low = 1e300, high = 0;

	if (!g)
		return;
	printf("tokens %zu medians %zu symbols %zu aliases %zu\n", g->n_tokens, g->n_medians,
	    g->n_symbols, g->n_aliases);
	for (size_t i = 0; i < g->n_tokens; i++)
		if (g->tokens[i] != (int32_t)i)
			printf("token %zu is %d\n", i, (int)g->tokens[i]);
	for (size_t i = 0; i < g->n_medians; i++) {
		low = g->medians[i] < low ? g->medians[i] : low;
		high = g->medians[i] > high ? g->medians[i] : high;
	}
	printf("%s .. %s\n", g->token_genes[0], g->token_genes[g->n_tokens - 1]);
	printf("%s=%.17g, %.6g .. %.6g\n", g->median_genes[0], g->medians[0], low, high);
	print_gene(g, "ACTB");
	print_gene(g, "GATA4");
	print_gene(g, "MT-CO1");
	print_aliases(g);
	gene_pickles_close(g);
}

static void
print_model(const char *folder, struct err *e)
{
	static const char *const classes[] = { "base", "mlm", "sequence", "token", "multitask" };
	struct model *m = model_open(folder, e);
	char hash[33];

	if (!m)
		return;
	const struct model_config *c = &m->config;
	model_hash(m, hash);
	printf("%s %zu %zu %zu %zu %zu %zu %s", classes[c->class], c->layers, c->hidden, c->heads,
	    c->ffn, c->vocab, c->positions, m->pooler_weight ? "pooler" : "-");
	for (size_t i = 0; i < c->n_labels; i++)
		printf(" [%s]", c->labels[i]);
	printf("\n%s\n", hash);
	model_close(m);
}

/* All tensors of a safetensors folder against those of a pytorch_model.bin. */
static void
compare_files(const char *a, const char *b, struct err *e)
{
	char *path_a = mem_printf("%s/model.safetensors", a);
	char *path_b = mem_printf("%s/pytorch_model.bin", b);
	struct safetensors *s = safetensors_open(path_a, e);
	struct torch_zip *z = torch_zip_open(path_b, e);
	size_t n = 0, n_equal = 0;
	const struct tensor *t = z ? torch_zip_tensors(z, &n) : NULL;

	for (size_t i = 0; s && i < n; i++) {
		const struct tensor *other = safetensors_find(s, t[i].name);
		if (!other)
			printf("only in the second: %s\n", t[i].name);
		else if (other->type != t[i].type ||
			 !tensor_has_shape(other, t[i].rank, t[i].shape) ||
			 memcmp(other->data, t[i].data, t[i].bytes) != 0)
			printf("different: %s\n", t[i].name);
		else
			n_equal++;
	}
	if (s)
		safetensors_tensors(s, &n);
	printf("equal %zu of %zu\n", n_equal, n);
	safetensors_close(s);
	torch_zip_close(z);
	free(path_a);
	free(path_b);
}

static void
print_pickle(const char *path, struct err *e)
{
	struct io_map map;

	if (io_map_open(&map, path, e) < 0)
		return;
	struct pickle *p = pickle_read(map.bytes, map.size, path, e);
	if (p)
		printf("%s of %u\n", pickle_kind_name(pickle_root(p)->kind),
		    (unsigned)pickle_root(p)->size);
	pickle_free(p);
	io_map_close(&map);
}

int
main(int argc, char **argv)
{
	struct err e = { 0 };

	if (argc == 4 && !strcmp(argv[1], "dictionary"))
		print_dictionary(argv[2], argv[3], &e);
	else if (argc == 3 && !strcmp(argv[1], "model"))
		print_model(argv[2], &e);
	else if (argc == 4 && !strcmp(argv[1], "compare"))
		compare_files(argv[2], argv[3], &e);
	else if (argc == 3 && !strcmp(argv[1], "pickle"))
		print_pickle(argv[2], &e);
	else
		return 2;
	if (e.is_set)
		fprintf(stderr, "readers: %s\n", e.text);
	return e.is_set;
}
