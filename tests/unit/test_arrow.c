/* test_arrow.c - what is written is read back; the closing batch; every cut and every flipped bit
 * is noticed. */

#include "arrow_aid.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "formats/arrow_compress.h"

/* Under valgrind each bit would take minutes. */
static size_t
bit_step(void)
{
	return getenv("CELLPIPE_INSTRUMENTED") ? 37 : 1;
}

static struct arrow_reader *
open_bytes(const struct buffer *bytes, struct err *e)
{
	char *path = temporary_file(bytes->data, bytes->size);
	struct arrow_reader *r = arrow_open(input_open(path, false, e), e);

	unlink(path);
	free(path);
	return r;
}

static void
expect_failure(const struct buffer *bytes, const char *part)
{
	struct err e = { 0 };
	uint64_t rows;

	assert_int_equal(read_all_bytes(bytes->data, bytes->size, &rows, &e), -1);
	if (!strstr(e.text, part))
		fail_msg("'%s' is not in: %s", part, e.text);
	assert_null(strchr(e.text, '\n'));
}

/* The first place of a text in the bytes. */
static uint8_t *
find(const struct buffer *bytes, const char *text)
{
	for (size_t i = 0; i + strlen(text) <= bytes->size; i++)
		if (memcmp(bytes->data + i, text, strlen(text)) == 0)
			return bytes->data + i;
	fail_msg("no %s in the stream", text);
	return NULL;
}

/* 1. Round trips */

static void
round_trip(bool is_cells, int level)
{
	struct schema *s = sample_schema(is_cells);
	struct batch in[2] = { sample_batch(), sample_batch() }, out = { 0 };
	struct buffer bytes = stream_bytes(s, in, 2, level);
	struct err e = { 0 };
	struct arrow_reader *r = open_bytes(&bytes, &e);

	assert_string_equal(e.text, "");
	assert_int_equal(arrow_is_cells(r), is_cells);
	assert_int_equal(arrow_schema(r)->n_fields, s->n_fields);
	assert_string_equal(
	    metadata_get(&arrow_schema(r)->metadata, "somebody's key"), "über \"quoted\"\n");
	for (size_t k = 0; k < 2; k++) {
		assert_int_equal(arrow_read(r, &out, &e), 1);
		assert_int_equal(out.number, k);
		assert_int_equal(out.rows, SAMPLE_ROWS);
		for (size_t i = 0; is_cells && i < s->n_fields; i++) {
			expect_same_field(&s->fields[i], &arrow_schema(r)->fields[i]);
			expect_same_array(&s->fields[i], &in[k].columns[i], &out.columns[i]);
		}
	}
	assert_int_equal(arrow_read(r, &out, &e), 0);
	assert_int_equal(arrow_read(r, &out, &e), 0);
	assert_int_equal(arrow_rows(r), 2 * SAMPLE_ROWS);
	assert_int_equal(arrow_batches(r), 2);
	assert_int_equal(arrow_offset(r), bytes.size);
	arrow_close(r);
	batch_free(&out);
	batch_free(&in[0]);
	batch_free(&in[1]);
	schema_free(s);
	buffer_free(&bytes);
}

static void
test_round_trip(void **state)
{
	(void)state;
	round_trip(true, 0);
	round_trip(true, 3);
	round_trip(false, 0);
}

/* A stream that is not ours: the dictionary gives way to plain texts, and its null to a null. */
static void
test_decoded_dictionary(void **state)
{
	static const char *const expected[] = { "nürnberg ✓", "T cell", NULL, "B cell", "T cell" };
	struct schema *s = sample_schema(false);
	struct batch b = sample_batch(), out = { 0 };
	struct buffer bytes = stream_bytes(s, &b, 1, 0);
	struct err e = { 0 };
	struct arrow_reader *r = open_bytes(&bytes, &e);
	const struct field *f = &arrow_schema(r)->fields[1];
	size_t n;

	(void)state;
	assert_int_equal(arrow_read(r, &out, &e), 1);
	assert_null(f->dictionary);
	assert_int_equal(out.columns[1].null_count, 1);
	for (size_t i = 0; i < SAMPLE_ROWS; i++) {
		const char *text = array_text(f, &out.columns[1], i, &n);

		assert_int_equal(text != NULL, expected[i] != NULL);
		if (text) {
			assert_int_equal(n, strlen(expected[i]));
			assert_memory_equal(text, expected[i], n);
		}
	}
	arrow_close(r);
	batch_free(&out);
	batch_free(&b);
	schema_free(s);
	buffer_free(&bytes);
}

/* Written bytes depend on the content only: garbage behind the last bit of a bitmap does not show.
 */
