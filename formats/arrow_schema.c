/* 1. Texts and metadata
 * 2. Types
 * 3. Fields
 * 4. The schema */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "formats/arrow_check.h"
#include "formats/arrow_schema.h"

enum { MAX_DEPTH = 64 };

/* What is left of what the message may ask for: its tables and texts can be shared, so that a small
 * message could otherwise unfold to any size. */
struct budget {
	struct flat *flat;
	struct arena *arena;
	size_t fields, bytes;
	struct err *e;
};

/* 1. Texts and metadata */

/* A text as a C string in the arena. NULL on failure. */
static const char *
copy_text(struct budget *b, const struct flat_table *t, unsigned slot, const char *what)
{
	size_t n;
	const char *text = flat_string(b->flat, t, slot, &n);
	char *copy;

	if (n > b->bytes) {
		err_set(b->e, "its texts are longer than the message");
		return NULL;
	}
	b->bytes -= n;
	if (!utf8_is_valid(text, n) || (n && memchr(text, '\0', n))) {
		err_set(b->e, "a %s is not UTF-8 text or holds a NUL", what);
		return NULL;
	}
	copy = arena_alloc(b->arena, n + 1, 1);
	if (n)
		memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

static int
parse_metadata(struct budget *b, const struct flat_table *t, unsigned slot, struct metadata *ret)
{
	struct flat_vector v = flat_vector(b->flat, t, slot, 4);

	if (v.n > b->fields)
		return err_set(b->e, "more metadata than the message can hold");
	b->fields -= v.n;
	ret->pairs = arena_alloc(b->arena, v.n, sizeof(*ret->pairs));
	for (ret->n = 0; ret->n < v.n; ret->n++) {
		struct flat_table pair = flat_element(b->flat, &v, ret->n);
		const char *key = copy_text(b, &pair, 0, "metadata key");
		const char *value = key ? copy_text(b, &pair, 1, "metadata value") : NULL;

		if (!value)
			return -1;
		ret->pairs[ret->n] = (struct metadata_pair){ key, value };
	}
	return 0;
}

static struct budget
budget_new(struct flat *f, struct arena *a, struct err *e)
{
	/* No field and no pair takes less than 16 bytes; texts may be shared by some. */
	return (struct budget){ f, a, f->size / 16, 4 * f->size, e };
}

int
arrow_metadata_parse(struct flat *f, const struct flat_table *table, unsigned slot, struct arena *a,
    struct metadata *ret, struct err *e)
{
	struct budget b = budget_new(f, a, e);

	return parse_metadata(&b, table, slot, ret);
}

/* 2. Types */

/* Arrow's types that have one form only, and what each is here. */
static const struct known {
	uint8_t number; /* enum arrow_type */
	uint8_t type, form, n_children;
	uint16_t bit_width; /* 0: none, or it depends on the type's table */
	const char *name;
} known[] = {
	{ ARROW_NULL, TYPE_NULL, WIRE_PLAIN, 0, 0, "null" },
	{ ARROW_INT, TYPE_INT, WIRE_PLAIN, 0, 0, "int" },
	{ ARROW_FLOAT, TYPE_FLOAT, WIRE_PLAIN, 0, 0, "float" },
	{ ARROW_BINARY, TYPE_BINARY, WIRE_PLAIN, 0, 0, "binary" },
	{ ARROW_UTF8, TYPE_UTF8, WIRE_PLAIN, 0, 0, "utf8" },
	{ ARROW_BOOL, TYPE_BOOL, WIRE_PLAIN, 0, 1, "bool" },
	{ ARROW_DECIMAL, TYPE_DECIMAL, WIRE_PLAIN, 0, 0, "decimal" },
	{ ARROW_DATE, TYPE_DATE, WIRE_PLAIN, 0, 0, "date" },
	{ ARROW_TIME, TYPE_TIME, WIRE_PLAIN, 0, 0, "time" },
	{ ARROW_TIMESTAMP, TYPE_TIMESTAMP, WIRE_PLAIN, 0, 64, "timestamp" },
	{ ARROW_INTERVAL, TYPE_INTERVAL, WIRE_PLAIN, 0, 0, "interval" },
	{ ARROW_LIST, TYPE_LIST, WIRE_PLAIN, 1, 0, "list" },
	{ ARROW_STRUCT, TYPE_STRUCT, WIRE_PLAIN, 0, 0, "struct" },
	{ ARROW_FIXED_BINARY, TYPE_FIXED_BINARY, WIRE_PLAIN, 0, 0, "fixed_size_binary" },
	{ ARROW_FIXED_LIST, TYPE_FIXED_LIST, WIRE_PLAIN, 1, 0, "fixed_size_list" },
	{ ARROW_MAP, TYPE_MAP, WIRE_PLAIN, 1, 0, "map" },
	{ ARROW_DURATION, TYPE_DURATION, WIRE_PLAIN, 0, 64, "duration" },
	{ ARROW_LARGE_BINARY, TYPE_BINARY, WIRE_LARGE, 0, 0, "large_binary" },
	{ ARROW_LARGE_UTF8, TYPE_UTF8, WIRE_LARGE, 0, 0, "large_utf8" },
	{ ARROW_LARGE_LIST, TYPE_LIST, WIRE_LARGE, 1, 0, "large_list" },
	{ ARROW_BINARY_VIEW, TYPE_BINARY, WIRE_VIEW, 0, 0, "binary_view" },
	{ ARROW_UTF8_VIEW, TYPE_UTF8, WIRE_VIEW, 0, 0, "utf8_view" },
};

static const struct known *
known_find(int64_t number)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].number == number)
			return &known[i];
	return NULL;
}

