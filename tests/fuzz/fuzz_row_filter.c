/* fuzz_row_filter.c - any text as a condition on rows: a tree or an error, and where its columns
 * are there, an answer for each row.
 *
 * Patterns are not compiled: what the C library makes of them is not ours. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cell/row_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 4 };

static const char *const texts[] = { "a", NULL, "", "\xc3\xa4" };
static const int64_t whole[] = { -1, 0, 1, INT64_MAX };
static const float reals[] = { -1.5F, 0, 0.1F, 1e30F };
static const uint8_t bits = 5;

/* A column of each sort: a, n, x, t. */
static struct schema *
make_rows(struct batch *b)
{
	const struct field fields[] = { field_utf8("a"), field_int("n", 64, true),
		field_float("x", 32), field_bool("t") };
	struct schema *s = schema_new();

	for (size_t i = 0; i < 4; i++)
		schema_append(s, &fields[i]);
	b->rows = ROWS;
	batch_append(b, array_from_texts(&b->arena, texts, ROWS));
	batch_append(b, array_fixed(ROWS, whole));
	batch_append(b, array_fixed(ROWS, reals));
	batch_append(b, array_fixed(ROWS, &bits));
	return s;
}

static void
select_rows(struct row_filter *f, struct err *e)
{
	struct batch b = { 0 };
	struct schema *s = make_rows(&b);
	size_t rows[ROWS], n;

	if (row_filter_bind(f, s, e) == 0) {
		n = row_filter_select(f, &b, false, rows);
		if (n + row_filter_select(f, &b, true, rows) != ROWS)
			abort();
	}
	batch_free(&b);
	schema_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size);
	struct err e = { 0 };
	struct row_filter *f = row_filter_parse(text, &e);

	if ((f == NULL) != e.is_set)
		abort();
	if (f && !strchr(text, '~'))
		select_rows(f, &e);
	row_filter_free(f);
	free(text);
	return 0;
}
