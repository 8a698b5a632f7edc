/* test_pickle.c - pickles as CPython and numpy write them, damaged ones, and hostile ones. */

#include "reader_aid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/pickle.h"

static const struct pickle_value *
item(const struct pickle_value *dict, const char *key, enum pickle_kind kind)
{
	const struct pickle_value *v = pickle_find(dict, key);

	if (!v)
		fail_msg("no key %s", key);
	if (v->kind != kind)
		fail_msg("%s is %s", key, pickle_kind_name(v->kind));
	return v;
}

static void
expect_integer(const struct pickle_value *dict, const char *key, int64_t value)
{
	assert_int_equal(item(dict, key, PICKLE_INT)->integer, value);
}

static void
expect_real(const struct pickle_value *dict, const char *key, double value)
{
	assert_true(item(dict, key, PICKLE_FLOAT)->real == value);
}

/* What make.py put into values_N.pkl. */
static void
expect_values(const struct pickle_value *v)
{
	assert_int_equal(v->kind, PICKLE_DICT);
	assert_int_equal(v->size, 27);
	assert_true(pickle_is(v->items[0], "ENSG00000000003"));
	expect_integer(v, "ENSG00000000003", -7);
	expect_real(v, "ENSG00000000005", 1.7629378614450941);
	expect_integer(v, "i4", -70000);
	expect_integer(v, "i8", -5000000000);
	expect_integer(v, "u1", 200);
	expect_integer(v, "u4", 4000000000);
	expect_real(v, "f4", (double)0.1f);
	assert_int_equal(item(v, "b1", PICKLE_BOOL)->integer, 1);
	item(v, "none", PICKLE_NONE);
	assert_int_equal(item(v, "true", PICKLE_BOOL)->integer, 1);
	assert_int_equal(item(v, "false", PICKLE_BOOL)->integer, 0);
	expect_integer(v, "one byte", 255);
	expect_integer(v, "two bytes", 65535);
	expect_integer(v, "four bytes", -2147483648LL);
	expect_integer(v, "long", 1LL << 40);
	expect_integer(v, "longest", INT64_MIN);
	expect_real(v, "float", 0.1);
	assert_true(pickle_is(item(v, "\u00e9\U0001f9ec", PICKLE_TEXT), "\u00fc"));
	assert_int_equal(item(v, "long text", PICKLE_TEXT)->size, 300);
	assert_int_equal(item(v, "bytes", PICKLE_BYTES)->size, 4);
	assert_memory_equal(item(v, "bytes", PICKLE_BYTES)->text, "\x00\x7f\x80\xff", 4);
	assert_int_equal(item(v, "no bytes", PICKLE_BYTES)->size, 0);
}

static void
expect_containers(const struct pickle_value *v)
{
	const struct pickle_value *list = item(v, "list", PICKLE_LIST);
	assert_ptr_equal(list, item(v, "same list", PICKLE_LIST));
	assert_int_equal(list->size, 2);
	assert_int_equal(list->items[0]->integer, 1);
	assert_int_equal(list->items[1]->kind, PICKLE_LIST);
	assert_true(pickle_is(list->items[1]->items[1], "a"));

	const struct pickle_value *empty = item(v, "empty", PICKLE_LIST);
	assert_int_equal(empty->items[0]->kind, PICKLE_LIST);
	assert_int_equal(empty->items[1]->kind, PICKLE_TUPLE);
	assert_int_equal(empty->items[2]->kind, PICKLE_DICT);

	const struct pickle_value *tuples = item(v, "tuple", PICKLE_TUPLE);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(tuples->items[i]->kind, PICKLE_TUPLE);
		assert_int_equal(tuples->items[i]->size, i + 1);
		assert_int_equal(tuples->items[i]->items[i]->integer, i + 1);
	}
	const struct pickle_value *ordered = item(v, "ordered", PICKLE_DICT);
	assert_true(pickle_is(ordered->items[0], "b"));
	assert_int_equal(pickle_find(ordered, "a")->integer, 2);
	const struct pickle_value *by_default = item(v, "default", PICKLE_DICT);
	assert_int_equal(by_default->items[0]->kind, PICKLE_TUPLE);
	assert_true(by_default->items[1]->items[0]->real == 0.5);
}

static void
reads_protocols_2_to_5(void **state)
{
	(void)state;
	for (int protocol = 2; protocol <= 5; protocol++) {
		struct err e = { 0 };
		char name[32];
		snprintf(name, sizeof(name), "values_%d.pkl", protocol);
		struct buffer b = fixture_bytes(name);
		struct pickle *p = pickle_read(b.data, b.size, name, &e);
		aid_expect_no_error(&e);
		expect_values(pickle_root(p));
		expect_containers(pickle_root(p));
		pickle_free(p);
		buffer_free(&b);
	}
}

