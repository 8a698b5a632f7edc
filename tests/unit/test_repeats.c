/* Names that occur twice, and those that only look like it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cell/repeats.h"

static bool
has_repeat(size_t n, size_t copy, size_t of)
{
	struct repeats *r = repeats_new(n);
	bool found = false;
	char name[32];

	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1 && !repeats_has_suspects(r))
			break;
		for (size_t i = 0; i < n && !found; i++) {
			int size = snprintf(name, sizeof(name), "cell%zu", i == copy ? of : i);

			if (pass == 0)
				repeats_add(r, name, (size_t)size);
			else
				found = repeats_meet(r, name, (size_t)size);
			assert_true(!found || i == (copy > of ? copy : of));
		}
	}
	repeats_free(r);
	return found;
}

static void
finds_a_repeat_anywhere(void **state)
{
	(void)state;
	assert_true(has_repeat(2, 1, 0));
	assert_true(has_repeat(1000, 999, 0));
	assert_true(has_repeat(100000, 50000, 49999));
	assert_true(has_repeat(100000, 7, 99999));
}

static void
finds_none_in_different_names(void **state)
{
	(void)state;
	assert_false(has_repeat(0, 1, 1));
	assert_false(has_repeat(1, 1, 1));
	assert_false(has_repeat(300000, 0, 0));
}

/* More names than were announced: many suspects, the same answer. */
static void
stays_right_when_it_is_too_small(void **state)
{
	struct repeats *r = repeats_new(10);
	char name[32];

	(void)state;
	for (int i = 0; i < 20000; i++)
		repeats_add(r, name, (size_t)snprintf(name, sizeof(name), "%d", i));
	assert_true(repeats_has_suspects(r));
	for (int i = 0; i < 20000; i++)
		assert_false(repeats_meet(r, name, (size_t)snprintf(name, sizeof(name), "%d", i)));
	assert_true(repeats_meet(r, "19999", 5));
	repeats_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_repeat_anywhere),
		cmocka_unit_test(finds_none_in_different_names),
		cmocka_unit_test(stays_right_when_it_is_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
