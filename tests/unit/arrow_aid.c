/* arrow_aid.c - see arrow_aid.h. */

#include "arrow_aid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const type_texts[] = { "T cell", "B cell", "nürnberg ✓" };
static const char *const gene_texts[] = { "ENSG1", "ENSG2", "ENSG3", "ENSG4" };

static struct strings *
sample_strings(struct arena *a, bool is_genes)
{
	return is_genes ? strings_from(a, gene_texts, 4) : strings_from(a, type_texts, 3);
}

static struct field
field_of(const char *name, enum type type, int bit_width, int unit)
{
	return (struct field){ .name = name, .type = type, .bit_width = bit_width, .unit = unit };
}

static void
append_nested(struct schema *s, struct arena *a)
{
	struct field genes = field_dictionary("item", sample_strings(a, true));
	struct field f32 = field_float("item", 32), u16 = field_int("item", 16, false);
	struct field text = field_utf8("item"), list = field_list("item", &text);
	struct field members[2] = { field_int("a", 8, true), field_utf8("b") };
	struct field pairs[2] = { field_utf8("key"), field_int("value", 32, true) };
	struct field entries = {
		.name = "entries", .type = TYPE_STRUCT, .n_children = 2, .children = pairs
	};
	struct field f;

	f = field_list("gene", &genes);
	schema_append(s, &f);
	f = field_list("count", &f32);
	schema_append(s, &f);
	f = field_list("input_ids", &u16);
	schema_append(s, &f);
	f = field_list("words", &list);
	schema_append(s, &f);
	f = field_fixed_list("embedding", &f32, 3);
	schema_append(s, &f);
	f = (struct field){
		.name = "pair", .type = TYPE_STRUCT, .n_children = 2, .children = members
	};
	schema_append(s, &f);
	f = (struct field){ .name = "map",
		.type = TYPE_MAP,
		.is_ordered = true,
		.n_children = 1,
		.children = &entries };
	schema_append(s, &f);
}

static void
append_flat(struct schema *s, struct arena *a)
{
	struct field fields[] = {
		field_utf8("cell"),
		field_dictionary("cell_type", sample_strings(a, false)),
		field_bool("flag"),
		field_of("nothing", TYPE_NULL, 0, 0),
		field_int("i8", 8, true),
		field_int("u32", 32, false),
		field_int("i64", 64, true),
		field_float("f16", 16),
		field_float("f64", 64),
		field_of("binary", TYPE_BINARY, 0, 0),
		field_of("fixed", TYPE_FIXED_BINARY, 24, 0),
		field_of("decimal", TYPE_DECIMAL, 128, 0),
		field_of("date", TYPE_DATE, 32, 0),
		field_of("time", TYPE_TIME, 64, 3),
		field_of("stamp", TYPE_TIMESTAMP, 64, 2),
		field_of("duration", TYPE_DURATION, 64, 1),
		field_of("interval", TYPE_INTERVAL, 128, 2),
	};

	fields[1].is_ordered = true;
	fields[11].precision = 20;
	fields[11].scale = 3;
	fields[14].timezone = "Europe/Berlin";
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		schema_append(s, &fields[i]);
}

struct schema *
sample_schema(bool is_cells)
{
	struct schema *s = schema_new();
	struct arena a = { 0 };

	append_flat(s, &a);
	append_nested(s, &a);
	if (is_cells)
		metadata_set(s, &s->metadata, "cells:version", "1");
	metadata_set(s, &s->metadata, "somebody's key", "über \"quoted\"\n");
	metadata_set(s, &s->fields[2].metadata, "unit", "none");
	arena_free(&a);
	return s;
}

static struct array
with_nulls(struct array a, const uint8_t *validity)
{
	a.validity = validity;
	for (size_t i = 0; i < a.length; i++)
		a.null_count += !(validity[i / 8] >> (i % 8) & 1);
	return a;
}

static struct array
with_child(struct batch *b, struct array a, struct array child)
{
	a.children = arena_copy(&b->arena, &child, 1, sizeof(child));
	return a;
}

