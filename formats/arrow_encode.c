/* 1. Types
 * 2. Fields and schema
 * 3. Nodes and buffers of arrays
 * 4. Messages */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "formats/arrow_check.h"
#include "formats/arrow_encode.h"
#include "formats/arrow_message.h"
#include "formats/arrow_schema.h"

enum { METADATA_V5 = 4 };

/* 1. Types */

static const uint8_t type_numbers[] = {
	[TYPE_NULL] = ARROW_NULL,
	[TYPE_BOOL] = ARROW_BOOL,
	[TYPE_INT] = ARROW_INT,
	[TYPE_FLOAT] = ARROW_FLOAT,
	[TYPE_UTF8] = ARROW_UTF8,
	[TYPE_BINARY] = ARROW_BINARY,
	[TYPE_FIXED_BINARY] = ARROW_FIXED_BINARY,
	[TYPE_LIST] = ARROW_LIST,
	[TYPE_FIXED_LIST] = ARROW_FIXED_LIST,
	[TYPE_STRUCT] = ARROW_STRUCT,
	[TYPE_MAP] = ARROW_MAP,
	[TYPE_DECIMAL] = ARROW_DECIMAL,
	[TYPE_DATE] = ARROW_DATE,
	[TYPE_TIME] = ARROW_TIME,
	[TYPE_TIMESTAMP] = ARROW_TIMESTAMP,
	[TYPE_DURATION] = ARROW_DURATION,
	[TYPE_INTERVAL] = ARROW_INTERVAL,
};

/* The table of the type union, as Schema.fbs has its slots. Returns its place. */
static size_t
put_type(struct buffer *b, const struct field *f)
{
	struct flat_slot slots[3] = { FLAT_NONE, FLAT_NONE, FLAT_NONE };
	size_t n = 0, table;

	switch (f->type) {
	case TYPE_INT:
		slots[n++] = (struct flat_slot){ 4, f->bit_width };
		slots[n++] = (struct flat_slot){ 1, f->is_signed };
		break;
	case TYPE_FLOAT:
		slots[n++] = (struct flat_slot){ 2, f->bit_width == 16   ? 0
						    : f->bit_width == 32 ? 1
									 : 2 };
		break;
	case TYPE_FIXED_BINARY:
		slots[n++] = (struct flat_slot){ 4, f->bit_width / 8 };
		break;
	case TYPE_FIXED_LIST:
		slots[n++] = (struct flat_slot){ 4, f->list_size };
		break;
	case TYPE_MAP:
		slots[n++] = (struct flat_slot){ 1, f->is_ordered };
		break;
	case TYPE_DECIMAL:
		slots[n++] = (struct flat_slot){ 4, f->precision };
		slots[n++] = (struct flat_slot){ 4, f->scale };
		slots[n++] = (struct flat_slot){ 4, f->bit_width };
		break;
	case TYPE_DATE:
	case TYPE_DURATION:
	case TYPE_INTERVAL:
		slots[n++] = (struct flat_slot){ 2, f->unit };
		break;
	case TYPE_TIME:
		slots[n++] = (struct flat_slot){ 2, f->unit };
		slots[n++] = (struct flat_slot){ 4, f->bit_width };
		break;
	case TYPE_TIMESTAMP:
		slots[n++] = (struct flat_slot){ 2, f->unit };
		if (f->timezone)
			slots[n++] = (struct flat_slot)FLAT_OFFSET;
		break;
	default:
		break;
	}
	table = flat_put_table(b, slots, n);
	if (f->type == TYPE_TIMESTAMP && f->timezone)
		flat_link(b, table, 1, flat_put_string(b, f->timezone));
	return table;
}

/* 2. Fields and schema */

static void
put_metadata(struct buffer *b, size_t table, unsigned slot, const struct metadata *m)
{
	static const struct flat_slot slots[] = { FLAT_OFFSET, FLAT_OFFSET };
	size_t vector = flat_put_vector(b, m->n);

	flat_link(b, table, slot, vector);
	for (size_t i = 0; i < m->n; i++) {
		size_t pair = flat_put_table(b, slots, 2);

		flat_link_element(b, vector, i, pair);
		flat_link(b, pair, 0, flat_put_string(b, m->pairs[i].key));
		flat_link(b, pair, 1, flat_put_string(b, m->pairs[i].value));
	}
}

static size_t
put_dictionary_encoding(struct buffer *b, const struct field *f, int64_t id)
{
	const struct flat_slot slots[] = { { 8, id }, FLAT_OFFSET, { 1, f->is_ordered } };
	struct field index = field_int("", 32, true);
	size_t table = flat_put_table(b, slots, 3);

	flat_link(b, table, 1, put_type(b, &index));
	return table;
}