static void
test_equal_bytes(void **state)
{
	static const uint8_t clean[] = { 0x05 }, dirty[] = { 0xfd };
	struct schema *s = schema_new();
	struct field f = field_bool("flag");
	struct batch a = { .rows = 3 }, b = { .rows = 3 };
	struct buffer x, y;

	(void)state;
	schema_append(s, &f);
	batch_append(&a, array_fixed(3, clean));
	batch_append(&b, array_fixed(3, dirty));
	x = stream_bytes(s, &a, 1, 0);
	y = stream_bytes(s, &b, 1, 0);
	assert_int_equal(x.size, y.size);
	assert_memory_equal(x.data, y.data, x.size);
	buffer_free(&x);
	buffer_free(&y);
	batch_free(&a);
	batch_free(&b);
	schema_free(s);
}

/* What stands in place of a null's index is nobody's business, but some readers look: it is written
 * as 0. */
static void
test_null_indices(void **state)
{
	static const int32_t indices[] = { 1, -1, 0 };
	static const uint8_t validity[] = { 0x05 };
	static const char *const texts[] = { "a", "b" };
	struct schema *s = schema_new();
	struct arena a = { 0 };
	struct field f = field_dictionary("letter", strings_from(&a, texts, 2));
	struct array column = array_fixed(3, indices);
	struct batch in = { .rows = 3 }, out = { 0 };
	struct buffer bytes;
	struct err e = { 0 };
	struct arrow_reader *r;

	(void)state;
	schema_append(s, &f);
	metadata_set(s, &s->metadata, "cells:version", "1");
	column.validity = validity;
	column.null_count = 1;
	batch_append(&in, column);
	bytes = stream_bytes(s, &in, 1, 0);
	r = open_bytes(&bytes, &e);
	assert_int_equal(arrow_read(r, &out, &e), 1);
	/* The body itself: the reader would put a 0 there by itself, but elsewhere. */
	assert_memory_equal(out.body.data + 8, ((const int32_t[]){ 1, 0, 0 }), 12);
	assert_int_equal(out.columns[0].null_count, 1);
	arrow_close(r);
	batch_free(&out);
	batch_free(&in);
	schema_free(s);
	arena_free(&a);
	buffer_free(&bytes);
}

static void
test_no_rows(void **state)
{
	struct schema *s = sample_schema(true);
	struct buffer bytes = stream_bytes(s, NULL, 0, 3);
	struct err e = { 0 };
	uint64_t rows;

	(void)state;
	assert_int_equal(read_all_bytes(bytes.data, bytes.size, &rows, &e), 0);
	assert_int_equal(rows, 0);
	assert_non_null(find(&bytes, "cells:rows"));
	buffer_free(&bytes);
	metadata_set(s, &s->metadata, "cells:version", NULL);
	bytes = stream_bytes(s, NULL, 0, 0);
	assert_int_equal(read_all_bytes(bytes.data, bytes.size, &rows, &e), 0);
	buffer_free(&bytes);
	schema_free(s);
}

/* What arrow_pass or arrow_write makes of a stream. */
static struct buffer
copy_stream(const struct buffer *bytes, bool is_passed)
{
	char *path = temporary_file("", 0), *text;
	struct err e = { 0 };
	struct arrow_reader *r = open_bytes(bytes, &e);
	struct output *out = output_create(path, true, false, &e);
	struct arrow_writer *w = arrow_create(out, arrow_schema(r), 0, &e);
	struct batch b = { 0 };
	struct buffer copy = { 0 };
	size_t size;

	while (arrow_read(r, &b, &e) > 0)
		if (is_passed)
			arrow_pass(w, r, &b, &e);
		else
			arrow_write(w, &b, &e);
	arrow_finish(w, &e);
	output_commit(out, &e);
	arrow_writer_free(w);
	arrow_close(r);
	batch_free(&b);
	text = io_read_file(path, 1 << 24, &size, &e);
	assert_string_equal(e.text, "");
	buffer_add(&copy, text, size);
	free(text);
	unlink(path);
	free(path);
	return copy;
}

static void
expect_passed(const struct buffer *bytes, bool is_same)
{
	struct buffer passed = copy_stream(bytes, true), written = copy_stream(bytes, false);

	assert_int_equal(passed.size, written.size);
	assert_memory_equal(passed.data, written.data, written.size);
	if (is_same) {
		assert_int_equal(passed.size, bytes->size);
		assert_memory_equal(passed.data, bytes->data, bytes->size);
	}
	buffer_free(&passed);
	buffer_free(&written);
}

/* Passing on gives the bytes that writing gives, also where the body is not what would be written:
 * compressed, or with something between its buffers. */