static int
refuse_type(int64_t number, struct err *e)
{
	const char *name = number == ARROW_UNION             ? "union"
			   : number == ARROW_RUN_END_ENCODED ? "run-end encoded"
			   : number == ARROW_LIST_VIEW       ? "list_view"
			   : number == ARROW_LARGE_LIST_VIEW ? "large_list_view"
							     : NULL;

	if (name)
		return err_set(e, "type %s is not read", name);
	return err_set(e, "unknown type (number %" PRId64 ")", number);
}

static int64_t
choose_width(int64_t unit, int64_t n, const int16_t *widths)
{
	return unit >= 0 && unit < n ? widths[unit] : -1;
}

/* Bits of a value, -1 where the type's table makes no sense. */
static int64_t
parse_width(struct budget *b, const struct flat_table *t, struct field *f)
{
	static const int16_t floats[] = { 16, 32, 64 }, dates[] = { 32, 64 },
			     intervals[] = { 32, 64, 128 };
	int64_t width;

	switch (f->type) {
	case TYPE_INT:
		f->is_signed = flat_integer(b->flat, t, 1, 1, 0) != 0;
		width = flat_integer(b->flat, t, 0, 4, 0);
		return width == 8 || width == 16 || width == 32 || width == 64 ? width : -1;
	case TYPE_FLOAT:
		return choose_width(flat_integer(b->flat, t, 0, 2, 0), 3, floats);
	case TYPE_DATE:
		f->unit = (int)flat_integer(b->flat, t, 0, 2, 1);
		return choose_width(f->unit, 2, dates);
	case TYPE_INTERVAL:
		f->unit = (int)flat_integer(b->flat, t, 0, 2, 0);
		return choose_width(f->unit, 3, intervals);
	case TYPE_TIME:
		f->unit = (int)flat_integer(b->flat, t, 0, 2, 1);
		width = flat_integer(b->flat, t, 1, 4, 32);
		return f->unit >= 0 && f->unit < 4 && width == (f->unit < 2 ? 32 : 64) ? width : -1;
	case TYPE_DECIMAL:
		f->precision = (int)flat_integer(b->flat, t, 0, 4, 0);
		f->scale = (int)flat_integer(b->flat, t, 1, 4, 0);
		width = flat_integer(b->flat, t, 2, 4, 128);
		return width == 32 || width == 64 || width == 128 || width == 256 ? width : -1;
	default: /* TYPE_FIXED_BINARY */
		width = flat_integer(b->flat, t, 0, 4, 0);
		return width >= 0 && width <= INT32_MAX / 8 ? 8 * width : -1;
	}
}

