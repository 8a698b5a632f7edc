/* 1. Making arrays
 * 2. Reading values
 * 3. Taking rows
 * 4. Slices
 * 5. Batches */

#include <assert.h>
#include <math.h>
#include <string.h>

#include "cell/batch.h"

/* 1. Making arrays */

struct array
array_fixed(size_t length, const void *values)
{
	return (struct array){ .length = length, .values = values };
}

struct array
array_utf8(size_t length, const int32_t *offsets, const char *bytes)
{
	return (struct array){ .length = length, .offsets = offsets, .values = bytes };
}

struct array
array_list(struct arena *a, size_t length, const int32_t *offsets, struct array child)
{
	return (struct array){ .length = length,
		.offsets = offsets,
		.children = arena_copy(a, &child, 1, sizeof(child)) };
}

static uint8_t *
new_bits(struct arena *a, size_t n)
{
	return arena_zero(a, (n + 7) / 8, 1);
}

static void
set_bit(uint8_t *bits, size_t i)
{
	bits[i >> 3] = (uint8_t)(bits[i >> 3] | 1u << (i & 7));
}

static bool
get_bit(const uint8_t *bits, size_t i)
{
	return bits[i >> 3] >> (i & 7) & 1;
}

struct array
array_from_texts(struct arena *a, const char *const *texts, size_t n)
{
	const char **present = arena_alloc(a, n, sizeof(*present));
	uint8_t *validity = new_bits(a, n);
	struct array column = { .length = n };
	struct strings *s;

	for (size_t i = 0; i < n; i++) {
		present[i] = texts[i] ? texts[i] : "";
		if (texts[i])
			set_bit(validity, i);
		else
			column.null_count++;
	}
	s = strings_from(a, present, n);
	column.offsets = s->offsets;
	column.values = s->bytes;
	column.validity = column.null_count ? validity : NULL;
	return column;
}

static bool
has_offsets(const struct field *f)
{
	return (f->type == TYPE_UTF8 && !f->dictionary) || f->type == TYPE_BINARY ||
	       f->type == TYPE_LIST || f->type == TYPE_MAP;
}

/* Bytes of a value of a field without offsets, bits and children. */
static size_t
value_width(const struct field *f)
{
	return f->dictionary ? sizeof(int32_t) : (size_t)f->bit_width / 8;
}

struct array
array_nulls(struct arena *a, const struct field *f, size_t n)
{
	struct array column = { .length = n, .null_count = n, .validity = new_bits(a, n) };
	size_t inner = f->type == TYPE_FIXED_LIST ? n * (size_t)f->list_size
		       : f->type == TYPE_STRUCT   ? n
						  : 0;

	if (f->type == TYPE_NULL)
		return (struct array){ .length = n, .null_count = n };
	if (has_offsets(f))
		column.offsets = arena_zero(a, n + 1, sizeof(int32_t));
	else if (f->type == TYPE_BOOL)
		column.values = new_bits(a, n);
	else if (!f->n_children)
		column.values = arena_zero(a, n, value_width(f));
	column.children = arena_alloc(a, f->n_children, sizeof(*column.children));
	for (size_t i = 0; i < f->n_children; i++)
		column.children[i] = array_nulls(a, &f->children[i], inner);
	return column;
}

/* 2. Reading values */

const char *
array_text(const struct field *f, const struct array *a, size_t i, size_t *ret_size)
{
	assert(f->type == TYPE_UTF8 && i < a->length);
	if (!array_is_valid(a, i))
		return NULL;
	if (f->dictionary)
		return strings_get(
		    f->dictionary, (size_t)((const int32_t *)a->values)[i], ret_size);
	*ret_size = (size_t)(a->offsets[i + 1] - a->offsets[i]);
	return (const char *)a->values + a->offsets[i];
}

static double
half_number(uint16_t h)
{
	int exponent = h >> 10 & 31;
	double fraction = h & 1023;
	double size = exponent == 0   ? ldexp(fraction, -24)
		      : exponent < 31 ? ldexp(fraction + 1024, exponent - 25)
		      : fraction == 0 ? INFINITY
				      : NAN;

	return h & 0x8000 ? -size : size;
}

