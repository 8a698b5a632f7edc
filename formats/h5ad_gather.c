#include "formats/h5ad_gather.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "cell/string_set.h"

enum { SPILL_BUFFER = 1 << 20 };

struct gather_column {
	const struct field *field;
	size_t n;
	size_t width;             /* bytes a value in `values`; of lists in the spill file */
	struct buffer values;     /* texts: their numbers (int32_t); bools: a byte */
	struct buffer is_missing; /* a byte a value */
	struct string_set texts;
	int32_t *numbers;   /* of the entries of the field's dictionary; NULL: not made yet */
	int fd;             /* lists */
	uint64_t n_spilled; /* bytes in the file; what follows is in `values` */
};

bool
gather_can(const struct field *f)
{
	if (f->type == TYPE_FIXED_LIST)
		return f->n_children == 1 && f->children[0].type == TYPE_FLOAT && f->list_size > 0;
	return f->type == TYPE_UTF8 || f->type == TYPE_BOOL || f->type == TYPE_INT ||
	       (f->type == TYPE_FLOAT && f->bit_width >= 32);
}

struct gather_column *
gather_new(const struct field *field)
{
	struct gather_column *g;

	if (!gather_can(field))
		return NULL;
	g = mem_zero(1, sizeof(*g));
	g->field = field;
	g->fd = -1;
	g->width = (size_t)field->bit_width / 8;
	if (field->type == TYPE_UTF8)
		g->width = sizeof(int32_t);
	if (field->type == TYPE_BOOL)
		g->width = 1;
	if (field->type == TYPE_FIXED_LIST)
		g->width = (size_t)field->list_size * sizeof(float);
	return g;
}

void
gather_free(struct gather_column *g)
{
	if (!g)
		return;
	buffer_free(&g->values);
	buffer_free(&g->is_missing);
	string_set_free(&g->texts);
	free(g->numbers);
	if (g->fd >= 0)
		close(g->fd);
	free(g);
}

/* The dictionary's entries keep their order as categories; equal ones become one. */
static void
number_dictionary(struct gather_column *g)
{
	const struct strings *d = g->field->dictionary;

	g->numbers = mem_alloc(d->n, sizeof(*g->numbers));
	for (size_t i = 0; i < d->n; i++) {
		size_t size;
		const char *text = strings_get(d, i, &size);

		g->numbers[i] = (int32_t)string_set_add(&g->texts, text, size);
	}
}

static void
add_texts(struct gather_column *g, const struct array *x)
{
	int32_t *out = buffer_grow(&g->values, x->length * sizeof(*out));

	if (g->field->dictionary && !g->numbers)
		number_dictionary(g);
	for (size_t i = 0; i < x->length; i++) {
		if (!array_is_valid(x, i)) {
			out[i] = 0;
		} else if (g->numbers) {
			out[i] = g->numbers[((const int32_t *)x->values)[i]];
		} else {
			size_t size;
			const char *text = array_text(g->field, x, i, &size);

			out[i] = (int32_t)string_set_add(&g->texts, text, size);
		}
	}
}

/* Brings what has collected to the spill file. */
static int
spill(struct gather_column *g, struct err *e)
{
	const uint8_t *bytes = g->values.data;
	size_t n = g->values.size;

	if (g->fd < 0 && (g->fd = io_spill_file(e)) < 0)
		return -1;
	while (n) {
		ssize_t done = pwrite(g->fd, bytes, n, (off_t)g->n_spilled);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_sys(e, "spill file in TMPDIR: write");
		bytes += done;
		n -= (size_t)done;
		g->n_spilled += (uint64_t)done;
	}
	g->values.size = 0;
	return 0;
}

static int
add_lists(struct gather_column *g, const struct array *x, struct err *e)
{
	size_t size = (size_t)g->field->list_size;
	const struct field *item = &g->field->children[0];

	for (size_t i = 0; i < x->length; i++) {
		float *out = buffer_grow(&g->values, g->width);
		bool is_valid = array_is_valid(x, i);

		for (size_t k = 0; k < size; k++)
			out[k] = is_valid ? (float)array_number(item, &x->children[0], i * size + k)
					  : NAN;
		if (g->values.size >= SPILL_BUFFER && spill(g, e))
			return -1;
	}
	return 0;
}

