/* 1. Description
 * 2. Categories
 * 3. Reading
 * 4. Texts */

#include "formats/h5ad_frame.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 1. Description */

static bool
has(const struct h5ad *a, const char *path)
{
	return hdf5_object(&a->file, path) != HDF5_NOTHING;
}

/* The plain type of a dataset or member: text, number, or odd. */
static void
describe_values(struct h5ad *a, struct h5ad_column *c, const char *path, const char *member)
{
	hid_t type = hdf5_type(&a->file, path, member);
	bool is_exact;

	c->values_path = path;
	c->type = H5AD_ODD;
	if (type < 0)
		return;
	if (H5Tget_class(type) == H5T_STRING) {
		c->type = H5AD_TEXT;
	} else {
		c->number = hdf5_number(type, &is_exact);
		c->type = c->number == HDF5_ODD             ? H5AD_ODD
			  : c->number == HDF5_BOOL          ? H5AD_BOOL
			  : hdf5_number_is_float(c->number) ? H5AD_FLOAT
							    : H5AD_INT;
	}
	H5Tclose(type);
}

static bool
has_length(struct h5ad *a, const char *path, size_t n)
{
	hsize_t shape[1];

	return hdf5_shape(&a->file, path, shape, 1) == 1 && shape[0] == n;
}

static void
make_category(
    struct h5ad *a, struct h5ad_column *c, const char *categories_path, const char *attributes_path)
{
	int64_t is_ordered = 0;

	if (c->type != H5AD_INT || !has(a, categories_path))
		return;
	hdf5_attribute_ints(&a->file, attributes_path, "ordered", &is_ordered, 1);
	c->is_ordered = is_ordered != 0;
	c->categories_path = categories_path;
	c->type = H5AD_CATEGORY;
}

/* A group: codes and categories, or values and a mask of those that are missing. */
static void
describe_group(struct h5ad *a, struct h5ad_column *c, size_t n_rows)
{
	const char *codes = hdf5_join(&a->arena, c->path, "codes");
	const char *values = hdf5_join(&a->arena, c->path, "values");
	const char *mask = hdf5_join(&a->arena, c->path, "mask");

	if (has_length(a, codes, n_rows)) {
		describe_values(a, c, codes, NULL);
		make_category(a, c, hdf5_join(&a->arena, c->path, "categories"), c->path);
		if (c->type != H5AD_CATEGORY)
			c->type = H5AD_ODD;
	} else if (has_length(a, values, n_rows) && has_length(a, mask, n_rows)) {
		describe_values(a, c, values, NULL);
		c->mask_path = mask;
	}
}

static void
describe_member(struct h5ad_frame *f, struct h5ad_column *c)
{
	struct h5ad *a = f->file;
	struct h5ad_column bare = *c;

	describe_values(a, c, f->path, c->member);
	bare.path = arena_printf(&a->arena, "uns/%s_categories", c->member);
	make_category(a, c, bare.path, bare.path);
}

static void
describe(struct h5ad_frame *f, struct h5ad_column *c)
{
	struct h5ad *a = f->file;
	const char *beside;

	if (c->member) {
		describe_member(f, c);
		return;
	}
	c->path = hdf5_join(&a->arena, f->path, c->name);
	if (hdf5_object(&a->file, c->path) == HDF5_GROUP) {
		describe_group(a, c, f->n_rows);
	} else if (has_length(a, c->path, f->n_rows)) {
		describe_values(a, c, c->path, NULL);
		beside = arena_printf(&a->arena, "%s/__categories/%s", f->path, c->name);
		make_category(a, c, beside, beside);
	}
}

/* Tables up to anndata 0.6: one compound dataset; the index is the member of that name, or the
 * first. */
static int
open_table(struct h5ad_frame *f, struct err *e)
{
	struct h5ad *a = f->file;
	hid_t type = hdf5_type(&a->file, f->path, NULL);
	hsize_t shape[1];
	int n = 0, index = -1;

	if (type >= 0 && H5Tget_class(type) == H5T_COMPOUND &&
	    hdf5_shape(&a->file, f->path, shape, 1) == 1) {
		n = H5Tget_nmembers(type);
		index = H5Tget_member_index(type, "index");
		index = index < 0 ? H5Tget_member_index(type, "_index") : index;
		index = index < 0 ? 0 : index;
	}
	if (n <= 0) {
		if (type >= 0)
			H5Tclose(type);
		return hdf5_fail(&a->file, f->path, e, "neither a group nor a table");
	}
	f->n_rows = (size_t)shape[0];
	f->columns = arena_zero(&a->arena, (size_t)n, sizeof(*f->columns));
	for (int i = 0; i < n; i++) {
		char *name = H5Tget_member_name(type, (unsigned)i);
		struct h5ad_column *c = i == index ? &f->index : &f->columns[f->n_columns++];

		c->name = c->member = arena_strdup(&a->arena, name ? name : "");
		c->path = f->path;
		H5free_memory(name);
		describe(f, c);
	}
	H5Tclose(type);
	return 0;
}

