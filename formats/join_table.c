/* 1. Keys
 * 2. The first line
 * 3. Rows
 * 4. Types of columns
 * 5. The table */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/name_hint.h"
#include "cell/exact_number.h"
#include "cell/string_set.h"
#include "formats/delimited.h"
#include "formats/join_table.h"
#include "formats/text_scalar.h"

/* A column that is taken, while it is read. */
struct reading_column {
	const char *name; /* in the table's arena */
	size_t at;        /* place in the line */
	struct string_set texts;
	struct buffer codes; /* int32_t a key: number of the text, -1 null */
};

struct reading {
	const struct join_table_options *o;
	struct join_table *t;
	struct string_set keys;
	struct buffer lines; /* size_t a key: where it came first */
	size_t *key_at;      /* [o->n_keys] places in the line */
	struct reading_column *columns;
	size_t n_columns, n_fields;
	bool has_header;
	struct buffer key;
	struct hash128 *hash;
};

/* 1. Keys: every part is its size and its bytes */

/* Between these two the bytes are added. */
static size_t
begin_part(struct buffer *key)
{
	buffer_grow(key, sizeof(size_t));
	return key->size;
}

static void
end_part(struct buffer *key, size_t begin)
{
	size_t size = key->size - begin;

	memcpy(key->data + begin - sizeof(size), &size, sizeof(size));
}

void
join_key_add(struct buffer *key, const struct field *f, const struct array *a, size_t i)
{
	size_t begin = begin_part(key), size;
	const char *text = f->type == TYPE_UTF8 ? array_text(f, a, i, &size) : NULL;

	if (text)
		buffer_add(key, text, size);
	else if (f->type != TYPE_UTF8 && !isnan(array_number(f, a, i)))
		text_scalar(key, f, a, i);
	end_part(key, begin);
}

/* A number as a column of that type would have it: "3.0" is 3 there, "0.10" 0.1. */
static void
add_number(struct buffer *text, const struct field *type, const struct exact_number *x)
{
	bool is_single = type->type == TYPE_FLOAT && type->bit_width == 32;
	double real = x->is_whole ? (double)x->size * (x->is_negative ? -1 : 1) : x->real;

	if (type->type == TYPE_INT && x->is_whole) {
		if (x->is_negative)
			buffer_add(text, "-", 1);
		text_unsigned(text, x->size);
	} else if (type->type == TYPE_INT && real < 1e15 && real > -1e15 &&
		   (double)(int64_t)real == real) {
		text_integer(text, (int64_t)real);
	} else {
		text_real(text, is_single ? (double)(float)real : real, is_single);
	}
}

/* The table's text for a key, as join_key_add would write the value of the stream. */
static void
add_key_text(struct buffer *key, const struct field *type, const char *text, size_t size)
{
	bool is_number = type->type == TYPE_INT || type->type == TYPE_FLOAT;
	size_t begin = begin_part(key);
	struct exact_number x;

	if (is_number && size && exact_number_parse(&x, text, size) == size)
		add_number(key, type, &x);
	else if (type->type == TYPE_BOOL && strcasecmp(text, "true") == 0)
		buffer_add(key, "true", 4);
	else if (type->type == TYPE_BOOL && strcasecmp(text, "false") == 0)
		buffer_add(key, "false", 5);
	else
		buffer_add(key, text, size);
	end_part(key, begin);
}

/* 2. The first line */

static int
find_column(const struct delimited_row *row, const char *name, size_t *ret_at, struct err *e)
{
	bool is_found = false;
	char text[600];

	for (size_t i = 0; i < row->n; i++) {
		if (strcmp(row->fields[i], name) != 0)
			continue;
		if (is_found)
			return err_set(e, "two columns '%s'", name);
		*ret_at = i;
		is_found = true;
	}
	if (is_found)
		return 0;
	return err_set(e, "no column '%s'; %s", name,
	    name_hint(text, sizeof(text), name, row->fields, row->n));
}

static void
add_column(struct reading *r, const char *name, size_t at)
{
	r->columns = mem_resize(r->columns, r->n_columns, r->n_columns + 1, sizeof(*r->columns));
	r->columns[r->n_columns++] = (struct reading_column){
		.name = arena_strdup(&r->t->arena, name),
		.at = at,
	};
	hash128_add(r->hash, name, strlen(name) + 1);
}

static bool
is_key(const struct reading *r, size_t at)
{
	for (size_t i = 0; i < r->o->n_keys; i++)
		if (r->key_at[i] == at)
			return true;
	return false;
}