static void
keeps_order_over_batches(void **state)
{
	struct err e = { 0 };
	struct buffer b = fixture_bytes("many_4.pkl");
	struct pickle *p = pickle_read(b.data, b.size, "many", &e);

	(void)state;
	aid_expect_no_error(&e);
	const struct pickle_value *v = pickle_root(p);
	assert_int_equal(v->size, 2500);
	for (uint32_t i = 0; i < v->size; i++) {
		char key[16];
		snprintf(key, sizeof(key), "G%u", (unsigned)i);
		assert_true(pickle_is(v->items[2 * i], key));
		assert_int_equal(v->items[2 * i + 1]->integer, i);
	}
	pickle_free(p);
	buffer_free(&b);
}

static void
expect_refused(const void *bytes, size_t size, const char *part)
{
	struct err e = { 0 };

	assert_null(pickle_read(bytes, size, "x.pkl", &e));
	aid_expect_error(&e, part);
}

static void
expect_fixture_refused(const char *name, const char *part)
{
	struct buffer b = fixture_bytes(name);

	expect_refused(b.data, b.size, part);
	buffer_free(&b);
}

static void
runs_nothing(void **state)
{
	(void)state;
	expect_fixture_refused(
	    "attack_2.pkl", "x.pkl: byte 17: GLOBAL: refused to look up posix.system");
	expect_fixture_refused("attack_4.pkl", "STACK_GLOBAL: refused to look up posix.system");
	assert_int_not_equal(access("pickle_was_run", F_OK), 0);
	expect_refused("\x80\x02"
		       "c__builtin__\neval\n(X\1\0\0\0"
		       "1tR.",
	    31, "__builtin__.eval");
	/* A known name does not become callable by being known. */
	expect_refused("\x80\x02"
		       "cbuiltins\nlist\n)R.",
	    20, "REDUCE of builtins.list: this type is never called");
}

static void
refuses_other_formats(void **state)
{
	(void)state;
	expect_fixture_refused("text_protocol.pkl", "not a pickle of protocol 2 or later");
	expect_fixture_refused("big_endian.pkl", "numbers that are not little-endian");
	expect_refused("", 0, "not a pickle");
	expect_refused("\x80\x06N.", 4, "not one of the protocols 2 to 5");
	expect_refused("\x80\x02i", 3, "byte 2: opcode 0x69 is not one of those read");
}

static void
reports_every_truncation(void **state)
{
	(void)state;
	for (int protocol = 2; protocol <= 4; protocol += 2) {
		char name[32];
		snprintf(name, sizeof(name), "values_%d.pkl", protocol);
		struct buffer b = fixture_bytes(name);
		for (size_t n = 0; n < b.size; n++) {
			/* A copy of its own, so that a sanitizer sees a read beyond it. */
			uint8_t *cut = mem_alloc(n, 1);
			struct err e = { 0 };
			memcpy(cut, b.data, n);
			assert_null(pickle_read(cut, n, "x.pkl", &e));
			assert_true(e.is_set);
			free(cut);
		}
		buffer_add(&b, ".", 1);
		expect_refused(b.data, b.size, "STOP: bytes after the end of the pickle");
		buffer_free(&b);
	}
}

/* Whatever a changed byte makes of the file: a value or an error, and no access out of bounds. */
static void
survives_changed_bytes(void **state)
{
	struct buffer b = fixture_bytes("values_2.pkl");
	size_t n_read = 0;

	(void)state;
	for (size_t i = 0; i < b.size; i++)
		for (unsigned change = 1; change < 256; change <<= 1) {
			struct err e = { 0 };
			b.data[i] ^= (uint8_t)change;
			struct pickle *p = pickle_read(b.data, b.size, "x.pkl", &e);
			assert_int_equal(p == NULL, e.is_set);
			n_read += p != NULL;
			pickle_free(p);
			b.data[i] ^= (uint8_t)change;
		}
	/* Most bytes are text and numbers, whose change leaves a good pickle. */
	assert_true(n_read > b.size);
	buffer_free(&b);
}