static void
test_passing(void **state)
{
	struct schema *s = sample_schema(true);
	struct batch in[2] = { sample_batch(), sample_batch() };
	struct buffer bytes = stream_bytes(s, in, 2, 0);
	uint8_t *behind;

	(void)state;
	expect_passed(&bytes, true);
	buffer_free(&bytes);
	bytes = stream_bytes(s, in, 2, 3);
	expect_passed(&bytes, false);
	buffer_free(&bytes);
	metadata_set(s, &s->metadata, "cells:version", NULL);
	bytes = stream_bytes(s, in, 2, 0);
	expect_passed(&bytes, false);
	behind = find(&bytes, "TTTG-1") + 6; /* the last of its column */
	assert_int_equal(*behind, 0);
	*behind = 'x';
	expect_passed(&bytes, false);
	buffer_free(&bytes);
	batch_free(&in[0]);
	batch_free(&in[1]);
	schema_free(s);
}

/* The frame that the zstd library makes of the bytes. */
static void
expect_frame(const void *bytes, size_t n, int level, const struct buffer *found)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(n), size;
	uint8_t *frame = mem_alloc(room, 1);

	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	size = ZSTD_compress2(context, frame, room, bytes, n);
	assert_int_equal(le64(found->data), n);
	assert_int_equal(found->size, 8 + size);
	assert_memory_equal(found->data + 8, frame, size);
	free(frame);
	ZSTD_freeCCtx(context);
}

/* What level 1 hardly shortens is left to it, unless the user wants more than files get. */
static void
test_compression_levels(void **state)
{
	enum { N = 200000 };
	uint16_t *mixed = mem_alloc(N, sizeof(*mixed)), *even = mem_alloc(N, sizeof(*even));
	static const int levels[][3] = { { 1, 1, 1 }, { 3, 1, 3 }, { 4, 4, 4 } };
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		x = x * 1664525 + 1013904223;
		mixed[i] = (uint16_t)((x >> 16) % 20000);
		even[i] = (uint16_t)(i / 100 % 50);
	}
	for (size_t i = 0; i < 3; i++) {
		struct compressor *c = compressor_new(levels[i][0]);
		struct buffer out = { 0 };

		compressor_add(c, mixed, N * sizeof(*mixed), &out);
		expect_frame(mixed, N * sizeof(*mixed), levels[i][1], &out);
		out.size = 0;
		compressor_add(c, even, N * sizeof(*even), &out);
		expect_frame(even, N * sizeof(*even), levels[i][2], &out);
		buffer_free(&out);
		compressor_free(c);
	}
	free(mixed);
	free(even);
}

/* A batch lives longer than its reader. */
static void
test_batch_outlives_reader(void **state)
{
	struct buffer bytes = small_stream(3);
	struct batch b = { 0 };
	struct err e = { 0 };
	struct arrow_reader *r = open_bytes(&bytes, &e);
	struct field f = field_utf8("cell");
	size_t n;

	(void)state;
	assert_int_equal(arrow_read(r, &b, &e), 1);
	arrow_close(r);
	assert_memory_equal(array_text(&f, &b.columns[0], 2, &n), "cell-2", 6);
	assert_int_equal(((const uint16_t *)b.columns[2].children->values)[2], 7);
	batch_free(&b);
	buffer_free(&bytes);
}

/* 2. What is dropped, what is refused */

static void
test_stale_keys(void **state)
{
	struct schema *s = sample_schema(false);
	struct buffer bytes;
	struct err e = { 0 };
	struct arrow_reader *r;

	(void)state;
	metadata_set(s, &s->metadata, "huggingface", "{}");
	metadata_set(s, &s->metadata, "pandas", "{}");
	bytes = stream_bytes(s, NULL, 0, 0);
	r = open_bytes(&bytes, &e);
	assert_null(metadata_get(&arrow_schema(r)->metadata, "huggingface"));
	assert_null(metadata_get(&arrow_schema(r)->metadata, "pandas"));
	assert_non_null(metadata_get(&arrow_schema(r)->metadata, "somebody's key"));
	arrow_close(r);
	buffer_free(&bytes);
	schema_free(s);
}

static void
test_newer_version(void **state)
{
	struct schema *s = sample_schema(true);
	struct buffer bytes;

	(void)state;
	metadata_set(s, &s->metadata, "cells:version", "2");
	bytes = stream_bytes(s, NULL, 0, 0);
	expect_failure(&bytes, "written by a newer cellpipe");
	buffer_free(&bytes);
	schema_free(s);
}

/* Another program keeps the schema's keys but not the closing batch. */
static void
test_resaved(void **state)
{
	struct buffer bytes = small_stream(0);
	uint8_t *closing = find(&bytes, "cells:rows");

	(void)state;
	while (le32(closing) != 0xffffffff)
		closing--;
	bytes.size = (size_t)(closing - bytes.data);
	buffer_add(&bytes, "\xff\xff\xff\xff\0\0\0\0", 8);
	expect_failure(&bytes, "must drop the key cells:version");
	buffer_free(&bytes);
}