static int
take_header(struct reading *r, const struct delimited_row *row, struct err *e)
{
	const struct join_table_options *o = r->o;
	size_t at;

	r->has_header = true;
	r->n_fields = row->n;
	for (size_t i = 0; i < o->n_keys; i++) {
		if (find_column(row, o->keys[i], &r->key_at[i], e))
			return -1;
		hash128_add(r->hash, o->keys[i], strlen(o->keys[i]) + 1);
	}
	for (size_t i = 0; i < o->n_columns && o->columns; i++) {
		if (find_column(row, o->columns[i], &at, e))
			return -1;
		add_column(r, o->columns[i], at);
	}
	for (size_t i = 0; i < row->n && !o->columns; i++) {
		if (is_key(r, i) || !row->sizes[i])
			continue;
		if (find_column(row, row->fields[i], &at, e))
			return -1;
		add_column(r, row->fields[i], i);
	}
	return r->n_columns ? 0 : err_set(e, "no columns besides the key");
}

/* 3. Rows */

static bool
is_null(const struct join_table_options *o, const char *text)
{
	for (size_t i = 0; i < o->n_nulls; i++)
		if (strcmp(o->nulls[i], text) == 0)
			return true;
	return *text == '\0';
}

static void
read_key(struct reading *r, const struct delimited_row *row)
{
	r->key.size = 0;
	for (size_t i = 0; i < r->o->n_keys; i++) {
		const char *text = row->fields[r->key_at[i]];
		size_t size = row->sizes[r->key_at[i]];
		bool is_there = !is_null(r->o, text);

		add_key_text(&r->key, r->o->types[i], is_there ? text : "", is_there ? size : 0);
	}
	hash128_add(r->hash, r->key.data, r->key.size);
}

static int32_t
read_code(struct reading *r, struct reading_column *c, const struct delimited_row *row)
{
	const char *text = row->fields[c->at];

	hash128_add(r->hash, text, row->sizes[c->at] + 1);
	return is_null(r->o, text) ? -1
				   : (int32_t)string_set_add(&c->texts, text, row->sizes[c->at]);
}

static int
take_row(void *context, const struct delimited_row *row, struct err *e)
{
	struct reading *r = context;
	size_t n_keys = r->keys.n, key;

	if (!r->has_header)
		return take_header(r, row, e);
	if (row->n != r->n_fields)
		return err_set(e, "line %zu has %zu fields, but the first line has %zu", row->line,
		    row->n, r->n_fields);
	read_key(r, row);
	key = string_set_add(&r->keys, (const char *)r->key.data, r->key.size);
	if (key == n_keys)
		buffer_add(&r->lines, &row->line, sizeof(row->line));
	for (size_t i = 0; i < r->n_columns; i++) {
		struct reading_column *c = &r->columns[i];
		int32_t code = read_code(r, c, row);

		if (key == n_keys)
			buffer_add(&c->codes, &code, sizeof(code));
		else if (((const int32_t *)(const void *)c->codes.data)[key] != code)
			return err_set(e,
			    "line %zu: the key of line %zu again, with another value of %s",
			    row->line, ((const size_t *)(const void *)r->lines.data)[key], c->name);
	}
	return 0;
}

/* 4. Types of columns */

/* Leading zeros belong to names, not to numbers. */
static bool
is_padded(const char *text, size_t size)
{
	size_t sign = *text == '-' || *text == '+';

	return *text == '+' || (size > sign + 1 && text[sign] == '0' && text[sign + 1] >= '0' &&
				   text[sign + 1] <= '9');
}

static bool
is_number(const char *text, size_t size, struct exact_number *x)
{
	return !is_padded(text, size) && exact_number_parse(x, text, size) == size &&
	       (x->is_whole || isfinite(x->real));
}

/* What fits all texts of the column: 64-bit integers, doubles, or texts. */
static struct field
choose_type(const struct reading *r, const struct reading_column *c, struct strings *texts)
{
	static const uint64_t exact = (uint64_t)1 << 53;
	bool is_whole = true, is_real = true;

	for (size_t i = 0; i < texts->n; i++) {
		struct exact_number x;
		size_t size;
		const char *text = strings_get(texts, i, &size);

		if (!is_number(text, size, &x))
			return field_dictionary(c->name, texts);
		is_whole = is_whole && x.is_whole && x.size <= INT64_MAX;
		is_real = is_real && (!x.is_whole || x.size <= exact);
	}
	if (r->o->is_text || texts->n == 0 || !(is_whole || is_real))
		return field_dictionary(c->name, texts);
	return is_whole ? field_int(c->name, 64, true) : field_float(c->name, 64);
}

