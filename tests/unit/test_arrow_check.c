/* test_arrow_check.c - the tests that data must pass; flatbuffers that lie about what they hold. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "formats/arrow_check.h"
#include "formats/arrow_compress.h"
#include "formats/arrow_schema.h"

static void
test_utf8(void **state)
{
	static const struct {
		const char *bytes;
		bool is_text;
	} cases[] = {
		{ "", true },
		{ "ENSG00000000003", true },
		{ "\xc3\xbc", true },
		{ "\xe2\x9c\x93", true },
		{ "\xf0\x9f\xa7\xac", true },
		{ "\xf4\x8f\xbf\xbf", true },         /* U+10FFFF */
		{ "\xed\x9f\xbf\xee\x80\x80", true }, /* around the surrogates */
		{ "\x80", false },
		{ "\xc3", false },
		{ "\xc0\xaf", false },         /* overlong */
		{ "\xe0\x9f\xbf", false },     /* overlong */
		{ "\xf0\x8f\xbf\xbf", false }, /* overlong */
		{ "\xed\xa0\x80", false },     /* a surrogate */
		{ "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", false },
		{ "\xe2\x9c", false },
		{ "\xff", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t before = 0; before < 70; before++) { /* at every place of a block */
			char text[100];

			memset(text, 'a', sizeof(text));
			memcpy(text + before, cases[i].bytes, strlen(cases[i].bytes));
			assert_int_equal(
			    utf8_is_valid(text, before + strlen(cases[i].bytes)), cases[i].is_text);
			assert_int_equal(utf8_is_valid(text, before + strlen(cases[i].bytes) + 9),
			    cases[i].is_text);
		}
}

/* Both halves of a character are no text, though the whole is. */
static void
test_texts(void **state)
{
	static const int32_t whole[] = { 0, 1, 3, 3 }, split[] = { 0, 2, 3, 3 };

	(void)state;
	assert_true(check_texts("a\xc3\xbc", whole, 3));
	assert_false(check_texts("a\xc3\xbc", split, 3));
	assert_true(check_texts("abc", split, 3));
}

static void
test_offsets(void **state)
{
	int32_t offsets[100];
	int64_t large[100];
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		large[i] = offsets[i] = 2 * i;
	assert_true(check_offsets32(offsets, 99));
	assert_true(check_offsets64(large, 99));
	for (size_t i = 1; i < 100; i++) {
		offsets[i] -= 3;
		large[i] -= 3;
		assert_false(check_offsets32(offsets, 99));
		assert_false(check_offsets64(large, 99));
		offsets[i] += 3;
		large[i] += 3;
	}
	offsets[50] = 97;
	assert_int_equal(check_offsets32_fail(offsets, 99, &e), -1);
	assert_string_equal(e.text, "offset goes back at value 49 (from 98 to 97)");
	offsets[0] = -1;
	offsets[50] = 100;
	assert_false(check_offsets32(offsets, 99));
	assert_false(check_offsets32(offsets, 0));
}

static void
test_indices(void **state)
{
	static const int32_t indices[] = { 0, 4, 2 }, negative[] = { 0, -1 };

	(void)state;
	assert_true(check_indices(indices, 3, 5));
	assert_false(check_indices(indices, 3, 4));
	assert_false(check_indices(negative, 2, 4));
	assert_true(check_indices(NULL, 0, 0));
	assert_false(check_indices(indices, 1, 0));
	for (size_t at = 0; at < 21; at++) {
		int32_t many[21] = { 0 };

		assert_true(check_indices(many, 21, 1));
		many[at] = 1;
		assert_false(check_indices(many, 21, 1));
		assert_true(check_indices(many, 21, 2));
		many[at] = INT32_MIN;
		assert_false(check_indices(many, 21, 2));
		many[at] = INT32_MAX;
		assert_false(check_indices(many, 21, INT32_MAX));
		assert_true(check_indices(many, 21, (size_t)INT32_MAX + 1));
	}
}

static void
test_count_zeros(void **state)
{
	uint8_t bits[32] = { 0 };

	(void)state;
	for (size_t n = 0; n <= 8 * sizeof(bits); n++) {
		assert_int_equal(check_count_zeros(bits, n), n - n / 2);
		if (n % 2 == 0 && n < 8 * sizeof(bits))
			bits[(n + 1) / 8] |= (uint8_t)(1 << ((n + 1) % 8));
	}
}

