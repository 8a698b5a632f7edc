/* test_torch_zip.c - files of torch.save, archives built by hand, damaged ones, refused ones. */

#include "reader_aid.h"

#include <jansson.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/torch_zip.h"

static void
expect_refused(const void *bytes, size_t size, const char *part)
{
	struct err e = { 0 };

	assert_null(torch_zip_open_memory(bytes, size, "x.bin", &e));
	aid_expect_error(&e, part);
}

/* Compares each float tensor with what torch says of it, to the bit. */
static void
expect_fixture(const char *name)
{
	struct err e = { 0 };
	struct torch_zip *z = torch_zip_open(fixture(name), &e);
	json_t *expected = json_load_file(fixture("tensors.f32.json"), 0, NULL), *list;
	const char *key;
	size_t n;

	aid_expect_no_error(&e);
	assert_non_null(expected);
	torch_zip_tensors(z, &n);
	assert_int_equal(n, 10); /* without "step", which is a number */
	json_object_foreach(expected, key, list)
	{
		const struct tensor *t = torch_zip_find(z, key);
		assert_non_null(t);
		assert_int_equal(t->count, json_array_size(list));
		float *out = mem_alloc(t->count, sizeof(*out));
		tensor_to_f32(t, out);
		for (size_t k = 0; k < t->count; k++) {
			float f = strtof(json_string_value(json_array_get(list, k)), NULL);
			assert_memory_equal(&f, &out[k], sizeof(f));
		}
		free(out);
	}
	assert_int_equal(json_object_size(expected), 8);
	json_decref(expected);

	const struct tensor *whole = torch_zip_find(z, "f32"), *view = torch_zip_find(z, "view");
	assert_true(tensor_has_shape(whole, 2, (size_t[]){ 2, 3 }));
	assert_true(tensor_has_shape(view, 1, (size_t[]){ 3 }));
	assert_ptr_equal(view->data, (const float *)whole->data + 3);
	const struct tensor *i64 = torch_zip_find(z, "i64");
	assert_int_equal(i64->type, TENSOR_I64);
	assert_memory_equal(i64->data, ((int64_t[]){ 1, -2 }), 16);
	assert_int_equal(torch_zip_find(z, "bool")->type, TENSOR_BOOL);
	assert_null(torch_zip_find(z, "step"));
	torch_zip_close(z);
}

static void
reads_what_torch_wrote(void **state)
{
	(void)state;
	expect_fixture("tensors.bin");
	expect_fixture("tensors_no_crc.bin");
}

static void
expect_fixture_refused(const char *name, const char *part)
{
	struct buffer b = fixture_bytes(name);

	expect_refused(b.data, b.size, part);
	buffer_free(&b);
}

