/* A stream of cells through a small network: every copy of every cell, in order, with the numbers
 * of perturber_run, whatever the threads and the budget; and what is refused. */

#define _DEFAULT_SOURCE /* mkdtemp */

#include "network_aid.h"
#include "reader_aid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/arrow.h"
#include "nn/perturb_stream.h"

enum { VOCAB = 50, POSITIONS = 16, CELLS = 6, MOST_COPIES = 200 };

static const struct model_config small = { .class = MODEL_MLM,
	.layers = 2,
	.hidden = 32,
	.heads = 1,
	.ffn = 48,
	.vocab = VOCAB,
	.positions = POSITIONS,
	.type_vocab = 2,
	.activation = ACTIVATION_RELU,
	.layer_norm_eps = 1e-12f };

static const size_t lengths[CELLS] = { 12, 2, 9, 16, 3, 14 };

static char *folder;
static struct cli cli;

/* Cells of these lengths: <cls>, different genes, <eos>; cell `without_cls` has no <cls>. */
static void
write_cells(const size_t *sizes, size_t n, size_t without_cls)
{
	int32_t offsets[CELLS + 1] = { 0 };
	uint16_t ids[CELLS * 20];
	struct field item = field_int("item", 16, false), field = field_list("input_ids", &item);
	struct schema *s = schema_new();
	struct batch b = { .rows = n };
	struct err e = { 0 };
	struct output *out = output_create(cli.input, true, false, &e);
	struct arrow_writer *w;

	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)offsets[i];

		for (size_t k = 0; k < sizes[i]; k++)
			ids[at + k] = (uint16_t)(4 + (i * 5 + k * 7) % (VOCAB - 4));
		if (i != without_cls)
			ids[at] = 2;
		ids[at + sizes[i] - 1] = 3;
		offsets[i + 1] = (int32_t)(at + sizes[i]);
	}
	schema_append(s, &field);
	batch_append(&b, array_list(&b.arena, n, offsets, array_fixed((size_t)offsets[n], ids)));
	w = arrow_create(out, s, 0, &e);
	if (n > 0)
		arrow_write(w, &b, &e);
	arrow_finish(w, &e);
	arrow_writer_free(w);
	output_commit(out, &e);
	aid_expect_no_error(&e);
	batch_free(&b);
	schema_free(s);
}

/* What a sink has seen. */
struct seen {
	const struct perturbation_options *how;
	size_t n_cells, n_copies, n_parts;
	size_t at;        /* the next copy of the cell at hand */
	size_t left_out;  /* the filter leaves out this cell */
	size_t fails_at;  /* the sink fails at this part */
	bool is_computed; /* numbers are expected */
	size_t lengths[CELLS];
	float cos_sim[MOST_COPIES];
	int32_t genes[MOST_COPIES];
};

static int
take(void *context, const struct perturbed_part *p, struct err *e)
{
	struct seen *s = context;

	if (s->n_parts++ == s->fails_at)
		return err_set(e, "the disk is full");
	assert_int_equal(p->first, s->at);
	assert_int_equal(p->is_first, s->at == 0);
	assert_int_equal(p->is_last, s->at + p->n == p->what->n);
	assert_int_equal(p->row->rows, 1);
	/* what reading adds stands around it: cell, input_ids, length */
	assert_int_equal(p->row->n_columns, 3);
	assert_true(p->length == p->row->columns[1].children[0].length || p->length == POSITIONS);
	assert_int_equal(p->numbers != NULL, s->is_computed && p->what->n > 0);
	for (size_t i = 0; i < p->n; i++, s->n_copies++) {
		int32_t genes[POSITIONS];

		assert_int_equal(perturbation_genes(s->how, p->what, p->first + i, genes), 1);
		s->genes[s->n_copies] = genes[0];
		if (p->numbers)
			s->cos_sim[s->n_copies] = p->numbers->cos_sim[i];
	}
	s->at = p->is_last ? 0 : s->at + p->n;
	s->lengths[s->n_cells] = p->length;
	s->n_cells += p->is_last;
	return 0;
}

static bool
choose(void *context, const struct batch *b, size_t row)
{
	const struct seen *s = context;

	assert_true(row < b->rows);
	return row != s->left_out;
}

static struct perturb_stream_options
stream_options(size_t workers, size_t batch_tokens)
{
	return (struct perturb_stream_options){ .what = { .type = PERTURB_DELETE,
						    .combos = 1,
						    .anchor = -1,
						    .max_length = POSITIONS,
						    .cls = 2,
						    .eos = 3 },
		.limits = { VOCAB, POSITIONS, false, 3 },
		.batch_tokens = batch_tokens,
		.workers = workers,
		.filter = choose };
}

static int
run_stream(const struct model *m, const struct perturb_stream_options *o, struct seen *s,
    uint64_t *ret_truncated, struct err *e)
{
	struct cells_reader *in = cells_open(&cli, cli.input, KIND_TOKENS, e);
	struct perturb_options how = {
		.pool = EMBED_FIRST, .device = "cpu", .precision = "f32", .workers = o->workers
	};
	struct perturber *p = m ? perturber_open(m, &how, e) : NULL;
	int status;

	s->how = &o->what;
	s->is_computed = m != NULL;
	status = perturb_stream(in, p, o, take, s, ret_truncated, e);
	perturber_close(p);
	cells_close(in);
	return status;
}

/* All cells but number 2. That of two tokens has no gene; that of one gene has nothing to compare
 * without it. */
static void
expect_copies(const struct seen *s)
{
	static const size_t copies[CELLS] = { 10, 0, 0, 14, 0, 12 };
	size_t copy = 0, cell = 0;

	for (size_t i = 0; i < CELLS; i++) {
		for (size_t k = 1; k <= copies[i]; k++)
			assert_int_equal(s->genes[copy++], 4 + (i * 5 + k * 7) % (VOCAB - 4));
		if (i != 2)
			assert_int_equal(s->lengths[cell++], lengths[i]);
	}
	assert_int_equal(s->n_copies, copy);
	assert_int_equal(s->n_cells, cell);
}