static bool
has_width(enum type type)
{
	return type == TYPE_INT || type == TYPE_FLOAT || type == TYPE_DATE ||
	       type == TYPE_INTERVAL || type == TYPE_TIME || type == TYPE_DECIMAL ||
	       type == TYPE_FIXED_BINARY;
}

static int
parse_type(struct budget *b, int64_t number, const struct flat_table *t, struct field *f,
    enum wire_form *ret_form)
{
	const struct known *k = known_find(number);
	int64_t width;

	if (!k)
		return refuse_type(number, b->e);
	f->type = k->type;
	f->bit_width = k->bit_width;
	*ret_form = k->form;
	if (has_width(f->type)) {
		if ((width = parse_width(b, t, f)) < 0)
			return err_set(b->e, "type %s has an impossible width or unit", k->name);
		f->bit_width = (int)width;
	} else if (f->type == TYPE_TIMESTAMP || f->type == TYPE_DURATION) {
		f->unit = (int)flat_integer(b->flat, t, 0, 2, f->type == TYPE_DURATION);
		if (f->unit < 0 || f->unit > 3)
			return err_set(b->e, "type %s has an unknown unit", k->name);
	} else if (f->type == TYPE_FIXED_LIST) {
		f->list_size = (int32_t)flat_integer(b->flat, t, 0, 4, 0);
		if (f->list_size < 0)
			return err_set(b->e, "fixed_size_list of %d values", (int)f->list_size);
	} else if (f->type == TYPE_MAP) {
		f->is_ordered = flat_integer(b->flat, t, 0, 1, 0) != 0;
	}
	if (f->type == TYPE_TIMESTAMP && flat_vector(b->flat, t, 1, 1).n &&
	    !(f->timezone = copy_text(b, t, 1, "time zone")))
		return -1;
	if (f->type != TYPE_STRUCT && f->n_children != k->n_children)
		return err_set(b->e, "type %s has %zu children", k->name, f->n_children);
	return 0;
}

/* 3. Fields */

static int
parse_dictionary(struct budget *b, const struct flat_table *t, struct wire *w)
{
	struct flat_table index = flat_child(b->flat, t, 1);
	int64_t width = 32;

	w->index_is_signed = true;
	if (index.at) {
		width = flat_integer(b->flat, &index, 0, 4, 0);
		w->index_is_signed = flat_integer(b->flat, &index, 1, 1, 0) != 0;
	}
	if (width != 8 && width != 16 && width != 32 && width != 64)
		return err_set(b->e, "dictionary with an index of %" PRId64 " bits", width);
	if (flat_integer(b->flat, t, 3, 2, 0) != 0)
		return err_set(b->e, "dictionary of an unknown kind");
	w->has_dictionary = true;
	w->dictionary_id = flat_integer(b->flat, t, 0, 8, 0);
	w->index_width = (int)width;
	return 0;
}

static int parse_field(
    struct budget *b, const struct flat_table *t, struct field *f, struct wire *w, int depth);

/* The fields in slot `slot` of a Schema or Field table. */
static int
parse_fields(struct budget *b, const struct flat_table *t, unsigned slot, int depth, size_t *ret_n,
    struct field **ret_fields, struct wire **ret_wires)
{
	struct flat_vector v = flat_vector(b->flat, t, slot, 4);

