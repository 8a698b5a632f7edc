#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/utf8.h"
#include "formats/delimited.h"

enum { CHUNK = 1 << 16 };

/* Fields come one by one. */
struct reading {
	delimited_visit *visit;
	void *context;
	struct err *e;
	struct buffer bytes;         /* of the row's fields, each with a NUL behind it */
	struct buffer sizes, fields; /* size_t, const char * */
	size_t line;                 /* at hand, from 1 */
	size_t row_line;             /* where the row at hand begins */
	bool in_row;
};

static void
take_field(void *text, size_t size, void *context)
{
	struct reading *r = context;

	if (!utf8_is_valid(text, size))
		err_set(r->e, "line %zu: not UTF-8", r->row_line);
	buffer_add(&r->bytes, text, size);
	buffer_add(&r->bytes, "", 1);
	buffer_add(&r->sizes, &size, sizeof(size));
}

static void
take_row(int end, void *context)
{
	struct reading *r = context;
	const size_t *sizes = (const size_t *)(const void *)r->sizes.data;
	struct delimited_row row = { r->row_line, r->sizes.size / sizeof(*sizes), NULL, sizes };
	const char *field = (const char *)r->bytes.data;

	(void)end;
	r->fields.size = 0;
	for (size_t i = 0; i < row.n; i++) {
		buffer_add(&r->fields, &field, sizeof(field));
		field += sizes[i] + 1;
	}
	row.fields = (const char *const *)(const void *)r->fields.data;
	if (!r->e->is_set)
		r->visit(r->context, &row, r->e);
	r->bytes.size = r->sizes.size = 0;
	r->in_row = false;
}

/* A line, or a part of one, without which the parser would know rows only. */
static int
parse_line(struct reading *r, struct csv_parser *parser, const char *text, size_t size)
{
	bool is_empty = text[0] == '\n' || (text[0] == '\r' && (size == 1 || text[1] == '\n'));

	if (!r->in_row) {
		r->row_line = r->line;
		r->in_row = !is_empty;
	}
	if (csv_parse(parser, text, size, take_field, take_row, r) != size)
		err_set(r->e, "line %zu: a quote where none belongs", r->line);
	r->line += text[size - 1] == '\n';
	return r->e->is_set ? -1 : 0;
}

static int
parse_chunk(struct reading *r, struct csv_parser *parser, const char *text, size_t size)
{
	if (memchr(text, '\0', size))
		return err_set(r->e, "a zero byte: this is no text");
	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t n = end ? (size_t)(end - text) + 1 : size;

		if (parse_line(r, parser, text, n))
			return -1;
		text += n;
		size -= n;
	}
	return 0;
}

static int
is_no_blank(unsigned char c)
{
	(void)c;
	return 0;
}

/* Looks at the first line, as far as it is in the chunk; returns how long its byte order mark is.
 */
static size_t
begin(struct csv_parser *parser, unsigned flags, const char *text, size_t size)
{
	const char *end = memchr(text, '\n', size);

	if (memchr(text, '\t', end ? (size_t)(end - text) : size)) {
		csv_set_delim(parser, '\t');
		if (!(flags & DELIMITED_TSV_QUOTES))
			csv_set_quote(parser, '\0');
	}
	if (!(flags & DELIMITED_TRIM))
		csv_set_space_func(parser, is_no_blank);
	return size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static int
parse(struct reading *r, struct input *in, struct csv_parser *parser, unsigned flags)
{
	char *chunk = mem_alloc(CHUNK, 1);
	bool is_first = true;
	ptrdiff_t n;

	while ((n = input_read(in, chunk, CHUNK, r->e)) > 0) {
		size_t skipped = is_first ? begin(parser, flags, chunk, (size_t)n) : 0;

		is_first = false;
		if (parse_chunk(r, parser, chunk + skipped, (size_t)n - skipped))
			break;
	}
	if (!r->e->is_set && csv_fini(parser, take_field, take_row, r))
		err_set(r->e, "line %zu: a quote that is never closed", r->row_line);
	free(chunk);
	return r->e->is_set ? -1 : 0;
}

int
delimited_read(const char *path, bool force, unsigned flags, delimited_visit *visit, void *context,
    struct err *e)
{
	struct reading r = { .visit = visit, .context = context, .e = e, .line = 1 };
	struct input *in = e->is_set ? NULL : input_open(path, force, e);
	struct csv_parser parser;

	if (!in)
		return -1;
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI))
		mem_give_up("no memory for a table");
	if (parse(&r, in, &parser, flags))
		err_prefix(e, "%s", input_name(in));
	csv_free(&parser);
	buffer_free(&r.bytes);
	buffer_free(&r.sizes);
	buffer_free(&r.fields);
	input_close(in);
	return e->is_set ? -1 : 0;
}