/* The name of the index: the attribute says it; very old and foreign files do not. */
static const char *
index_name(struct h5ad_frame *f)
{
	struct h5ad *a = f->file;
	const char *name = hdf5_attribute_text(&a->file, f->path, "_index", &a->arena);

	if (name)
		return name;
	return has(a, hdf5_join(&a->arena, f->path, "index")) ? "index" : "_index";
}

/* The rows of the table are those of its index. */
static int
open_index(struct h5ad_frame *f, struct err *e)
{
	struct h5ad *a = f->file;
	const char *path, *inside;
	hsize_t shape[1];

	f->index.name = index_name(f);
	path = inside = hdf5_join(&a->arena, f->path, f->index.name);
	if (hdf5_object(&a->file, path) == HDF5_GROUP) {
		inside = hdf5_join(&a->arena, path, "codes");
		if (!has(a, inside))
			inside = hdf5_join(&a->arena, path, "values");
	}
	if (hdf5_shape(&a->file, inside, shape, 1) != 1)
		return hdf5_fail(
		    &a->file, path, e, "the index is not there, or not one-dimensional");
	f->n_rows = (size_t)shape[0];
	describe(f, &f->index);
	return 0;
}

static int
open_group(struct h5ad_frame *f, struct err *e)
{
	struct h5ad *a = f->file;
	size_t n;
	const char **names;

	if (open_index(f, e))
		return -1;
	names = hdf5_attribute_texts(&a->file, f->path, "column-order", &a->arena, &n);
	if (!names)
		names = hdf5_members(&a->file, f->path, &a->arena, &n);
	f->columns = arena_zero(&a->arena, n, sizeof(*f->columns));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], f->index.name) == 0 || strcmp(names[i], "__categories") == 0)
			continue;
		f->columns[f->n_columns].name = names[i];
		describe(f, &f->columns[f->n_columns++]);
	}
	return 0;
}

struct h5ad_frame *
h5ad_frame_open(struct h5ad *a, const char *path, struct err *e)
{
	struct h5ad_frame *f;
	enum hdf5_object object;

	if (e->is_set)
		return NULL;
	f = arena_zero(&a->arena, 1, sizeof(*f));
	f->file = a;
	f->path = path;
	object = hdf5_object(&a->file, path);
	if (object == HDF5_NOTHING)
		hdf5_fail(&a->file, path, e, "not there");
	else if (object == HDF5_DATASET)
		open_table(f, e);
	else
		open_group(f, e);
	if (!e->is_set && f->index.type == H5AD_ODD)
		hdf5_fail(&a->file, path, e, "the index (%s) is neither texts nor numbers",
		    f->index.name);
	if (!e->is_set && f->n_rows > UINT32_MAX)
		hdf5_fail(&a->file, path, e, "more than 2^32 rows");
	return e->is_set ? NULL : f;
}

static void
column_close(struct h5ad_column *c)
{
	hdf5_texts_close(c->texts);
	hdf5_vector_close(c->values);
	hdf5_vector_close(c->mask);
	c->texts = NULL;
	c->values = c->mask = NULL;
}

void
h5ad_frame_close(struct h5ad_frame *f)
{
	if (!f)
		return;
	column_close(&f->index);
	for (size_t i = 0; i < f->n_columns; i++)
		column_close(&f->columns[i]);
}

struct h5ad_column *
h5ad_frame_find(struct h5ad_frame *f, const char *name)
{
	for (size_t i = 0; i < f->n_columns; i++)
		if (strcmp(f->columns[i].name, name) == 0)
			return &f->columns[i];
	return NULL;
}

/* 2. Categories */

/* A number as Python shows it: the shortest digits that give it back, "1.0" for a whole one. */
static void
write_number(double x, bool is_single, char *text, size_t size)
{
	if (x == floor(x) && fabs(x) < 1e15) {
		snprintf(text, size, "%.1f", x);
		return;
	}
	if (isnan(x) || isinf(x)) {
		snprintf(text, size, "%s", isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, size, "%.*g", digits, x);
		if (is_single ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x)
			break;
	}
}

