/* test_utf8.c - well-formed and ill-formed byte sequences, from Unicode 15, tables 3-7 and 3-8. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

/* Encodes by the definition of UTF-8; surrogates too, which makes them ill-formed. */
static size_t
encode(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	for (size_t k = more; k > 0; k--, c >>= 6)
		out[k] = (uint8_t)(0x80 | (c & 0x3F));
	out[0] = (uint8_t)((0xFF00 >> (more + 1) & 0xFF) | c);
	return more + 1;
}

static void
takes_every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x120000; c++) {
		uint8_t bytes[4];
		size_t n = encode(c, bytes);
		assert_int_equal(
		    utf8_is_valid(bytes, n), c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF));
		for (size_t cut = 1; cut < n; cut++)
			assert_false(utf8_is_valid(bytes, cut));
	}
}

static void
refuses_ill_formed_bytes(void **state)
{
	static const char *const cases[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xc3(", "\xe2\x82(", "\xf0\x9f\xa7(" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* At every place of a longer text, so that it crosses the steps of eight bytes. */
		for (size_t at = 0; at < 20; at++) {
			char text[40];
			memset(text, 'a', sizeof(text));
			assert_true(utf8_is_valid(text, sizeof(text)));
			memcpy(text + at, cases[i], strlen(cases[i]));
			assert_false(utf8_is_valid(text, sizeof(text)));
		}
	}
	assert_true(utf8_is_valid(NULL, 0));
	assert_true(utf8_is_valid("a\0b", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_character),
		cmocka_unit_test(refuses_ill_formed_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
