/* Labels of any type, and their order. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "formats/label_column.h"

static void
texts_and_numbers(void **state)
{
	static const char *const texts[] = { "b", NULL, "a", "b" };
	static const double numbers[] = { 0.5, 2, (double)NAN, 0.5 };
	struct schema *s = schema_new();
	struct field text = field_utf8("text"), number = field_float("number", 64);
	struct batch b = { .rows = 4 };
	struct string_set names = { 0 };
	struct label_column l = { 0 };
	struct err e = { 0 };

	(void)state;
	schema_append(s, &text);
	schema_append(s, &number);
	batch_append(&b, array_from_texts(&b.arena, texts, 4));
	batch_append(&b, array_fixed(4, numbers));
	assert_int_equal(label_column_find(&l, s, "text", &e), 0);
	assert_int_equal(label_column_read(&l, s, &b, 0, &names), 0);
	assert_int_equal(label_column_read(&l, s, &b, 1, &names), -1);
	assert_false(label_column_has(&l, s, &b, 1));
	assert_int_equal(label_column_read(&l, s, &b, 2, &names), 1);
	assert_int_equal(label_column_read(&l, s, &b, 3, &names), 0);
	assert_int_equal(label_column_find(&l, s, "number", &e), 0);
	assert_int_equal(label_column_read(&l, s, &b, 0, &names), 2);
	assert_int_equal(label_column_read(&l, s, &b, 1, &names), 3);
	assert_int_equal(label_column_read(&l, s, &b, 2, &names), -1);
	assert_int_equal(label_column_read(&l, s, &b, 3, &names), 2);
	assert_int_equal(label_column_find(&l, s, "other", &e), -1);
	assert_string_equal(e.text, "no column other; there are text, number");
	label_column_free(&l);
	string_set_free(&names);
	batch_free(&b);
	schema_free(s);
}

static void
order(void **state)
{
	static const char *const texts[] = { "z", "b", "ab", "a", "B" };
	static const uint32_t places[] = { 0, 4, 3, 2, 1 }; /* the first stays */
	static const char *const sorted[] = { "z", "B", "a", "ab", "b" };
	struct string_set set = { 0 };
	struct buffer numbers = { 0 };
	struct arena a = { 0 };
	uint32_t *got;
	const char **names;

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		string_set_add(&set, texts[i], strlen(texts[i]));
		buffer_add(&numbers, &i, sizeof(i));
	}
	got = label_places(&set, 1);
	assert_memory_equal(got, places, sizeof(places));
	names = label_names(&a, &set, got);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(names[i], sorted[i]);
	label_renumber(&numbers, got);
	assert_memory_equal(numbers.data, places, sizeof(places));
	free(got);
	buffer_free(&numbers);
	arena_free(&a);
	string_set_free(&set);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_and_numbers),
		cmocka_unit_test(order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
