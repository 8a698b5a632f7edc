/* Partitions compared: numbers of scikit-learn 1.9.1. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "near_aid.h"
#include "stat/agreement.h"

#define CLOSE 1e-14

static void
expect(
    struct agreement s, double ari, double nmi, double ami, double homogeneity, double completeness)
{
	assert_near(s.ari, ari, CLOSE);
	assert_near(s.nmi, nmi, CLOSE);
	assert_near(s.ami, ami, CLOSE);
	assert_near(s.homogeneity, homogeneity, CLOSE);
	assert_near(s.completeness, completeness, CLOSE);
}

static void
scores_like_scikit_learn(void **state)
{
	static const uint32_t a[] = { 0, 0, 1, 2, 2, 1, 0 }, b[] = { 1, 1, 0, 0, 2, 0, 1 };

	(void)state;
	expect(agreement_find(a, 3, b, 3, 7), 0.631578947368421, 0.7739890554289096,
	    0.6253833517337348, 0.7471790950662619, 0.802794587061952);
	/* Empty parts change nothing; the other way round, two scores change places. */
	expect(agreement_find(b, 5, a, 9, 7), 0.631578947368421, 0.7739890554289096,
	    0.6253833517337348, 0.802794587061952, 0.7471790950662619);
}

static void
extremes(void **state)
{
	static const uint32_t a[] = { 0, 0, 1, 1 }, b[] = { 1, 1, 0, 0 }, one[] = { 0, 0, 0, 0 };

	(void)state;
	expect(agreement_find(a, 2, b, 2, 4), 1, 1, 1, 1, 1);
	expect(agreement_find(one, 1, one, 1, 4), 1, 1, 1, 1, 1);
	expect(agreement_find(a, 2, one, 1, 4), 0, 0, 0, 0, 1);
	expect(agreement_find(a, 2, b, 2, 0), 1, 1, 1, 1, 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_like_scikit_learn),
		cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