	if (depth > MAX_DEPTH)
		return err_set(b->e, "types nested more than %d deep", MAX_DEPTH);
	if (v.n > b->fields)
		return err_set(b->e, "more fields than the message can hold");
	b->fields -= v.n;
	*ret_n = v.n;
	*ret_fields = arena_zero(b->arena, v.n, sizeof(**ret_fields));
	*ret_wires = arena_zero(b->arena, v.n, sizeof(**ret_wires));
	for (size_t i = 0; i < v.n; i++) {
		struct flat_table element = flat_element(b->flat, &v, i);

		if (!element.at)
			return err_set(b->e, "damaged: field %zu lies outside the message", i);
		if (parse_field(b, &element, &(*ret_fields)[i], &(*ret_wires)[i], depth) < 0)
			return -1;
	}
	return 0;
}

/* Brings what is only a matter of names to one form. */
static int
normalize_children(struct field *f, struct err *e)
{
	static const char *const map_names[] = { "key", "value" };

	if (f->type == TYPE_LIST || f->type == TYPE_FIXED_LIST)
		f->children[0].name = "item";
	if (f->type != TYPE_MAP)
		return 0;
	if (f->children[0].type != TYPE_STRUCT || f->children[0].n_children != 2)
		return err_set(e, "map without keys and values");
	f->children[0].name = "entries";
	for (size_t i = 0; i < 2; i++)
		f->children[0].children[i].name = map_names[i];
	return 0;
}

static int
parse_field(
    struct budget *b, const struct flat_table *t, struct field *f, struct wire *w, int depth)
{
	struct flat_table type = flat_child(b->flat, t, 3), dictionary = flat_child(b->flat, t, 4);
	int64_t number = flat_integer(b->flat, t, 2, 1, 0);

	if (!(f->name = copy_text(b, t, 0, "field name")))
		return -1;
	if (parse_fields(b, t, 5, depth + 1, &f->n_children, &f->children, &w->children) < 0 ||
	    parse_type(b, number, &type, f, &w->form) < 0 || normalize_children(f, b->e) < 0 ||
	    parse_metadata(b, t, 6, &f->metadata) < 0 ||
	    (dictionary.at && parse_dictionary(b, &dictionary, w) < 0))
		return err_prefix(b->e, "%s %s", depth ? "field" : "column", f->name);
	if (w->has_dictionary && f->n_children)
		return err_set(b->e, "%s %s: dictionaries of nested values are not read",
		    depth ? "field" : "column", f->name);
	if (w->has_dictionary)
		f->is_ordered = flat_integer(b->flat, &dictionary, 2, 1, 0) != 0;
	return 0;
}

/* 4. The schema */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
check_names(const struct schema *s, struct err *e)
{
	const char **names = mem_alloc(s->n_fields, sizeof(*names));
	int r = 0;

	for (size_t i = 0; i < s->n_fields; i++)
		names[i] = s->fields[i].name;
	qsort(names, s->n_fields, sizeof(*names), compare_names);
	for (size_t i = 1; i < s->n_fields && r == 0; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			r = err_set(e, "two columns are named %s", names[i]);
	free(names);
	return r;
}

/* Some readers trip over these when they describe another stream. */
static void
drop_stale_metadata(struct schema *s)
{
	metadata_set(s, &s->metadata, "huggingface", NULL);
	metadata_set(s, &s->metadata, "pandas", NULL);
}

struct schema *
arrow_schema_parse(
    struct flat *f, const struct flat_table *table, struct wire **ret_wires, struct err *e)
{
	struct schema *s = schema_new();
	struct budget b = budget_new(f, &s->arena, e);

	if (flat_integer(f, table, 0, 2, 0) != 0)
		err_set(e, "big-endian streams are not read");
	else if (parse_fields(&b, table, 1, 0, &s->n_fields, &s->fields, ret_wires) == 0 &&
		 parse_metadata(&b, table, 2, &s->metadata) == 0)
		check_names(s, e);
	if (f->is_bad)
		err_set(e, "damaged: it points out of the message");
	if (e->is_set) {
		schema_free(s);
		return NULL;
	}
	drop_stale_metadata(s);
	return s;
}