static void
append_flat_columns(struct batch *b)
{
	static const char *const cells[] = { "AAAC-1", "", NULL, "größe", "TTTG-1" };
	static const char *const bytes[] = { "\xff\x01", "x", NULL, "", "\x80" };
	static const int32_t types[] = { 2, 0, 77, 1, 0 };
	static const uint8_t third_null[] = { 0xfb }, first_null[] = { 0x1e }, flags[] = { 0xf5 };
	static const int8_t i8[] = { -128, 0, 127, 5, -1 };
	static const uint32_t u32[] = { 0, 4294967295u, 7, 8, 9 };
	static const int64_t i64[] = { INT64_MIN, INT64_MAX, 0, 1, -1 };
	static const uint16_t f16[] = { 0x3c00, 0xc000, 0, 0x7c00, 0x3555 };
	static const double f64[] = { 0.1, -1e300, 5e-324, 0, 2 };
	static const uint8_t wide[5 * 16] = { 1, 2, 3, [16] = 255, [31] = 255, [79] = 9 };
	static const uint8_t small[5 * 16] = { 1, 2, 3, [16] = 255, [64] = 9 };

	batch_append(b, array_from_texts(&b->arena, cells, 5));
	batch_append(b, with_nulls(array_fixed(5, types), third_null));
	batch_append(b, with_nulls(array_fixed(5, flags), first_null));
	batch_append(b, (struct array){ .length = 5, .null_count = 5 });
	batch_append(b, array_fixed(5, i8));
	batch_append(b, with_nulls(array_fixed(5, u32), first_null));
	batch_append(b, array_fixed(5, i64));
	batch_append(b, array_fixed(5, f16));
	batch_append(b, with_nulls(array_fixed(5, f64), third_null));
	batch_append(b, array_from_texts(&b->arena, bytes, 5));
	batch_append(b, array_fixed(5, wide));
	batch_append(b, array_fixed(5, small));
	batch_append(b, array_fixed(5, small));
	batch_append(b, with_nulls(array_fixed(5, small), third_null));
	batch_append(b, array_fixed(5, i64));
	batch_append(b, array_fixed(5, i64));
	batch_append(b, array_fixed(5, wide));
}