static void
checks_each_opcode(void **state)
{
	static const struct {
		const char *bytes; /* behind PROTO 2 */
		size_t size;
		const char *part;
	} cases[] = {
		{ "a", 1, "APPEND: the stack is empty" },
		{ "Na.", 3, "APPEND: the stack is empty" },
		{ "}Na.", 4, "APPEND: not on a list" },
		{ "]NNs.", 5, "SETITEM: not on a dictionary" },
		{ "}(Nu.", 5, "SETITEMS: a key without a value" },
		{ "(NNe.", 5, "APPENDS: the stack is empty" },
		{ "e", 1, "APPENDS: no MARK before it" },
		{ "t", 1, "TUPLE: no MARK before it" },
		{ "N(0.", 4, "POP: the stack is empty" },
		{ "N(.", 3, "STOP: the stack does not hold exactly one value" },
		{ "NN.", 3, "STOP: the stack does not hold exactly one value" },
		{ ".", 1, "STOP: the stack does not hold exactly one value" },
		{ "2", 1, "DUP: the stack is empty" },
		{ "N\x87.", 3, "TUPLE3: the stack is empty" },
		{ "h\0.", 3, "BINGET: a memo entry that was never put" },
		{ "Nr\xff\xff\xff\xff.", 7,
		    "LONG_BINPUT: a memo index that the file is too short" },
		{ "q\0.", 3, "BINPUT: the stack is empty" },
		{ "\x8a\x09xxxxxxxxx.", 12, "LONG1: an integer beyond 64 bits" },
		{ "X\2\0\0\0\xc3(.", 8, "BINUNICODE: text that is not valid UTF-8" },
		{ "X\3\0\0\0\xed\xa0\x80.", 9, "BINUNICODE: text that is not valid UTF-8" },
		{ "X\1\0\0\0\xc3.", 7, "BINUNICODE: text that is not valid UTF-8" },
		{ "X\xff\xff\xff\xffx", 6, "BINUNICODE: truncated (1 bytes left of 4294967295)" },
		{ "\x8d\xff\xff\xff\xff\xff\xff\xff\xffx", 10, "BINUNICODE8: truncated" },
		{ "\x95\xff\0\0\0\0\0\0\0N.", 11, "FRAME: truncated" },
		{ "cno newline", 11, "GLOBAL: truncated" },
		{ "NN\x93.", 4, "STACK_GLOBAL: the name is not text" },
		{ "NNR.", 4, "REDUCE: what is called is not a function" },
		{ "cnumpy\ndtype\nNR.", 16,
		    "REDUCE of numpy.dtype: the arguments are not a tuple" },
		{ "cnumpy\ndtype\n(X\2\0\0\0O8tR.", 24, "a numpy type other than" },
		{ "NNb.", 4, "BUILD: a state for something that has none" },
		{ "Q.", 2, "BINPERSID: the stack is empty" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer b = { 0 };
		buffer_add(&b, "\x80\x02", 2);
		buffer_add(&b, cases[i].bytes, cases[i].size);
		expect_refused(b.data, b.size, cases[i].part);
		buffer_free(&b);
	}
}

static void
limits_depth(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	buffer_add(&b, "\x80\x02", 2);
	memset(buffer_grow(&b, 1001), '(', 1001);
	expect_refused(b.data, b.size, "byte 1002: MARK: nested too deeply");
	buffer_free(&b);

	/* Nesting without marks is only limited by the file; nothing recurses over it. */
	struct err e = { 0 };
	size_t depth = 100000;
	buffer_add(&b, "\x80\x02", 2);
	memset(buffer_grow(&b, depth), ']', depth);
	memset(buffer_grow(&b, depth - 1), 'a', depth - 1);
	buffer_add(&b, ".", 1);
	struct pickle *p = pickle_read(b.data, b.size, "x.pkl", &e);
	aid_expect_no_error(&e);
	const struct pickle_value *v = pickle_root(p);
	size_t found = 1;
	for (; v->size == 1; v = v->items[0])
		found++;
	assert_int_equal(found, depth);
	pickle_free(p);
	buffer_free(&b);
}

/* The first container may be the empty one. */
static void
reads_an_empty_tuple(void **state)
{
	struct err e = { 0 };
	struct pickle *p = pickle_read("\x80\x02).", 4, "x.pkl", &e);

	(void)state;
	aid_expect_no_error(&e);
	assert_int_equal(pickle_root(p)->kind, PICKLE_TUPLE);
	assert_int_equal(pickle_root(p)->size, 0);
	pickle_free(p);
	p = pickle_read("\x80\x02(t.", 5, "x.pkl", &e);
	aid_expect_no_error(&e);
	assert_int_equal(pickle_root(p)->size, 0);
	pickle_free(p);
}

static void
allows_a_list_in_itself(void **state)
{
	struct err e = { 0 };
	struct pickle *p = pickle_read("\x80\x02]q\0h\0a.", 9, "x.pkl", &e);

	(void)state;
	aid_expect_no_error(&e);
	assert_ptr_equal(pickle_root(p)->items[0], pickle_root(p));
	pickle_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_protocols_2_to_5),
		cmocka_unit_test(keeps_order_over_batches),
		cmocka_unit_test(runs_nothing),
		cmocka_unit_test(refuses_other_formats),
		cmocka_unit_test(reports_every_truncation),
		cmocka_unit_test(survives_changed_bytes),
		cmocka_unit_test(checks_each_opcode),
		cmocka_unit_test(limits_depth),
		cmocka_unit_test(reads_an_empty_tuple),
		cmocka_unit_test(allows_a_list_in_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
