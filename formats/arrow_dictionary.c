/* 1. Which there are
 * 2. Their values
 * 3. Values for indices */

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/arrow_dictionary.h"

/* 1. Which there are */

struct collection {
	struct buffer list; /* of struct dictionary, one a field that has one */
};

static void
collect(struct collection *c, const char *column, struct field *f, struct wire *w)
{
	if (w->has_dictionary) {
		struct dictionary d = {
			.id = w->dictionary_id, .column = column, .field = f, .wire = w
		};

		buffer_add(&c->list, &d, sizeof(d));
	}
	for (size_t i = 0; i < f->n_children; i++)
		collect(c, column, &f->children[i], &w->children[i]);
}

static void
attach(const struct dictionaries *d, const struct field *f, struct wire *w)
{
	if (w->has_dictionary)
		w->dictionary = dictionaries_find(d, w->dictionary_id);
	for (size_t i = 0; i < f->n_children; i++)
		attach(d, &f->children[i], &w->children[i]);
}

static int
compare_ids(const void *a, const void *b)
{
	int64_t x = ((const struct dictionary *)a)->id, y = ((const struct dictionary *)b)->id;

	return (x > y) - (x < y);
}

/* Fields may share a dictionary: one entry for all of them. */
static int
merge_shared(struct dictionaries *d, struct err *e)
{
	size_t n = 0;

	qsort(d->list, d->n, sizeof(*d->list), compare_ids);
	for (size_t i = 0; i < d->n; i++) {
		const struct dictionary *last = n ? &d->list[n - 1] : NULL;

		if (!last || last->id != d->list[i].id)
			d->list[n++] = d->list[i];
		else if (last->wire->form != d->list[i].wire->form ||
			 !field_same_type(last->field, d->list[i].field))
			return err_set(e,
			    "columns %s and %s share dictionary %" PRId64 " but not its type",
			    last->column, d->list[i].column, last->id);
	}
	d->n = n;
	return 0;
}

int
dictionaries_collect(
    struct dictionaries *d, const struct schema *s, struct wire *wires, struct err *e)
{
	struct collection c = { 0 };

	for (size_t i = 0; i < s->n_fields; i++)
		collect(&c, s->fields[i].name, &s->fields[i], &wires[i]);
	d->list = (struct dictionary *)(void *)c.list.data;
	d->n = d->n_fields = c.list.size / sizeof(*d->list);
	if (d->n && merge_shared(d, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n_fields; i++)
		attach(d, &s->fields[i], &wires[i]);
	return 0;
}

void
dictionaries_free(struct dictionaries *d)
{
	for (size_t i = 0; i < d->n; i++) {
		buffer_free(&d->list[i].validity);
		buffer_free(&d->list[i].offsets);
		buffer_free(&d->list[i].values);
	}
	free(d->list);
	*d = (struct dictionaries){ 0 };
}

struct dictionary *
dictionaries_find(const struct dictionaries *d, int64_t id)
{
	struct dictionary key = { .id = id };

	return d->n ? bsearch(&key, d->list, d->n, sizeof(key), compare_ids) : NULL;
}

/* 2. Their values */

static bool
has_offsets(const struct dictionary *d)
{
	return d->field->type == TYPE_UTF8 || d->field->type == TYPE_BINARY;
}

static bool
get_bit(const uint8_t *bits, size_t i)
{
	return bits[i >> 3] >> (i & 7) & 1;
}

static void
set_bit(uint8_t *bits, size_t i, bool value)
{
	bits[i >> 3] = (uint8_t)((bits[i >> 3] & ~(1 << (i & 7))) | value << (i & 7));
}

/* Appends bits (NULL: ones) behind the n that are there. */
static void
append_bits(struct buffer *b, size_t n, const uint8_t *bits, size_t n_more)
{
	size_t bytes = (n + n_more + 7) / 8;

	if (bytes > b->size)
		buffer_grow(b, bytes - b->size);
	for (size_t i = 0; i < n_more; i++)
		set_bit(b->data, n + i, !bits || get_bit(bits, i));
}

static int
append_texts(struct dictionary *d, const struct array *a, struct err *e)
{
	size_t base = d->values.size, more = (size_t)a->offsets[a->length];

	if (more > INT32_MAX - base)
		return err_set(e, "more than 2 GiB of values");
	buffer_add(&d->values, a->values, more);
	if (d->n == 0)
		buffer_add(&d->offsets, &(int32_t){ 0 }, sizeof(int32_t));
	for (size_t i = 1; i <= a->length; i++)
		buffer_add(
		    &d->offsets, &(int32_t){ (int32_t)base + a->offsets[i] }, sizeof(int32_t));
	return 0;
}

static void
dictionary_clear(struct dictionary *d)
{
	d->n = d->n_nulls = 0;
	d->validity.size = d->offsets.size = d->values.size = 0;
}

int
dictionary_load(struct dictionary *d, const struct array *values, bool is_delta, struct err *e)
{
	if (is_delta && !d->is_loaded)
		return err_set(e, "a delta for a dictionary that has not come");
	if (!is_delta)
		dictionary_clear(d);
	if (values->length > INT32_MAX - d->n)
		return err_set(e, "more than 2^31 values");
	if (has_offsets(d) && append_texts(d, values, e) < 0)
		return -1;
	if (d->field->type == TYPE_BOOL)
		append_bits(&d->values, d->n, values->values, values->length);
	else if (!has_offsets(d))
		buffer_add(
		    &d->values, values->values, values->length * (size_t)d->field->bit_width / 8);
	append_bits(&d->validity, d->n, values->validity, values->length);
	d->n += values->length;
	d->n_nulls += values->null_count;
	d->is_loaded = true;
	return 0;
}

struct strings *
dictionary_strings(const struct dictionary *d, struct arena *a)
{
	struct strings s = { d->n, (const int32_t *)(const void *)d->offsets.data,
		(const char *)d->values.data };

	assert(d->is_loaded && d->n_nulls == 0 && d->field->type == TYPE_UTF8);
	return strings_copy(a, &s);
}

/* 3. Values for indices */

static bool
is_there(const struct dictionary *d, const int32_t *indices, const uint8_t *validity, size_t i)
{
	return (!validity || get_bit(validity, i)) &&
	       (d->field->type != TYPE_NULL && get_bit(d->validity.data, (size_t)indices[i]));
}

static int
gather_texts(const struct dictionary *d, struct arena *arena, const int32_t *indices,
    struct array *a, struct err *e)
{
	const int32_t *from = (const int32_t *)(const void *)d->offsets.data;
	int32_t *offsets = arena_zero(arena, a->length + 1, sizeof(*offsets));
	size_t end = 0;
	char *bytes;

