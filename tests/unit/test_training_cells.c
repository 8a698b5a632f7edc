/* Files into a corpus: which rows are of which set, what a visitor sees, what is refused. */

#include <stdlib.h>
#include <string.h>

#include "corpus_aid.h"
#include "nn/training_cells.h"

static const struct cli_option no_options[] = { CLI_END };
static const struct cli_program program = { .name = "test", .options = no_options };
static char *folder, *first, *second;

static int
setup(void **state)
{
	(void)state;
	folder = aid_make_folder();
	first = mem_printf("%s/first", folder);
	second = mem_printf("%s/second", folder);
	aid_tokens(first, 0, 30);
	aid_tokens(second, 30, 12);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(first);
	free(second);
	aid_remove_folder(folder);
	return 0;
}

/* Counts rows by their set. */
static int
count(void *context, const struct schema *s, const struct batch *b, uint64_t from, uint8_t *sets,
    struct err *e)
{
	uint64_t *counts = context;

	(void)e;
	assert_true(schema_find(s, "parity") >= 0);
	assert_int_equal(from, counts[0] + counts[1]);
	for (size_t i = 0; i < b->rows; i++)
		counts[sets[i]]++;
	return 0;
}

static int
read_cells(char **inputs, size_t n, const char *eval, uint64_t *counts, struct genes **genes,
    struct token_corpus **c, struct err *e)
{
	struct cli cli = { .program = &program,
		.quiet = true,
		.input = inputs[0],
		.inputs = inputs,
		.n_inputs = n };
	struct training_cells_options o = { .cli = &cli,
		.eval = eval,
		.positions = 13,
		.max_memory = 1 << 20,
		.visit = count,
		.context = counts };

	cli.options = &cli;
	return training_cells_read(&o, genes, c, e);
}

static void
files_and_sets(void **state)
{
	char *inputs[] = { first, second };
	uint64_t counts[3] = { 0 };
	struct genes *genes;
	struct token_corpus *c;
	struct err e = { 0 };

	(void)state;
	read_cells(inputs, 2, first, counts, &genes, &c, &e);
	aid_expect_no_error(&e);
	assert_int_equal(counts[TOKEN_SET_TRAIN], 42);
	assert_int_equal(counts[TOKEN_SET_EVAL], 30);
	assert_int_equal(token_corpus_cells(c, TOKEN_SET_EVAL), 30);
	assert_int_equal(token_corpus_set_of(c, 41), TOKEN_SET_TRAIN);
	assert_int_equal(token_corpus_set_of(c, 42), TOKEN_SET_EVAL);
	assert_int_equal(genes->n_tokens, AID_TOKENS);
	token_corpus_free(c);
	genes_free(genes);
}

static void
what_cannot_be_read(void **state)
{
	char *inputs[] = { first, folder };
	uint64_t counts[3] = { 0 };
	struct genes *genes;
	struct token_corpus *c;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(read_cells(inputs, 2, NULL, counts, &genes, &c, &e), -1);
	assert_true(e.is_set);
	assert_null(genes);
	assert_null(c);
	e.is_set = false;
	inputs[0] = "no-such-file";
	assert_int_equal(read_cells(inputs, 1, NULL, counts, &genes, &c, &e), -1);
	aid_expect_error(&e, "no-such-file");
	assert_null(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_and_sets),
		cmocka_unit_test(what_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