static void
perturbs_all_cells(void **state)
{
	static const size_t workers[] = { 1, 2, 5 }, budgets[] = { 1, 40, 0 };
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	struct seen one_by_one = { .left_out = 2, .fails_at = SIZE_MAX };

	(void)state;
	write_cells(lengths, CELLS, SIZE_MAX);
	for (size_t i = 0; i < 9; i++) {
		struct perturb_stream_options o = stream_options(workers[i % 3], budgets[i / 3]);
		struct seen s = { .left_out = 2, .fails_at = SIZE_MAX };
		uint64_t n_truncated;
		struct err e = { 0 };

		run_stream(m, &o, &s, &n_truncated, &e);
		aid_expect_no_error(&e);
		assert_int_equal(n_truncated, 0);
		expect_copies(&s);
		if (i == 0)
			one_by_one = s;
		assert_memory_equal(s.cos_sim, one_by_one.cos_sim, sizeof(s.cos_sim));
		/* parts: a copy, or a cell without any; a cell */
		if (o.batch_tokens == 1)
			assert_int_equal(s.n_parts, s.n_copies + 2);
		if (o.batch_tokens == 0)
			assert_int_equal(s.n_parts, CELLS - 1);
		for (size_t k = 0; k < s.n_copies; k++)
			assert_true(s.cos_sim[k] < 1 && s.cos_sim[k] > -1 && s.cos_sim[k] != 0);
	}
	arena_free(&a);
}

static void
lists_without_a_network(void **state)
{
	struct perturb_stream_options o = stream_options(2, 1);
	struct seen s = { .left_out = 2, .fails_at = SIZE_MAX };
	uint64_t n_truncated;
	struct err e = { 0 };

	(void)state;
	write_cells(lengths, CELLS, 0); /* <cls> is not needed */
	run_stream(NULL, &o, &s, &n_truncated, &e);
	aid_expect_no_error(&e);
	assert_int_equal(s.n_cells, CELLS - 1);
	assert_int_equal(s.n_parts, CELLS - 1);
}

static void
takes_no_cells(void **state)
{
	struct arena a = { 0 };
	struct perturb_stream_options o = stream_options(2, 0);
	struct seen s = { .left_out = SIZE_MAX, .fails_at = SIZE_MAX };
	uint64_t n_truncated;
	struct err e = { 0 };

	(void)state;
	write_cells(lengths, 0, SIZE_MAX);
	assert_int_equal(run_stream(aid_model(&a, &small), &o, &s, &n_truncated, &e), 0);
	assert_int_equal(s.n_parts, 0);
	arena_free(&a);
}

static void
expect_failure(const struct perturb_stream_options *o, size_t fails_at, const char *text)
{
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);

	for (size_t workers = 1; workers <= 4; workers++) {
		struct perturb_stream_options own = *o;
		struct seen s = { .left_out = SIZE_MAX, .fails_at = fails_at };
		uint64_t n_truncated;
		struct err e = { 0 };

		own.workers = workers;
		assert_int_equal(run_stream(m, &own, &s, &n_truncated, &e), -1);
		aid_expect_error(&e, text);
	}
	arena_free(&a);
}

static void
refuses_cells(void **state)
{
	static const size_t long_cell[] = { 5, 17 };
	struct perturb_stream_options o = stream_options(1, 20);

	(void)state;
	write_cells(lengths, CELLS, 3);
	expect_failure(&o, SIZE_MAX, "batch 0: row 3: does not begin with <cls>");
	write_cells(long_cell, 2, SIZE_MAX);
	expect_failure(&o, SIZE_MAX, "cell 1: 17 tokens, but the model has 16 positions");
}

static void
stops_where_the_sink_fails(void **state)
{
	struct perturb_stream_options o = stream_options(1, 20);

	(void)state;
	write_cells(lengths, CELLS, SIZE_MAX);
	for (size_t part = 0; part < 12; part += 3)
		expect_failure(&o, part, "the disk is full");
}

static void
cuts_long_cells(void **state)
{
	static const size_t sizes[] = { 5, 17, 19 };
	struct arena a = { 0 };
	struct perturb_stream_options o = stream_options(2, 0);
	struct seen s = { .left_out = SIZE_MAX, .fails_at = SIZE_MAX };
	uint64_t n_truncated;
	struct err e = { 0 };

	(void)state;
	write_cells(sizes, 3, SIZE_MAX);
	o.limits.truncate = true;
	run_stream(aid_model(&a, &small), &o, &s, &n_truncated, &e);
	aid_expect_no_error(&e);
	assert_int_equal(n_truncated, 2);
	assert_int_equal(s.n_copies, 3 + 14 + 14);
	assert_int_equal(s.lengths[2], POSITIONS);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(perturbs_all_cells),
		cmocka_unit_test(lists_without_a_network),
		cmocka_unit_test(takes_no_cells),
		cmocka_unit_test(refuses_cells),
		cmocka_unit_test(stops_where_the_sink_fails),
		cmocka_unit_test(cuts_long_cells),
	};
	static const struct cli_option options[] = { CLI_END };
	static const struct cli_program program = { "test", "", "FILE", 0, options };
	int status;

	folder = aid_make_folder();
	cli.program = &program;
	cli.input = mem_printf("%s/in.cells", folder);
	cli.quiet = true;
	status = cmocka_run_group_tests(tests, NULL, NULL);
	free((char *)(uintptr_t)cli.input);
	aid_remove_folder(folder);
	return status;
}
