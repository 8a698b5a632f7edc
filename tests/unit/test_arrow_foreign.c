/* test_arrow_foreign.c - streams that pyarrow wrote (tests/fuzz/corpus/arrow, by
 * make_arrow_corpus.py, where their values stand): each form is read as what it says. */

#include "arrow_aid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 4000 };

static void __attribute__((format(printf, 2, 3))) add(char *out, const char *format, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + used, ROOM - used, format, args);
	va_end(args);
}

/* Value i as text: numbers, texts in quotes, lists in brackets, "-" for a null. */
static void
describe(const struct field *f, const struct array *a, size_t i, char *out)
{
	size_t from, to, n = 0;
	const char *text;

	if (f->type == TYPE_NULL || !array_is_valid(a, i)) {
		add(out, "-");
	} else if (f->type == TYPE_UTF8) {
		text = array_text(f, a, i, &n);
		add(out, "'%.*s'", (int)n, text);
	} else if (f->type == TYPE_BINARY) {
		add(out, "%d bytes", (int)(a->offsets[i + 1] - a->offsets[i]));
	} else if (f->type == TYPE_STRUCT) {
		for (size_t c = 0; c < f->n_children; c++) {
			add(out, "%s", c ? " " : "{");
			describe(&f->children[c], &a->children[c], i, out);
		}
		add(out, "}");
	} else if (f->n_children) {
		from = a->offsets ? (size_t)a->offsets[i] : i * (size_t)f->list_size;
		to = a->offsets ? (size_t)a->offsets[i + 1] : from + (size_t)f->list_size;
		add(out, "[");
		for (size_t k = from; k < to; k++) {
			add(out, "%s", k > from ? " " : "");
			describe(f->children, a->children, k, out);
		}
		add(out, "]");
	} else {
		add(out, "%g", array_number(f, a, i));
	}
}

/* All values of column c in the file, divided by spaces. */
static void
describe_column(const char *name, size_t c, char out[ROOM])
{
	char path[200];
	struct err e = { 0 };
	struct batch b = { 0 };
	struct arrow_reader *r;

	snprintf(path, sizeof(path), "tests/fuzz/corpus/arrow/%s.arrows", name);
	out[0] = '\0';
	r = arrow_open(input_open(path, false, &e), &e);
	while (r && arrow_read(r, &b, &e) > 0)
		for (size_t i = 0; i < b.rows; i++) {
			add(out, "%s", *out ? " " : "");
			describe(&arrow_schema(r)->fields[c], &b.columns[c], i, out);
		}
	assert_string_equal(e.text, "");
	batch_free(&b);
	arrow_close(r);
}

static void
expect(const char *name, size_t c, const char *expected)
{
	char got[ROOM];

	describe_column(name, c, got);
	assert_string_equal(got, expected);
}

static void
test_flat(void **state)
{
	(void)state;
	expect("flat", 0, "1 - 0 1 - 0");
	expect("flat", 1, "1 - -3 4 - -3");
	expect("flat", 2, "0.5 - 1e+300 2 - 1e+300");
	expect("flat", 3, "1 2 - 3 2 -");
	expect("flat", 4, "- - - - - -");
}

static void
test_texts(void **state)
{
	static const char four[] = "'a' - 'größe' 'a long text, more than twelve bytes'";
	static const char six[] = "'a' - 'größe' 'a long text, more than twelve bytes' - 'größe'";

	(void)state;
	expect("texts", 0, six);
	expect("texts", 1, six);
	expect("texts", 2, "1 bytes - 0 bytes 3 bytes - 0 bytes");
	expect("texts_zstd", 1, four);
	expect("views", 0, six);
	expect("views", 1, "20 bytes - 0 bytes 3 bytes - 0 bytes");
	expect("views_zstd", 0, four);
}

/* One batch, in each framing and compression. */
static void
test_lists(void **state)
{
	static const char *const names[] = { "lists_zstd", "lz4", "v4", "legacy", "file" };

	(void)state;
	expect("lists", 0, "[3 4] - [] [5 6 7] - []");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		expect(names[i], 0, "[3 4] - [] [5 6 7]");
		expect(names[i], 1, "[3 4] - [] [5 6 7]");
		expect(names[i], 2, "[1 2] - [3 4] [5 -]");
		expect(names[i], 3, "[['a'] -] [] - [['b' -] []]");
	}
}

static void
test_structs(void **state)
{
	(void)state;
	expect("structs_zstd", 0, "{1 'x'} - {- 'y'} {2 -}");
	expect("structs_zstd", 1, "[{'a' 1}] [] - [{'b' 2} {'c' -}]");
}

static void
test_dictionaries(void **state)
{
	(void)state;
	expect("dictionaries", 0, "'T' 'B' - 'T' 'B' -");
	expect("dictionaries", 1, "7 8 - 7 8 -");
	expect("dictionaries_zstd", 2, "['x'] ['y'] ['x'] [-]");
	expect("delta", 0, "'T' 'B' 'NK' -");
	expect("replaced", 0, "'T' 'B' 'X' 'X'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_structs),
		cmocka_unit_test(test_dictionaries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