/* How a field stands under its parent. */
struct standing {
	const char *name; /* NULL: its own */
	bool is_required;
};

static struct standing
child_standing(const struct field *parent, const struct standing *parent_standing, size_t i)
{
	if (parent->type == TYPE_LIST || parent->type == TYPE_FIXED_LIST)
		return (struct standing){ "item", false };
	if (parent->type == TYPE_MAP)
		return (struct standing){ "entries", true };
	return (struct standing){ NULL, parent_standing->is_required && i == 0 }; /* a map's keys */
}

/* Field.fbs: name, nullable, type, type table, dictionary, children, metadata. */
static size_t
put_field(struct buffer *b, const struct field *f, struct standing standing, int64_t *next_id)
{
	const struct flat_slot offset = FLAT_OFFSET, none = FLAT_NONE;
	const struct flat_slot slots[] = { offset, { 1, !standing.is_required },
		{ 1, type_numbers[f->type] }, offset, f->dictionary ? offset : none, offset,
		f->metadata.n ? offset : none };
	size_t table = flat_put_table(b, slots, 7), vector;

	flat_link(b, table, 0, flat_put_string(b, standing.name ? standing.name : f->name));
	flat_link(b, table, 3, put_type(b, f));
	if (f->dictionary)
		flat_link(b, table, 4, put_dictionary_encoding(b, f, (*next_id)++));
	vector = flat_put_vector(b, f->n_children);
	flat_link(b, table, 5, vector);
	for (size_t i = 0; i < f->n_children; i++)
		flat_link_element(b, vector, i,
		    put_field(b, &f->children[i], child_standing(f, &standing, i), next_id));
	if (f->metadata.n)
		put_metadata(b, table, 6, &f->metadata);
	return table;
}

static size_t
put_schema(struct buffer *b, const struct schema *s)
{
	const struct flat_slot offset = FLAT_OFFSET, none = FLAT_NONE;
	const struct flat_slot slots[] = { { 2, 0 }, offset, s->metadata.n ? offset : none };
	size_t table = flat_put_table(b, slots, 3), vector = flat_put_vector(b, s->n_fields);
	int64_t next_id = 0;

	flat_link(b, table, 1, vector);
	for (size_t i = 0; i < s->n_fields; i++)
		flat_link_element(b, vector, i,
		    put_field(b, &s->fields[i], (struct standing){ NULL, false }, &next_id));
	if (s->metadata.n)
		put_metadata(b, table, 2, &s->metadata);
	return table;
}

static int
each_dictionary(const struct field *f, int64_t *id, encode_visit *visit, void *context)
{
	if (f->dictionary && visit((*id)++, f->dictionary, context) < 0)
		return -1;
	for (size_t i = 0; i < f->n_children; i++)
		if (each_dictionary(&f->children[i], id, visit, context) < 0)
			return -1;
	return 0;
}

int
encode_each_dictionary(const struct schema *s, encode_visit *f, void *context)
{
	int64_t id = 0;

	for (size_t i = 0; i < s->n_fields; i++)
		if (each_dictionary(&s->fields[i], &id, f, context) < 0)
			return -1;
	return 0;
}

/* 3. Nodes and buffers of arrays */

static void
add_node(struct encoded *m, size_t length, size_t nulls)
{
	const int64_t node[2] = { (int64_t)length, (int64_t)nulls };

	buffer_add(&m->nodes, node, sizeof(node));
}

static void
add_span(struct encoded *m, const void *bytes, size_t size)
{
	struct span span = { bytes, size };

	buffer_add(&m->spans, &span, sizeof(span));
}

/* Bits, with those behind the last one cleared. */
static void
add_bits(struct encoded *m, const uint8_t *bits, size_t n)
{
	size_t bytes = (n + 7) / 8;
	uint8_t *copy;

	if (n % 8 && bits[bytes - 1] >> (n % 8)) {
		copy = arena_copy(&m->scratch, bits, bytes, 1);
		copy[bytes - 1] = (uint8_t)(copy[bytes - 1] & ((1 << (n % 8)) - 1));
		bits = copy;
	}
	add_span(m, bits, bytes);
}

static void
add_offsets(struct encoded *m, const int32_t *offsets, size_t n)
{
	static const int32_t zero;

	assert(n == 0 || offsets[0] == 0);
	add_span(m, n ? offsets : &zero, (n + 1) * sizeof(zero));
}

/* Indices. Those of nulls may be anything in memory, but some readers look at them: then they are
 * written as 0. */
