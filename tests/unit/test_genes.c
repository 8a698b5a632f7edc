/* What a name stands for in a gene dictionary, and which dictionaries are refused. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cell/gene_lookup.h"

enum { N_GENES = 9 };

/* Ids as FlyBase writes them, Ensembl's, and one that is another one's name in upper case. */
static const char *const ids[N_GENES] = { "<pad>", "<mask>", "<cls>", "<eos>", "FBgn0000003",
	"ENSG00000000001", "Old", "FBgn0000008", "OLD" };
static const int32_t tokens[N_GENES] = { 0, 1, 2, 3, 4, 5, 6, NO_TOKEN, 7 };
static const double medians[N_GENES] = { NAN, NAN, NAN, NAN, 1.5, NAN, 2, 3, 1 };
static const char *const names[] = { "TP53", "FBGN0000008" };
static const int32_t name_rows[] = { 5, 4 };

static struct genes *
make_genes(const char *last_id, struct err *e)
{
	struct genes *g = mem_zero(1, sizeof(*g));
	const char *texts[N_GENES];

	memcpy(texts, ids, sizeof(ids));
	texts[N_GENES - 1] = last_id;
	g->n = N_GENES;
	g->ids = strings_from(&g->arena, texts, N_GENES);
	g->tokens = tokens;
	g->medians = medians;
	g->symbols = strings_from(&g->arena, NULL, 0);
	g->names = strings_from(&g->arena, names, 2);
	g->name_rows = name_rows;
	genes_complete(g, e);
	return g;
}

static ptrdiff_t
map(const struct genes *g, const char *name)
{
	return genes_map(g, name, strlen(name), (struct name_rules){ true, true });
}

static void
maps_ids_as_they_are_written(void **state)
{
	struct err e = { 0 };
	struct genes *g = make_genes("OLD", &e);

	(void)state;
	assert_false(e.is_set);
	assert_int_equal(map(g, "FBgn0000003"), 4);
	assert_int_equal(map(g, "Old"), 6);
	assert_int_equal(map(g, "OLD"), 8);
	assert_int_equal(map(g, "old"), 8);
	assert_int_equal(map(g, "ensg00000000001"), 5);
	assert_int_equal(map(g, "ENSG00000000001.7"), 5);
	assert_int_equal(map(g, "tp53"), 5);
	assert_int_equal(map(g, "FBgn0000008"), 4); /* the name of a gene that has a token */
	assert_int_equal(map(g, "fbgn0000003"), -1);
	genes_free(g);
}

static void
refuses_ids_that_break_the_vocabulary(void **state)
{
	static const char *const bad[] = { "A\nB", "A\rB", "A\tB", "\x7f" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		genes_free(make_genes(bad[i], &e));
		assert_non_null(strstr(e.text, "a control character in its id"));
	}
}

/* Finds each id of `ids` in a plain text column. */
static void
look_up(enum lookup mode, const ptrdiff_t *expected)
{
	struct field item = field_utf8("item"), gene = field_list("gene", &item);
	struct err e = { 0 };
	struct arena a = { 0 };
	struct genes *g = make_genes("OLD", &e);
	const int32_t offsets[] = { 0, N_GENES };
	struct array column = array_list(&a, 1, offsets, array_from_texts(&a, ids, N_GENES));
	struct gene_lookup l;
	const int32_t *rows;

	gene_lookup_init(&l, &gene, g, mode);
	rows = gene_lookup_rows(&l, &a, &column);
	for (size_t i = 0; i < N_GENES; i++)
		assert_int_equal(rows[i], expected[i]);
	gene_lookup_free(&l);
	genes_free(g);
	arena_free(&a);
}

static void
takes_no_special_token_for_a_gene(void **state)
{
	static const ptrdiff_t with_token[] = { -1, -1, -1, -1, 4, 5, 6, -1, 8 },
			       with_median[] = { -1, -1, -1, -1, 4, -1, 6, 7, 8 },
			       any[] = { -1, -1, -1, -1, 4, 5, 6, 4, 8 };

	(void)state;
	look_up(LOOKUP_TOKENS, with_token);
	look_up(LOOKUP_MEDIANS, with_median);
	look_up(LOOKUP_NAMES, any);
}

static void
adds_a_special_token(void **state)
{
	struct err e = { 0 };
	struct genes *g = make_genes("OLD", &e);
	char before[33];
	size_t size;

	(void)state;
	memcpy(before, g->hash, sizeof(before));
	assert_int_equal(g->sep, NO_TOKEN);
	genes_add_token(g, "<sep>");
	assert_int_equal(g->n, N_GENES + 1);
	assert_int_equal(g->n_tokens, 9);
	assert_int_equal(g->sep, 8);
	assert_true(genes_is_special(g, N_GENES));
	assert_memory_equal(genes_token_name(g, 8, &size), "<sep>", 5);
	assert_int_equal(size, 5);
	assert_true(isnan(g->medians[N_GENES]));
	assert_int_equal(map(g, "TP53"), 5);
	assert_int_equal(g->eos, 3);
	assert_string_not_equal(g->hash, before);
	genes_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_ids_as_they_are_written),
		cmocka_unit_test(refuses_ids_that_break_the_vocabulary),
		cmocka_unit_test(takes_no_special_token_for_a_gene),
		cmocka_unit_test(adds_a_special_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