static void
refuses_by_name(void **state)
{
	(void)state;
	expect_fixture_refused("legacy.bin", "written by torch before 1.6");
	expect_fixture_refused("transposed.bin", "x.bin: tensor a: is not stored row by row");
	expect_fixture_refused("uint16.bin",
	    "x.bin: data.pkl: byte 13: GLOBAL: refused to look up torch._utils._rebuild_tensor_v3");
	expect_fixture_refused("module.bin", "refused to look up torch.nn.modules.linear.Linear");
	expect_fixture_refused(
	    "sparse.bin", "refused to look up torch._utils._rebuild_sparse_tensor");
	expect_fixture_refused("tensors.safetensors", "not a file of torch.save");
	expect_refused("", 0, "not a file of torch.save");
	expect_refused("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, "no data.pkl");
}

static void
reports_damage(void **state)
{
	struct buffer b = fixture_bytes("tensors.bin");
	struct err e = { 0 };
	struct torch_zip *z = torch_zip_open_memory(b.data, b.size, "x", &e);

	(void)state;
	aid_expect_no_error(&e);
	const uint8_t *data = torch_zip_find(z, "f64")->data;
	size_t at = (size_t)(data - b.data);
	torch_zip_close(z);
	b.data[at + 3] ^= 4;
	expect_refused(b.data, b.size, "is damaged (CRC-32 is");
	buffer_free(&b);
}

static void
reports_every_truncation(void **state)
{
	struct buffer b = fixture_bytes("tensors.bin");

	(void)state;
	for (size_t n = 0; n < b.size; n++) {
		struct err e = { 0 };
		uint8_t *cut = mem_alloc(n, 1);
		memcpy(cut, b.data, n);
		assert_null(torch_zip_open_memory(cut, n, "x", &e));
		assert_true(e.is_set);
		free(cut);
	}
	buffer_free(&b);
}

/* Without CRCs, so that changes in the pickle reach its reader. */
static void
survives_changed_bytes(void **state)
{
	struct buffer b = fixture_bytes("tensors_no_crc.bin");
	size_t n_read = 0;

	(void)state;
	for (size_t i = 0; i < b.size; i++)
		for (unsigned change = 1; change < 256; change <<= 1) {
			struct err e = { 0 };
			size_t n;
			b.data[i] ^= (uint8_t)change;
			struct torch_zip *z = torch_zip_open_memory(b.data, b.size, "x", &e);
			assert_int_equal(z == NULL, e.is_set);
			const struct tensor *t = z ? torch_zip_tensors(z, &n) : NULL;
			for (size_t k = 0; z && k < n; k++) {
				uint32_t crc = libdeflate_crc32(0, t[k].data, t[k].bytes);
				n_read += crc != 1; /* touches all of it */
			}
			torch_zip_close(z);
			b.data[i] ^= (uint8_t)change;
		}
	assert_true(n_read > 0);
	buffer_free(&b);
}

/* An archive built by hand: the parts of APPNOTE.TXT that torch files of gigabytes use. */
struct entry {
	const char *name;
	const void *bytes;
	size_t size;
};

static void
add(struct buffer *b, uint64_t value, unsigned width)
{
	buffer_add(b, &value, width); /* little-endian machine */
}

struct zip_options {
	bool is_zip64;
	unsigned method;
	unsigned flags;
	bool has_other_local_name;
	uint64_t local_shift;
	uint64_t size_shift;
};

static struct buffer
make_zip(const struct entry *entries, size_t n, struct zip_options o)
{
	struct buffer b = { 0 }, directory = { 0 };
	unsigned saturated = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		const struct entry *x = &entries[i];
		size_t name_size = strlen(x->name), local = b.size;
		uint32_t crc = libdeflate_crc32(0, x->bytes, x->size);
		uint64_t shown = x->size + o.size_shift;

		add(&b, 0x04034b50, 4);
		buffer_add(&b, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
		add(&b, name_size, 2);
		add(&b, 3, 2);
		buffer_add(&b, x->name, name_size);
		if (o.has_other_local_name)
			b.data[b.size - 1] ^= 1;
		buffer_add(&b, "pad", 3);
		buffer_add(&b, x->bytes, x->size);

		add(&directory, 0x02014b50, 4);
		add(&directory, 0, 4);
		add(&directory, o.flags, 2);
		add(&directory, o.method, 2);
		add(&directory, 0, 4);
		add(&directory, crc, 4);
		add(&directory, o.is_zip64 ? saturated : shown, 4);
		add(&directory, o.is_zip64 ? saturated : shown, 4);
		add(&directory, name_size, 2);
		add(&directory, o.is_zip64 ? 4 + 28 : 0, 2);
		add(&directory, 0, 2);
		add(&directory, 0, 4);
		add(&directory, 0, 4);
		add(&directory, o.is_zip64 ? saturated : local + o.local_shift, 4);
		buffer_add(&directory, x->name, name_size);
		if (o.is_zip64) {
			buffer_add(&directory, "\x99\0\0\0", 4); /* another extra field */
			add(&directory, 1, 2);
			add(&directory, 24, 2);
			add(&directory, shown, 8);
			add(&directory, shown, 8);
			add(&directory, local + o.local_shift, 8);
		}
	}
	size_t at = b.size;
	buffer_add(&b, directory.data, directory.size);
	if (o.is_zip64) {
		size_t end64 = b.size;
		add(&b, 0x06064b50, 4);
		add(&b, 44, 8);
		add(&b, 0, 4);
		add(&b, 0, 8);
		add(&b, n, 8);
		add(&b, n, 8);
		add(&b, directory.size, 8);
		add(&b, at, 8);
		add(&b, 0x07064b50, 4);
		add(&b, 0, 4);
		add(&b, end64, 8);
		add(&b, 1, 4);
	}
	add(&b, 0x06054b50, 4);
	add(&b, 0, 4);
	add(&b, o.is_zip64 ? 0xffff : n, 2);
	add(&b, o.is_zip64 ? 0xffff : n, 2);
	add(&b, o.is_zip64 ? saturated : directory.size, 4);
	add(&b, o.is_zip64 ? saturated : at, 4);
	add(&b, 7, 2);
	buffer_add(&b, "comment", 7);
	buffer_free(&directory);
	return b;
}

/* {"w": tensor} of a storage of numel float32, with this offset, shape (n,) and stride. */
static struct buffer
make_pickle(unsigned numel, unsigned offset, unsigned size, unsigned stride)
{
	struct buffer b = { 0 };
	static const char head[] =
	    "\x80\x02}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storage"
	    "ctorch\nFloatStorage\nX\1\0\0\0"
	    "0X\3\0\0\0cpuK";

	buffer_add(&b, head, sizeof(head) - 1);
	add(&b, numel, 1);
	buffer_add(&b, "tQK", 3);
	add(&b, offset, 1);
	buffer_add(&b, "K", 1);
	add(&b, size, 1);
	buffer_add(&b, "\x85K", 2);
	add(&b, stride, 1);
	buffer_add(&b, "\x85\x89NtRs.", 7);
	return b;
}

static const float numbers[4] = { 1, 2, 3, 4 };

static struct buffer
make_archive(struct buffer pickle, struct zip_options o)
{
	const struct entry entries[] = {
		{ "a/data.pkl", pickle.data, pickle.size },
		{ "a/byteorder", "little", 6 },
		{ "a/data/0", numbers, sizeof(numbers) },
	};
	struct buffer b = make_zip(entries, 3, o);

	buffer_free(&pickle);
	return b;
}

static void
reads_zip64(void **state)
{
	(void)state;
	for (int is_zip64 = 0; is_zip64 < 2; is_zip64++) {
		struct zip_options o = { .is_zip64 = is_zip64 };
		struct buffer b = make_archive(make_pickle(4, 1, 3, 1), o);
		struct err e = { 0 };
		struct torch_zip *z = torch_zip_open_memory(b.data, b.size, "x", &e);
		aid_expect_no_error(&e);
		const struct tensor *t = torch_zip_find(z, "w");
		assert_int_equal(t->count, 3);
		assert_memory_equal(t->data, numbers + 1, 12);
		torch_zip_close(z);
		buffer_free(&b);
	}
}

static void
expect_archive_refused(struct buffer pickle, struct zip_options o, const char *part)
{
	struct buffer b = make_archive(pickle, o);

	expect_refused(b.data, b.size, part);
	buffer_free(&b);
}

static void
checks_tensors(void **state)
{
	struct zip_options o = { 0 };

	(void)state;
	expect_archive_refused(make_pickle(4, 2, 3, 1), o, "tensor w: reaches beyond its storage");
	expect_archive_refused(make_pickle(4, 0, 5, 1), o, "tensor w: reaches beyond its storage");
	expect_archive_refused(make_pickle(5, 0, 3, 1), o,
	    "tensor w: its storage has 16 bytes, not 5 numbers of type F32");
	expect_archive_refused(make_pickle(4, 0, 2, 2), o, "tensor w: is not stored row by row");
	expect_archive_refused(make_pickle(4, 0, 2, 0), o, "tensor w: is not stored row by row");
}

static void
checks_archives(void **state)
{
	static const struct {
		struct zip_options options;
		const char *part;
	} cases[] = {
		{ { .method = 8 }, "entry a/data.pkl is compressed; only stored entries are read" },
		{ { .flags = 1 }, "entry a/data.pkl is encrypted" },
		{ { .has_other_local_name = true }, "has another name at its place" },
		{ { .local_shift = 1 }, "has no local header" },
		{ { .local_shift = 0x7fffffff }, "has no local header" },
		{ { .is_zip64 = true, .local_shift = UINT64_MAX }, "has no local header" },
		{ { .size_shift = 100000 }, "lies outside the file" },
		{ { .is_zip64 = true, .size_shift = UINT64_MAX - 500 }, "lies outside the file" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_archive_refused(make_pickle(4, 0, 4, 1), cases[i].options, cases[i].part);

	const struct entry twice[] = { { "a/x", "1", 1 }, { "a/x", "2", 1 } };
	struct buffer b = make_zip(twice, 2, (struct zip_options){ 0 });
	expect_refused(b.data, b.size, "two entries are called a/x");
	buffer_free(&b);

	struct buffer pickle = make_pickle(4, 0, 4, 1);
	const struct entry missing[] = { { "a/data.pkl", pickle.data, pickle.size } };
	b = make_zip(missing, 1, (struct zip_options){ 0 });
	expect_refused(b.data, b.size, "no entry a/data/0 in the zip archive");
	buffer_free(&b);

	const struct entry big[] = { { "a/data.pkl", pickle.data, pickle.size },
		{ "a/byteorder", "big", 3 }, { "a/data/0", numbers, sizeof(numbers) } };
	b = make_zip(big, 3, (struct zip_options){ 0 });
	expect_refused(b.data, b.size, "its numbers are not little-endian");
	buffer_free(&b);
	buffer_free(&pickle);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_torch_wrote),
		cmocka_unit_test(refuses_by_name),
		cmocka_unit_test(reports_damage),
		cmocka_unit_test(reports_every_truncation),
		cmocka_unit_test(survives_changed_bytes),
		cmocka_unit_test(reads_zip64),
		cmocka_unit_test(checks_tensors),
		cmocka_unit_test(checks_archives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
