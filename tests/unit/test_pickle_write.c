/* The bytes that Python's pickletools would disassemble, and what our own reader makes of them. */

#include <string.h>

#include "formats/pickle.h"
#include "formats/pickle_write.h"
#include "reader_aid.h"

static void
a_dictionary_of_dictionaries(void **state)
{
	/* PROTO 2; EMPTY_DICT; MARK; BINUNICODE 4 "task"; EMPTY_DICT; MARK; BINUNICODE 2 "ä";
	 * BININT 258; SETITEMS; SETITEMS; STOP */
	static const char expected[] =
	    "\x80\x02}(X\x04\0\0\0task}(X\x02\0\0\0\xc3\xa4J\x02\x01\0\0uu.";
	struct buffer b = { 0 };
	struct err e = { 0 };
	const struct pickle_value *root, *inner;
	struct pickle *p;

	(void)state;
	pickle_put_start(&b);
	pickle_put_dict(&b);
	pickle_put_text(&b, "task", 4);
	pickle_put_dict(&b);
	pickle_put_text(&b, "\xc3\xa4", 2);
	pickle_put_int(&b, 258);
	pickle_put_dict_end(&b);
	pickle_put_dict_end(&b);
	pickle_put_end(&b);
	assert_int_equal(b.size, sizeof(expected) - 1);
	assert_memory_equal(b.data, expected, b.size);

	p = pickle_read(b.data, b.size, "test", &e);
	aid_expect_no_error(&e);
	root = pickle_root(p);
	assert_int_equal(root->kind, PICKLE_DICT);
	assert_int_equal(root->size, 1);
	assert_int_equal(root->items[0]->size, 4);
	assert_memory_equal(root->items[0]->text, "task", 4);
	inner = root->items[1];
	assert_int_equal(inner->size, 1);
	assert_int_equal(inner->items[1]->integer, 258);
	pickle_free(p);
	buffer_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_dictionary_of_dictionaries) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
