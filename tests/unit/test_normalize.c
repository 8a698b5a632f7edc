/* The arithmetic bit for bit, and every total and count that cannot be divided. Expected values:
 * numpy 2, float32 and float64 arrays, ((x * (1 / n)) * 10000) * (1 / median) in the order of the
 * reference. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell/normalization.h"

static const char *const ids[] = { "G0", "G1", "G2", "G3", "none", "" };
static const double medians[] = { 1.7629378614450941, 0.3, 26.793506656710267, 5.5, NAN };
static const int32_t codes[] = { 0, 1, 4, 2, 3, 5 };
static const int32_t offsets[] = { 0, 6 };

static struct genes *
make_genes(void)
{
	static const int32_t tokens[] = { 0, 1, 2, 3, 4 };
	struct genes *g = mem_zero(1, sizeof(*g));
	struct err e = { 0 };

	g->n = 5;
	g->ids = strings_from(&g->arena, ids, 5);
	g->symbols = g->names = strings_from(&g->arena, NULL, 0);
	g->tokens = tokens;
	g->medians = medians;
	assert_int_equal(genes_complete(g, &e), 0);
	return g;
}

/* One cell "c" with six entries, one of them of a gene without a median, one of an unknown gene. */
struct fixture {
	struct genes *genes;
	struct schema *schema;
	struct batch batch;
	float counts[6];
	float total32;
	double total64;
};

static void
set_up(struct fixture *f, int total_width)
{
	static const float counts[] = { 3, 1, 9, 250, 17, 2 };
	static const char *const cells[] = { "c" };
	struct arena names = { 0 };
	struct field item = field_dictionary("item", strings_from(&names, ids, 6)),
		     number = field_float("item", 32);
	struct field fields[] = { field_utf8("cell"), field_list("gene", &item),
		field_list("count", &number), field_float("n_counts", total_width) };

	*f = (struct fixture){ .genes = make_genes(), .schema = schema_new() };
	memcpy(f->counts, counts, sizeof(counts));
	for (size_t i = 0; i < (total_width ? 4 : 3); i++)
		schema_append(f->schema, &fields[i]);
	f->batch.rows = 1;
	batch_append(&f->batch, array_from_texts(&f->batch.arena, cells, 1));
	batch_append(&f->batch, array_list(&f->batch.arena, 1, offsets, array_fixed(6, codes)));
	batch_append(&f->batch, array_list(&f->batch.arena, 1, offsets, array_fixed(6, f->counts)));
	if (total_width)
		batch_append(&f->batch,
		    array_fixed(1,
			total_width == 32 ? (const void *)&f->total32 : (const void *)&f->total64));
	arena_free(&names);
}

static void
tear_down(struct fixture *f)
{
	batch_free(&f->batch);
	schema_free(f->schema);
	genes_free(f->genes);
}

static void
expect_values(struct fixture *f, const double *expected)
{
	struct err e = { 0 };
	struct normalize *plan = normalize_plan(f->schema, f->genes, 10000, &e);
	const struct array *value, *gene;

	assert_non_null(plan);
	assert_int_equal(normalize_batch(&f->batch, plan, &e), 0);
	gene = &f->batch.columns[1];
	value = &f->batch.columns[2];
	assert_int_equal(value->offsets[1], 4);
	for (int32_t k = 0; k < 4; k++) {
		assert_int_equal(((const int32_t *)gene->children[0].values)[k], k);
		assert_true(((const double *)value->children[0].values)[k] == expected[k]);
	}
	assert_int_equal(normalize_dropped(plan), 2);
	normalize_free(plan);
}

static void
rounds_as_float32(void **state)
{
	static const double expected[] = { 0x1.91bafcdcad979p+2, 0x1.89756faaaaaabp+3,
		0x1.13574d5b3e913p+5, 0x1.6cd7f2e8ba2e9p+3 };
	struct fixture f;

	(void)state;
	set_up(&f, 32);
	f.total32 = 2711;
	expect_values(&f, expected);
	tear_down(&f);
}

static void
rounds_as_float64(void **state)
{
	static const double expected[] = { 0x1.91bafc0a7e249p+2, 0x1.8975708779c89p+3,
		0x1.13574d47652a8p+5, 0x1.6cd7f3fb4bb0bp+3 };
	struct fixture f;

	(void)state;
	set_up(&f, 64);
	f.total64 = 2711;
	expect_values(&f, expected);
	tear_down(&f);
}

/* Without n_counts: 3 + 1 + 9 + 250 + 17 + 2431 = 2711. */
static void
sums_where_no_total_is_given(void **state)
{
	static const double expected[] = { 0x1.91bafcdcad979p+2, 0x1.89756faaaaaabp+3,
		0x1.13574d5b3e913p+5, 0x1.6cd7f2e8ba2e9p+3 };
	struct fixture f;

	(void)state;
	set_up(&f, 0);
	f.counts[5] = 2431;
	expect_values(&f, expected);
	assert_int_equal(f.batch.n_columns, 4);
	assert_true(*(const float *)f.batch.columns[3].values == 2711);
	tear_down(&f);
}