static double
int_number(const struct field *f, const void *values, size_t i)
{
	switch (f->bit_width) {
	case 8:
		return f->is_signed ? ((const int8_t *)values)[i] : ((const uint8_t *)values)[i];
	case 16:
		return f->is_signed ? ((const int16_t *)values)[i] : ((const uint16_t *)values)[i];
	case 32:
		return f->is_signed ? (double)((const int32_t *)values)[i]
				    : (double)((const uint32_t *)values)[i];
	default:
		return f->is_signed ? (double)((const int64_t *)values)[i]
				    : (double)((const uint64_t *)values)[i];
	}
}

double
array_number(const struct field *f, const struct array *a, size_t i)
{
	assert(i < a->length);
	if (!array_is_valid(a, i))
		return NAN;
	if (f->type == TYPE_BOOL)
		return get_bit(a->values, i);
	if (f->type == TYPE_INT)
		return int_number(f, a->values, i);
	assert(f->type == TYPE_FLOAT);
	if (f->bit_width == 64)
		return ((const double *)a->values)[i];
	if (f->bit_width == 32)
		return (double)((const float *)a->values)[i];
	return half_number(((const uint16_t *)a->values)[i]);
}

/* 3. Taking rows */

static const uint8_t *
take_validity(
    struct arena *arena, const struct array *a, const size_t *rows, size_t n, size_t *ret_nulls)
{
	uint8_t *bits;

	*ret_nulls = 0;
	if (!a->validity)
		return NULL;
	bits = new_bits(arena, n);
	for (size_t i = 0; i < n; i++) {
		if (array_is_valid(a, rows[i]))
			set_bit(bits, i);
		else
			++*ret_nulls;
	}
	return *ret_nulls ? bits : NULL;
}

static const uint8_t *
take_bits(struct arena *arena, const uint8_t *bits, const size_t *rows, size_t n)
{
	uint8_t *taken = new_bits(arena, n);

	for (size_t i = 0; i < n; i++)
		if (get_bit(bits, rows[i]))
			set_bit(taken, i);
	return taken;
}

static const void *
take_values(struct arena *arena, const void *values, size_t width, const size_t *rows, size_t n)
{
	uint8_t *taken = arena_alloc(arena, n, width);

	for (size_t i = 0; i < n; i++)
		memcpy(taken + i * width, (const uint8_t *)values + rows[i] * width, width);
	return taken;
}

static int32_t *
take_offsets(struct arena *arena, const int32_t *offsets, const size_t *rows, size_t n)
{
	int32_t *taken = arena_alloc(arena, n + 1, sizeof(*taken));
	size_t end = 0;

	taken[0] = 0;
	for (size_t i = 0; i < n; i++) {
		end += (size_t)(offsets[rows[i] + 1] - offsets[rows[i]]);
		if (end > INT32_MAX)
			mem_give_up("more than 2^31 - 1 bytes or entries in one column of a batch");
		taken[i + 1] = (int32_t)end;
	}
	return taken;
}

static const char *
take_bytes(struct arena *arena, const struct array *a, const int32_t *offsets, const size_t *rows,
    size_t n)
{
	char *bytes = arena_alloc(arena, (size_t)offsets[n], 1);

	for (size_t i = 0; i < n; i++)
		if (offsets[i + 1] > offsets[i])
			memcpy(bytes + offsets[i], (const char *)a->values + a->offsets[rows[i]],
			    (size_t)(offsets[i + 1] - offsets[i]));
	return bytes;
}

/* The child's rows that belong to the taken rows: list entries, or list_size a row. */
static size_t *
child_rows(struct arena *arena, const struct field *f, const struct array *a, const size_t *rows,
    size_t n, size_t *ret_n)
{
	size_t size = (size_t)f->list_size, k = 0, total = n * size;
	size_t *inner;

	if (a->offsets)
		for (size_t i = 0; i < n; i++)
			total += (size_t)(a->offsets[rows[i] + 1] - a->offsets[rows[i]]);
	inner = arena_alloc(arena, total, sizeof(*inner));
	for (size_t i = 0; i < n; i++) {
		size_t from = a->offsets ? (size_t)a->offsets[rows[i]] : rows[i] * size;
		size_t to = a->offsets ? (size_t)a->offsets[rows[i] + 1] : from + size;

		while (from < to)
			inner[k++] = from++;
	}
	*ret_n = k;
	return inner;
}

