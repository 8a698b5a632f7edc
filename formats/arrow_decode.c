/* 1. Nodes and buffers
 * 2. Validity and offsets
 * 3. Values, texts, views
 * 4. Dictionary indices
 * 5. Nested types
 * 6. Messages */

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "formats/arrow_check.h"
#include "formats/arrow_decode.h"

enum { ROWS_MAX = INT32_MAX };

/* A message on its way to arrays. */
struct decoder {
	struct decompressor *unpacker;
	struct flat *flat;
	struct flat_vector nodes, regions, variadic;
	size_t next_node, next_region, next_variadic;
	enum codec codec;
	const uint8_t *body;
	size_t body_size, body_used;
	struct arena *arena;
	struct err *e;
};

/* What an empty array points at. */
static const _Alignas(16) int32_t nothing[4];

static int decode_array(
    struct decoder *d, const struct field *f, const struct wire *w, struct array *ret);

/* 1. Nodes and buffers */

/* The next field node: rows and nulls. */
static int
next_node(struct decoder *d, struct array *a)
{
	const uint8_t *p;
	int64_t length, nulls;

	assert(d->next_node < d->nodes.n); /* counted before */
	p = d->flat->bytes + d->nodes.at + 16 * d->next_node++;
	length = (int64_t)le64(p);
	nulls = (int64_t)le64(p + 8);
	if (length < 0 || length > ROWS_MAX || nulls < 0 || nulls > length)
		return err_set(
		    d->e, "%" PRId64 " values of which %" PRId64 " are null", length, nulls);
	*a = (struct array){ .length = (size_t)length, .null_count = (size_t)nulls };
	return 0;
}

/* The bytes of the next buffer as they lie in the body. */
static int
next_region(struct decoder *d, const uint8_t **ret, size_t *ret_size)
{
	const uint8_t *p;
	uint64_t offset, size;

	if (d->next_region >= d->regions.n)
		return err_set(d->e, "it has %zu buffers, too few for the schema", d->regions.n);
	p = d->flat->bytes + d->regions.at + 16 * d->next_region++;
	offset = le64(p);
	size = le64(p + 8);
	*ret = (const uint8_t *)nothing;
	*ret_size = 0;
	if (size == 0)
		return 0;
	if (offset > d->body_size || size > d->body_size - offset)
		return err_set(d->e,
		    "buffer at %" PRIu64 " of %" PRIu64 " bytes lies outside the body of %zu",
		    offset, size, d->body_size);
	if (offset < d->body_used)
		return err_set(d->e, "buffers overlap");
	d->body_used = (size_t)(offset + size);
	*ret = d->body + offset;
	*ret_size = (size_t)size;
	return 0;
}

static int
skip_region(struct decoder *d)
{
	const uint8_t *p;
	size_t n;

	return next_region(d, &p, &n);
}

/* At least `need` bytes of the next buffer, aligned; *ret_size gets how many there are. */
static int
fetch(struct decoder *d, size_t need, size_t align, const void **ret, size_t *ret_size)
{
	const uint8_t *p;
	size_t n;

	if (next_region(d, &p, &n) < 0)
		return -1;
	if (d->codec != CODEC_NONE && n) {
		p = decompressor_unpack(d->unpacker, d->codec, p, n, need, d->arena, &n, d->e);
		if (!p)
			return -1;
	}
	if (n < need)
		return err_set(d->e, "buffer of %zu bytes where %zu are needed", n, need);
	*ret = (uintptr_t)p % align ? arena_copy(d->arena, p, n, 1) : p;
	*ret_size = n;
	return 0;
}

/* 2. Validity and offsets */

static int
decode_validity(struct decoder *d, struct array *a)
{
	const void *bits;
	size_t size, nulls;

	if (a->null_count == 0)
		return skip_region(d);
	if (fetch(d, (a->length + 7) / 8, 1, &bits, &size) < 0)
		return -1;
	nulls = check_count_zeros(bits, a->length);
	if (nulls != a->null_count)
		return err_set(
		    d->e, "null count %zu, but %zu values are marked null", a->null_count, nulls);
	a->validity = bits;
	return 0;
}

