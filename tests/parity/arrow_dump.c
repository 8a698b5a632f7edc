/* arrow_dump.c - what the stream reader makes of a stream, as text that other readers' output can
 *be compared with.
 *
 *	arrow_dump FILE ...
 *
 * The first line gives the columns and their types, then comes one line a row: its values in
 *brackets. Texts are JSON strings (only quote, backslash and control characters escaped), floats
 *%.17g, types without a text form the hexadecimal bytes of the value. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "formats/arrow.h"

static void
print_text(const char *s, size_t n)
{
	putchar('"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
print_hex(const void *bytes, size_t n)
{
	putchar('x');
	for (size_t i = 0; i < n; i++)
		printf("%02x", ((const uint8_t *)bytes)[i]);
}

static void
print_integer(const struct field *f, const struct array *a, size_t i)
{
	size_t width = (size_t)f->bit_width / 8;
	uint64_t v = 0;

	memcpy(&v, (const char *)a->values + i * width, width);
	if (f->is_signed && f->bit_width < 64 && v >> (f->bit_width - 1))
		v |= ~UINT64_C(0) << f->bit_width;
	if (f->is_signed)
		printf("%" PRId64, (int64_t)v);
	else
		printf("%" PRIu64, v);
}

static void print_value(const struct field *f, const struct array *a, size_t i);

static void
print_children(const struct field *f, const struct array *a, size_t i)
{
	size_t from = i, to = i + 1;

	if (f->type == TYPE_STRUCT) {
		for (size_t c = 0; c < f->n_children; c++) {
			printf("%s", c ? ", " : "{");
			print_value(&f->children[c], &a->children[c], i);
		}
		printf("%s", f->n_children ? "}" : "{}");
		return;
	}
	if (f->type == TYPE_FIXED_LIST) {
		from = i * (size_t)f->list_size;
		to = from + (size_t)f->list_size;
	} else {
		from = (size_t)a->offsets[i];
		to = (size_t)a->offsets[i + 1];
	}
	putchar('[');
	for (size_t k = from; k < to; k++) {
		printf("%s", k > from ? ", " : "");
		print_value(f->children, a->children, k);
	}
	putchar(']');
}

static void
print_value(const struct field *f, const struct array *a, size_t i)
{
	const char *text;
	size_t n;

	if (f->type == TYPE_NULL || !array_is_valid(a, i)) {
		printf("null");
	} else if (f->type == TYPE_UTF8) {
		text = array_text(f, a, i, &n);
		print_text(text, n);
	} else if (f->type == TYPE_BINARY) {
		print_hex((const char *)a->values + a->offsets[i],
		    (size_t)(a->offsets[i + 1] - a->offsets[i]));
	} else if (f->type == TYPE_BOOL) {
		printf("%s", ((const uint8_t *)a->values)[i / 8] >> (i % 8) & 1 ? "true" : "false");
	} else if (f->type == TYPE_INT) {
		print_integer(f, a, i);
	} else if (f->type == TYPE_FLOAT) {
		printf("%.17g", array_number(f, a, i));
	} else if (f->n_children || f->type == TYPE_STRUCT) {
		print_children(f, a, i);
	} else {
		n = (size_t)f->bit_width / 8;
		print_hex((const char *)a->values + i * n, n);
	}
}

static void
print_schema(const struct schema *s)
{
	char text[400];

	for (size_t i = 0; i < s->n_fields; i++)
		printf("%s%s %s", i ? ", " : "", s->fields[i].name,
		    field_type_text(&s->fields[i], text, sizeof(text)));
	printf("\n");
}

static int
dump(const char *path)
{
	struct err e = { 0 };
	struct arrow_reader *r = arrow_open(input_open(path, false, &e), &e);
	struct batch b = { 0 };

	if (r)
		print_schema(arrow_schema(r));
	while (r && arrow_read(r, &b, &e) > 0)
		for (size_t i = 0; i < b.rows; i++)
			for (size_t c = 0; c < b.n_columns; c++) {
				printf("%s", c ? ", " : "[");
				print_value(&arrow_schema(r)->fields[c], &b.columns[c], i);
				printf("%s", c + 1 == b.n_columns ? "]\n" : "");
			}
	batch_free(&b);
	arrow_close(r);
	if (e.is_set)
		fprintf(stderr, "%s\n", e.text);
	return e.is_set;
}

int
main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++)
		status |= dump(argv[i]);
	return status;
}