int
gather_add(struct gather_column *g, const struct array *x, struct err *e)
{
	uint8_t *gaps = buffer_grow(&g->is_missing, x->length), *out;

	if (e->is_set)
		return -1;
	for (size_t i = 0; i < x->length; i++)
		gaps[i] = !array_is_valid(x, i);
	g->n += x->length;
	if (g->field->type == TYPE_FIXED_LIST)
		return add_lists(g, x, e);
	if (g->field->type == TYPE_UTF8) {
		add_texts(g, x);
		return 0;
	}
	out = buffer_grow(&g->values, x->length * g->width);
	if (g->field->type != TYPE_BOOL) {
		memcpy(out, x->values, x->length * g->width);
		return 0;
	}
	for (size_t i = 0; i < x->length; i++)
		out[i] = ((const uint8_t *)x->values)[i >> 3] >> (i & 7) & 1;
	return 0;
}

static void
set_nulls(
    const struct gather_column *g, const size_t *rows, size_t n, struct arena *a, struct array *x)
{
	uint8_t *bits = arena_zero(a, (n + 7) / 8, 1);

	for (size_t i = 0; i < n; i++) {
		bool is_there = rows[i] != GATHER_NONE && !g->is_missing.data[rows[i]];

		bits[i >> 3] |= (uint8_t)(is_there << (i & 7));
		x->null_count += !is_there;
	}
	x->validity = x->null_count ? bits : NULL;
}

/* Numbers of texts become texts again. */
static struct array
spell(const struct strings *texts, const int32_t *numbers, size_t n, struct arena *a)
{
	int32_t *offsets = arena_alloc(a, n + 1, sizeof(*offsets));
	size_t total = 0, size;
	char *bytes;

	for (size_t i = 0; i < n; i++)
		total += (size_t)(texts->offsets[numbers[i] + 1] - texts->offsets[numbers[i]]);
	assert(total <= INT32_MAX);
	bytes = arena_alloc(a, total, 1);
	offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		const char *text = strings_get(texts, (size_t)numbers[i], &size);

		memcpy(bytes + offsets[i], text, size);
		offsets[i + 1] = offsets[i] + (int32_t)size;
	}
	return array_utf8(n, offsets, bytes);
}

static void
finish_texts(const struct gather_column *g, const int32_t *numbers, struct arena *a,
    struct field *ret_field, struct array *ret)
{
	struct strings texts = string_set_strings(&g->texts);

	if (g->field->dictionary || ret->null_count)
		*ret_field = field_dictionary(g->field->name, strings_copy(a, &texts));
	else {
		*ret_field = field_utf8(g->field->name);
		*ret = spell(&texts, numbers, ret->length, a);
	}
}

void
gather_take(const struct gather_column *g, const size_t *rows, size_t n, struct arena *a,
    struct field *ret_field, struct array *ret)
{
	uint8_t *values = arena_zero(a, n, g->width), *bits;

	assert(g->field->type != TYPE_FIXED_LIST);
	for (size_t i = 0; i < n; i++)
		if (rows[i] != GATHER_NONE)
			memcpy(
			    values + i * g->width, g->values.data + rows[i] * g->width, g->width);
	*ret = array_fixed(n, values);
	set_nulls(g, rows, n, a, ret);
	*ret_field = *g->field;
	if (g->field->type == TYPE_UTF8)
		finish_texts(g, (const int32_t *)(const void *)values, a, ret_field, ret);
	if (g->field->type != TYPE_BOOL)
		return;
	bits = arena_zero(a, (n + 7) / 8, 1);
	for (size_t i = 0; i < n; i++)
		bits[i >> 3] |= (uint8_t)(values[i] << (i & 7));
	ret->values = bits;
}

size_t
gather_width(const struct gather_column *g)
{
	return g->width / sizeof(float);
}

/* Bytes at..at+n of the spill file. */
static int
fetch(const struct gather_column *g, uint64_t at, uint8_t *out, size_t n, struct err *e)
{
	while (n) {
		ssize_t done = pread(g->fd, out, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_sys(e, "spill file in TMPDIR: read");
		out += done;
		at += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int
gather_take_lists(
    struct gather_column *g, const size_t *rows, size_t n, float *values, struct err *e)
{
	size_t width = gather_width(g), run;

	if (e->is_set || spill(g, e))
		return -1;
	for (size_t i = 0; i < n; i += run) {
		run = 1;
		if (rows[i] == GATHER_NONE) {
			for (size_t k = 0; k < width; k++)
				values[i * width + k] = NAN;
			continue;
		}
		while (i + run < n && rows[i + run] == rows[i] + run)
			run++;
		if (fetch(g, (uint64_t)rows[i] * g->width, (uint8_t *)(values + i * width),
			run * g->width, e))
			return -1;
	}
	return 0;
}