/* The number that each text is, for the type that was chosen. */
static void *
parse_texts(struct arena *a, const struct field *f, const struct strings *texts)
{
	int64_t *whole = arena_zero(a, texts->n, sizeof(*whole));
	double *real = arena_zero(a, texts->n, sizeof(*real));

	for (size_t i = 0; i < texts->n; i++) {
		struct exact_number x = { 0 };
		size_t size;
		const char *text = strings_get(texts, i, &size);

		exact_number_parse(&x, text, size);
		whole[i] = x.is_negative ? -(int64_t)x.size : (int64_t)x.size;
		real[i] = x.is_whole ? (double)whole[i] : x.real;
	}
	return f->type == TYPE_INT ? (void *)whole : (void *)real;
}

static struct array
make_array(struct arena *a, const struct field *f, const struct reading_column *c, size_t n)
{
	const int32_t *codes = (const int32_t *)(const void *)c->codes.data;
	struct strings texts = string_set_strings(&c->texts);
	size_t width = f->dictionary ? sizeof(int32_t) : sizeof(int64_t);
	const uint8_t *numbers = f->dictionary ? NULL : parse_texts(a, f, &texts);
	uint8_t *values = arena_zero(a, n + 1, width);
	uint8_t *validity = arena_zero(a, n / 8 + 1, 1);
	struct array column = array_fixed(n + 1, values);

	for (size_t i = 0; i < n; i++) {
		const void *value = numbers ? (const void *)(numbers + (size_t)codes[i] * width)
					    : (const void *)&codes[i];

		if (codes[i] < 0) {
			column.null_count++;
			continue;
		}
		memcpy(values + i * width, value, width);
		validity[i >> 3] = (uint8_t)(validity[i >> 3] | 1u << (i & 7));
	}
	column.null_count++;
	column.validity = validity;
	return column;
}

/* 5. The table */

static void
make_columns(const struct reading *r)
{
	struct join_table *t = r->t;
	struct strings keys = string_set_strings(&r->keys);

	t->n_rows = r->keys.n;
	t->n_columns = r->n_columns;
	t->fields = arena_alloc(&t->arena, t->n_columns, sizeof(*t->fields));
	t->columns = arena_alloc(&t->arena, t->n_columns, sizeof(*t->columns));
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct reading_column *c = &r->columns[i];
		struct strings texts = string_set_strings(&c->texts);

		t->fields[i] = choose_type(r, c, strings_copy(&t->arena, &texts));
		t->columns[i] = make_array(&t->arena, &t->fields[i], c, t->n_rows);
	}
	t->keys = *strings_copy(&t->arena, &keys);
	string_index_build(&t->index, &t->keys);
}

static void
free_reading(struct reading *r)
{
	for (size_t i = 0; i < r->n_columns; i++) {
		string_set_free(&r->columns[i].texts);
		buffer_free(&r->columns[i].codes);
	}
	string_set_free(&r->keys);
	buffer_free(&r->lines);
	buffer_free(&r->key);
	free(r->columns);
	free(r->key_at);
}

struct join_table *
join_table_open(const struct join_table_options *o, struct err *e)
{
	struct reading r = { .o = o };

	if (e->is_set)
		return NULL;
	r.t = mem_zero(1, sizeof(*r.t));
	r.key_at = mem_zero(o->n_keys, sizeof(*r.key_at));
	r.hash = hash128_new();
	delimited_read(o->path, o->force, DELIMITED_TSV_QUOTES, take_row, &r, e);
	if (!e->is_set && !r.has_header)
		err_set(e, "%s: an empty file, where a table was expected", o->path);
	hash128_finish(r.hash, r.t->hash);
	if (!e->is_set)
		make_columns(&r);
	free_reading(&r);
	if (!e->is_set)
		return r.t;
	join_table_free(r.t);
	return NULL;
}

ptrdiff_t
join_table_find(const struct join_table *t, const struct buffer *key)
{
	return string_index_find(&t->index, (const char *)key->data, key->size);
}

void
join_table_free(struct join_table *t)
{
	if (!t)
		return;
	string_index_free(&t->index);
	arena_free(&t->arena);
	free(t);
}
