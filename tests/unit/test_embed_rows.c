/* Rows of embeddings: names that the kind itself uses, and which cells are of one state. A stream
 * of three cells goes in, its vectors are made up, and what was written is read again. */

#define _DEFAULT_SOURCE /* mkdtemp */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/arrow.h"
#include "nn/embed_rows.h"
#include "nn/model.h"

enum { CELLS = 3, HIDDEN = 2 };

static const struct cli_option options[] = { CLI_END };
static const struct cli_program program = { "test", "", "FILE", 0, options };
static char folder[] = "/tmp/cellpipe-rows.XXXXXX";
static char in_path[100], out_path[100];

static struct cli
make_cli(void)
{
	return (struct cli){ .program = &program, .output = out_path, .level = 0, .quiet = true };
}

/* Writes three cells of one token with one more column. */
static void
write_tokens(struct field column, struct array values)
{
	static const int32_t offsets[] = { 0, 1, 2, 3 };
	static const uint16_t ids[] = { 0, 1, 0 };
	struct field item = field_int("item", 16, false);
	struct field fields[] = { field_list("input_ids", &item), column };
	struct schema *s = schema_new();
	struct batch b = { .rows = CELLS };
	struct err e = { 0 };
	struct output *out = output_create(in_path, true, false, &e);
	struct arrow_writer *w;

	for (size_t i = 0; i < 2; i++)
		schema_append(s, &fields[i]);
	batch_append(&b, array_list(&b.arena, CELLS, offsets, array_fixed(CELLS, ids)));
	batch_append(&b, values);
	w = arrow_create(out, s, 0, &e);
	arrow_write(w, &b, &e);
	arrow_finish(w, &e);
	arrow_writer_free(w);
	output_commit(out, &e);
	assert_false(e.is_set);
	batch_free(&b);
	schema_free(s);
}

/* Cell i has the vector (i, 10 i). */
static void
embed(const char *by)
{
	static const size_t offsets[] = { 0, 1, 2, 3 };
	static const int32_t ids[] = { 0, 1, 0 };
	static const float vectors[CELLS * HIDDEN] = { 0, 0, 1, 10, 2, 20 };
	const struct token_cells cells = { CELLS, ids, offsets, 0 };
	const struct model model = { .config = { .hidden = HIDDEN, .vocab = 2 } };
	struct cli cli = make_cli();
	struct err e = { 0 };
	struct cells_reader *in = cells_open(&cli, in_path, KIND_TOKENS, &e);
	struct genes *genes = genes_from_vocabulary("A\nB", &e);
	struct embed_rows *rows =
	    embed_rows_new(&cli, in, genes, &model, by, false, 1 << 20, EMBED_FIRST, &e);
	struct batch b = { 0 };
	struct embedded_group group = { &b, &cells, vectors, 1 };

	assert_int_equal(cells_read(in, &b, &e), 1);
	assert_int_equal(embed_rows_take(rows, &group, &e), 0);
	assert_int_equal(cells_finish(&cli, in, embed_rows_finish(rows, &e), &e), 0);
	batch_free(&b);
	embed_rows_free(rows);
	genes_free(genes);
}

static void
expect_states(struct field column, struct array values, size_t n, const char *const *names,
    const int64_t *counts)
{
	const struct field text = field_utf8("state");
	struct cli cli = make_cli();
	struct err e = { 0 };
	struct cells_reader *in;
	struct batch b = { 0 };

	write_tokens(column, values);
	embed(column.name);
	in = cells_open(&cli, out_path, KIND_EMBEDDINGS, &e);
	assert_int_equal(cells_read(in, &b, &e), 1);
	assert_int_equal(b.rows, n);
	for (size_t i = 0; i < n; i++) {
		size_t size;
		const char *got = array_text(&text, &b.columns[0], i, &size);

		assert_int_equal(size, strlen(names[i]));
		assert_memory_equal(got, names[i], size);
		assert_int_equal(((const int64_t *)b.columns[1].values)[i], counts[i]);
	}
	cells_close(in);
	batch_free(&b);
}

/* As doubles the first two would be the same. */
static void
tells_large_numbers_apart(void **state)
{
	static const int64_t numbers[] = { 9007199254740993, 9007199254740992, 9007199254740993 };
	static const char *const names[] = { "9007199254740992", "9007199254740993" };
	static const int64_t counts[] = { 1, 2 };

	(void)state;
	expect_states(field_int("donor", 64, true), array_fixed(CELLS, numbers), 2, names, counts);
}

static void
leaves_out_what_is_no_number(void **state)
{
	static const double numbers[] = { 0.1, NAN, 0.1 };
	static const char *const names[] = { "0.1" };
	static const int64_t counts[] = { 2 };

	(void)state;
	expect_states(field_float("dose", 64), array_fixed(CELLS, numbers), 1, names, counts);
}

static void
keeps_states_without_letters(void **state)
{
	static const int32_t offsets[] = { 0, 0, 0, 0 };
	static const char *const names[] = { "" };
	static const int64_t counts[] = { 3 };

	(void)state;
	expect_states(field_utf8("group"), array_utf8(CELLS, offsets, ""), 1, names, counts);
}

/* A column of the source is not mistaken for one of the kind, and no name stands twice. */
static void
renames_columns_that_would_be_mistaken(void **state)
{
	static const char *const taken[] = { "embedding", "gene", "state", "n_cells" };
	static const int64_t numbers[] = { 4, 5, 6 };

	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		struct cli cli = make_cli();
		struct err e = { 0 };
		struct cells_reader *in;
		char name[40];

		write_tokens(field_int(taken[i], 64, true), array_fixed(CELLS, numbers));
		embed(NULL);
		in = cells_open(&cli, out_path, KIND_EMBEDDINGS, &e);
		assert_non_null(in);
		snprintf(name, sizeof(name), "obs.%s", taken[i]);
		assert_true(schema_find(cells_schema(in), name) >= 0);
		assert_true(schema_find(cells_schema(in), "embedding") >= 0);
		assert_int_equal(cells_schema(in)->n_fields, 3);
		cells_close(in);
	}
}

static int
make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(in_path, sizeof(in_path), "%s/in", folder);
	snprintf(out_path, sizeof(out_path), "%s/out", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(in_path);
	unlink(out_path);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_large_numbers_apart),
		cmocka_unit_test(leaves_out_what_is_no_number),
		cmocka_unit_test(keeps_states_without_letters),
		cmocka_unit_test(renames_columns_that_would_be_mistaken),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
