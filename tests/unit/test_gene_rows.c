/* Expected rows: kind `genes` of cells.5. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "cell/gene_rows.h"

enum { GENE, TOKEN, MEDIAN, SYMBOL, ALIASES };

/* A dictionary of two genes: A (symbol TP53, aliases P53 and LFS1, its own id) and ENSG00000000009
 * (alias "old", no symbol). */
static struct genes *
make_names(void)
{
	static const char *const ids[] = { "ENSG00000141510", "ENSG00000000009" };
	static const char *const symbols[] = { "Tp53", "" };
	static const char *const names[] = { "TP53", "P53", "OLD", "ENSG00000141510", "LFS1" };
	static const int32_t name_rows[] = { 0, 0, 1, 0, 0 };
	static const int32_t tokens[] = { NO_TOKEN, NO_TOKEN };
	static const double medians[] = { 1, 1 };
	struct genes *g = mem_zero(1, sizeof(*g));
	struct err e = { 0 };

	g->n = 2;
	g->ids = strings_from(&g->arena, ids, 2);
	g->symbols = strings_from(&g->arena, symbols, 2);
	g->names = strings_from(&g->arena, names, 5);
	g->name_rows = name_rows;
	g->tokens = tokens;
	g->medians = medians;
	assert_int_equal(genes_complete(g, &e), 0);
	return g;
}

static void
assert_text(const struct array *a, size_t i, const char *expected)
{
	const struct field f = field_utf8("x");
	size_t size;
	const char *text = array_text(&f, a, i, &size);

	if (!expected) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(text, expected, size);
}

static struct gene_row
row(const char *id, double median)
{
	return (struct gene_row){ id, strlen(id), median };
}

static void
a_dictionary(void **state)
{
	struct gene_row rows[] = { row("ENSG00000141510", 2.5), row("MT-CO1", 60),
		row("ENSG00000000009", 1e-3), row("ENSG00000000009.1", 4) };
	struct genes *names = make_names();
	struct batch b = { 0 };
	struct err e = { 0 };
	const char *const ids[] = { "<pad>", "<mask>", "<cls>", "<eos>", "ENSG00000000009",
		"ENSG00000000009.1", "ENSG00000141510", "MT-CO1" };
	const char *const symbols[] = { NULL, NULL, NULL, NULL, NULL, NULL, "Tp53", NULL };
	const int32_t alias_ends[] = { 0, 0, 0, 0, 1, 1, 3, 3 };
	const double medians[] = { NAN, NAN, NAN, NAN, 1e-3, 4, 2.5, 60 };

	(void)state;
	assert_int_equal(gene_rows_batch(rows, 4, true, names, &b, &e), 0);
	assert_int_equal(b.rows, 8);
	assert_int_equal(b.n_columns, 5);
	for (size_t i = 0; i < 8; i++) {
		assert_text(&b.columns[GENE], i, ids[i]);
		assert_text(&b.columns[SYMBOL], i, symbols[i]);
		assert_int_equal(((const int32_t *)b.columns[TOKEN].values)[i], i);
		assert_int_equal(b.columns[ALIASES].offsets[i + 1], alias_ends[i]);
		assert_int_equal(array_is_valid(&b.columns[MEDIAN], i), i >= 4);
		if (i >= 4)
			assert_true(((const double *)b.columns[MEDIAN].values)[i] == medians[i]);
	}
	assert_int_equal(b.columns[MEDIAN].null_count, 4);
	assert_text(&b.columns[ALIASES].children[0], 0, "OLD");
	assert_text(&b.columns[ALIASES].children[0], 1, "P53");
	assert_text(&b.columns[ALIASES].children[0], 2, "LFS1");
	batch_free(&b);
	genes_free(names);
}

static void
no_genes_and_no_names(void **state)
{
	struct gene_row rows[1];
	struct batch b = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(gene_rows_batch(rows, 0, false, NULL, &b, &e), 0);
	assert_int_equal(b.rows, 2);
	assert_text(&b.columns[GENE], 1, "<mask>");
	assert_int_equal(b.columns[ALIASES].offsets[2], 0);
	batch_free(&b);
}

static void
refused(const char *id, const char *text)
{
	struct gene_row rows[] = { row("A", 1), row(id, 1) };
	struct batch b = { 0 };
	struct err e = { 0 };

	assert_int_equal(gene_rows_batch(rows, 2, false, NULL, &b, &e), -1);
	assert_string_equal(e.text, text);
	batch_free(&b);
}

static void
ids_that_break_a_vocabulary(void **state)
{
	(void)state;
	refused("<eos>", "gene '<eos>': is the name of a special token");
	refused("TP\n53", "gene 'TP?53': a control character in its id");
}

static void
ids_that_are_not_ensembl(void **state)
{
	static const char *const good[] = { "ENSG00000141510", "ENSMUSG00000059552",
		"ENSGR0000182378" };
	static const char *const bad[] = { "TP53", "ENSG00000141510.18", "ENSG141510", "7157",
		"ENS" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct gene_row r = row(good[i], 1);

		assert_null(gene_rows_find_odd(&r, 1));
	}
	for (size_t i = 0; i < 5; i++) {
		struct gene_row r[] = { row(good[0], 1), row(bad[i], 1) };

		assert_ptr_equal(gene_rows_find_odd(r, 2), &r[1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dictionary),
		cmocka_unit_test(no_genes_and_no_names),
		cmocka_unit_test(ids_that_break_a_vocabulary),
		cmocka_unit_test(ids_that_are_not_ensembl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
