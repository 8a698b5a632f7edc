/* Values as text. Expected: arithmetic on paper, the calendar, and the shortest digits that C's own
 * strtod reads back. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/text_scalar.h"
#include "formats/text_value.h"

static void
is_text(struct buffer *b, const char *expected)
{
	buffer_add(b, "", 1);
	assert_string_equal((const char *)b->data, expected);
	buffer_free(b);
}

static void
is_real(double x, bool is_single, const char *expected)
{
	struct buffer b = { 0 };

	text_real(&b, x, is_single);
	is_text(&b, expected);
}

static void
is_scalar(struct field f, const void *value, const char *expected)
{
	struct array a = array_fixed(1, value);
	struct buffer b = { 0 };

	text_scalar(&b, &f, &a, 0);
	is_text(&b, expected);
}

static void
numbers_have_the_fewest_digits(void **state)
{
	(void)state;
	is_real(0, false, "0");
	is_real(-0.0, false, "-0");
	is_real(2, true, "2");
	is_real(-731, true, "-731");
	is_real(0.1, false, "0.1");
	is_real((double)0.1f, true, "0.1");
	is_real((double)0.1f, false, "0.10000000149011612");
	is_real((double)16777216.0f, true, "16777216");
	is_real((double)8388609.0f, true, "8388609");
	is_real(1.0 / 3, false, "0.3333333333333333");
	is_real(0.1 + 0.2, false, "0.30000000000000004");
	is_real(5e-324, false, "5e-324");
	is_real((double)1e-45f, true, "1e-45");
	is_real(1e22, false, "1e+22");
	is_real(NAN, false, "NaN");
	is_real(INFINITY, true, "Inf");
	is_real(-INFINITY, false, "-Inf");
}

/* Any float, read back by the C library. */
static void
numbers_read_back(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct buffer b = { 0 };
		uint32_t low;
		double d;
		float f;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		low = (uint32_t)x;
		memcpy(&d, &x, sizeof(d));
		memcpy(&f, &low, sizeof(f));
		if (!isfinite(d) || !isfinite(f))
			continue;
		text_real(&b, d, false);
		buffer_add(&b, "", 1);
		assert_true(strtod((const char *)b.data, NULL) == d);
		b.size = 0;
		text_real(&b, (double)f, true);
		buffer_add(&b, "", 1);
		assert_true(strtof((const char *)b.data, NULL) == f);
		buffer_free(&b);
	}
}

static void
whole_numbers_are_exact(void **state)
{
	static const int64_t least = INT64_MIN;
	static const uint64_t most = UINT64_MAX;
	static const int8_t small = -128;

	(void)state;
	is_scalar(field_int("x", 64, true), &least, "-9223372036854775808");
	is_scalar(field_int("x", 64, false), &most, "18446744073709551615");
	is_scalar(field_int("x", 8, true), &small, "-128");
	is_scalar(field_int("x", 8, false), &small, "128");
}

static void
decimals(void **state)
{
	struct field f = { .type = TYPE_DECIMAL, .bit_width = 128, .precision = 20, .scale = 2 };
	int64_t value[4] = { -1250, -1, 0, 0 };

	(void)state;
	is_scalar(f, value, "-12.50");
	f.scale = 5;
	is_scalar(f, value, "-0.01250");
	f.scale = -3;
	is_scalar(f, value, "-1250e3");
	f.scale = INT32_MIN;
	is_scalar(f, value, "-1250e2147483648");
	f.scale = 0;
	value[0] = 0;
	value[1] = 1;
	is_scalar(f, value, "18446744073709551616");
	f.bit_width = 256;
	f.scale = 2;
	value[0] = value[1] = value[2] = 0;
	value[3] = INT64_MIN;
	is_scalar(f, value,
	    "-578960446186580977117854925043439539266349923328202820197287920039565648199.68");
}