	for (size_t i = 0; i < a->length; i++) {
		if (array_is_valid(a, i))
			end += (size_t)(from[indices[i] + 1] - from[indices[i]]);
		if (end > INT32_MAX)
			return err_set(e, "its decoded values exceed 2 GiB");
		offsets[i + 1] = (int32_t)end;
	}
	bytes = arena_alloc(arena, end, 1);
	for (size_t i = 0; i < a->length; i++)
		if (offsets[i + 1] > offsets[i])
			memcpy(bytes + offsets[i], d->values.data + from[indices[i]],
			    (size_t)(offsets[i + 1] - offsets[i]));
	a->offsets = offsets;
	a->values = bytes;
	return 0;
}

static void
gather_bits(
    const struct dictionary *d, struct arena *arena, const int32_t *indices, struct array *a)
{
	uint8_t *bits = arena_zero(arena, (a->length + 7) / 8, 1);

	for (size_t i = 0; i < a->length; i++)
		if (array_is_valid(a, i))
			set_bit(bits, i, get_bit(d->values.data, (size_t)indices[i]));
	a->values = bits;
}

static int
gather_values(const struct dictionary *d, struct arena *arena, const int32_t *indices,
    struct array *a, struct err *e)
{
	size_t width = (size_t)d->field->bit_width / 8;
	uint8_t *values;

	if (width && a->length > INT32_MAX / width)
		return err_set(e, "its decoded values exceed 2 GiB");
	values = arena_zero(arena, a->length, width);
	for (size_t i = 0; width && i < a->length; i++)
		if (array_is_valid(a, i))
			memcpy(
			    values + i * width, d->values.data + (size_t)indices[i] * width, width);
	a->values = values;
	return 0;
}

int
dictionary_gather(const struct dictionary *d, struct arena *arena, const int32_t *indices,
    const uint8_t *validity, size_t n, struct array *ret, struct err *e)
{
	uint8_t *bits = arena_zero(arena, (n + 7) / 8, 1);

	*ret = (struct array){ .length = n };
	for (size_t i = 0; i < n; i++) {
		bool there = is_there(d, indices, validity, i);

		set_bit(bits, i, there);
		ret->null_count += !there;
	}
	if (d->field->type == TYPE_NULL)
		return 0;
	ret->validity = ret->null_count ? bits : NULL;
	if (has_offsets(d))
		return gather_texts(d, arena, indices, ret, e);
	if (d->field->type != TYPE_BOOL)
		return gather_values(d, arena, indices, ret, e);
	gather_bits(d, arena, indices, ret);
	return 0;
}
