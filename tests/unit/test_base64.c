/* The test vectors of RFC 4648, section 10, and all sixty-four digits. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

static void
expect(const void *bytes, size_t n, const char *text)
{
	struct buffer b = { 0 };

	base64_add(&b, bytes, n);
	assert_int_equal(b.size, strlen(text));
	if (b.size)
		assert_memory_equal(b.data, text, b.size);
	buffer_free(&b);
}

static void
texts_are_those_of_the_standard(void **state)
{
	static const char *const texts[] = { "", "Zg==", "Zm8=", "Zm9v",
		"Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };

	(void)state;
	for (size_t n = 0; n <= 6; n++)
		expect("foobar", n, texts[n]);
}

/* The digits 0 to 63 in a row: 48 bytes of six-bit numbers. */
static void
all_digits_are_there(void **state)
{
	uint8_t bytes[48];

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		unsigned x = (4 * i) << 18 | (4 * i + 1) << 12 | (4 * i + 2) << 6 | (4 * i + 3);

		bytes[3 * i] = (uint8_t)(x >> 16);
		bytes[3 * i + 1] = (uint8_t)(x >> 8);
		bytes[3 * i + 2] = (uint8_t)x;
	}
	expect(bytes, 48, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_those_of_the_standard),
		cmocka_unit_test(all_digits_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