static void
test_trailing_bytes(void **state)
{
	struct buffer bytes = small_stream(0);

	(void)state;
	buffer_add(&bytes, "", 1);
	expect_failure(&bytes, "bytes after the end");
	buffer_free(&bytes);
}

static void
test_other_files(void **state)
{
	static const struct {
		const char *bytes, *message;
	} files[] = {
		{ "\x89HDF\r\n\x1a\n", "HDF5" },
		{ "PAR1....", "Parquet" },
		{ "\x1f\x8b\x08\x08....", "gzip" },
		{ "cell,gene\n", "not an Arrow stream" },
		{ "ARROW2..", "not an Arrow stream" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct buffer bytes = { 0 };

		buffer_add(&bytes, files[i].bytes, strlen(files[i].bytes));
		expect_failure(&bytes, files[i].message);
		buffer_free(&bytes);
	}
}

/* The errors say which column of which batch. */
static void
test_places(void **state)
{
	struct buffer bytes = small_stream(0);
	uint8_t *text = find(&bytes, "cell-0cell-1");

	(void)state;
	text[0] = 0xff;
	expect_failure(&bytes, "batch 0: column cell: value 0: invalid UTF-8");
	text[0] = 'c';
	find(&bytes, "T cell")[0] = 0xc0;
	expect_failure(&bytes, "dictionary of column cell_type: value 0: invalid UTF-8");
	buffer_free(&bytes);
}

/* 3. Cuts and flipped bits */

static void
every_cut(int level)
{
	struct buffer bytes = small_stream(level);
	char *path = temporary_file(bytes.data, bytes.size);
	struct err none = { 0 };
	uint64_t rows;

	assert_int_equal(read_all(path, &rows, &none), 0);
	assert_int_equal(rows, 6);
	for (size_t n = bytes.size; n-- > 0;) {
		struct err e = { 0 };

		assert_int_equal(truncate(path, (off_t)n), 0);
		if (read_all(path, &rows, &e) == 0)
			fail_msg("the first %zu of %zu bytes are taken for a whole stream", n,
			    bytes.size);
		if (n && !strstr(e.text, "truncated"))
			fail_msg("cut at %zu: %s", n, e.text);
	}
	unlink(path);
	free(path);
	buffer_free(&bytes);
}

static void
test_every_cut(void **state)
{
	(void)state;
	every_cut(0);
	every_cut(3);
}

static void
every_bit(int level)
{
	struct buffer bytes = small_stream(level);
	char *path = temporary_file(bytes.data, bytes.size);
	int fd = open(path, O_RDWR);
	uint64_t rows;

	assert_true(fd >= 0);
	for (size_t i = 0; i < 8 * bytes.size; i += bit_step()) {
		uint8_t flipped = bytes.data[i / 8] ^ (uint8_t)(1 << (i % 8));
		struct err e = { 0 };

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(i / 8)), 1);
		if (read_all(path, &rows, &e) == 0)
			fail_msg("bit %zu of byte %zu goes unnoticed", i % 8, i / 8);
		assert_int_equal(pwrite(fd, &bytes.data[i / 8], 1, (off_t)(i / 8)), 1);
	}
	close(fd);
	unlink(path);
	free(path);
	buffer_free(&bytes);
}

static void
test_every_bit(void **state)
{
	(void)state;
	every_bit(0);
	every_bit(3);
}

/* A body that claims 2^60 bytes on a pipe: what is not there is not allocated. */
static void
test_huge_body_in_pipe(void **state)
{
	struct buffer bytes = small_stream(0);
	uint64_t huge = UINT64_C(1) << 60;
	struct err e = { 0 };
	uint8_t *batch = find(&bytes, "cell-0cell-1");
	int ends[2];
	char path[40];
	uint64_t rows;

	(void)state;
	while (le32(batch) != 0xffffffff)
		batch--;
	batch += 8 + le32(batch + 8); /* the root table, whose body length is the fourth slot */
	memcpy(batch + le16(batch - le32(batch) + 4 + 2 * 3), &huge, 8);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes.data, bytes.size), bytes.size);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(read_all(path, &rows, &e), -1);
	assert_non_null(strstr(e.text, "of 1152921504606846976 bytes"));
	close(ends[0]);
	buffer_free(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_decoded_dictionary),
		cmocka_unit_test(test_equal_bytes),
		cmocka_unit_test(test_null_indices),
		cmocka_unit_test(test_no_rows),
		cmocka_unit_test(test_passing),
		cmocka_unit_test(test_compression_levels),
		cmocka_unit_test(test_batch_outlives_reader),
		cmocka_unit_test(test_stale_keys),
		cmocka_unit_test(test_newer_version),
		cmocka_unit_test(test_resaved),
		cmocka_unit_test(test_trailing_bytes),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_huge_body_in_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