static void
append_nested_columns(struct batch *b)
{
	static const int32_t offsets[] = { 0, 2, 2, 5, 6, 6 }, genes[] = { 0, 3, 1, 2, 0, 1 };
	static const int32_t outer[] = { 0, 1, 1, 3, 5, 6 }, values[] = { 1, -2, 3, -4, 5, -6 };
	static const float counts[] = { 1, 2, 3, 4.5f, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const uint16_t ids[] = { 2, 65535, 3, 4, 5, 6 };
	static const uint8_t second_null[] = { 0x1d }, fourth_null[] = { 0x77 };
	static const char *const words[] = { "a", "bc", NULL, "", "d", "é" };
	struct array texts = array_from_texts(&b->arena, words, 6);
	struct array members[2] = { array_fixed(5, ids),
		array_slice(&b->arena, &(struct field){ .type = TYPE_UTF8 }, &texts, 0, 5) };
	struct array pairs[2] = { array_from_texts(&b->arena, gene_texts, 4),
		array_fixed(4, values) };
	static const int32_t map_offsets[] = { 0, 1, 1, 1, 4, 4 },
			     inner[] = { 0, 2, 2, 5, 6, 6, 6 };
	struct array list, row = { .length = 5 }, entries = { .length = 4 };

	list = with_child(b, row, with_nulls(array_fixed(6, genes), fourth_null));
	list.offsets = offsets;
	batch_append(b, list);
	batch_append(b, array_list(&b->arena, 5, offsets, array_fixed(6, counts)));
	batch_append(
	    b, with_nulls(array_list(&b->arena, 5, offsets, array_fixed(6, ids)), second_null));
	list = with_nulls(array_list(&b->arena, 6, offsets, texts), fourth_null);
	list.offsets = inner;
	batch_append(b, array_list(&b->arena, 5, outer, list));
	batch_append(b, with_nulls(with_child(b, row, array_fixed(15, counts)), second_null));
	row.children = arena_copy(&b->arena, members, 2, sizeof(members[0]));
	batch_append(b, with_nulls(row, fourth_null));
	entries.children = arena_copy(&b->arena, pairs, 2, sizeof(pairs[0]));
	batch_append(b, array_list(&b->arena, 5, map_offsets, entries));
}

struct batch
sample_batch(void)
{
	struct batch b = { .rows = SAMPLE_ROWS };

	append_flat_columns(&b);
	append_nested_columns(&b);
	return b;
}

struct buffer
small_stream(int level)
{
	static const char *const names[] = { "cell-0", "cell-1", "cell-2" };
	static const int32_t types[] = { 0, 2, 1 }, offsets[] = { 0, 3, 3, 40 };
	static const uint16_t ids[40] = { 5, 6, 7 };
	struct schema *s = schema_new();
	struct field item = field_int("item", 16, false), f = field_utf8("cell");
	struct batch b[2] = { { .rows = 3 }, { .rows = 3 } };
	struct arena a = { 0 };
	struct buffer bytes;

	schema_append(s, &f);
	f = field_dictionary("cell_type", sample_strings(&a, false));
	schema_append(s, &f);
	f = field_list("input_ids", &item);
	schema_append(s, &f);
	metadata_set(s, &s->metadata, "cells:version", "1");
	for (size_t i = 0; i < 2; i++) {
		batch_append(&b[i], array_from_texts(&b[i].arena, names, 3));
		batch_append(&b[i], array_fixed(3, types));
		batch_append(&b[i], array_list(&b[i].arena, 3, offsets, array_fixed(40, ids)));
	}
	bytes = stream_bytes(s, b, 2, level);
	batch_free(&b[0]);
	batch_free(&b[1]);
	schema_free(s);
	arena_free(&a);
	return bytes;
}

static char *
temporary_path(int *ret_fd)
{
	const char *folder = getenv("TMPDIR");
	char *path = mem_printf("%s/arrow.XXXXXX", folder && *folder ? folder : "/tmp");

	*ret_fd = mkstemp(path);
	assert_true(*ret_fd >= 0);
	return path;
}

struct buffer
stream_bytes(const struct schema *s, const struct batch *batches, size_t n, int level)
{
	struct err e = { 0 };
	int fd;
	char *path = temporary_path(&fd), *text;
	struct output *out = output_create(path, true, false, &e);
	struct arrow_writer *w = arrow_create(out, s, level, &e);
	struct buffer bytes = { 0 };
	size_t size;

	for (size_t i = 0; i < n; i++)
		arrow_write(w, &batches[i], &e);
	arrow_finish(w, &e);
	arrow_writer_free(w);
	output_commit(out, &e);
	text = io_read_file(path, 1 << 24, &size, &e);
	assert_string_equal(e.text, "");
	buffer_add(&bytes, text, size);
	free(text);
	close(fd);
	unlink(path);
	free(path);
	return bytes;
}

char *
temporary_file(const void *bytes, size_t n)
{
	int fd;
	char *path = temporary_path(&fd);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	return path;
}

int
read_all(const char *path, uint64_t *ret_rows, struct err *e)
{
	struct batch b = { 0 };
	struct arrow_reader *r = arrow_open(input_open(path, false, e), e);

	while (r && arrow_read(r, &b, e) > 0)
		continue;
	*ret_rows = r ? arrow_rows(r) : 0;
	batch_free(&b);
	arrow_close(r);
	return e->is_set ? -1 : 0;
}

int
read_all_bytes(const void *bytes, size_t n, uint64_t *ret_rows, struct err *e)
{
	char *path = temporary_file(bytes, n);
	int r = read_all(path, ret_rows, e);

	unlink(path);
	free(path);
	return r;
}

static void
expect_same_values(const struct field *f, const struct array *a, const struct array *b, size_t i)
{
	const char *x = a->values, *y = b->values;
	size_t width = f->dictionary ? 4 : (size_t)f->bit_width / 8;

	if (f->type == TYPE_BOOL)
		assert_int_equal(x[i / 8] >> (i % 8) & 1, y[i / 8] >> (i % 8) & 1);
	else if (a->offsets && f->n_children == 0)
		assert_memory_equal(x + a->offsets[i], y + b->offsets[i],
		    (size_t)(a->offsets[i + 1] - a->offsets[i]));
	else if (width)
		assert_memory_equal(x + i * width, y + i * width, width);
}

void
expect_same_array(const struct field *f, const struct array *a, const struct array *b)
{
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->null_count, b->null_count);
	if (f->type == TYPE_NULL)
		return;
	for (size_t i = 0; i < a->length; i++) {
		assert_int_equal(array_is_valid(a, i), array_is_valid(b, i));
		if (a->offsets)
			assert_int_equal(a->offsets[i + 1], b->offsets[i + 1]);
		if (array_is_valid(a, i))
			expect_same_values(f, a, b, i);
	}
	for (size_t i = 0; i < f->n_children; i++)
		expect_same_array(&f->children[i], &a->children[i], &b->children[i]);
}

void
expect_same_field(const struct field *a, const struct field *b)
{
	assert_string_equal(a->name, b->name);
	assert_true(field_same_type(a, b));
	assert_int_equal(a->is_ordered, b->is_ordered);
	assert_string_equal(a->timezone ? a->timezone : "", b->timezone ? b->timezone : "");
	assert_int_equal(a->metadata.n, b->metadata.n);
	for (size_t i = 0; i < a->metadata.n; i++) {
		assert_string_equal(a->metadata.pairs[i].key, b->metadata.pairs[i].key);
		assert_string_equal(a->metadata.pairs[i].value, b->metadata.pairs[i].value);
	}
	assert_int_equal(a->dictionary != NULL, b->dictionary != NULL);
	if (a->dictionary) {
		assert_int_equal(a->dictionary->n, b->dictionary->n);
		assert_memory_equal(
		    a->dictionary->offsets, b->dictionary->offsets, (a->dictionary->n + 1) * 4);
		assert_memory_equal(a->dictionary->bytes, b->dictionary->bytes,
		    (size_t)a->dictionary->offsets[a->dictionary->n]);
	}
	for (size_t i = 0; i < a->n_children; i++)
		expect_same_field(&a->children[i], &b->children[i]);
}
