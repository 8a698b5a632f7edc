/* A corpus gives every row once an epoch, in an order of chance that only seed and epoch decide,
 * wherever its tokens are. */

#include <stdlib.h>
#include <string.h>

#include "corpus_aid.h"

enum { ROWS = 500, BUDGET = 64 };

/* Small blocks and windows, so that there are many. */
static const struct token_corpus_options options = { .limits = { AID_TOKENS, 16, false, 3 },
	.max_memory = 1 << 20,
	.block_tokens = 50,
	.window_blocks = 7 };

/* Takes an epoch: the rows in their order into ret_rows; checks tokens, offsets and budget.
 * Returns the number of takes. */
static size_t
take_epoch(struct token_order *o, uint64_t *ret_rows, size_t *ret_n)
{
	struct token_step step;
	struct err e = { 0 };
	size_t takes = 0;

	*ret_n = 0;
	while (token_order_take(o, BUDGET, &step, &e) > 0) {
		takes++;
		assert_true(step.n > 0 && (step.n == 1 || step.offsets[step.n] <= BUDGET));
		for (size_t i = 0; i < step.n; i++) {
			int32_t expected[16];
			size_t n = aid_cell(step.rows[i], expected);

			assert_int_equal(step.offsets[i + 1] - step.offsets[i], n);
			assert_memory_equal(
			    step.ids + step.offsets[i], expected, n * sizeof(*expected));
			ret_rows[(*ret_n)++] = step.rows[i];
		}
	}
	aid_expect_no_error(&e);
	return takes;
}

/* Each row from 0 to n - 1 once? */
static void
expect_each_once(const uint64_t *rows, size_t n)
{
	bool seen[ROWS] = { false };

	for (size_t i = 0; i < n; i++) {
		assert_true(rows[i] < n && !seen[rows[i]]);
		seen[rows[i]] = true;
	}
}

static void
every_row_once_an_epoch(void **state)
{
	struct token_corpus *c = aid_corpus(&options, ROWS, NULL, NULL);
	struct token_order *o = token_order_new(c, TOKEN_SET_TRAIN, true, 1);
	uint64_t rows[3][ROWS];
	size_t n, moved = 0;

	(void)state;
	for (size_t epoch = 0; epoch < 3; epoch++) {
		assert_int_equal(token_order_epoch(o), epoch);
		assert_int_equal(
		    token_order_count(o, epoch, BUDGET), take_epoch(o, rows[epoch], &n));
		assert_int_equal(n, ROWS);
		expect_each_once(rows[epoch], n);
	}
	for (size_t i = 0; i < ROWS; i++)
		moved += rows[0][i] != rows[1][i];
	assert_true(moved > ROWS * 9 / 10); /* of 500, 499 are expected to move */
	token_order_free(o);
	token_corpus_free(c);
}

/* In memory, in the file, in both; from the same seed the same order, from another one another. */
static void
the_same_from_memory_and_file(void **state)
{
	static const size_t memory[] = { 1 << 20, 0, 1000 };
	uint64_t rows[3][ROWS], other[ROWS];
	char hash[3][33];
	size_t n;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct token_corpus_options with = options;
		struct token_corpus *c;
		struct token_order *o;

		with.max_memory = memory[i];
		c = aid_corpus(&with, ROWS, NULL, NULL);
		o = token_order_new(c, TOKEN_SET_TRAIN, true, 7);
		take_epoch(o, rows[i], &n);
		assert_memory_equal(rows[i], rows[0], sizeof(rows[0]));
		token_corpus_hash(c, hash[i]);
		assert_string_equal(hash[i], hash[0]);
		token_order_free(o);
		o = token_order_new(c, TOKEN_SET_TRAIN, true, 8);
		take_epoch(o, other, &n);
		assert_memory_not_equal(other, rows[0], sizeof(other));
		token_order_free(o);
		token_corpus_free(c);
	}
}

/* Chance mixes the whole of a window, and windows are of blocks from all over the corpus. */
static void
the_first_window_is_from_all_over(void **state)
{
	struct token_corpus *c = aid_corpus(&options, ROWS, NULL, NULL);
	struct token_order *o = token_order_new(c, TOKEN_SET_TRAIN, true, 3);
	uint64_t rows[ROWS];
	size_t n, n_high = 0, n_rises = 0;

	(void)state;
	take_epoch(o, rows, &n);
	for (size_t i = 0; i < 40; i++) {
		n_high += rows[i] >= ROWS / 2;
		n_rises += rows[i + 1] == rows[i] + 1;
	}
	assert_in_range(n_high, 3, 37);
	assert_in_range(n_rises, 0, 12);
	token_order_free(o);
	token_corpus_free(c);
}

