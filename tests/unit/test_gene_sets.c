/* Sets of genes: numbers, order, and those of the command line. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/gene_sets.h"

static uint32_t
gene(struct gene_sets *s, const char *id)
{
	return gene_sets_gene(s, id, strlen(id));
}

static uint32_t
pair(struct gene_sets *s, const char *a, const char *b)
{
	uint32_t genes[] = { gene(s, a), gene(s, b) };

	return gene_sets_add(s, genes, 2);
}

static uint32_t
single(struct gene_sets *s, const char *id)
{
	uint32_t g = gene(s, id);

	return gene_sets_add(s, &g, 1);
}

static void
have_no_order(void **state)
{
	struct gene_sets s = { 0 };
	uint32_t genes[2];

	(void)state;
	assert_int_equal(pair(&s, "C", "A"), 0);
	assert_int_equal(single(&s, "A"), 1);
	assert_int_equal(pair(&s, "A", "C"), 0);
	assert_int_equal(single(&s, "C"), 2);
	assert_int_equal(single(&s, "A"), 1);
	assert_int_equal(pair(&s, "A", "A"), 3);
	gene_sets_sorted(&s, 0, genes);
	assert_int_equal(genes[0], gene(&s, "A"));
	assert_int_equal(genes[1], gene(&s, "C"));
	gene_sets_free(&s);
}

static void
in_the_order_of_ids(void **state)
{
	struct gene_sets s = { 0 };
	uint32_t *places;

	(void)state;
	/* B, A+C, C, A, AA, A+B: in order A, A+B, A+C, AA, B, C */
	single(&s, "B");
	pair(&s, "C", "A");
	single(&s, "C");
	single(&s, "A");
	single(&s, "AA");
	pair(&s, "A", "B");
	places = gene_sets_places(&s);
	static const uint32_t expected[] = { 4, 2, 5, 0, 3, 1 };
	assert_memory_equal(places, expected, sizeof(expected));
	free(places);
	gene_sets_free(&s);
}

/* More than the tables have room for at first. */
static void
many(void **state)
{
	struct gene_sets s = { 0 };

	(void)state;
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 20000; i++) {
			uint32_t genes[] = { i * 7919 % 20000, 20000 + i % 100 };
			size_t n = i % 2 ? 2 : 1;

			assert_int_equal(gene_sets_add(&s, genes, n), i);
		}
	assert_int_equal(s.n, 20000);
	gene_sets_free(&s);
}

static void
of_the_command_line(void **state)
{
	struct gene_sets s = { 0 };
	struct err e = { 0 };
	size_t n;

	(void)state;
	assert_int_equal(gene_sets_parse(&s, "A,B,C+A", NULL, &e), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(pair(&s, "A", "C"), 2);
	gene_sets_get(&s, 2, &n);
	assert_int_equal(n, 2);
	gene_sets_free(&s);
}

static void
of_a_file(void **state)
{
	struct gene_sets s = { 0 };
	struct err e = { 0 };
	char path[] = "/tmp/gene_sets.XXXXXX", text[] = "@/tmp/gene_sets.XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	(void)state;
	fputs("A\n\nB+A \r\n,\nC", f);
	fclose(f);
	memcpy(text + 1, path, strlen(path));
	assert_int_equal(gene_sets_parse(&s, text, NULL, &e), 0);
	remove(path);
	assert_int_equal(s.n, 4);
	assert_int_equal(single(&s, "A"), 0);
	assert_int_equal(pair(&s, "A", "B"), 1);
	assert_int_equal(single(&s, ","), 2);
	assert_int_equal(single(&s, "C"), 3);
	assert_int_equal(gene_sets_parse(&s, text, NULL, &e), -1);
	gene_sets_free(&s);
}

static void
empty_ones(void **state)
{
	static const char *const texts[] = { "", "A,,B", "A,", ",A", "A+", "+A", "A++B", "+" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct gene_sets s = { 0 };
		struct err e = { 0 };

		assert_int_equal(gene_sets_parse(&s, texts[i], NULL, &e), -1);
		assert_non_null(strstr(e.text, i < 4 ? "empty group" : "without a name"));
		gene_sets_free(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(have_no_order),
		cmocka_unit_test(in_the_order_of_ids),
		cmocka_unit_test(many),
		cmocka_unit_test(of_the_command_line),
		cmocka_unit_test(of_a_file),
		cmocka_unit_test(empty_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