static void
take_children(struct arena *arena, const struct field *f, const struct array *a, const size_t *rows,
    size_t n, struct array *taken)
{
	const size_t *inner = rows;
	size_t n_inner = n;

	taken->children = arena_alloc(arena, f->n_children, sizeof(*taken->children));
	if (f->type != TYPE_STRUCT)
		inner = child_rows(arena, f, a, rows, n, &n_inner);
	for (size_t i = 0; i < f->n_children; i++)
		taken->children[i] =
		    array_take(arena, &f->children[i], &a->children[i], inner, n_inner);
}

struct array
array_take(
    struct arena *arena, const struct field *f, const struct array *a, const size_t *rows, size_t n)
{
	struct array taken = { .length = n };

	for (size_t i = 0; i < n; i++)
		assert(rows[i] < a->length);
	if (f->type == TYPE_NULL) {
		taken.null_count = n;
		return taken;
	}
	taken.validity = take_validity(arena, a, rows, n, &taken.null_count);
	if (has_offsets(f))
		taken.offsets = take_offsets(arena, a->offsets, rows, n);
	if (f->n_children)
		take_children(arena, f, a, rows, n, &taken);
	else if (has_offsets(f))
		taken.values = take_bytes(arena, a, taken.offsets, rows, n);
	else if (f->type == TYPE_BOOL)
		taken.values = take_bits(arena, a->values, rows, n);
	else if (f->type != TYPE_STRUCT)
		taken.values = take_values(arena, a->values, value_width(f), rows, n);
	return taken;
}

struct array
array_decode(struct arena *arena, const struct field *f, const struct array *a)
{
	struct array decoded = *a;
	int32_t *offsets;
	char *bytes;
	size_t end = 0;

	if (!f->dictionary) {
		decoded.children = arena_alloc(arena, f->n_children, sizeof(*decoded.children));
		for (size_t i = 0; i < f->n_children; i++)
			decoded.children[i] = array_decode(arena, &f->children[i], &a->children[i]);
		return decoded;
	}
	offsets = arena_zero(arena, a->length + 1, sizeof(*offsets));
	for (size_t i = 0; i < a->length; i++) {
		size_t size = 0;

		array_text(f, a, i, &size);
		end += size;
		if (end > INT32_MAX)
			mem_give_up("more than 2^31 - 1 bytes of text in one column of a batch");
		offsets[i + 1] = (int32_t)end;
	}
	bytes = arena_alloc(arena, end, 1);
	for (size_t i = 0; i < a->length; i++) {
		size_t size = 0;
		const char *text = array_text(f, a, i, &size);

		if (size)
			memcpy(bytes + offsets[i], text, size);
	}
	decoded.offsets = offsets;
	decoded.values = bytes;
	return decoded;
}

/* 4. Slices */

static const uint8_t *
slice_bits(struct arena *arena, const uint8_t *bits, size_t from, size_t n)
{
	uint8_t *slice;

	if (from % 8 == 0)
		return bits + from / 8;
	slice = new_bits(arena, n);
	for (size_t i = 0; i < n; i++)
		if (get_bit(bits, from + i))
			set_bit(slice, i);
	return slice;
}

static const int32_t *
slice_offsets(struct arena *arena, const int32_t *offsets, size_t from, size_t n)
{
	int32_t *slice;

	if (offsets[from] == 0)
		return offsets + from;
	slice = arena_alloc(arena, n + 1, sizeof(*slice));
	for (size_t i = 0; i <= n; i++)
		slice[i] = offsets[from + i] - offsets[from];
	return slice;
}

static void
slice_children(struct arena *arena, const struct field *f, const struct array *a, size_t from,
    size_t n, struct array *slice)
{
	size_t start = from, size = n;

	if (a->offsets) {
		start = (size_t)a->offsets[from];
		size = (size_t)a->offsets[from + n] - start;
	} else if (f->type == TYPE_FIXED_LIST) {
		start = from * (size_t)f->list_size;
		size = n * (size_t)f->list_size;
	}
	slice->children = arena_alloc(arena, f->n_children, sizeof(*slice->children));
	for (size_t i = 0; i < f->n_children; i++)
		slice->children[i] =
		    array_slice(arena, &f->children[i], &a->children[i], start, size);
}

