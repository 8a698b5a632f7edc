/* Expected values: arithmetic. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "cell/depth_values.h"

enum { N_ROWS = 3, N_ENTRIES = 7, N_GENES = 4 };

/* Cells "a", "b", "c" with 3, 0 and 4 counts. Cell c has gene 1 twice. */
struct sample {
	struct schema *schema;
	struct batch batch;
	uint32_t numbers[N_ENTRIES];
	float counts[N_ENTRIES];
	double totals[N_ROWS];
	float totals32[N_ROWS];
};

static const int32_t offsets[N_ROWS + 1] = { 0, 3, 3, 7 };
static const int32_t cell_offsets[N_ROWS + 1] = { 0, 1, 2, 3 };
static const int32_t name_offsets[N_ENTRIES + 1] = { 0 };

static void
sample_start(struct sample *s, int total_bits)
{
	static const uint32_t numbers[N_ENTRIES] = { 2, 0, 1, 1, 3, 1, NO_NUMBER };
	static const float counts[N_ENTRIES] = { 3, 0, 4, 2, 5, 6, 7 };
	static const double totals[N_ROWS] = { 1000, 0, 3 };
	struct field text = field_utf8("item"), number = field_float("item", 32);
	struct field fields[] = { field_utf8("cell"), field_list("gene", &text),
		field_list("count", &number), field_float("n_counts", total_bits) };
	struct arena *a = &s->batch.arena;

	memset(s, 0, sizeof(*s));
	memcpy(s->numbers, numbers, sizeof(numbers));
	memcpy(s->counts, counts, sizeof(counts));
	memcpy(s->totals, totals, sizeof(totals));
	for (size_t i = 0; i < N_ROWS; i++)
		s->totals32[i] = (float)totals[i];
	s->schema = schema_new();
	s->batch.rows = N_ROWS;
	for (size_t i = 0; i < (total_bits ? 4 : 3); i++)
		schema_append(s->schema, &fields[i]);
	batch_append(&s->batch, array_utf8(N_ROWS, cell_offsets, "abc"));
	batch_append(
	    &s->batch, array_list(a, N_ROWS, offsets, array_utf8(N_ENTRIES, name_offsets, "")));
	batch_append(&s->batch, array_list(a, N_ROWS, offsets, array_fixed(N_ENTRIES, s->counts)));
	if (total_bits)
		batch_append(&s->batch, array_fixed(N_ROWS, total_bits == 32 ? (void *)s->totals32
									     : (void *)s->totals));
}

static void
sample_end(struct sample *s)
{
	batch_free(&s->batch);
	schema_free(s->schema);
}

static int
find(struct sample *s, double target_sum, struct depth_values *v, struct err *e)
{
	struct depth_columns c = depth_columns_find(s->schema);

	return depth_values_find(&s->batch, &c, s->numbers, N_GENES, target_sum, v, e);
}

static void
values_by_n_counts(void **state)
{
	(void)state;
	for (int bits = 32; bits <= 64; bits += 32) {
		struct sample s;
		struct depth_values v;
		struct err e = { 0 };

		sample_start(&s, bits);
		assert_int_equal(find(&s, 10000, &v, &e), 0);
		assert_int_equal(v.n, 4);
		assert_true(v.genes[0] == 2 && v.values[0] == 3.0 / 1000 * 10000);
		assert_true(v.genes[1] == 1 && v.values[1] == 4.0 / 1000 * 10000);
		assert_true(v.genes[2] == 1 && v.values[2] == 8.0 / 3 * 10000); /* 2 + 6 */
		assert_true(v.genes[3] == 3 && v.values[3] == 5.0 / 3 * 10000);
		sample_end(&s);
	}
}

/* Counts of genes without a number belong to the total all the same. */
static void
no_n_counts(void **state)
{
	struct sample s;
	struct depth_values v;
	struct err e = { 0 };

	(void)state;
	sample_start(&s, 0);
	assert_int_equal(find(&s, 100, &v, &e), 0);
	assert_int_equal(v.n, 4);
	assert_true(v.values[0] == 3.0 / 7 * 100);
	assert_true(v.values[2] == 8.0 / 20 * 100);
	sample_end(&s);
}

static void
refused(struct sample *s, const char *text)
{
	struct depth_values v;
	struct err e = { 0 };

	assert_int_equal(find(s, 10000, &v, &e), -1);
	assert_string_equal(e.text, text);
	sample_end(s);
}

static void
bad_counts(void **state)
{
	struct sample s;

	(void)state;
	sample_start(&s, 64);
	s.counts[4] = -1;
	refused(&s, "cell c: a count of -1");
	sample_start(&s, 64);
	s.counts[6] = NAN; /* of a gene without a number */
	refused(&s, "cell c: a count of nan");
	sample_start(&s, 64);
	s.counts[0] = INFINITY;
	refused(&s, "cell a: a count of inf");
}

static void
bad_totals(void **state)
{
	static const uint8_t first_two = 3;
	struct sample s;

	(void)state;
	sample_start(&s, 64);
	s.totals[0] = 0;
	refused(&s, "cell a: counts cannot be divided by an n_counts of 0");
	sample_start(&s, 64);
	s.totals[2] = -3;
	refused(&s, "cell c: counts cannot be divided by an n_counts of -3");
	sample_start(&s, 64);
	s.totals[2] = NAN;
	refused(&s, "cell c: counts cannot be divided by an n_counts of nan");
	sample_start(&s, 64);
	s.totals[2] = INFINITY;
	refused(&s, "cell c: counts cannot be divided by an n_counts of inf");
	sample_start(&s, 64);
	s.totals[2] = 1e-310;
	refused(&s, "cell c: counts cannot be divided by an n_counts of 1e-310");
	sample_start(&s, 32);
	s.batch.columns[3].validity = &first_two;
	s.batch.columns[3].null_count = 1;
	refused(&s, "cell c: counts cannot be divided by an n_counts of nan");
}

/* An n_counts that nothing is divided by does no harm. */
static void
empty_cell(void **state)
{
	struct sample s;
	struct depth_values v;
	struct err e = { 0 };

	(void)state;
	sample_start(&s, 64);
	s.totals[1] = NAN;
	assert_int_equal(find(&s, 10000, &v, &e), 0);
	memset(s.counts, 0, sizeof(s.counts));
	assert_int_equal(find(&s, 10000, &v, &e), 0);
	assert_int_equal(v.n, 0);
	sample_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_by_n_counts),
		cmocka_unit_test(no_n_counts),
		cmocka_unit_test(bad_counts),
		cmocka_unit_test(bad_totals),
		cmocka_unit_test(empty_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