static void
unshuffled_as_they_came(void **state)
{
	struct token_corpus *c = aid_corpus(&options, ROWS, NULL, NULL);
	struct token_order *o = token_order_new(c, TOKEN_SET_TRAIN, false, 0);
	uint64_t rows[ROWS];
	size_t n;

	(void)state;
	for (int epoch = 0; epoch < 2; epoch++) {
		take_epoch(o, rows, &n);
		for (size_t i = 0; i < ROWS; i++)
			assert_int_equal(rows[i], i);
	}
	token_order_free(o);
	token_corpus_free(c);
}

static void
seek_goes_on_where_it_was(void **state)
{
	struct token_corpus *c = aid_corpus(&options, ROWS, NULL, NULL);
	struct token_order *o = token_order_new(c, TOKEN_SET_TRAIN, true, 5), *other;
	struct token_step a, b;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < 120; i++) {
		int got;

		other = token_order_new(c, TOKEN_SET_TRAIN, true, 5);
		assert_int_equal(
		    token_order_seek(other, token_order_epoch(o), token_order_place(o), &e), 0);
		got = token_order_take(o, BUDGET, &a, &e);
		assert_int_equal(token_order_take(other, BUDGET, &b, &e), got);
		assert_int_equal(a.n, b.n);
		for (size_t k = 0; k < a.n; k++)
			assert_int_equal(a.rows[k], b.rows[k]);
		token_order_free(other);
	}
	assert_int_equal(token_order_epoch(o), 1);
	assert_int_equal(token_order_seek(o, 0, ROWS + 1, &e), -1);
	token_order_free(o);
	token_corpus_free(c);
}

/* Rows with an odd number in EVAL, every fifth left out. */
static int
sort_out(void *context, const struct schema *s, const struct batch *b, uint64_t first,
    uint8_t *sets, struct err *e)
{
	size_t column = (size_t)schema_find(s, "parity");
	size_t *n_seen = context;

	(void)e;
	for (size_t i = 0; i < b->rows; i++) {
		assert_int_equal(sets[i], TOKEN_SET_TRAIN);
		if (((const int64_t *)b->columns[column].values)[i])
			sets[i] = TOKEN_SET_EVAL;
		if ((first + i) % 5 == 0)
			sets[i] = TOKEN_SET_NONE;
	}
	*n_seen += b->rows;
	return 0;
}

static void
sets_are_gone_through_by_themselves(void **state)
{
	size_t n_seen = 0, n, expected = 0;
	struct token_corpus *c = aid_corpus(&options, ROWS, sort_out, &n_seen);
	struct token_order *o = token_order_new(c, TOKEN_SET_EVAL, false, 0);
	uint64_t rows[ROWS];
	int32_t ids[16];

	(void)state;
	assert_int_equal(n_seen, ROWS);
	assert_int_equal(token_corpus_rows(c), ROWS);
	assert_int_equal(token_corpus_cells(c, TOKEN_SET_TRAIN), 200);
	assert_int_equal(token_corpus_cells(c, TOKEN_SET_EVAL), 200);
	take_epoch(o, rows, &n);
	assert_int_equal(n, 200);
	for (size_t i = 0; i < n; i++) {
		assert_true(rows[i] % 2 == 1 && rows[i] % 5);
		expected += aid_cell(rows[i], ids);
	}
	assert_int_equal(token_corpus_tokens(c, TOKEN_SET_EVAL), expected);
	token_order_free(o);
	token_corpus_free(c);
}

static void
some_are_held_out(void **state)
{
	struct token_corpus *c = aid_corpus(&options, ROWS, NULL, NULL);
	uint64_t n_eval;

	(void)state;
	token_corpus_hold_out(c, 0.2, 11);
	n_eval = token_corpus_cells(c, TOKEN_SET_EVAL);
	assert_in_range(n_eval, 60, 140); /* 100, four standard deviations of 9 */
	assert_int_equal(token_corpus_cells(c, TOKEN_SET_TRAIN), ROWS - n_eval);
	for (uint64_t row = 0; row < ROWS; row++)
		n_eval -= token_corpus_set_of(c, row) == TOKEN_SET_EVAL;
	assert_int_equal(n_eval, 0);
	token_corpus_free(c);
}