/* Offsets in the child or the bytes, before they are brought to start at 0. */
struct range {
	size_t first, last;
};

static int
decode_large_offsets(struct decoder *d, struct array *a, struct range *ret)
{
	const void *p;
	const int64_t *large;
	int32_t *offsets;
	size_t size;

	if (fetch(d, (a->length + 1) * sizeof(*large), sizeof(*large), &p, &size) < 0)
		return -1;
	large = p;
	if (!check_offsets64(large, a->length))
		return check_offsets64_fail(large, a->length, d->e);
	*ret = (struct range){ (size_t)large[0], (size_t)large[a->length] };
	if (ret->last - ret->first > INT32_MAX)
		return err_set(d->e, "more than 2^31 - 1 bytes or values in one batch");
	offsets = arena_alloc(d->arena, a->length + 1, sizeof(*offsets));
	for (size_t i = 0; i <= a->length; i++)
		offsets[i] = (int32_t)(large[i] - large[0]);
	a->offsets = offsets;
	return 0;
}

static int
decode_offsets(struct decoder *d, const struct wire *w, struct array *a, struct range *ret)
{
	const void *p;
	const int32_t *wide;
	int32_t *offsets;
	size_t size;

	*ret = (struct range){ 0, 0 };
	a->offsets = nothing;
	if (a->length == 0)
		return skip_region(d);
	if (w->form == WIRE_LARGE)
		return decode_large_offsets(d, a, ret);
	if (fetch(d, (a->length + 1) * sizeof(*wide), sizeof(*wide), &p, &size) < 0)
		return -1;
	wide = p;
	if (!check_offsets32(wide, a->length))
		return check_offsets32_fail(wide, a->length, d->e);
	*ret = (struct range){ (size_t)wide[0], (size_t)wide[a->length] };
	a->offsets = wide;
	if (wide[0] == 0)
		return 0;
	offsets = arena_alloc(d->arena, a->length + 1, sizeof(*offsets));
	for (size_t i = 0; i <= a->length; i++)
		offsets[i] = wide[i] - wide[0];
	a->offsets = offsets;
	return 0;
}

/* 3. Values, texts, views */

static size_t
alignment(int bit_width)
{
	return bit_width >= 64 ? 8 : bit_width >= 32 ? 4 : bit_width >= 16 ? 2 : 1;
}

static int
decode_values(struct decoder *d, const struct field *f, struct array *a)
{
	size_t need = (a->length + 7) / 8, align = 1, size;

	if (f->type != TYPE_BOOL) {
		need = a->length * ((size_t)f->bit_width / 8); /* both below 2^31 */
		align = f->type == TYPE_FIXED_BINARY ? 1 : alignment(f->bit_width);
	}
	return fetch(d, need, align, &a->values, &size);
}

/* The bytes between texts are UTF-8 too in all streams but odd ones; so each text is looked at only
 * when the whole is not. */
static int
check_utf8_column(struct decoder *d, const struct array *a)
{
	const char *bytes = a->values;

	if (check_texts(bytes, a->offsets, a->length))
		return 0;
	for (size_t i = 0; i < a->length; i++)
		if (array_is_valid(a, i) && !utf8_is_valid(bytes + a->offsets[i],
						(size_t)(a->offsets[i + 1] - a->offsets[i])))
			return err_set(d->e, "value %zu: invalid UTF-8", i);
	return 0;
}

static int
decode_bytes(struct decoder *d, const struct field *f, const struct wire *w, struct array *a)
{
	struct range range;
	const void *bytes;
	size_t size;

	if (decode_offsets(d, w, a, &range) < 0 || fetch(d, 0, 1, &bytes, &size) < 0)
		return -1;
	if (range.last > size)
		return err_set(d->e, "offsets end at %zu of %zu bytes", range.last, size);
	a->values = (const char *)bytes + range.first;
	return f->type == TYPE_UTF8 ? check_utf8_column(d, a) : 0;
}