static struct strings *
number_texts(struct arena *a, enum hdf5_number number, const struct hdf5_vector *v, const void *raw,
    size_t n)
{
	const char **texts = arena_alloc(a, n, sizeof(*texts));
	double *floats = arena_alloc(a, n, sizeof(*floats));
	int64_t *integers = arena_alloc(a, n, sizeof(*integers));
	bool is_float = hdf5_number_is_float(number);

	if ((is_float ? hdf5_to_double(number, raw, n, floats)
		      : hdf5_to_int64(number, raw, n, integers)) < n)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		char text[40];

		if (is_float)
			write_number(floats[i], v->width == 4, text, sizeof(text));
		else if (number == HDF5_BOOL)
			snprintf(text, sizeof(text), "%s", integers[i] ? "True" : "False");
		else
			snprintf(text, sizeof(text), "%lld", (long long)integers[i]);
		texts[i] = arena_strdup(a, text);
	}
	return strings_from(a, texts, n);
}

static int
load_number_categories(struct h5ad *a, struct h5ad_column *c, struct err *e)
{
	struct hdf5_vector *v = hdf5_vector_open(&a->file, c->categories_path, NULL, a->inlined, e);
	double *numbers;
	void *raw;
	size_t n;

	if (!v)
		return -1;
	if (v->length > INT32_MAX)
		hdf5_fail(&a->file, c->categories_path, e, "more than 2^31 categories");
	n = e->is_set ? 0 : (size_t)v->length;
	raw = arena_alloc(&a->arena, n, v->width);
	numbers = arena_alloc(&a->arena, n, sizeof(*numbers));
	if (!e->is_set && !hdf5_vector_read(v, 0, n, raw, e)) {
		c->categories = number_texts(&a->arena, v->number, v, raw, n);
		c->category_numbers = numbers;
		if (!c->categories || hdf5_to_double(v->number, raw, n, numbers) < n)
			hdf5_fail(&a->file, c->categories_path, e, "a category beyond 2^53");
	}
	hdf5_vector_close(v);
	return e->is_set ? -1 : 0;
}

static int
load_categories(struct h5ad *a, struct h5ad_column *c, struct err *e)
{
	struct hdf5_texts *t;
	struct strings *s;

	if (!hdf5_is_text(&a->file, c->categories_path, NULL))
		return load_number_categories(a, c, e);
	t = hdf5_texts_open(&a->file, c->categories_path, NULL, e);
	s = arena_zero(&a->arena, 1, sizeof(*s));
	if (t && hdf5_texts_length(t) > INT32_MAX)
		hdf5_fail(&a->file, c->categories_path, e, "more than 2^31 categories");
	if (t)
		hdf5_texts_read(t, 0, (size_t)hdf5_texts_length(t), &a->arena, s, e);
	hdf5_texts_close(t);
	c->categories = s;
	return e->is_set ? -1 : 0;
}

int
h5ad_column_open(struct h5ad_frame *f, struct h5ad_column *c, struct err *e)
{
	struct h5ad *a = f->file;

	if (e->is_set)
		return -1;
	assert(c->type != H5AD_ODD);
	if (c->texts || c->values)
		return 0;
	if (c->type == H5AD_TEXT)
		c->texts = hdf5_texts_open(&a->file, c->values_path, c->member, e);
	else
		c->values = hdf5_vector_open(&a->file, c->values_path, c->member, a->inlined, e);
	if (c->mask_path)
		c->mask = hdf5_vector_open(&a->file, c->mask_path, NULL, a->inlined, e);
	if (c->mask && c->mask->number != HDF5_BOOL && c->mask->width != 1)
		hdf5_fail(&a->file, c->mask_path, e, "not a mask");
	if (c->type == H5AD_CATEGORY)
		load_categories(a, c, e);
	return e->is_set ? -1 : 0;
}

struct field
h5ad_column_field(const struct h5ad_column *c)
{
	switch (c->type) {
	case H5AD_CATEGORY:
		return field_dictionary(c->name, c->categories);
	case H5AD_INT:
		return field_int(c->name, 64, true);
	case H5AD_FLOAT:
		return field_float(c->name, 64);
	case H5AD_BOOL:
		return field_bool(c->name);
	case H5AD_TEXT:
	case H5AD_ODD:
		break;
	}
	return field_utf8(c->name);
}

/* 3. Reading */

/* Validity bits from bytes that are 1 where a value is there. */
static void
set_validity(struct array *x, const uint8_t *is_there, size_t n, struct arena *a)
{
	uint8_t *bits = arena_zero(a, (n + 7) / 8, 1);

	x->null_count = 0;
	for (size_t i = 0; i < n; i++) {
		bits[i >> 3] |= (uint8_t)((is_there[i] != 0) << (i & 7));
		x->null_count += !is_there[i];
	}
	x->validity = x->null_count ? bits : NULL;
}

static int
read_mask(
    struct h5ad_column *c, size_t from, size_t n, struct arena *a, struct array *x, struct err *e)
{
	uint8_t *bytes = arena_alloc(a, n, 1);