static void
add_indices(struct encoded *m, const struct field *f, const struct array *a)
{
	const int32_t *indices = a->values;
	int32_t *copy;

	if (a->null_count && !check_indices(indices, a->length, f->dictionary->n)) {
		copy = arena_alloc(&m->scratch, a->length, sizeof(*copy));
		for (size_t i = 0; i < a->length; i++) {
			copy[i] = array_is_valid(a, i) ? indices[i] : 0;
			assert(!array_is_valid(a, i) ||
			       (copy[i] >= 0 && (size_t)copy[i] < f->dictionary->n));
		}
		indices = copy;
	}
	add_span(m, indices, a->length * sizeof(*indices));
}

/* An array and its children, depth first. */
static void
add_array(struct encoded *m, const struct field *f, const struct array *a)
{
	bool has_offsets = !f->dictionary && (f->type == TYPE_UTF8 || f->type == TYPE_BINARY ||
						 f->type == TYPE_LIST || f->type == TYPE_MAP);
	size_t end = has_offsets && a->length ? (size_t)a->offsets[a->length] : 0;

	add_node(m, a->length, f->type == TYPE_NULL ? a->length : a->null_count);
	if (f->type == TYPE_NULL)
		return;
	assert(a->null_count <= a->length && (a->null_count == 0 || a->validity));
	if (a->null_count)
		add_bits(m, a->validity, a->length);
	else
		add_span(m, NULL, 0);
	if (has_offsets)
		add_offsets(m, a->offsets, a->length);
	if (has_offsets && !f->n_children)
		add_span(m, a->values, end);
	else if (f->type == TYPE_BOOL)
		add_bits(m, a->values, a->length);
	else if (f->dictionary)
		add_indices(m, f, a);
	else if (!f->n_children && f->type != TYPE_STRUCT)
		add_span(m, a->values, a->length * ((size_t)f->bit_width / 8));
	for (size_t i = 0; i < f->n_children; i++) {
		size_t length = has_offsets                  ? end
				: f->type == TYPE_FIXED_LIST ? a->length * (size_t)f->list_size
							     : a->length;

		assert(a->children[i].length == length);
		add_array(m, &f->children[i], &a->children[i]);
	}
}

/* The same for a column without rows, whose arrays nobody has. */
static void
add_empty(struct encoded *m, const struct field *f)
{
	add_node(m, 0, 0);
	if (f->type == TYPE_NULL)
		return;
	add_span(m, NULL, 0);
	if (!f->dictionary && (f->type == TYPE_UTF8 || f->type == TYPE_BINARY ||
				  f->type == TYPE_LIST || f->type == TYPE_MAP))
		add_offsets(m, NULL, 0);
	if (!f->n_children && f->type != TYPE_STRUCT)
		add_span(m, NULL, 0);
	for (size_t i = 0; i < f->n_children; i++)
		add_empty(m, &f->children[i]);
}

/* Decides where each buffer lies in the body. */
static void
lay_out(struct encoded *m, struct compressor *c)
{
	const struct span *spans = (const struct span *)(const void *)m->spans.data;
	uint64_t region[2];

	m->body_size = 0;
	for (size_t i = 0; i < m->spans.size / sizeof(*spans); i++) {
		region[0] = m->body_size;
		region[1] = spans[i].size;
		if (c) {
			compressor_add(c, spans[i].bytes, spans[i].size, &m->body);
			region[1] = m->body.size - region[0];
			buffer_pad(&m->body, 8);
		}
		buffer_add(&m->regions, region, sizeof(region));
		m->body_size += (region[1] + 7) / 8 * 8;
	}
}

/* 4. Messages */

static void
restart(struct encoded *m)
{
	static const uint8_t prefix[8] = { 0xff, 0xff, 0xff, 0xff };

	m->frame.size = m->nodes.size = m->spans.size = m->regions.size = m->body.size = 0;
	m->body_size = 0;
	arena_reset(&m->scratch);
	buffer_add(&m->frame, prefix, sizeof(prefix));
}

/* Message.fbs: version, type of header, header, body length, metadata. The metadata stands alone
 * while it is built, then goes behind the prefix, whose length it completes. */
static size_t
put_message(
    struct buffer *b, enum message_type type, uint64_t body_size, const struct metadata *metadata)
{
	const struct flat_slot offset = FLAT_OFFSET, none = FLAT_NONE;
	const struct flat_slot slots[] = { { 2, METADATA_V5 }, { 1, (int64_t)type }, offset,
		{ 8, (int64_t)body_size }, metadata ? offset : none };
	size_t table;

	flat_start(b);
	table = flat_put_table(b, slots, 5);
	if (metadata)
		put_metadata(b, table, 4, metadata);
	return table;
}