struct data_buffer {
	const char *bytes;
	size_t size;
};

/* Where the bytes of a view lie; NULL where they lie nowhere. */
static const char *
view_bytes(const uint8_t *view, const struct data_buffer *data, size_t n_data)
{
	uint32_t size = le32(view), buffer = le32(view + 8), offset = le32(view + 12);

	if (size <= 12)
		return (const char *)view + 4;
	if (size > INT32_MAX || buffer >= n_data || offset > data[buffer].size ||
	    size > data[buffer].size - offset ||
	    memcmp(data[buffer].bytes + offset, view + 4, 4) != 0)
		return NULL;
	return data[buffer].bytes + offset;
}

static int
copy_views(struct decoder *d, const uint8_t *views, const struct data_buffer *data, size_t n_data,
    struct array *a)
{
	int32_t *offsets = arena_zero(d->arena, a->length + 1, sizeof(*offsets));
	size_t end = 0;
	char *bytes;

	for (size_t i = 0; i < a->length; i++) {
		if (array_is_valid(a, i) && !view_bytes(views + 16 * i, data, n_data))
			return err_set(d->e, "value %zu: its view lies outside the data", i);
		end += array_is_valid(a, i) ? le32(views + 16 * i) : 0;
		if (end > INT32_MAX)
			return err_set(d->e, "more than 2^31 - 1 bytes in one batch");
		offsets[i + 1] = (int32_t)end;
	}
	bytes = arena_alloc(d->arena, end, 1);
	for (size_t i = 0; i < a->length; i++)
		if (offsets[i + 1] > offsets[i])
			memcpy(bytes + offsets[i], view_bytes(views + 16 * i, data, n_data),
			    (size_t)(offsets[i + 1] - offsets[i]));
	a->offsets = offsets;
	a->values = bytes;
	return 0;
}

static int
decode_views(struct decoder *d, const struct field *f, struct array *a)
{
	struct data_buffer *data;
	const void *views;
	size_t size;
	uint64_t n;

	if (fetch(d, a->length * 16, 8, &views, &size) < 0)
		return -1;
	if (d->next_variadic >= d->variadic.n)
		return err_set(d->e, "the number of its data buffers is missing");
	n = le64(d->flat->bytes + d->variadic.at + 8 * d->next_variadic++);
	if (n > d->regions.n - d->next_region)
		return err_set(d->e, "%" PRIu64 " data buffers where %zu are left", n,
		    d->regions.n - d->next_region);
	data = arena_alloc(d->arena, (size_t)n, sizeof(*data));
	for (size_t i = 0; i < n; i++) {
		const void *bytes;

		if (fetch(d, 0, 1, &bytes, &data[i].size) < 0)
			return -1;
		data[i].bytes = bytes;
	}
	if (copy_views(d, views, data, (size_t)n, a) < 0)
		return -1;
	return f->type == TYPE_UTF8 ? check_utf8_column(d, a) : 0;
}

/* 4. Dictionary indices */

static int64_t
index_at(const uint8_t *p, const struct wire *w, size_t i)
{
	uint64_t v = 0;
	unsigned bytes = (unsigned)w->index_width / 8;

	memcpy(&v, p + i * bytes, bytes);
	if (w->index_is_signed && bytes < 8 && v >> (w->index_width - 1))
		v |= ~UINT64_C(0) << w->index_width;
	return (int64_t)v;
}

/* The indices as int32 inside the dictionary: rows that are null may hold anything, they get 0. */
static int
convert_indices(
    struct decoder *d, const struct wire *w, const uint8_t *from, struct array *a, size_t limit)
{
	int32_t *indices = arena_alloc(d->arena, a->length, sizeof(*indices));

