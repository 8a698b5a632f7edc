#include <csv.h>
#include <stdio.h>
#include <string.h>

#include "formats/text_table.h"
#include "formats/text_value.h"

static void
add(struct buffer *b, const char *text)
{
	buffer_add(b, text, strlen(text));
}

static void
add_tsv_byte(struct buffer *b, const char *text, size_t i, size_t n)
{
	static const char escapes[] = "\tt\nn\rr\\\\";
	unsigned char c = (unsigned char)text[i], next = i + 1 < n ? (unsigned char)text[i + 1] : 0;
	unsigned char last = i ? (unsigned char)text[i - 1] : 0;
	bool is_c1 =
	    (c == 0xc2 && next >= 0x80 && next <= 0x9f) || (last == 0xc2 && c >= 0x80 && c <= 0x9f);
	char hex[8];

	for (size_t k = 0; k < sizeof(escapes) - 1; k += 2)
		if (text[i] == escapes[k]) {
			add(b, "\\");
			buffer_add(b, &escapes[k + 1], 1);
			return;
		}
	if (c >= 0x20 && c != 0x7f && !is_c1) {
		buffer_add(b, text + i, 1);
		return;
	}
	snprintf(hex, sizeof(hex), "\\x%02x", c);
	add(b, hex);
}

void
text_table_tsv(struct buffer *row, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_tsv_byte(row, text, i, n);
}

static bool
needs_quotes(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr("\",\n\r", text[i]))
			return true;
	return n == 0;
}

static void
add_csv(struct buffer *b, const char *text, size_t n)
{
	size_t size;

	if (!needs_quotes(text, n)) {
		buffer_add(b, text, n);
		return;
	}
	size = csv_write2(NULL, 0, text, n, '"');
	csv_write2(buffer_grow(b, size), size, text, n, '"');
}

/* The text of t->field as a field of the row. */
static void
add_field(struct text_table *t)
{
	const char *text = (const char *)t->field.data;
	struct buffer printable = { 0 };

	if (t->form == TEXT_TSV) {
		text_table_tsv(&t->row, text, t->field.size);
	} else if (t->is_shown) {
		text_printable(&printable, text, t->field.size);
		add_csv(&t->row, (const char *)printable.data, printable.size);
		buffer_free(&printable);
	} else {
		add_csv(&t->row, text, t->field.size);
	}
}

int
text_table_header(struct text_table *t, struct err *e)
{
	t->row.size = 0;
	for (size_t i = 0; i < t->schema->n_fields && t->form != TEXT_JSONL; i++) {
		if (i)
			add(&t->row, t->form == TEXT_CSV ? "," : "\t");
		t->field.size = 0;
		add(&t->field, t->schema->fields[i].name);
		add_field(t);
	}
	if (t->form != TEXT_JSONL)
		add(&t->row, "\n");
	return output_write(t->output, t->row.data, t->row.size, e);
}

static void
add_row(struct text_table *t, const struct batch *b, size_t row)
{
	for (size_t i = 0; i < b->n_columns; i++) {
		const struct field *f = &t->schema->fields[i];

		if (i)
			add(&t->row, t->form == TEXT_CSV ? "," : "\t");
		t->field.size = 0;
		text_plain(&t->field, f, &b->columns[i], row);
		if (f->type != TYPE_NULL && array_is_valid(&b->columns[i], row))
			add_field(t);
	}
}

static void
add_object(struct text_table *t, const struct batch *b, size_t row)
{
	add(&t->row, "{");
	for (size_t i = 0; i < b->n_columns; i++) {
		const struct field *f = &t->schema->fields[i];

		if (i)
			add(&t->row, ",");
		text_json_string(&t->row, f->name, strlen(f->name));
		add(&t->row, ":");
		text_json(&t->row, f, &b->columns[i], row);
	}
	add(&t->row, "}");
}

int
text_table_write(struct text_table *t, const struct batch *b, struct err *e)
{
	for (size_t row = 0; row < b->rows && !e->is_set; row++) {
		t->row.size = 0;
		if (t->form == TEXT_JSONL)
			add_object(t, b, row);
		else
			add_row(t, b, row);
		add(&t->row, "\n");
		output_write(t->output, t->row.data, t->row.size, e);
	}
	return e->is_set ? -1 : 0;
}

void
text_table_free(struct text_table *t)
{
	buffer_free(&t->row);
	buffer_free(&t->field);
}
