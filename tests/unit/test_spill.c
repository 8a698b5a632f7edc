/* A temporary file: what was written comes back, from any place. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/spill.h"

static void
comes_back(void **state)
{
	struct spill s = spill_new();
	struct err e = { 0 };
	char text[12] = "";

	(void)state;
	assert_int_equal(s.fd, -1);
	assert_int_equal(spill_append(&s, "cells ", 6, &e), 0);
	assert_int_equal(spill_append(&s, "genes", 5, &e), 0);
	assert_int_equal(s.size, 11);
	assert_int_equal(spill_read(&s, 0, text, 11, &e), 0);
	assert_string_equal(text, "cells genes");
	memset(text, 0, sizeof(text));
	assert_int_equal(spill_read(&s, 4, text, 3, &e), 0);
	assert_string_equal(text, "s g");
	spill_close(&s);
	assert_int_equal(s.fd, -1);
	spill_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
