/* Expected values: arithmetic. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell/gene_variance.h"

enum { N_ROWS = 3, N_ENTRIES = 6 };

static const int32_t offsets[N_ROWS + 1] = { 0, 4, 4, 6 };

/* Cells A, B, C: genes g0 g1 g0 (none) | | g2 g1, as plain text or with a dictionary. */
struct sample {
	struct schema *schema;
	struct batch batch;
	float counts[N_ENTRIES];
	double values[N_ENTRIES];
	float totals[N_ROWS];
	int32_t codes[N_ENTRIES];
};

static const char *const names[] = { "g2", "g0", "g1", "", "g9" };

static void
add_genes(struct sample *s, bool has_dictionary)
{
	static const char *const texts[N_ENTRIES] = { "g0", "g1", "g0", "", "g2", "g1" };
	static const int32_t codes[N_ENTRIES] = { 1, 2, 1, 3, 0, 2 };
	struct arena *a = &s->batch.arena;
	struct field item = has_dictionary ? field_dictionary("item", strings_from(a, names, 5))
					   : field_utf8("item");
	struct field gene = field_list("gene", &item);

	memcpy(s->codes, codes, sizeof(codes));
	schema_append(s->schema, &gene);
	batch_append(&s->batch, array_list(a, N_ROWS, offsets,
				    has_dictionary ? array_fixed(N_ENTRIES, s->codes)
						   : array_from_texts(a, texts, N_ENTRIES)));
}

static void
sample_start(struct sample *s, bool is_of_counts, bool has_dictionary)
{
	static const char *const cells[N_ROWS] = { "A", "B", "C" };
	static const float counts[N_ENTRIES] = { 1, 4, 2, 7, 0, 5 };
	struct field item = field_float("item", is_of_counts ? 32 : 64);
	struct field fields[] = { field_utf8("cell"),
		field_list(is_of_counts ? "count" : "value", &item), field_float("n_counts", 32) };
	struct arena *a = &s->batch.arena;

	memset(s, 0, sizeof(*s));
	memcpy(s->counts, counts, sizeof(counts));
	for (size_t i = 0; i < N_ENTRIES; i++)
		s->values[i] = (double)counts[i];
	s->totals[0] = 20;
	s->totals[2] = 10;
	s->schema = schema_new();
	s->batch.rows = N_ROWS;
	schema_append(s->schema, &fields[0]);
	batch_append(&s->batch, array_from_texts(a, cells, N_ROWS));
	add_genes(s, has_dictionary);
	schema_append(s->schema, &fields[1]);
	batch_append(
	    &s->batch, array_list(a, N_ROWS, offsets,
			   array_fixed(N_ENTRIES,
			       is_of_counts ? (const void *)s->counts : (const void *)s->values)));
	schema_append(s->schema, &fields[2]);
	batch_append(&s->batch, array_fixed(N_ROWS, s->totals));
}

static void
sample_end(struct sample *s)
{
	batch_free(&s->batch);
	schema_free(s->schema);
}

static void
expect(const struct gene_features *x, size_t k, uint32_t gene, double value)
{
	assert_int_equal(x->genes[k], gene);
	if (x->values[k] != (float)value)
		fail_msg("feature %zu: got %.9g, expected %.9g", k, (double)x->values[k], value);
}

/* Cell A: g0 has 1 + 2, g1 4, the gene without a name counts for nothing. Cell C: g2 has none. */
static void
counts_and_values(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		bool is_of_counts = i & 1, has_dictionary = i & 2;
		double a = is_of_counts ? 10000.0 / 20 : 1, c = is_of_counts ? 1000 : 1;
		struct sample s;
		struct gene_source source = { 0 };
		struct gene_numbers numbers = { 0 };
		struct gene_features x;
		struct err e = { 0 };

		sample_start(&s, is_of_counts, has_dictionary);
		gene_source_add(&source, is_of_counts ? FEATURE_COUNTS : FEATURE_VALUES, s.schema,
		    NULL, &numbers);
		assert_int_equal(gene_features_of(&source, &s.batch, &x, &e), 0);
		assert_true(x.rows == 3 && x.offsets[0] == 0 && x.offsets[1] == 2);
		assert_true(x.offsets[2] == 2 && x.offsets[3] == 3);
		/* Numbers are given in the order of the dictionary, or as the names come. */
		expect(&x, 0, has_dictionary ? 1 : 0, log1p(3 * a));
		expect(&x, 1, has_dictionary ? 2 : 1, log1p(4 * a));
		expect(&x, 2, has_dictionary ? 2 : 1, log1p(5 * c));
		gene_source_free(&source);
		gene_numbers_free(&numbers);
		sample_end(&s);
	}
}

