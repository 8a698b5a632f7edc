/* What is hidden of a cell: as many genes as asked for, 80/10/10, never a special token, and for
 * the same example always the same. */

#include <stdlib.h>
#include <string.h>

#include "corpus_aid.h"
#include "nn/masking.h"

enum { N = 2000, CELLS = 100, VOCABULARY = 1004 };

static struct genes *genes;
static struct masking *masking;

static int
setup(void **state)
{
	struct err e = { 0 };

	(void)state;
	genes = aid_genes(VOCABULARY);
	masking = masking_new(genes, 0.15, 42, &e);
	return e.is_set;
}

static int
teardown(void **state)
{
	(void)state;
	masking_free(masking);
	genes_free(genes);
	return 0;
}

/* <cls>, one gene again and again, <eos>. */
static void
make_cell(int32_t *ids)
{
	for (size_t k = 0; k < N; k++)
		ids[k] = 500;
	ids[0] = 2;
	ids[N - 1] = 3;
	ids[7] = 0;
	ids[8] = 1;
}

/* Within five standard deviations of a binomial count. */
static void
expect_count(size_t got, size_t n, double p)
{
	double mean = (double)n * p, sd5 = 25 * (double)n * p * (1 - p);
	double off = ((double)got - mean) * ((double)got - mean);

	if (off > sd5)
		fail_msg("%zu of %zu, expected %g", got, n, mean);
}

static void
counts_are_those_of_the_paper(void **state)
{
	size_t n_chosen = 0, n_mask = 0, n_other = 0, n_same = 0, n_genes[2] = { 0 };

	(void)state;
	for (uint64_t example = 0; example < CELLS; example++) {
		int32_t ids[N], labels[N];
		size_t positions[N], n;

		make_cell(ids);
		n = masking_hide(masking, ids, N, false, example, positions, labels);
		n_chosen += n;
		for (size_t i = 0; i < n; i++) {
			int32_t now = ids[positions[i]];

			assert_int_equal(labels[i], 500);
			assert_true(i == 0 || positions[i] > positions[i - 1]);
			n_mask += now == 1;
			n_same += now == 500;
			n_other += now != 1 && now != 500;
			assert_true(now == 1 || (now >= 4 && now < VOCABULARY));
			if (now != 1 && now != 500)
				n_genes[now >= 504]++;
			ids[positions[i]] = 500;
		}
		for (size_t k = 0; k < N; k++)
			assert_int_equal(ids[k], k == 0       ? 2
						 : k == N - 1 ? 3
						 : k == 7     ? 0
						 : k == 8     ? 1
							      : 500);
	}
	expect_count(n_chosen, CELLS * (N - 4), 0.15);
	expect_count(n_mask, n_chosen, 0.8);
	expect_count(n_other, n_chosen, 0.1 * 999 / 1000);
	expect_count(n_same, n_chosen, 0.1 + 0.1 / 1000);
	expect_count(n_genes[0], n_other, 499.0 / 999);
}

static bool
are_alike(bool a_is_evaluation, uint64_t a, bool b_is_evaluation, uint64_t b)
{
	int32_t ids[2][N], labels[N];
	size_t positions[N];

	make_cell(ids[0]);
	make_cell(ids[1]);
	masking_hide(masking, ids[0], N, a_is_evaluation, a, positions, labels);
	masking_hide(masking, ids[1], N, b_is_evaluation, b, positions, labels);
	return memcmp(ids[0], ids[1], sizeof(ids[0])) == 0;
}

static void
an_example_has_its_own_chance(void **state)
{
	(void)state;
	assert_true(are_alike(false, 17, false, 17));
	assert_false(are_alike(false, 17, false, 18));
	assert_false(are_alike(false, 17, true, 17));
}

/* The chance of a position does not depend on what stands before it. */
static void
a_prefix_is_hidden_alike(void **state)
{
	int32_t ids[2][N], labels[N];
	size_t positions[N];

	(void)state;
	make_cell(ids[0]);
	make_cell(ids[1]);
	masking_hide(masking, ids[0], N, false, 3, positions, labels);
	masking_hide(masking, ids[1], 100, false, 3, positions, labels);
	assert_memory_equal(ids[0], ids[1], 100 * sizeof(ids[0][0]));
}

static void
a_part_is_filled(void **state)
{
	static const int32_t ids[] = { 2, 100, 101, 102, 103, 3, 2, 200, 201, 202, 203, 204, 3 };
	static const size_t offsets[] = { 0, 6, 13 };
	static const uint64_t rows[] = { 5, 9 };
	struct arena arena = { 0 };
	struct err e = { 0 };
	struct masking *often = masking_new(genes, 0.9, 1, &e);
	double total = 0;
	struct training_part part = { .cells = { .n = 2, .ids = ids, .offsets = offsets },
		.totals = &total,
		.rows = rows,
		.examples = rows,
		.arena = &arena };
	const size_t *cu;
	bool is_changed = false;

	(void)state;
	assert_int_equal(masking_fill(often, &part, &e), 0);
	cu = part.cells.cu_positions;
	assert_int_equal(cu[0], 0);
	assert_true(cu[1] > 0 && cu[2] > cu[1] && cu[1] <= 4 && cu[2] - cu[1] <= 5);
	assert_true(total == (double)cu[2]); /* whole numbers */
	for (size_t c = 0; c < 2; c++)
		for (size_t i = cu[c]; i < cu[c + 1]; i++)
			assert_int_equal(part.labels[i], ids[offsets[c] + part.cells.positions[i]]);
	for (size_t i = 0; i < 13; i++)
		is_changed |= part.cells.ids[i] != ids[i];
	assert_true(is_changed);
	masking_free(often);
	arena_free(&arena);
}

static void
a_vocabulary_must_have_them(void **state)
{
	static const char *const names[] = { "<pad>", "G1", "G2" };
	struct err e = { 0 };
	struct genes *bare = genes_from_names(names, 3, &e), *special = aid_genes(4);

	(void)state;
	assert_null(masking_new(bare, 0.15, 0, &e));
	aid_expect_error(&e, "no <mask>");
	assert_null(masking_new(special, 0.15, 0, &e));
	aid_expect_error(&e, "no gene");
	genes_free(bare);
	genes_free(special);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_those_of_the_paper),
		cmocka_unit_test(an_example_has_its_own_chance),
		cmocka_unit_test(a_prefix_is_hidden_alike),
		cmocka_unit_test(a_part_is_filled),
		cmocka_unit_test(a_vocabulary_must_have_them),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