static void
dates(void **state)
{
	struct field f = { .type = TYPE_DATE, .bit_width = 32 };
	static const struct {
		int32_t day;
		const char *text;
	} days[] = {
		{ 0, "1970-01-01" },
		{ -1, "1969-12-31" },
		{ 58, "1970-02-28" },
		{ 59, "1970-03-01" },
		{ 11016, "2000-02-29" },
		{ 11322, "2000-12-31" },
		{ 47540, "2100-02-28" },
		{ 47541, "2100-03-01" },
		{ 2932896, "9999-12-31" },
		{ -719162, "0001-01-01" },
		{ -719528, "0000-01-01" },
		{ -719529, "-0001-12-31" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++)
		is_scalar(f, &days[i].day, days[i].text);
}

static void
times(void **state)
{
	struct field f = { .type = TYPE_TIMESTAMP, .bit_width = 64, .unit = 1 };
	int64_t value = 951827100250;
	int32_t parts[4] = { 1, -2, 0, 0 };

	(void)state;
	is_scalar(f, &value, "2000-02-29T12:25:00.250");
	f.timezone = "Europe/Berlin";
	is_scalar(f, &value, "2000-02-29T12:25:00.250Z");
	f.unit = 3;
	value = -1;
	is_scalar(f, &value, "1969-12-31T23:59:59.999999999Z");
	value = INT64_MIN;
	is_scalar(f, &value, "1677-09-21T00:12:43.145224192Z");
	f = (struct field){ .type = TYPE_DURATION, .bit_width = 64, .unit = 1 };
	value = 90500;
	is_scalar(f, &value, "PT90.500S");
	value = INT64_MIN;
	is_scalar(f, &value, "PT-9223372036854775.808S");
	f = (struct field){ .type = TYPE_TIME, .bit_width = 64, .unit = 3 };
	value = 47100000000001;
	is_scalar(f, &value, "13:05:00.000000001");
	f = (struct field){ .type = TYPE_INTERVAL, .bit_width = 128 };
	is_scalar(f, parts, "P1M-2DT0S");
}

static void
is_json_string(const char *text, size_t n, const char *expected)
{
	struct buffer b = { 0 };

	text_json_string(&b, text, n);
	is_text(&b, expected);
}

static void
json_texts_are_escaped(void **state)
{
	(void)state;
	is_json_string("CD4 T", 5, "\"CD4 T\"");
	is_json_string("", 0, "\"\"");
	is_json_string("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	is_json_string("a\nb\0c", 5, "\"a\\nb\\u0000c\"");
	is_json_string("\xc3\xa9", 2, "\"\xc3\xa9\"");
	is_json_string("\x7f\xc2\x9b", 3, "\"\\u007f\\u009B\"");
}

static void
control_characters_do_not_reach_people(void **state)
{
	static const char text[] = "a\x1b[31m\xc2\x9b\x7f\xc3\xa9\xc2";
	struct buffer b = { 0 };

	(void)state;
	text_printable(&b, text, sizeof(text) - 1);
	is_text(&b, "a?[31m??\xc3\xa9\xc2");
}

/* [["a,b", null], [], null] */
static void
lists(void **state)
{
	static const int32_t offsets[] = { 0, 2, 2, 2 }, text_offsets[] = { 0, 3, 3 };
	static const uint8_t first = 1, first_two = 3;
	struct arena arena = { 0 };
	struct field item = field_utf8("item"), f = field_list("x", &item);
	struct array child = array_utf8(2, text_offsets, "a,b"), a;
	struct buffer b = { 0 };

	(void)state;
	child.validity = &first;
	child.null_count = 1;
	a = array_list(&arena, 3, offsets, child);
	a.validity = &first_two;
	a.null_count = 1;
	text_plain(&b, &f, &a, 0);
	is_text(&b, "a\\,b,");
	text_json(&b, &f, &a, 0);
	is_text(&b, "[\"a,b\",null]");
	text_json(&b, &f, &a, 1);
	is_text(&b, "[]");
	text_json(&b, &f, &a, 2);
	is_text(&b, "null");
	text_plain(&b, &f, &a, 2);
	is_text(&b, "");
	text_short(&b, &f, &a, 0, 1);
	is_text(&b, "a\\,b,... (2)");
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_the_fewest_digits),
		cmocka_unit_test(numbers_read_back),
		cmocka_unit_test(whole_numbers_are_exact),
		cmocka_unit_test(decimals),
		cmocka_unit_test(dates),
		cmocka_unit_test(times),
		cmocka_unit_test(json_texts_are_escaped),
		cmocka_unit_test(control_characters_do_not_reach_people),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