	for (size_t i = 0; i < a->length; i++) {
		int64_t index = array_is_valid(a, i) ? index_at(from, w, i) : 0;

		if ((index < 0 || (uint64_t)index >= limit) && array_is_valid(a, i)) {
			if (!w->dictionary->is_loaded)
				return err_set(d->e, "its dictionary (%" PRId64 ") is missing",
				    w->dictionary_id);
			return err_set(d->e, "value %zu: index %" PRId64 " in a dictionary of %zu",
			    i, index, limit);
		}
		indices[i] = (int32_t)index;
	}
	a->values = indices;
	return 0;
}

static int
decode_indices(struct decoder *d, const struct field *f, const struct wire *w, struct array *a)
{
	size_t bytes = (size_t)w->index_width / 8,
	       limit = f->dictionary ? f->dictionary->n : w->dictionary->n, size;
	struct array plain;

	if (decode_validity(d, a) < 0 || fetch(d, a->length * bytes, bytes, &a->values, &size) < 0)
		return -1;
	if ((w->index_width != 32 || !check_indices(a->values, a->length, limit)) &&
	    convert_indices(d, w, a->values, a, limit) < 0)
		return -1;
	if (f->dictionary)
		return 0;
	if (dictionary_gather(
		w->dictionary, d->arena, a->values, a->validity, a->length, &plain, d->e) < 0)
		return -1;
	*a = plain;
	return 0;
}

/* 5. Nested types */

/* Child i, cut to the range that the parent uses. */
static int
decode_child(struct decoder *d, const struct field *f, const struct wire *w, size_t i,
    struct range range, struct array *ret)
{
	const struct field *child = &f->children[i];

	if (decode_array(d, child, &w->children[i], ret) < 0)
		return f->type == TYPE_STRUCT ? err_prefix(d->e, "field %s", child->name) : -1;
	if (range.last > ret->length)
		return err_set(d->e, "%s end at %zu of %zu values",
		    f->type == TYPE_LIST || f->type == TYPE_MAP ? "offsets" : "rows", range.last,
		    ret->length);
	if (range.first > 0 || range.last < ret->length)
		*ret = array_slice(d->arena, child, ret, range.first, range.last - range.first);
	return 0;
}

static int
decode_nested(struct decoder *d, const struct field *f, const struct wire *w, struct array *a)
{
	struct range range = { 0, a->length };

	if (f->type == TYPE_LIST || f->type == TYPE_MAP) {
		if (decode_offsets(d, w, a, &range) < 0)
			return -1;
	} else if (f->type == TYPE_FIXED_LIST) {
		range.last = a->length * (size_t)f->list_size; /* both below 2^31 */
	}
	a->children = arena_zero(d->arena, f->n_children, sizeof(*a->children));
	for (size_t i = 0; i < f->n_children; i++)
		if (decode_child(d, f, w, i, range, &a->children[i]) < 0)
			return -1;
	return 0;
}

/* The values of a field, behind its node; its dictionary aside. */
static int
decode_plain(struct decoder *d, const struct field *f, const struct wire *w, struct array *a)
{
	if (f->type == TYPE_NULL) {
		a->null_count = a->length;
		return 0;
	}
	if (decode_validity(d, a) < 0)
		return -1;
	switch (f->type) {
	case TYPE_LIST:
	case TYPE_FIXED_LIST:
	case TYPE_STRUCT:
	case TYPE_MAP:
		return decode_nested(d, f, w, a);
	case TYPE_UTF8:
	case TYPE_BINARY:
		return w->form == WIRE_VIEW ? decode_views(d, f, a) : decode_bytes(d, f, w, a);
	default:
		return decode_values(d, f, a);
	}
}

static int
decode_array(struct decoder *d, const struct field *f, const struct wire *w, struct array *ret)
{
	if (next_node(d, ret) < 0)
		return -1;
	return w->has_dictionary ? decode_indices(d, f, w, ret) : decode_plain(d, f, w, ret);
}