static void
a_step_has_at_most_so_many_cells(void **state)
{
	struct token_corpus *c = aid_corpus(&options, ROWS, NULL, NULL);
	struct token_order *o = token_order_new(c, TOKEN_SET_TRAIN, true, 1);
	struct token_step step;
	struct err e = { 0 };
	size_t n = 0;

	(void)state;
	token_order_limit(o, 7);
	assert_int_equal(token_order_count(o, 0, 1 << 20), (ROWS + 6) / 7);
	while (token_order_take(o, 1 << 20, &step, &e) > 0)
		assert_int_equal(step.n, ++n * 7 <= ROWS ? 7 : ROWS % 7);
	assert_int_equal(n, (ROWS + 6) / 7);
	/* the budget holds, too */
	assert_int_equal(token_order_take(o, 1, &step, &e), 1);
	assert_int_equal(step.n, 1);
	token_order_free(o);
	token_corpus_free(c);
}

static void
rows_are_moved(void **state)
{
	struct token_corpus *c = aid_corpus(&options, ROWS, NULL, NULL);
	uint64_t tokens = token_corpus_tokens(c, TOKEN_SET_TRAIN);
	struct token_order *o;
	struct token_step step;
	struct err e = { 0 };
	int32_t cell[16];

	(void)state;
	token_corpus_move(c, 5, TOKEN_SET_TEST);
	token_corpus_move(c, 6, TOKEN_SET_NONE);
	assert_int_equal(token_corpus_cells(c, TOKEN_SET_TRAIN), ROWS - 2);
	assert_int_equal(token_corpus_tokens(c, TOKEN_SET_TRAIN),
	    tokens - aid_cell(5, cell) - aid_cell(6, cell));
	o = token_order_new(c, TOKEN_SET_TEST, false, 0);
	assert_int_equal(token_order_take(o, 1 << 20, &step, &e), 1);
	assert_int_equal(step.n, 1);
	assert_int_equal(step.rows[0], 5);
	assert_memory_equal(step.ids, cell, aid_cell(5, cell) * sizeof(*cell));
	token_order_free(o);
	token_corpus_free(c);
}

static void
other_vocabularies_are_refused(void **state)
{
	struct genes *genes = aid_genes(AID_TOKENS + 1);
	struct token_corpus_options with = options;
	static const struct cli cli = { .quiet = true };
	char *folder = aid_make_folder(), *path = mem_printf("%s/tokens", folder);
	struct token_corpus *c;
	struct token_source *source;
	struct err e = { 0 };

	(void)state;
	with.vocabulary = genes;
	aid_tokens(path, 0, 5);
	c = token_corpus_new(&with);
	source = token_source_open(&cli, path, NULL, &e);
	assert_int_equal(token_corpus_add(c, source, TOKEN_SET_TRAIN, NULL, NULL, &e), -1);
	aid_expect_error(&e, "its vocabulary is another one");
	token_source_close(source);
	token_corpus_free(c);

	with = options;
	with.limits.positions = 9;
	c = token_corpus_new(&with);
	source = token_source_open(&cli, path, NULL, &e);
	assert_int_equal(token_corpus_add(c, source, TOKEN_SET_TRAIN, NULL, NULL, &e), -1);
	aid_expect_error(&e, "batch 0: cell cell1: 10 tokens, but the model has 9 positions");
	token_source_close(source);
	token_corpus_free(c);
	aid_remove_folder(folder);
	genes_free(genes);
	free(path);
}

static void
no_rows_at_all(void **state)
{
	struct token_corpus *c = token_corpus_new(&options);
	struct token_order *o = token_order_new(c, TOKEN_SET_TRAIN, true, 0);
	struct token_step step;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(token_order_take(o, BUDGET, &step, &e), 0);
	assert_int_equal(token_order_count(o, 0, BUDGET), 0);
	token_order_free(o);
	token_corpus_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_once_an_epoch),
		cmocka_unit_test(the_same_from_memory_and_file),
		cmocka_unit_test(the_first_window_is_from_all_over),
		cmocka_unit_test(unshuffled_as_they_came),
		cmocka_unit_test(seek_goes_on_where_it_was),
		cmocka_unit_test(sets_are_gone_through_by_themselves),
		cmocka_unit_test(some_are_held_out),
		cmocka_unit_test(a_step_has_at_most_so_many_cells),
		cmocka_unit_test(rows_are_moved),
		cmocka_unit_test(other_vocabularies_are_refused),
		cmocka_unit_test(no_rows_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
