/* Numbers for texts in the order they come, empty ones too; what no list can hold. */

#define _DEFAULT_SOURCE /* fork */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cell/batch.h"
#include "cell/string_set.h"

/* An empty text has no byte; the sanitizers tell when it is compared with nothing. */
static void
numbers_empty_texts(void **state)
{
	struct string_set s = { 0 };
	size_t size;
	struct strings texts;

	(void)state;
	assert_int_equal(string_set_add(&s, "", 0), 0);
	assert_int_equal(string_set_add(&s, "", 0), 0);
	texts = string_set_strings(&s);
	assert_non_null(strings_get(&texts, 0, &size));
	assert_int_equal(size, 0);
	assert_int_equal(string_set_add(&s, "a\0b", 3), 1);
	assert_int_equal(string_set_add(&s, "a", 1), 2);
	assert_int_equal(string_set_add(&s, "", 0), 0);
	assert_int_equal(s.n, 3);
	string_set_free(&s);
}

static void
keeps_numbers_while_it_grows(void **state)
{
	struct string_set s = { 0 };
	char text[20];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < 10000; i++) {
			snprintf(text, sizeof(text), "%zu", i * 7919);
			assert_int_equal(string_set_add(&s, text, strlen(text)), i);
		}
	assert_int_equal(s.n, 10000);
	string_set_free(&s);
}

/* 1,100 rows of one text of 2,000,000 bytes: a small stream, but more than offsets of 32 bits can
 * tell. The program ends with one line. */
static void
decode_too_much(void)
{
	enum { SIZE = 2000000, ROWS = 1100 };
	static const int32_t codes[ROWS];
	const int32_t offsets[] = { 0, SIZE };
	struct arena a = { 0 };
	struct strings dictionary = { 1, offsets, arena_zero(&a, SIZE, 1) };
	struct field f = field_dictionary("x", &dictionary);
	struct array column = array_fixed(ROWS, codes);

	array_decode(&a, &f, &column);
	_exit(0);
}

static void
gives_up_beyond_32_bits(void **state)
{
	char line[200] = "";
	int ends[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		decode_too_much();
	}
	close(ends[1]);
	assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_string_equal(
	    line, "cellpipe: more than 2^31 - 1 bytes of text in one column of a batch\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_empty_texts),
		cmocka_unit_test(keeps_numbers_while_it_grows),
		cmocka_unit_test(gives_up_beyond_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