static void
known_genes_only(void **state)
{
	static const char *const wanted[] = { "g7", "g1", "g2" };
	struct arena a = { 0 };
	struct strings *known = strings_from(&a, wanted, 3);

	(void)state;
	for (int has_dictionary = 0; has_dictionary < 2; has_dictionary++) {
		struct sample s;
		struct gene_source source = { 0 };
		struct gene_features x;
		ptrdiff_t n_found;
		struct err e = { 0 };

		sample_start(&s, true, has_dictionary);
		gene_source_find(&source, FEATURE_COUNTS, s.schema, NULL, known, &n_found);
		assert_int_equal(n_found, has_dictionary ? 2 : -1);
		assert_int_equal(gene_features_of(&source, &s.batch, &x, &e), 0);
		assert_true(x.offsets[1] == 1 && x.offsets[2] == 1 && x.offsets[3] == 2);
		expect(&x, 0, 1, log1p(4 * 10000.0 / 20));
		expect(&x, 1, 1, log1p(5 * 1000.0));
		gene_source_free(&source);
		sample_end(&s);
	}
	arena_free(&a);
}

static void
refuses_bad_values(void **state)
{
	static const double bad[] = { -1, INFINITY, NAN };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sample s;
		struct gene_source source = { 0 };
		struct gene_numbers numbers = { 0 };
		struct gene_features x;
		struct err e = { 0 };

		sample_start(&s, false, true);
		s.values[5] = bad[i];
		gene_source_add(&source, FEATURE_VALUES, s.schema, NULL, &numbers);
		assert_int_equal(gene_features_of(&source, &s.batch, &x, &e), -1);
		assert_non_null(strstr(e.text, "cell C: a value of "));
		gene_source_free(&source);
		gene_numbers_free(&numbers);
		sample_end(&s);
	}
}

/* <cls> a b a <eos> | c <eos>: of three genes the second has rank 1 - 1/3. */
static void
tokens(void **state)
{
	static const char *const vocabulary[] = { "<pad>", "<mask>", "<cls>", "<eos>", "a", "b",
		"c" };
	static const uint16_t ids[] = { 2, 4, 5, 4, 3, 6, 3 };
	static const int32_t ends[] = { 0, 5, 7 };
	static const char *const cells[] = { "A", "B" };
	struct err e = { 0 };
	struct genes *genes = genes_from_names(vocabulary, 7, &e);

	(void)state;
	for (int is_rank = 0; is_rank < 2; is_rank++) {
		struct field item = field_int("item", 16, false);
		struct field cell = field_utf8("cell"), list = field_list("input_ids", &item);
		struct schema *s = schema_new();
		struct batch b = { .rows = 2 };
		struct gene_source source = { 0 };
		struct gene_numbers numbers = { 0 };
		struct gene_features x;

		schema_append(s, &cell);
		schema_append(s, &list);
		batch_append(&b, array_from_texts(&b.arena, cells, 2));
		batch_append(&b, array_list(&b.arena, 2, ends, array_fixed(7, ids)));
		gene_source_add(
		    &source, is_rank ? FEATURE_RANK : FEATURE_PRESENCE, s, genes, &numbers);
		assert_int_equal(gene_features_of(&source, &b, &x, &e), 0);
		assert_int_equal(numbers.names.n, 3);
		assert_true(x.offsets[1] == 2 && x.offsets[2] == 3);
		expect(&x, 0, 0, 1);
		expect(&x, 1, 1, is_rank ? 1 - 1.0 / 3 : 1);
		expect(&x, 2, 2, 1);
		gene_source_free(&source);
		gene_numbers_free(&numbers);
		batch_free(&b);
		schema_free(s);
	}
	genes_free(genes);
}

/* Genes 0, 1, 2 over four cells: 1 2 0 3 | 0 0 0 2 | 5 5 5 5. */
static void
variances(void **state)
{
	static const size_t ends[] = { 0, 2, 4, 5, 8 };
	static const uint32_t genes[] = { 0, 2, 0, 2, 2, 2, 1, 0 };
	static const float values[] = { 1, 5, 2, 5, 5, 5, 2, 3 };
	const struct gene_features x = { 4, ends, genes, values };
	static const char *const texts[] = { "z", "y", "x", "w" };
	struct arena a = { 0 };
	struct strings *all = strings_from(&a, texts, 4);
	struct gene_variance v = { 0 };
	uint32_t *top;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		gene_variance_add(&v, &x, ends[i], ends[i + 1]);
	assert_true(fabs(gene_variance_of(&v, 0) - 5.0 / 3) < 1e-15);
	assert_true(fabs(gene_variance_of(&v, 1) - 1) < 1e-15);
	assert_true(gene_variance_of(&v, 2) == 0 && gene_variance_of(&v, 3) == 0);
	assert_int_equal(gene_variance_count(&v, 0), 3);
	assert_int_equal(gene_variance_count(&v, 3), 0);
	top = gene_variance_top(&v, all, 9, &n);
	assert_true(n == 2 && top[0] == 1 && top[1] == 0); /* y before z */
	free(top);
	top = gene_variance_top(&v, all, 1, &n);
	assert_true(n == 1 && top[0] == 0);
	free(top);
	gene_variance_free(&v);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_values),
		cmocka_unit_test(known_genes_only),
		cmocka_unit_test(refuses_bad_values),
		cmocka_unit_test(tokens),
		cmocka_unit_test(variances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
