/* Ranges and choices: what is no space, and the distributions, by arithmetic. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "stat/search_space.h"

enum { N = 20000 };

static void
refuse(const char *text, const char *reason)
{
	struct search_space s = { 0 };
	struct err e = { 0 };

	assert_int_equal(search_space_add(&s, "there=1", &e), 0);
	assert_int_equal(search_space_add(&s, text, &e), -1);
	if (!strstr(e.text, reason))
		fail_msg("%s: %s", text, e.text);
	search_space_free(&s);
}

static void
faults(void **state)
{
	(void)state;
	refuse("rate", "NAME=VALUES");
	refuse("=1..2", "NAME=VALUES");
	refuse("--rate=1..2", "NAME=VALUES");
	refuse("a b=1..2", "NAME=VALUES");
	refuse("", "NAME=VALUES");
	refuse("there=1..2", "twice");
	refuse("x=2..1", "2 is above 1");
	refuse("x=1..", "no range");
	refuse("x=..", "no range");
	refuse("x=1..2x", "no range");
	refuse("x=1..1e999", "no range");
	refuse("x=nan..1", "no range");
	refuse("x=log:1", "no range");
	refuse("x=log:a,b", "no range");
	refuse("x=log:0..1", "no logarithm of 0");
	refuse("x=log:-1..1", "no logarithm of -1");
	refuse("x=0..9007199254740992", "2^53");
	refuse("x=", "empty word");
	refuse("x=a,,b", "empty word");
	refuse("x=a,b,", "empty word");
}

static void
kinds(void **state)
{
	static const char *const texts[] = { "rate=log:1e-6..1e-3", "freeze=0..4", "decay=0.0..0.3",
		"batch=log:4..64", "schedule=linear,cosine", "head=mlp", "x=-2..-1",
		"files=../a,../b" };
	static const enum search_kind expected[] = { SEARCH_REAL, SEARCH_WHOLE, SEARCH_REAL,
		SEARCH_WHOLE, SEARCH_WORDS, SEARCH_WORDS, SEARCH_WHOLE, SEARCH_WORDS };
	struct search_space s = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(search_space_add(&s, texts[i], &e), 0);
		assert_int_equal(s.dimensions[i].kind, expected[i]);
	}
	assert_true(s.dimensions[0].is_log && s.dimensions[3].is_log && !s.dimensions[1].is_log);
	assert_true(s.dimensions[0].low == 1e-6 && s.dimensions[0].high == 1e-3);
	assert_true(s.dimensions[6].low == -2 && s.dimensions[6].high == -1);
	assert_int_equal(s.dimensions[4].n_words, 2);
	assert_string_equal(s.dimensions[4].words[1], "cosine");
	assert_string_equal(s.dimensions[7].words[0], "../a");
	assert_string_equal(s.dimensions[2].name, "decay");
	search_space_free(&s);
}

/* Dimension d of a trial is made of numbers 2d and 2d + 1 of stream `trial`. */
static double
unit(uint64_t seed, uint64_t trial, uint64_t d)
{
	double low = random_at(seed, trial, 2 * d), high = random_at(seed, trial, 2 * d + 1);

	return high / 0x1p32 + low / 0x1p64;
}

static void
formulas(void **state)
{
	struct search_space s = { 0 };
	struct arena a = { 0 };
	struct err e = { 0 };

	(void)state;
	search_space_add(&s, "w=a,b,c", &e);
	search_space_add(&s, "n=10..19", &e);
	search_space_add(&s, "r=-1.0..3.0", &e);
	search_space_add(&s, "l=log:1e-6..1e-3", &e);
	for (uint64_t t = 1; t < 200; t++) {
		const char *w = search_space_sample(&s, 0, 7, t, &a);
		double n = strtod(search_space_sample(&s, 1, 7, t, &a), NULL);
		double r = strtod(search_space_sample(&s, 2, 7, t, &a), NULL);
		double l = strtod(search_space_sample(&s, 3, 7, t, &a), NULL);

		assert_int_equal(w[0], 'a' + (int)(3 * unit(7, t, 0)));
		assert_true(n == 10 + floor(10 * unit(7, t, 1)));
		assert_true(fabs(r - (-1 + 4 * unit(7, t, 2))) < 1e-5);
		assert_true(fabs(log10(l) - (-6 + 3 * unit(7, t, 3))) < 1e-5);
	}
	assert_string_not_equal(
	    search_space_sample(&s, 3, 7, 1, &a), search_space_sample(&s, 3, 8, 1, &a));
	search_space_free(&s);
	arena_free(&a);
}

/* Shares of N draws within five standard deviations of what they should be. */
static void
check_share(size_t n, double p)
{
	assert_true(fabs((double)n - N * p) < 5 * sqrt(N * p * (1 - p)));
}

static void
distributions(void **state)
{
	struct search_space s = { 0 };
	struct err e = { 0 };
	size_t whole[5] = { 0 }, logs[4] = { 0 };

	(void)state;
	search_space_add(&s, "freeze=0..4", &e);
	search_space_add(&s, "batch=log:1..4", &e);
	for (uint64_t t = 1; t <= N; t++) {
		struct arena a = { 0 };
		long f = strtol(search_space_sample(&s, 0, 0, t, &a), NULL, 10);
		long b = strtol(search_space_sample(&s, 1, 0, t, &a), NULL, 10);

		assert_true(f >= 0 && f <= 4 && b >= 1 && b <= 4);
		whole[f]++;
		logs[b - 1]++;
		arena_free(&a);
	}
	for (size_t k = 0; k < 5; k++)
		check_share(whole[k], 0.2);
	for (size_t k = 1; k <= 4; k++)
		check_share(logs[k - 1], log((double)(k + 1) / (double)k) / log(5));
	search_space_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(faults), cmocka_unit_test(kinds),
		cmocka_unit_test(formulas), cmocka_unit_test(distributions) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