/* 6. Messages */

/* Reads a RecordBatch table; *ret_rows gets its length. */
static int
start(struct decoder *d, const struct flat_table *t, const struct buffer *body, size_t *ret_rows)
{
	int64_t rows = flat_integer(d->flat, t, 0, 8, 0), codec = CODEC_NONE, method = 0;
	struct flat_table compression = flat_child(d->flat, t, 3);

	d->nodes = flat_vector(d->flat, t, 1, 16);
	d->regions = flat_vector(d->flat, t, 2, 16);
	d->variadic = flat_vector(d->flat, t, 4, 8);
	if (compression.at) {
		codec = flat_integer(d->flat, &compression, 0, 1, 0);
		method = flat_integer(d->flat, &compression, 1, 1, 0);
	}
	d->body = body->size ? body->data : (const uint8_t *)nothing;
	d->body_size = body->size;
	if (d->flat->is_bad || !t->at)
		return err_set(d->e, "damaged metadata");
	if (codec > CODEC_ZSTD || method != 0)
		return err_set(d->e, "unknown compression (codec %" PRId64 ", method %" PRId64 ")",
		    codec, method);
	if (rows < 0 || rows > ROWS_MAX)
		return err_set(d->e, "%" PRId64 " rows", rows);
	d->codec = (enum codec)codec;
	*ret_rows = (size_t)rows;
	return 0;
}

static size_t
count_nodes(const struct field *fields, size_t n)
{
	size_t nodes = n;

	for (size_t i = 0; i < n; i++)
		nodes += count_nodes(fields[i].children, fields[i].n_children);
	return nodes;
}

static int
check_nodes(const struct decoder *d, size_t expected)
{
	if (d->nodes.n == expected)
		return 0;
	return err_set(d->e, "%zu field nodes where the schema has %zu", d->nodes.n, expected);
}

static int
finish(const struct decoder *d)
{
	if (d->next_region < d->regions.n || d->next_variadic < d->variadic.n)
		return err_set(
		    d->e, "%zu buffers where the schema has %zu", d->regions.n, d->next_region);
	return 0;
}

int
decode_batch(struct decompressor *unpacker, struct flat *f, const struct flat_table *table,
    const struct schema *s, const struct wire *wires, struct batch *b, struct err *e)
{
	struct decoder d = { .unpacker = unpacker, .flat = f, .arena = &b->arena, .e = e };

	if (start(&d, table, &b->body, &b->rows) < 0 ||
	    check_nodes(&d, count_nodes(s->fields, s->n_fields)) < 0)
		return -1;
	b->n_columns = s->n_fields;
	b->columns = arena_zero(&b->arena, s->n_fields, sizeof(*b->columns));
	for (size_t i = 0; i < s->n_fields; i++) {
		if (decode_array(&d, &s->fields[i], &wires[i], &b->columns[i]) < 0)
			return err_prefix(e, "column %s", s->fields[i].name);
		if (b->columns[i].length != b->rows)
			return err_set(e, "column %s: %zu values in a batch of %zu rows",
			    s->fields[i].name, b->columns[i].length, b->rows);
	}
	return finish(&d);
}

int
decode_dictionary(struct decompressor *unpacker, struct flat *f, const struct flat_table *table,
    const struct dictionary *dictionary, const struct buffer *body, struct arena *arena,
    struct array *ret, struct err *e)
{
	struct decoder d = { .unpacker = unpacker, .flat = f, .arena = arena, .e = e };
	size_t rows;

	if (start(&d, table, body, &rows) < 0 || check_nodes(&d, 1) < 0 || next_node(&d, ret) < 0 ||
	    decode_plain(&d, dictionary->field, dictionary->wire, ret) < 0)
		return -1;
	if (ret->length != rows)
		return err_set(e, "%zu values in a batch of %zu rows", ret->length, rows);
	return finish(&d);
}