static void
finish(struct encoded *m, struct buffer *b)
{
	uint32_t size;

	buffer_pad(b, 8);
	assert(b->size <= INT32_MAX);
	size = (uint32_t)b->size;
	memcpy(m->frame.data + 4, &size, sizeof(size));
	buffer_add(&m->frame, b->data, b->size);
	buffer_free(b);
}

/* Message.fbs, RecordBatch: length, nodes, buffers, compression. */
static size_t
put_batch(struct buffer *b, const struct encoded *m, size_t rows, bool is_compressed)
{
	static const struct flat_slot zstd[] = { { 1, CODEC_ZSTD }, { 1, 0 } };
	const struct flat_slot offset = FLAT_OFFSET, none = FLAT_NONE;
	const struct flat_slot slots[] = { { 8, (int64_t)rows }, offset, offset,
		is_compressed ? offset : none };
	size_t table = flat_put_table(b, slots, 4);

	flat_link(b, table, 1, flat_put_structs(b, m->nodes.data, m->nodes.size / 16, 16));
	flat_link(b, table, 2, flat_put_structs(b, m->regions.data, m->regions.size / 16, 16));
	if (is_compressed)
		flat_link(b, table, 3, flat_put_table(b, zstd, 2));
	return table;
}

void
encode_schema(struct encoded *m, const struct schema *s)
{
	struct buffer b = { 0 };
	size_t message;

	restart(m);
	message = put_message(&b, MESSAGE_SCHEMA, 0, NULL);
	flat_link(&b, message, 2, put_schema(&b, s));
	finish(m, &b);
}

void
encode_dictionary(struct encoded *m, int64_t id, const struct strings *values)
{
	const struct flat_slot slots[] = { { 8, id }, FLAT_OFFSET };
	struct array a = array_utf8(values->n, values->offsets, values->bytes);
	struct field f = field_utf8("");
	struct buffer b = { 0 };
	size_t message, table;

	restart(m);
	add_array(m, &f, &a);
	lay_out(m, NULL);
	message = put_message(&b, MESSAGE_DICTIONARY, m->body_size, NULL);
	table = flat_put_table(&b, slots, 2);
	flat_link(&b, message, 2, table);
	flat_link(&b, table, 1, put_batch(&b, m, values->n, false));
	finish(m, &b);
}

void
encode_batch(
    struct encoded *m, const struct schema *s, const struct batch *batch, struct compressor *c)
{
	struct buffer b = { 0 };
	size_t message;

	assert(batch->n_columns == s->n_fields);
	restart(m);
	for (size_t i = 0; i < s->n_fields; i++) {
		assert(batch->columns[i].length == batch->rows);
		add_array(m, &s->fields[i], &batch->columns[i]);
	}
	lay_out(m, c);
	message = put_message(&b, MESSAGE_BATCH, m->body_size, NULL);
	flat_link(&b, message, 2, put_batch(&b, m, batch->rows, c != NULL));
	finish(m, &b);
}

void
encode_closing(struct encoded *m, const struct schema *s, const struct closing *counts)
{
	char rows[24], batches[24], hash[24];
	struct metadata_pair pairs[] = { { "cells:rows", rows }, { "cells:batches", batches },
		{ "cells:xxh64", hash } };
	struct metadata metadata = { 3, pairs };
	struct buffer b = { 0 };
	size_t message;

	restart(m);
	for (size_t i = 0; i < s->n_fields; i++)
		add_empty(m, &s->fields[i]);
	lay_out(m, NULL);
	if (counts) {
		snprintf(rows, sizeof(rows), "%" PRIu64, counts->rows);
		snprintf(batches, sizeof(batches), "%" PRIu64, counts->batches);
		snprintf(hash, sizeof(hash), "%016" PRIx64, counts->xxh64);
	}
	message = put_message(&b, MESSAGE_BATCH, m->body_size, counts ? &metadata : NULL);
	flat_link(&b, message, 2, put_batch(&b, m, 0, false));
	finish(m, &b);
}

void
encoded_add_body(const struct encoded *m, struct buffer *out)
{
	const struct span *spans = (const struct span *)(const void *)m->spans.data;

	assert(out->size % 8 == 0);
	buffer_add(out, m->body.data, m->body.size);
	for (size_t i = 0; m->body.size == 0 && i < m->spans.size / sizeof(*spans); i++) {
		buffer_add(out, spans[i].bytes, spans[i].size);
		buffer_pad(out, 8);
	}
}

void
encoded_free(struct encoded *m)
{
	buffer_free(&m->frame);
	buffer_free(&m->nodes);
	buffer_free(&m->spans);
	buffer_free(&m->regions);
	buffer_free(&m->body);
	arena_free(&m->scratch);
}
