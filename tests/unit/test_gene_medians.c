/* Expected values: arithmetic, and for the larger sets a full sort of the values. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/gene_medians.h"

enum { BYTES_A_PAIR = 20 }; /* so many are held of --max-memory for each value */

static void
odd_even_and_none(void **state)
{
	/* gene 0: 5 1 3; gene 1: 2 8 4 1; gene 3: 7; gene 2: none */
	static const uint32_t genes[] = { 0, 1, 3, 1, 0, 1, 0, 1 };
	static const double values[] = { 5, 2, 7, 8, 1, 4, 3, 1 };
	struct gene_medians *m = gene_medians_exact(1 << 20);
	struct err e = { 0 };
	double medians[6];

	(void)state;
	assert_int_equal(gene_medians_add(m, genes, values, 8, &e), 0);
	assert_int_equal(gene_medians_finish(m, medians, 6, &e), 0);
	assert_true(medians[0] == 3 && medians[1] == 3 && medians[3] == 7);
	assert_true(isnan(medians[2]) && isnan(medians[4]) && isnan(medians[5]));
	assert_int_equal(gene_medians_count(m, 1), 4);
	assert_int_equal(gene_medians_count(m, 2), 0);
	assert_int_equal(gene_medians_count(m, 100000), 0);
	assert_false(gene_medians_spilled(m));
	gene_medians_free(m);
}

static void
equal_values_in_the_middle(void **state)
{
	static const uint32_t genes[] = { 0, 0, 0, 0, 1, 1, 1, 1, 1, 1 };
	static const double values[] = { 2, 2, 1, 9, 4, 4, 4, 5, 6, 6 };
	struct gene_medians *m = gene_medians_exact(1 << 20);
	struct err e = { 0 };
	double medians[2];

	(void)state;
	assert_int_equal(gene_medians_add(m, genes, values, 10, &e), 0);
	assert_int_equal(gene_medians_finish(m, medians, 2, &e), 0);
	assert_true(medians[0] == 2);   /* 1 2 | 2 9 */
	assert_true(medians[1] == 4.5); /* 4 4 4 | 5 6 6 */
	gene_medians_free(m);
}

static void
nothing_at_all(void **state)
{
	struct gene_medians *exact = gene_medians_exact(1), *digest = gene_medians_digest();
	struct err e = { 0 };
	double median = 0;

	(void)state;
	assert_int_equal(gene_medians_finish(exact, &median, 1, &e), 0);
	assert_true(isnan(median));
	median = 0;
	assert_int_equal(gene_medians_finish(digest, &median, 1, &e), 0);
	assert_true(isnan(median));
	gene_medians_free(exact);
	gene_medians_free(digest);
}

/* Values over the whole range of doubles, most of them close together, some equal; few genes have
 * many. */
struct sample {
	size_t n, n_genes;
	uint32_t *genes;
	double *values;
};

static uint64_t
next_random(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return *x >> 33;
}

static struct sample
sample_new(size_t n, size_t n_genes)
{
	struct sample s = { n, n_genes, mem_alloc(n, sizeof(*s.genes)),
		mem_alloc(n, sizeof(*s.values)) };
	uint64_t x = 7;

	for (size_t i = 0; i < n; i++) {
		uint64_t r = next_random(&x);

		s.genes[i] = (uint32_t)(r % 3 ? r / 3 % n_genes : r / 3 % 2);
		s.values[i] = (double)(1 + next_random(&x) % 5000) / (double)(1 + r % 999) * 10000;
		if (r % 101 == 0)
			s.values[i] = ldexp(s.values[i], (int)(r % 1900) - 1000);
	}
	return s;
}

static void
sample_free(struct sample *s)
{
	free(s->genes);
	free(s->values);
}

static int
compare_doubles(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static double
sorted_median(const struct sample *s, uint32_t gene)
{
	double *found = mem_alloc(s->n, sizeof(*found)), median;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->genes[i] == gene)
			found[n++] = s->values[i];
	qsort(found, n, sizeof(*found), compare_doubles);
	median = n == 0 ? NAN : n % 2 ? found[n / 2] : (found[n / 2 - 1] + found[n / 2]) / 2;
	free(found);
	return median;
}