	if (hdf5_vector_read(c->mask, from, n, bytes, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		bytes[i] = !bytes[i];
	set_validity(x, bytes, n, a);
	return 0;
}

static int
read_codes(struct h5ad_frame *f, struct h5ad_column *c, const int64_t *codes, size_t from, size_t n,
    struct arena *a, struct array *x, struct err *e)
{
	int32_t *out = arena_alloc(a, n, sizeof(*out));
	uint8_t *is_there = arena_alloc(a, n, 1);

	for (size_t i = 0; i < n; i++) {
		if (codes[i] >= (int64_t)c->categories->n)
			return hdf5_fail(&f->file->file, c->values->path, e,
			    "row %zu: code %lld of %zu categories", from + i, (long long)codes[i],
			    c->categories->n);
		is_there[i] = codes[i] >= 0;
		out[i] = codes[i] >= 0 ? (int32_t)codes[i] : 0;
	}
	*x = array_fixed(n, out);
	set_validity(x, is_there, n, a);
	return 0;
}

static int
convert(struct h5ad_frame *f, struct h5ad_column *c, const void *raw, size_t from, size_t n,
    struct arena *a, struct array *x, struct err *e)
{
	int64_t *integers;
	double *floats;
	uint8_t *bits;

	if (c->type == H5AD_FLOAT) {
		floats = arena_alloc(a, n, sizeof(*floats));
		hdf5_to_double(c->values->number, raw, n, floats);
		*x = array_fixed(n, floats);
		return 0;
	}
	if (c->type == H5AD_BOOL) {
		bits = arena_zero(a, (n + 7) / 8, 1);
		for (size_t i = 0; i < n; i++)
			bits[i >> 3] |= (uint8_t)((((const uint8_t *)raw)[i] != 0) << (i & 7));
		*x = array_fixed(n, bits);
		return 0;
	}
	integers = arena_alloc(a, n, sizeof(*integers));
	size_t done = hdf5_to_int64(c->values->number, raw, n, integers);
	if (done < n)
		return hdf5_fail(&f->file->file, c->values->path, e,
		    "row %zu: integer above 2^63 - 1", from + done);
	if (c->type == H5AD_CATEGORY)
		return read_codes(f, c, integers, from, n, a, x, e);
	*x = array_fixed(n, integers);
	return 0;
}

int
h5ad_column_read(struct h5ad_frame *f, struct h5ad_column *c, size_t from, size_t n,
    struct arena *a, struct array *ret, struct err *e)
{
	struct strings s;
	void *raw;

	if (h5ad_column_open(f, c, e))
		return -1;
	assert(from <= f->n_rows && n <= f->n_rows - from);
	if (c->type == H5AD_TEXT) {
		if (hdf5_texts_read(c->texts, from, n, a, &s, e))
			return -1;
		*ret = array_utf8(n, s.offsets, s.bytes);
	} else {
		raw = arena_alloc(a, n, c->values->width);
		if (hdf5_vector_read(c->values, from, n, raw, e) ||
		    convert(f, c, raw, from, n, a, ret, e))
			return -1;
	}
	return c->mask ? read_mask(c, from, n, a, ret, e) : 0;
}

/* 4. Texts */

int
h5ad_column_texts(struct h5ad_frame *f, struct h5ad_column *c, size_t from, size_t n,
    struct arena *a, struct strings *ret, struct err *e)
{
	const char **texts;
	struct field field;
	struct array x;
	void *raw;

	if (h5ad_column_open(f, c, e))
		return -1;
	if (c->type == H5AD_TEXT && !c->mask)
		return hdf5_texts_read(c->texts, from, n, a, ret, e);
	if (c->type == H5AD_TEXT || c->type == H5AD_CATEGORY) {
		if (h5ad_column_read(f, c, from, n, a, &x, e))
			return -1;
		field = h5ad_column_field(c);
		texts = arena_alloc(a, n, sizeof(*texts));
		for (size_t i = 0; i < n; i++) {
			size_t size = 0;
			const char *text = array_text(&field, &x, i, &size);
			char *copy = arena_zero(a, size + 1, 1);

			if (size)
				memcpy(copy, text, size);
			texts[i] = copy;
		}
		*ret = *strings_from(a, texts, n);
		return 0;
	}
	raw = arena_alloc(a, n, c->values->width);
	if (hdf5_vector_read(c->values, from, n, raw, e))
		return -1;
	struct strings *s = number_texts(a, c->values->number, c->values, raw, n);
	if (!s)
		return hdf5_fail(&f->file->file, c->values->path, e, "an integer above 2^63 - 1");
	*ret = *s;
	return 0;
}
