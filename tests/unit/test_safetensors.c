/* test_safetensors.c - files of the safetensors library, damaged headers, and our own files. */

#include "reader_aid.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/safetensors.h"

/* A file in memory: the header as text, then `data_size` zero bytes. */
static struct buffer
make_file(const char *header, size_t data_size)
{
	struct buffer b = { 0 };
	uint64_t n = strlen(header);

	buffer_add(&b, &n, sizeof(n));
	buffer_add(&b, header, n);
	memset(buffer_grow(&b, data_size), 0, data_size);
	return b;
}

static void
expect_refused(const void *bytes, size_t size, const char *part)
{
	struct err e = { 0 };

	assert_null(safetensors_open_memory(bytes, size, "x.safetensors", &e));
	aid_expect_error(&e, part);
}

static void
reads_what_the_library_wrote(void **state)
{
	struct err e = { 0 };
	struct safetensors *s = safetensors_open(fixture("tensors.safetensors"), &e);
	size_t n;

	(void)state;
	aid_expect_no_error(&e);
	safetensors_tensors(s, &n);
	assert_int_equal(n, 8);
	assert_string_equal(safetensors_metadata(s, "k"), "v");
	assert_null(safetensors_metadata(s, "other"));
	assert_null(safetensors_find(s, "f3"));

	const struct tensor *t = safetensors_find(s, "f32");
	assert_non_null(t);
	assert_int_equal(t->type, TENSOR_F32);
	assert_true(tensor_has_shape(t, 2, (size_t[]){ 2, 3 }));
	assert_int_equal(t->bytes, 24);
	t = safetensors_find(s, "i64");
	assert_true(t->type == TENSOR_I64 && tensor_has_shape(t, 2, (size_t[]){ 1, 2 }));
	assert_memory_equal(t->data, ((int64_t[]){ 1, -2 }), 16);
	t = safetensors_find(s, "bool");
	assert_true(t->type == TENSOR_BOOL && t->bytes == 3);
	assert_memory_equal(t->data, "\1\0\1", 3);
	t = safetensors_find(s, "scalar");
	assert_true(t->rank == 0 && t->count == 1);
	t = safetensors_find(s, "empty");
	assert_true(t->count == 0 && tensor_has_shape(t, 2, (size_t[]){ 0, 4 }));
	safetensors_close(s);
}

/* tensors.f32.json holds the float32 of each element, as torch converts it. */
static void
converts_as_torch_does(void **state)
{
	static const char *const names[] = { "f32", "f16", "bf16", "f64", "scalar", "empty" };
	struct err e = { 0 };
	struct safetensors *s = safetensors_open(fixture("tensors.safetensors"), &e);
	json_t *expected = json_load_file(fixture("tensors.f32.json"), 0, NULL);

	(void)state;
	aid_expect_no_error(&e);
	assert_non_null(expected);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct tensor *t = safetensors_find(s, names[i]);
		const json_t *list = json_object_get(expected, names[i]);
		assert_int_equal(t->count, json_array_size(list));
		float *out = mem_alloc(t->count, sizeof(*out));
		tensor_to_f32(t, out);
		for (size_t k = 0; k < t->count; k++) {
			float f = strtof(json_string_value(json_array_get(list, k)), NULL);
			assert_memory_equal(&f, &out[k], sizeof(f));
		}
		free(out);
	}
	json_decref(expected);
	safetensors_close(s);
}