/* Adds in pieces of different length, as cells come. */
static void
add_all(struct gene_medians *m, const struct sample *s)
{
	struct err e = { 0 };

	for (size_t from = 0, n; from < s->n; from += n) {
		n = 1 + from % 700;
		n = n < s->n - from ? n : s->n - from;
		assert_int_equal(gene_medians_add(m, s->genes + from, s->values + from, n, &e), 0);
	}
}

static void
check_exact(const struct sample *s, size_t pairs_in_memory, int is_spilled)
{
	struct gene_medians *m = gene_medians_exact(pairs_in_memory * BYTES_A_PAIR);
	double *medians = mem_alloc(s->n_genes, sizeof(*medians));
	struct err e = { 0 };

	add_all(m, s);
	assert_int_equal(gene_medians_finish(m, medians, s->n_genes, &e), 0);
	assert_int_equal(gene_medians_spilled(m), is_spilled);
	for (uint32_t g = 0; g < s->n_genes; g++)
		assert_true(medians[g] == sorted_median(s, g) ||
			    (isnan(medians[g]) && isnan(sorted_median(s, g))));
	free(medians);
	gene_medians_free(m);
}

static void
exact_in_memory_and_on_file(void **state)
{
	struct sample s = sample_new(60000, 50);

	(void)state;
	check_exact(&s, 100000, 0);
	check_exact(&s, 60000, 0);
	check_exact(&s, 59999, 1); /* two runs; every gene fits into memory */
	check_exact(&s, 20000, 1);
	check_exact(&s, 7001,
	    1); /* genes 0 and 1 (10,000 values) are selected on the file, in two blocks */
	check_exact(&s, 97, 1); /* all genes are */
	sample_free(&s);
}

/* More genes than counts are read at once, and genes that come after the first spill. */
static void
many_genes_on_file(void **state)
{
	struct sample s = sample_new(9000, 2500);

	(void)state;
	for (size_t i = 0; i < 3000; i++)
		s.genes[i] %= 10;
	check_exact(&s, 1000, 1);
	sample_free(&s);
}

static void
every_pair_alone(void **state)
{
	struct sample s = sample_new(300, 5);

	(void)state;
	check_exact(&s, 0, 1); /* one is held at least */
	sample_free(&s);
}

/* Up to 42 values exact; beyond that what crick 0.0.8 gives for the same numbers. */
static void
digests_by_gene(void **state)
{
	struct gene_medians *m = gene_medians_digest();
	struct err e = { 0 };
	double medians[2000];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		double root = i * 7919 % 1000,
		       values[2] = { root * root / 1000 + 1, 10 * (1 + i * 5 % 41) };
		uint32_t genes[2] = { 1500, 3 };

		assert_int_equal(gene_medians_add(m, genes, values, i < 41 ? 2 : 1, &e), 0);
	}
	assert_int_equal(gene_medians_finish(m, medians, 2000, &e), 0);
	assert_true(medians[3] == 210);                         /* the middle of 10, 20, ... 410 */
	assert_true(fabs(medians[1500] - 250.6985) <= 250e-12); /* crick: 249.6985 without the 1 */
	assert_true(isnan(medians[0]) && isnan(medians[1999]));
	assert_int_equal(gene_medians_count(m, 1500), 1000);
	assert_false(gene_medians_spilled(m));
	gene_medians_free(m);
}

static void
no_place_to_spill(void **state)
{
	static const uint32_t genes[] = { 0, 0 };
	static const double values[] = { 1, 2 };
	struct gene_medians *m = gene_medians_exact(1);
	struct err e = { 0 };
	char *before = getenv("TMPDIR") ? mem_strdup(getenv("TMPDIR")) : NULL;

	(void)state;
	setenv("TMPDIR", "/nonexistent/folder", 1);
	assert_int_equal(gene_medians_add(m, genes, values, 2, &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent/folder"));
	if (before)
		setenv("TMPDIR", before, 1);
	else
		unsetenv("TMPDIR");
	free(before);
	gene_medians_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_even_and_none),
		cmocka_unit_test(equal_values_in_the_middle),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(exact_in_memory_and_on_file),
		cmocka_unit_test(many_genes_on_file),
		cmocka_unit_test(every_pair_alone),
		cmocka_unit_test(digests_by_gene),
		cmocka_unit_test(no_place_to_spill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