/* A struct of two fields that are both the same struct, 40 times over: 2^40 fields in 4 kB. */
static void
test_unfolding_schema(void **state)
{
	static const struct flat_slot root[] = { FLAT_NONE, FLAT_OFFSET };
	static const struct flat_slot slots[] = { FLAT_NONE, FLAT_NONE, { 1, ARROW_STRUCT },
		FLAT_OFFSET, FLAT_NONE, FLAT_OFFSET };
	struct buffer b = { 0 };
	struct flat f;
	struct flat_table table;
	struct err e = { 0 };
	struct wire *wires;
	size_t parent, vector;

	(void)state;
	flat_start(&b);
	parent = flat_put_table(&b, root, 2);
	for (int i = 0; i < 40; i++) {
		size_t field;

		vector = flat_put_vector(&b, i ? 2 : 1);
		flat_link(&b, parent, i ? 5 : 1, vector);
		field = flat_put_table(&b, slots, 6);
		flat_link_element(&b, vector, 0, field);
		if (i)
			flat_link_element(&b, vector, 1, field);
		flat_link(&b, field, 3, flat_put_table(&b, NULL, 0));
		parent = field;
	}
	flat_link(&b, parent, 5, flat_put_vector(&b, 0));
	f = (struct flat){ b.data, b.size, false };
	table = flat_root(&f);
	assert_null(arrow_schema_parse(&f, &table, &wires, &e));
	assert_non_null(strstr(e.text, "more fields than the message can hold"));
	buffer_free(&b);
}

/* 100 lists in each other. */
static void
test_deep_schema(void **state)
{
	static const struct flat_slot root[] = { FLAT_NONE, FLAT_OFFSET };
	static const struct flat_slot slots[] = { FLAT_NONE, FLAT_NONE, { 1, ARROW_LIST },
		FLAT_OFFSET, FLAT_NONE, FLAT_OFFSET };
	struct buffer b = { 0 };
	struct flat f;
	struct flat_table table;
	struct err e = { 0 };
	struct wire *wires;
	size_t parent;

	(void)state;
	flat_start(&b);
	parent = flat_put_table(&b, root, 2);
	for (int i = 0; i < 100; i++) {
		size_t vector = flat_put_vector(&b, 1), field;

		flat_link(&b, parent, i ? 5 : 1, vector);
		field = flat_put_table(&b, slots, 6);
		flat_link_element(&b, vector, 0, field);
		flat_link(&b, field, 3, flat_put_table(&b, NULL, 0));
		parent = field;
	}
	flat_link(&b, parent, 5, flat_put_vector(&b, 0));
	f = (struct flat){ b.data, b.size, false };
	table = flat_root(&f);
	assert_null(arrow_schema_parse(&f, &table, &wires, &e));
	assert_non_null(strstr(e.text, "nested more than 64 deep"));
	buffer_free(&b);
}

/* Compressed buffers: back as they were, stored where a frame would be longer, damage noticed, lies
 * refused. */
static void
test_compression(void **state)
{
	uint8_t zeros[5000] = { 0 }, noise[64];
	struct compressor *c = compressor_new(3);
	struct decompressor *d = decompressor_new();
	struct buffer out = { 0 };
	struct arena a = { 0 };
	struct err e = { 0 };
	const void *back;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * i * 37 + i / 3);
	compressor_add(c, noise, sizeof(noise), &out);
	assert_int_equal(out.size, 8 + sizeof(noise));
	assert_memory_equal(out.data, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	back = decompressor_unpack(d, CODEC_ZSTD, out.data, out.size, sizeof(noise), &a, &n, &e);
	assert_int_equal(n, sizeof(noise));
	assert_memory_equal(back, noise, n);
	assert_null(
	    decompressor_unpack(d, CODEC_ZSTD, out.data, out.size, sizeof(noise) + 1, &a, &n, &e));
	out.size = 0;
	compressor_add(c, zeros, sizeof(zeros), &out);
	assert_true(out.size < 100);
	e.is_set = false;
	back = decompressor_unpack(d, CODEC_ZSTD, out.data, out.size, sizeof(zeros), &a, &n, &e);
	assert_int_equal(n, sizeof(zeros));
	assert_memory_equal(back, zeros, n);
	out.data[out.size - 1] ^= 1; /* the checksum */
	assert_null(decompressor_unpack(d, CODEC_ZSTD, out.data, out.size, 0, &a, &n, &e));
	out.data[5] = 1; /* 2^40 bytes */
	e.is_set = false;
	assert_null(decompressor_unpack(d, CODEC_ZSTD, out.data, out.size, 0, &a, &n, &e));
	assert_non_null(strstr(e.text, "cannot hold"));
	buffer_free(&out);
	arena_free(&a);
	compressor_free(c);
	decompressor_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_count_zeros),
		cmocka_unit_test(test_unfolding_schema),
		cmocka_unit_test(test_deep_schema),
		cmocka_unit_test(test_compression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
