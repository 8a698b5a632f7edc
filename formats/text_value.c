/* 1. Texts
 * 2. Lists
 * 3. JSON
 * 4. The plain and the short form */

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/text_scalar.h"
#include "formats/text_value.h"

/* 1. Texts */

static void
add(struct buffer *b, const char *text)
{
	buffer_add(b, text, strlen(text));
}

/* Bytes of the control character that starts there, or 0. Those of C1 have two bytes, c2 80 to c2
 * 9f. */
static size_t
control_at(const char *text, size_t n)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] < 0x20 || c[0] == 0x7f)
		return 1;
	return n > 1 && c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f ? 2 : 0;
}

void
text_printable(struct buffer *b, const char *text, size_t n)
{
	size_t i = 0, width;

	while (i < n) {
		width = control_at(text + i, n - i);
		buffer_add(b, width ? "?" : text + i, 1);
		i += width ? width : 1;
	}
}

enum escape { NONE, QUOTES, CONTROLS };

static enum escape
escape_needed(const char *text, size_t n)
{
	enum escape needed = NONE;

	for (size_t i = 0; i < n; i++) {
		if (control_at(text + i, n - i))
			return CONTROLS;
		if (text[i] == '"' || text[i] == '\\')
			needed = QUOTES;
	}
	return needed;
}

/* Most texts need no library; those with control characters become plain ASCII, since jansson
 * leaves some of them. */
void
text_json_string(struct buffer *b, const char *text, size_t n)
{
	enum escape needed = escape_needed(text, n);
	json_t *value;
	char *escaped;

	if (needed == NONE) {
		add(b, "\"");
		buffer_add(b, text, n);
		add(b, "\"");
		return;
	}
	value = json_stringn_nocheck(text, n);
	escaped = json_dumps(value, JSON_ENCODE_ANY | (needed == CONTROLS ? JSON_ENSURE_ASCII : 0));
	assert(escaped);
	for (char *c = escaped; *c; c++)
		if (*c == 0x7f)
			add(b, "\\u007f");
		else
			buffer_add(b, c, 1);
	free(escaped);
	json_decref(value);
}

/* 2. Lists */

static bool
is_list(const struct field *f)
{
	return f->type == TYPE_LIST || f->type == TYPE_FIXED_LIST || f->type == TYPE_MAP;
}

/* The first entry of list i in the child, and the one behind its last. */
static size_t
first_entry(const struct field *f, const struct array *a, size_t i, size_t *ret_end)
{
	size_t size = (size_t)f->list_size, first = a->offsets ? (size_t)a->offsets[i] : i * size;

	*ret_end = a->offsets ? (size_t)a->offsets[i + 1] : first + size;
	return first;
}

static bool
is_empty(const struct field *f, const struct array *a, size_t i)
{
	size_t end;

	return first_entry(f, a, i, &end) == end;
}

static bool
is_there(const struct field *f, const struct array *a, size_t i)
{
	return f->type != TYPE_NULL && array_is_valid(a, i);
}

/* 3. JSON */

static void
add_json_list(struct buffer *b, const struct field *f, const struct array *a, size_t i)
{
	size_t end, first = first_entry(f, a, i, &end);

	add(b, "[");
	for (size_t k = first; k < end; k++) {
		if (k > first)
			add(b, ",");
		text_json(b, &f->children[0], &a->children[0], k);
	}
	add(b, "]");
}

static void
add_json_struct(struct buffer *b, const struct field *f, const struct array *a, size_t i)
{
	add(b, "{");
	for (size_t k = 0; k < f->n_children; k++) {
		if (k)
			add(b, ",");
		text_json_string(b, f->children[k].name, strlen(f->children[k].name));
		add(b, ":");
		text_json(b, &f->children[k], &a->children[k], i);
	}
	add(b, "}");
}

static void
add_json_scalar(struct buffer *b, const struct field *f, const struct array *a, size_t i)
{
	bool is_number = f->type == TYPE_BOOL || f->type == TYPE_INT || f->type == TYPE_DECIMAL;
	double x = f->type == TYPE_FLOAT ? array_number(f, a, i) : 0;

	if (!isfinite(x)) {
		add(b, isnan(x) ? "\"NaN\"" : x < 0 ? "\"-Infinity\"" : "\"Infinity\"");
		return;
	}
	is_number = is_number || f->type == TYPE_FLOAT;
	add(b, is_number ? "" : "\"");
	text_scalar(b, f, a, i);
	add(b, is_number ? "" : "\"");
}

void
text_json(struct buffer *b, const struct field *f, const struct array *a, size_t i)
{
	size_t n;
	const char *text;

	if (!is_there(f, a, i)) {
		add(b, "null");
	} else if (f->type == TYPE_UTF8) {
		text = array_text(f, a, i, &n);
		text_json_string(b, text, n);
	} else if (is_list(f)) {
		add_json_list(b, f, a, i);
	} else if (f->type == TYPE_STRUCT) {
		add_json_struct(b, f, a, i);
	} else {
		add_json_scalar(b, f, a, i);
	}
}

/* 4. The plain and the short form */

static void
add_entry(struct buffer *b, const struct field *f, const struct array *a, size_t i)
{
	size_t n = 0;
	const char *text = f->type == TYPE_UTF8 ? array_text(f, a, i, &n) : NULL;

	if (text)
		for (size_t k = 0; k < n; k++) {
			if (text[k] == ',' || text[k] == '\\')
				add(b, "\\");
			buffer_add(b, text + k, 1);
		}
	else if (is_there(f, a, i))
		text_scalar(b, f, a, i);
}

/* The first `most` entries of a list without lists or structs in it. */
static void
add_entries(struct buffer *b, const struct field *f, const struct array *a, size_t i, size_t most)
{
	size_t end, first = first_entry(f, a, i, &end), n = end - first;

	for (size_t k = 0; k < n && k < most; k++) {
		if (k)
			add(b, ",");
		add_entry(b, &f->children[0], &a->children[0], first + k);
	}
	if (n <= most)
		return;
	add(b, ",... (");
	text_unsigned(b, n);
	add(b, ")");
}

static void
add_plain(struct buffer *b, const struct field *f, const struct array *a, size_t i, size_t most)
{
	size_t n;
	const char *text;

	if (f->type == TYPE_UTF8) {
		text = array_text(f, a, i, &n);
		buffer_add(b, text, n);
	} else if (is_list(f) && !f->children[0].n_children) {
		add_entries(b, f, a, i, most);
	} else if (f->n_children || f->type == TYPE_STRUCT) {
		text_json(b, f, a, i);
	} else {
		text_scalar(b, f, a, i);
	}
}

void
text_plain(struct buffer *b, const struct field *f, const struct array *a, size_t i)
{
	if (is_there(f, a, i))
		add_plain(b, f, a, i, SIZE_MAX);
}

void
text_short(struct buffer *b, const struct field *f, const struct array *a, size_t i, size_t most)
{
	struct buffer plain = { 0 };

	if (!is_there(f, a, i)) {
		add(b, "null");
		return;
	}
	if (is_list(f) && is_empty(f, a, i)) {
		add(b, "[]");
		return;
	}
	add_plain(&plain, f, a, i, most);
	text_printable(b, (const char *)plain.data, plain.size);
	buffer_free(&plain);
}
