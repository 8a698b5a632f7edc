/* Which entries of a cell become one, which are dropped and how they are counted, whatever order
 * they came in. Expected values: sums on paper. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell/gene_map.h"

static const char *const ids[] = { "ENSG1", "ENSG2", "ENSG3" };
static const char *const symbols[] = { "A", "B", "C" };

/* Of the stream: two names of ENSG1, one each of ENSG2 and ENSG3, two that nobody knows. */
static const char *const names[] = { "A", "nobody", "ENSG2", "ENSG1", "C", "noone" };

enum { N_NAMES = 6, N_ENTRIES = 14, N_CELLS = 4 };

static struct genes *
make_genes(void)
{
	static const int32_t tokens[] = { 0, 1, 2 }, rows[] = { 0, 1, 2 };
	static const double medians[] = { 1, 1, 1 };
	struct genes *g = mem_zero(1, sizeof(*g));
	struct err e = { 0 };

	g->n = 3;
	g->ids = strings_from(&g->arena, ids, 3);
	g->symbols = g->names = strings_from(&g->arena, symbols, 3);
	g->name_rows = rows;
	g->tokens = tokens;
	g->medians = medians;
	assert_int_equal(genes_complete(g, &e), 0);
	return g;
}

/* Cells: all names once, in their order; the same backwards; one name three times; none. */
static const int32_t codes[N_ENTRIES] = { 0, 1, 2, 3, 4, 5, 4, 3, 1, 0, 2, 4, 2, 2 };
static const float counts[N_ENTRIES] = { 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 7, 100, 8, 9 };
static const int32_t offsets[N_CELLS + 1] = { 0, 6, 10, 14, 14 };

static struct schema *
make_schema(bool is_text)
{
	struct schema *s = schema_new();
	struct arena arena = { 0 };
	struct field item = is_text
				? field_utf8("item")
				: field_dictionary("item", strings_from(&arena, names, N_NAMES)),
		     number = field_float("item", 32);
	struct field fields[] = { field_utf8("cell"), field_list("gene", &item),
		field_list("count", &number) };

	for (size_t i = 0; i < 3; i++)
		schema_append(s, &fields[i]);
	arena_free(&arena);
	return s;
}

static struct batch
make_batch(bool is_text)
{
	static const char *const cells[] = { "a", "b", "c", "d" };
	const char *texts[N_ENTRIES];
	struct batch b = { .rows = N_CELLS };
	struct array entries = array_fixed(N_ENTRIES, codes);

	for (size_t i = 0; i < N_ENTRIES; i++)
		texts[i] = names[codes[i]];
	if (is_text)
		entries = array_from_texts(&b.arena, texts, N_ENTRIES);
	batch_append(&b, array_from_texts(&b.arena, cells, N_CELLS));
	batch_append(&b, array_list(&b.arena, N_CELLS, offsets, entries));
	batch_append(&b, array_list(&b.arena, N_CELLS, offsets, array_fixed(N_ENTRIES, counts)));
	return b;
}

/* Entries of the sums where the first of them stood. */
static const char *const mapped[] = { "ENSG1", "ENSG2", "ENSG3", "ENSG3", "ENSG1", "ENSG2",
	"ENSG3" };
static const float summed[] = { 5, 3, 5, 10, 60, 24, 100 };
static const int32_t ends[] = { 0, 3, 5, 7, 7 };

static void
expect_mapped(const struct schema *s, const struct batch *b)
{
	const struct array *gene = &b->columns[1], *count = &b->columns[2];

	assert_memory_equal(gene->offsets, ends, sizeof(ends));
	assert_memory_equal(count->offsets, ends, sizeof(ends));
	assert_int_equal(gene->children[0].length, 7);
	for (size_t i = 0; i < 7; i++) {
		size_t size;
		const char *id =
		    array_text(&s->fields[1].children[0], &gene->children[0], i, &size);

		assert_int_equal(size, 5);
		assert_memory_equal(id, mapped[i], 5);
	}
	assert_memory_equal(count->children[0].values, summed, sizeof(summed));
}

static void
expect_unmapped(const struct gene_map *m)
{
	struct unmapped_gene *list = gene_map_unmapped(m);

	assert_int_equal(list[0].size, 6);
	assert_memory_equal(list[0].name, "nobody", 6);
	assert_int_equal(list[0].n_entries, 2);
	assert_memory_equal(list[1].name, "noone", 5);
	assert_int_equal(list[1].n_entries, 1);
	free(list);
}

static void
map_cells(bool is_text)
{
	struct genes *genes = make_genes();
	struct schema *in = make_schema(is_text), *out;
	struct err e = { 0 };
	struct gene_map *m = gene_map_plan(in, genes, LOOKUP_NAMES, &e);
	struct batch b = make_batch(is_text);
	struct gene_map_totals totals;

	assert_non_null(m);
	out = gene_map_schema(m);
	assert_int_equal(gene_map_batch(&b, m, &e), 0);
	expect_mapped(out, &b);
	expect_unmapped(m);
	totals = gene_map_totals(m);
	assert_int_equal(totals.n_entries, N_ENTRIES);
	assert_int_equal(totals.n_dropped, 3);
	assert_int_equal(totals.n_summed, 4);
	assert_int_equal(totals.n_unmapped_names, 2);
	batch_free(&b);
	schema_free(out);
	schema_free(in);
	gene_map_free(m);
	genes_free(genes);
}

static void
sums_names_of_a_dictionary(void **state)
{
	(void)state;
	map_cells(false);
}

static void
sums_plain_texts(void **state)
{
	(void)state;
	map_cells(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_names_of_a_dictionary),
		cmocka_unit_test(sums_plain_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
