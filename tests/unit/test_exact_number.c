/* Numbers beside the borders where types of numbers round. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cell/exact_number.h"

static struct exact_number
number(const char *text)
{
	struct exact_number x;

	assert_int_equal(exact_number_parse(&x, text, strlen(text)), strlen(text));
	return x;
}

/* From the smallest to the largest: each with each. */
static void
order(void **state)
{
	static const char *const sorted[] = { "-1e300", "-36893488147419103232",
		"-18446744073709551615", "-9223372036854775809", "-9223372036854775808",
		"-9007199254740993", "-9007199254740992.0", "-2", "-1.5", "-1", "-0.5", "0",
		"1e-300", "0.5", "1", "1.5", "2", "9007199254740992.0", "9007199254740993",
		"9223372036854775807", "9223372036854775808.0", "18446744073709551615",
		"18446744073709551616.0", "1e300" };
	enum { N = sizeof(sorted) / sizeof(sorted[0]) };

	(void)state;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			struct exact_number x = number(sorted[i]), y = number(sorted[j]);
			int got = exact_number_compare(&x, &y);

			assert_int_equal((got > 0) - (got < 0), (i > j) - (i < j));
		}
}

static void
equals(void **state)
{
	static const char *const pairs[][2] = { { "0", "-0" }, { "0", "-0.0" }, { "200", "200.0" },
		{ "+7", "7" }, { "1e3", "1000" }, { ".5", "0.50" }, { "5.", "5" },
		{ "18446744073709551616", "18446744073709551616.0" } };

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct exact_number x = number(pairs[i][0]), y = number(pairs[i][1]);

		assert_int_equal(exact_number_compare(&x, &y), 0);
		assert_int_equal(exact_number_compare(&y, &x), 0);
	}
}

static void
texts(void **state)
{
	static const struct {
		const char *text;
		size_t used;
	} cases[] = { { "", 0 }, { "-", 0 }, { ".", 0 }, { "+.", 0 }, { "x1", 0 }, { "1x", 1 },
		{ "1e", 1 }, { "1e+", 1 }, { "1.e5", 4 }, { ".5e-3z", 5 }, { "1.2.3", 3 },
		{ "0x10", 1 }, { "-.5", 3 }, { "nan", 0 }, { "inf", 0 }, { "e5", 0 },
		{ ".e5", 0 } };
	struct exact_number x;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    exact_number_parse(&x, cases[i].text, strlen(cases[i].text)), cases[i].used);
	assert_int_equal(exact_number_parse(&x, "123", 2), 2);
	assert_true(x.is_whole && x.size == 12);
}

static void
columns(void **state)
{
	static const int64_t whole[] = { INT64_MIN, 9007199254740993, -1 };
	static const uint64_t large[] = { UINT64_MAX };
	static const int8_t small[] = { -128 };
	static const float reals[] = { 0.1F, (float)NAN };
	static const uint8_t valid = 5; /* not the second */
	struct field f = field_int("x", 64, true);
	struct array a = array_fixed(3, whole);
	struct exact_number x, expected = number("-9223372036854775808");

	(void)state;
	a.validity = &valid;
	assert_true(exact_number_get(&x, &f, &a, 0));
	assert_int_equal(exact_number_compare(&x, &expected), 0);
	assert_false(exact_number_get(&x, &f, &a, 1));
	assert_true(exact_number_get(&x, &f, &a, 2) && x.is_negative && x.size == 1);
	a.validity = NULL;
	assert_true(exact_number_get(&x, &f, &a, 1) && x.size == 9007199254740993);
	f = field_int("x", 64, false);
	a = array_fixed(1, large);
	assert_true(exact_number_get(&x, &f, &a, 0) && x.size == UINT64_MAX && !x.is_negative);
	f = field_int("x", 8, true);
	a = array_fixed(1, small);
	assert_true(exact_number_get(&x, &f, &a, 0) && x.size == 128 && x.is_negative);
	f = field_float("x", 32);
	a = array_fixed(2, reals);
	assert_true(exact_number_get(&x, &f, &a, 0) && x.real > 0.1 && x.real < 0.1000001);
	assert_false(exact_number_get(&x, &f, &a, 1));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(equals),
		cmocka_unit_test(texts),
		cmocka_unit_test(columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