static void
checks_every_header(void **state)
{
	static const struct {
		const char *header;
		size_t data_size;
		const char *part;
	} cases[] = {
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
		  "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[6,10]}}",
		    10, "tensor b: begins at byte 6 of the data, inside the tensor before it" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
		  "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
		    8, "tensor b: begins at byte 0" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12,
		    "tensor a: begins at byte 4 of the data, but the tensor before it ends at 0" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7,
		    "truncated (7 bytes of data of 8)" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9,
		    "1 bytes behind the last tensor" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,12]}}", 12,
		    "tensor a: 12 bytes where F32 [2] has 8" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8,
		    "\"data_offsets\" are not [begin, end]" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8,
		    "\"data_offsets\" are not [begin, end]" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8,
		    "\"data_offsets\" are not [begin, end]" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
		  "\"data_offsets\":[0,8]}}",
		    8, "tensor a: its shape is too large" },
		{ "{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],"
		  "\"data_offsets\":[0,0]}}",
		    0, "tensor a: its shape is too large" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,8]}}", 8,
		    "\"shape\" has an entry that is not a size" },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],"
		  "\"data_offsets\":[0,4]}}",
		    4, "\"shape\" is not a list of at most 8 sizes" },
		{ "{\"a\":{\"dtype\":\"F128\",\"shape\":[1],\"data_offsets\":[0,16]}}", 16,
		    "tensor a: unknown type F128" },
		{ "{\"a\":{\"shape\":[1],\"data_offsets\":[0,16]}}", 16,
		    "tensor a: \"dtype\" is not a text" },
		{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
		  "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
		    2, "duplicate object key" },
		{ "{\"__metadata__\":{\"format\":1}}", 0,
		    "\"__metadata__\": format is not a text" },
		{ "{\"__metadata__\":[]}", 0, "\"__metadata__\" is not an object" },
		{ "{\"a\":1}", 0, "tensor a: not described by an object" },
		{ "[1,2]", 0, "not a JSON object" },
		{ "{\"a\":\n {,}}", 0, "x.safetensors:2:" },
		{ "", 0, "x.safetensors:1:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer b = make_file(cases[i].header, cases[i].data_size);
		expect_refused(b.data, b.size, cases[i].part);
		buffer_free(&b);
	}
	expect_refused("\1\0\0\0\0\0\0", 7, "truncated (7 bytes");
	expect_refused("\xff\0\0\0\0\0\0\0{}", 10, "truncated (2 of 255 bytes of the header)");
	expect_refused("\x80\2}q\0X\7\0\0\0", 11, "not a safetensors file");
}