struct array
array_slice(
    struct arena *arena, const struct field *f, const struct array *a, size_t from, size_t n)
{
	struct array slice = { .length = n };

	assert(from <= a->length && n <= a->length - from);
	if (a->validity) {
		slice.validity = slice_bits(arena, a->validity, from, n);
		for (size_t i = 0; i < n; i++)
			slice.null_count += !get_bit(slice.validity, i);
	}
	if (f->type == TYPE_NULL)
		slice.null_count = n;
	if (a->offsets)
		slice.offsets = slice_offsets(arena, a->offsets, from, n);
	if (f->n_children)
		slice_children(arena, f, a, from, n, &slice);
	else if (a->offsets)
		slice.values = (const char *)a->values + a->offsets[from];
	else if (f->type == TYPE_BOOL)
		slice.values = slice_bits(arena, a->values, from, n);
	else if (a->values)
		slice.values = (const char *)a->values + from * value_width(f);
	return slice;
}

/* 5. Batches */

void
batch_free(struct batch *b)
{
	arena_free(&b->arena);
	buffer_free(&b->body);
	*b = (struct batch){ 0 };
}

void
batch_take(struct batch *b, const struct schema *s, const size_t *rows, size_t n)
{
	assert(b->n_columns == s->n_fields);
	for (size_t i = 0; i < b->n_columns; i++)
		b->columns[i] = array_take(&b->arena, &s->fields[i], &b->columns[i], rows, n);
	b->rows = n;
}

void
batch_copy(struct batch *to, const struct schema *s, const struct batch *b, size_t from, size_t n)
{
	size_t *rows = arena_alloc(&to->arena, n, sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		rows[i] = from + i;
	to->rows = n;
	to->number = b->number;
	to->n_columns = b->n_columns;
	to->columns = arena_alloc(&to->arena, b->n_columns, sizeof(*to->columns));
	for (size_t i = 0; i < b->n_columns; i++)
		to->columns[i] = array_take(&to->arena, &s->fields[i], &b->columns[i], rows, n);
}

struct batch
batch_slice(
    struct arena *arena, const struct schema *s, const struct batch *b, size_t from, size_t n)
{
	struct batch slice = { .rows = n, .n_columns = b->n_columns, .number = b->number };

	assert(b->n_columns == s->n_fields);
	slice.columns = arena_alloc(arena, b->n_columns, sizeof(*slice.columns));
	for (size_t i = 0; i < b->n_columns; i++)
		slice.columns[i] = array_slice(arena, &s->fields[i], &b->columns[i], from, n);
	return slice;
}

void
batch_insert(struct batch *b, size_t i, struct array column)
{
	struct array *columns = arena_alloc(&b->arena, b->n_columns + 1, sizeof(*columns));

	assert(i <= b->n_columns && column.length == b->rows);
	for (size_t k = 0; k < b->n_columns; k++)
		columns[k + (k >= i)] = b->columns[k];
	columns[i] = column;
	b->columns = columns;
	b->n_columns++;
}

void
batch_append(struct batch *b, struct array column)
{
	batch_insert(b, b->n_columns, column);
}

void
batch_remove(struct batch *b, size_t i)
{
	assert(i < b->n_columns);
	b->n_columns--;
	memmove(&b->columns[i], &b->columns[i + 1], (b->n_columns - i) * sizeof(*b->columns));
}

static size_t
array_bytes(const struct field *f, const struct array *a, size_t from, size_t n)
{
	size_t start = from, size = n, bytes = 0;

	if (a->offsets) {
		start = (size_t)a->offsets[from];
		size = (size_t)a->offsets[from + n] - start;
		bytes = n * sizeof(int32_t) + (f->n_children ? 0 : size);
	} else if (f->type == TYPE_FIXED_LIST) {
		start = from * (size_t)f->list_size;
		size = n * (size_t)f->list_size;
	} else if (!f->n_children) {
		bytes = f->type == TYPE_BOOL ? (n + 7) / 8 : n * value_width(f);
	}
	for (size_t i = 0; i < f->n_children; i++)
		bytes += array_bytes(&f->children[i], &a->children[i], start, size);
	return bytes;
}

size_t
batch_bytes(const struct batch *b, const struct schema *s, size_t from, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < b->n_columns; i++)
		bytes += array_bytes(&s->fields[i], &b->columns[i], from, n);
	return bytes;
}