static void
expect_refusal(double count, double total, const char *text)
{
	struct fixture f;
	struct err e = { 0 };
	struct normalize *plan;

	set_up(&f, 64);
	f.counts[1] = (float)count;
	f.total64 = total;
	plan = normalize_plan(f.schema, f.genes, 10000, &e);
	assert_int_equal(normalize_batch(&f.batch, plan, &e), -1);
	assert_string_equal(e.text, text);
	normalize_free(plan);
	tear_down(&f);
}

static void
refuses_what_cannot_be_divided(void **state)
{
	(void)state;
	expect_refusal(-1, 100, "cell c: a count of -1");
	expect_refusal(INFINITY, 100, "cell c: a count of inf");
	expect_refusal(NAN, 100, "cell c: a count of nan");
	expect_refusal(1, 0, "cell c: counts cannot be divided by an n_counts of 0");
	expect_refusal(1, -5, "cell c: counts cannot be divided by an n_counts of -5");
	expect_refusal(1, NAN, "cell c: counts cannot be divided by an n_counts of nan");
	expect_refusal(1, INFINITY, "cell c: counts cannot be divided by an n_counts of inf");
	expect_refusal(1, 1e-310, "cell c: counts cannot be divided by an n_counts of 1e-310");
}

/* In float32, 1 / 1e-40 is infinite, and 3e38 + 3e38 is too large for an n_counts. */
static void
refuses_values_that_are_not_finite(void **state)
{
	struct fixture f;
	struct err small = { 0 }, large = { 0 };
	struct normalize *plan;

	(void)state;
	set_up(&f, 32);
	f.total32 = 1e-40f;
	plan = normalize_plan(f.schema, f.genes, 10000, &small);
	assert_int_equal(normalize_batch(&f.batch, plan, &small), -1);
	assert_non_null(strstr(small.text, "cell c: counts cannot be divided"));
	normalize_free(plan);
	tear_down(&f);
	set_up(&f, 0);
	f.counts[0] = f.counts[1] = 3e38f;
	plan = normalize_plan(f.schema, f.genes, 10000, &large);
	assert_int_equal(normalize_batch(&f.batch, plan, &large), -1);
	assert_non_null(strstr(large.text, "cell c: counts cannot be divided"));
	normalize_free(plan);
	tear_down(&f);
}

/* An obs column of a foreign stream that has the name of the values. */
static void
makes_room_for_the_values(void **state)
{
	struct fixture f;
	struct err e = { 0 };
	struct field obs = field_bool("value");
	struct normalize *plan;
	struct schema *out;

	(void)state;
	set_up(&f, 32);
	schema_append(f.schema, &obs);
	plan = normalize_plan(f.schema, f.genes, 10000, &e);
	out = normalize_schema(plan);
	assert_int_equal(schema_find(out, "value"), 2);
	assert_int_equal(schema_find(out, "obs.value"), 4);
	assert_int_equal(out->fields[4].type, TYPE_BOOL);
	schema_free(out);
	normalize_free(plan);
	tear_down(&f);
}

static void
refuses_a_dictionary_that_knows_no_gene(void **state)
{
	struct fixture f;
	struct err e = { 0 };
	struct genes *other = genes_from_vocabulary("<pad>\n<mask>\nX", &e);

	(void)state;
	set_up(&f, 32);
	assert_null(normalize_plan(f.schema, other, 10000, &e));
	assert_non_null(
	    strstr(e.text, "none of 6 genes (G0, ...) has a median in the dictionary; genemap"));
	genes_free(other);
	tear_down(&f);
}

static void
refuses_a_dictionary_without_medians(void **state)
{
	struct fixture f;
	struct err e = { 0 };
	struct genes *other = genes_from_vocabulary("<pad>\n<mask>\nG0\nG1", &e);

	(void)state;
	set_up(&f, 32);
	assert_null(normalize_plan(f.schema, other, 10000, &e));
	assert_non_null(strstr(e.text, "none of 6 genes (G0, ...) has a median"));
	genes_free(other);
	tear_down(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_as_float32),
		cmocka_unit_test(rounds_as_float64),
		cmocka_unit_test(sums_where_no_total_is_given),
		cmocka_unit_test(refuses_what_cannot_be_divided),
		cmocka_unit_test(refuses_values_that_are_not_finite),
		cmocka_unit_test(makes_room_for_the_values),
		cmocka_unit_test(refuses_a_dictionary_that_knows_no_gene),
		cmocka_unit_test(refuses_a_dictionary_without_medians),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