static void
allows_what_the_format_allows(void **state)
{
	/* No tensors; spaces behind the header; empty tensors between others, in any order. */
	static const struct {
		const char *header;
		size_t data_size;
		size_t n;
	} cases[] = {
		{ "{}   ", 0, 0 },
		{ "{\"c\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[2,2]},"
		  "\"b\":{\"dtype\":\"F16\",\"shape\":[0,7],\"data_offsets\":[0,0]},"
		  "\"a\":{\"dtype\":\"I16\",\"shape\":[],\"data_offsets\":[0,2]}} ",
		    2, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		struct buffer b = make_file(cases[i].header, cases[i].data_size);
		struct safetensors *s = safetensors_open_memory(b.data, b.size, "x", &e);
		size_t n;
		aid_expect_no_error(&e);
		safetensors_tensors(s, &n);
		assert_int_equal(n, cases[i].n);
		safetensors_close(s);
		buffer_free(&b);
	}
}

static void
reports_every_truncation(void **state)
{
	struct buffer b = fixture_bytes("tensors.safetensors");

	(void)state;
	for (size_t n = 0; n < b.size; n++) {
		struct err e = { 0 };
		uint8_t *cut = mem_alloc(n, 1);
		memcpy(cut, b.data, n);
		assert_null(safetensors_open_memory(cut, n, "x", &e));
		assert_true(e.is_set);
		free(cut);
	}
	buffer_add(&b, "", 1);
	expect_refused(b.data, b.size, "1 bytes behind the last tensor");
	buffer_free(&b);
}

static void
survives_changed_bytes(void **state)
{
	struct buffer b = fixture_bytes("tensors.safetensors");
	size_t n_read = 0;

	(void)state;
	for (size_t i = 0; i < b.size; i++)
		for (unsigned change = 1; change < 256; change <<= 1) {
			struct err e = { 0 };
			b.data[i] ^= (uint8_t)change;
			struct safetensors *s = safetensors_open_memory(b.data, b.size, "x", &e);
			assert_int_equal(s == NULL, e.is_set);
			n_read += s != NULL;
			safetensors_close(s);
			b.data[i] ^= (uint8_t)change;
		}
	/* The data are not described by anything that could notice a change in them. */
	assert_true(n_read > 0);
	buffer_free(&b);
}

static struct buffer
written_file(const char *folder, const struct tensor *tensors, size_t n)
{
	static const char *const metadata[] = { "stage", "\u03b3 \"test\"", NULL };
	struct buffer b = { 0 };
	struct err e = { 0 };
	char *path = mem_printf("%s/out.safetensors", folder);

	assert_int_equal(safetensors_write(path, tensors, n, metadata, &e), 0);
	aid_expect_no_error(&e);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	b.size = fread(buffer_grow(&b, 4096), 1, 4096, f);
	fclose(f);
	free(path);
	return b;
}

static void
writes_what_it_reads(void **state)
{
	static const float f[6] = { 1, 2, 3, 4, 5, 6 };
	static const int64_t i[2] = { -1, 1LL << 62 };
	struct tensor tensors[] = {
		{ .name = "odd \"name\"\n",
		    .type = TENSOR_BOOL,
		    .rank = 1,
		    .shape = { 3 },
		    .data = "\1\0\1" },
		{ .name = "b", .type = TENSOR_F32, .rank = 2, .shape = { 2, 3 }, .data = f },
		{ .name = "a", .type = TENSOR_F32, .rank = 0, .data = f },
		{ .name = "i", .type = TENSOR_I64, .rank = 1, .shape = { 2 }, .data = i },
	};
	size_t n = sizeof(tensors) / sizeof(tensors[0]);
	struct err e = { 0 };
	char *folder = aid_make_folder();

	(void)state;
	for (size_t k = 0; k < n; k++)
		assert_true(tensor_measure(&tensors[k]));
	struct buffer one = written_file(folder, tensors, n);
	struct tensor last = tensors[3];
	tensors[3] = tensors[0];
	tensors[0] = last;
	struct buffer other = written_file(folder, tensors, n);
	assert_int_equal(one.size, other.size);
	assert_memory_equal(one.data, other.data, one.size);
	assert_int_equal((*(const uint64_t *)(void *)one.data) % 8, 0);

	struct safetensors *s = safetensors_open_memory(one.data, one.size, "x", &e);
	aid_expect_no_error(&e);
	assert_string_equal(safetensors_metadata(s, "format"), "pt");
	assert_string_equal(safetensors_metadata(s, "stage"), "\u03b3 \"test\"");
	for (size_t k = 0; k < n; k++) {
		const struct tensor *t = safetensors_find(s, tensors[k].name);
		assert_non_null(t);
		assert_int_equal(t->type, tensors[k].type);
		assert_true(tensor_has_shape(t, tensors[k].rank, tensors[k].shape));
		assert_memory_equal(t->data, tensors[k].data, t->bytes);
		assert_int_equal((uintptr_t)t->data % tensor_type_size(t->type), 0);
	}
	safetensors_close(s);
	buffer_free(&one);
	buffer_free(&other);
	aid_remove_folder(folder);
}

static void
reports_a_failed_write(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(safetensors_write("/nonexistent/x.safetensors", NULL, 0, NULL, &e), -1);
	aid_expect_error(&e, "/nonexistent/x.safetensors");
	assert_null(safetensors_open("/nonexistent/x.safetensors", &e));
	aid_expect_error(&e, "/nonexistent/x.safetensors");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_library_wrote),
		cmocka_unit_test(converts_as_torch_does),
		cmocka_unit_test(checks_every_header),
		cmocka_unit_test(allows_what_the_format_allows),
		cmocka_unit_test(reports_every_truncation),
		cmocka_unit_test(survives_changed_bytes),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(reports_a_failed_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
