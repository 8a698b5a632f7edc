/* Pairs with an anchor: which numbers belong together, and their means on paper. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "stat/combos.h"

enum { ANCHOR = 4, N_GENES = 6 };

static void
add(struct combos *c, uint32_t cell, uint32_t gene, uint32_t other, float value)
{
	uint32_t genes[] = { gene, other };
	struct err e = { 0 };

	assert_int_equal(combos_add(c, cell, genes, other == UINT32_MAX ? 1 : 2, value, &e), 0);
}

static void
check(size_t max_memory)
{
	struct combos *c = combos_new(ANCHOR, max_memory);
	struct impact_result r[N_GENES];
	struct gaussian_mixture fit;
	double means[N_GENES][3];
	uint32_t three[] = { ANCHOR, 0, 1 };
	uint64_t n_incomplete;
	struct err e = { 0 };

	/* Pairs before and after what they are compared with, either gene first. */
	add(c, 1, 0, ANCHOR, 0.75f);
	add(c, 0, ANCHOR, UINT32_MAX, 0.875f);
	add(c, 0, 0, UINT32_MAX, 0.5f);
	add(c, 0, ANCHOR, 0, 0.25f);
	add(c, 1, 0, UINT32_MAX, 1);
	add(c, 1, ANCHOR, UINT32_MAX, 0.625f);
	add(c, 1, 2, UINT32_MAX, 0.5f);
	add(c, 1, 2, ANCHOR, 0.25f);
	/* Not complete: no gene alone in cell 0, no anchor in cell 2; no pair of the anchor. */
	add(c, 0, 2, ANCHOR, 0.5f);
	add(c, 2, 0, ANCHOR, 0.5f);
	add(c, 2, 0, UINT32_MAX, 0.5f);
	add(c, 1, 0, 2, 0.5f);
	assert_int_equal(combos_add(c, 0, three, 3, 0.5f, &e), 0);
	assert_int_equal(combos_finish(c, means, r, N_GENES, &fit, &n_incomplete, &e), 0);
	assert_int_equal(n_incomplete, 2);
	assert_true(means[0][0] == 0.75 && means[0][1] == 0.75 && means[0][2] == 0.5);
	assert_true(means[2][0] == 0.625 && means[2][1] == 0.5 && means[2][2] == 0.25);
	/* 0.25 - 0.375, 0.75 - 0.625; 0.25 - 0.125 */
	assert_true(r[0].n == 2 && r[0].mean == 0 && r[2].n == 1 && r[2].mean == 0.125);
	assert_true(r[1].n == 0 && isnan(means[1][0]) && r[ANCHOR].n == 0);
	combos_free(c);
}

/* Two genes of the same mean cannot be told apart; a third can. */
static void
parts_of_pairs(void **state)
{
	struct combos *c = combos_new(ANCHOR, 1 << 20);
	struct impact_result r[N_GENES];
	struct gaussian_mixture fit;
	double means[N_GENES][3];
	uint64_t n_incomplete;
	struct err e = { 0 };

	(void)state;
	for (uint32_t gene = 0; gene < 3; gene++) {
		combos_add_part(c, gene, gene, COMBO_BOTH, gene == 1 ? 0.5f : 0.75f, &e);
		combos_add_part(c, gene, gene, COMBO_GENE, 1, &e);
		combos_add_part(c, gene, gene, COMBO_ANCHOR, 0.75f, &e);
	}
	assert_int_equal(combos_finish(c, means, r, N_GENES, &fit, &n_incomplete, &e), 0);
	assert_int_equal(n_incomplete, 0);
	assert_true(r[1].is_impact && !r[0].is_impact && !r[2].is_impact);
	assert_true(r[1].mean == -0.25 && means[1][2] == 0.5);
	combos_free(c);
}

static void
in_memory_and_on_file(void **state)
{
	(void)state;
	check(1 << 20);
	check(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_memory_and_on_file),
		cmocka_unit_test(parts_of_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
