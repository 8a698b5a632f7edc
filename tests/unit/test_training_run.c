/* A run: the same whatever stops it and however many threads; what the judge says; losses that are
 * no numbers. The model is tiny, the cells those of corpus_aid.h. */

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "corpus_aid.h"
#include "near_aid.h"
#include "nn/masking.h"
#include "nn/model_start.h"
#include "nn/model_write.h"
#include "nn/training_run.h"

static const struct cli_option no_options[] = { CLI_END };
static const struct cli_program program = { .name = "test", .options = no_options };
static struct cli cli = { .program = &program, .options = &cli, .level = -1, .quiet = true };

static const struct model_config config = { .class = MODEL_MLM,
	.layers = 1,
	.hidden = 8,
	.heads = 2,
	.ffn = 16,
	.vocab = AID_TOKENS,
	.positions = 16,
	.type_vocab = 2,
	.activation = ACTIVATION_GELU,
	.layer_norm_eps = 1e-12f,
	.initializer_range = 0.2f };

/* All that a run needs. */
struct bench {
	struct genes *genes;
	struct masking *masking;
	struct token_corpus *corpus;
	struct backend *backend;
	struct model *model;
	struct parameters *parameters;
	struct plan plan;
	struct training_task task;
	struct training_options options;
	struct training_result result;
	char *folder, *path, *metrics;
	struct err e;

	uint64_t stop_at; /* step of the judge's; 0: never */
	uint64_t keep_at;
	uint64_t signal_at;
	size_t n_parts, most_tokens; /* of all parts that were filled */
	float *kept;                 /* the weights when it said keep */
};

static int
fill(void *context, struct training_part *part, struct err *e)
{
	struct bench *b = context;
	size_t tokens = part->cells.offsets[part->cells.n];

	b->n_parts++;
	b->most_tokens = tokens > b->most_tokens ? tokens : b->most_tokens;
	return masking_fill(b->masking, part, e);
}

static int
write_model(void *context, struct output_folder *f, const char *const *metadata, struct err *e)
{
	struct bench *b = context;
	struct model_write_options o = { .metadata = metadata };

	return model_write_files(f, &cli, b->parameters, &o, e);
}

static int
judge(void *context, struct training_evaluation *v, json_t *line, enum training_verdict *ret,
    struct err *e)
{
	struct bench *b = context;
	size_t size = b->parameters->n_values * sizeof(float);

	(void)e;
	json_object_set_new(line, "judged", json_integer((json_int_t)v->step));
	if (v->step == b->signal_at)
		raise(SIGTERM);
	if (v->step == b->keep_at) {
		b->kept = mem_alloc(1, size);
		memcpy(b->kept, b->parameters->values, size);
		*ret |= TRAINING_KEEP;
	}
	if (v->step == b->stop_at)
		*ret |= TRAINING_STOP;
	return 0;
}

static void
make_parameters(struct bench *b)
{
	b->model = model_start(&config, 4);
	b->parameters = parameters_create(b->backend, b->model);
	b->task.parameters = b->parameters;
}

static struct bench *
bench_of(size_t n_cells)
{
	struct bench *b = mem_zero(1, sizeof(*b));
	struct token_corpus_options o = { .limits = { AID_TOKENS, 16, false, 3 },
		.max_memory = 1 << 20 };

	b->genes = aid_genes(AID_TOKENS);
	b->masking = masking_new(b->genes, 0.3, 1, &b->e);
	b->corpus = aid_corpus(&o, n_cells, NULL, NULL);
	token_corpus_hold_out(b->corpus, 0.3, 2);
	b->backend = backend_open(DEVICE_CPU, PRECISION_F32, &b->e);
	make_parameters(b);
	plan_make(&b->plan, b->model, PLAN_POSITIONS, PLAN_MLM, 0, &b->e);
	b->folder = aid_make_folder();
	b->path = mem_printf("%s/model", b->folder);
	b->metrics = mem_printf("%s/metrics", b->folder);
	b->task = (struct training_task){ .context = b,
		.corpus = b->corpus,
		.parameters = b->parameters,
		.plan = &b->plan,
		.n_heads = 1,
		.fill = fill,
		.write = write_model,
		.judge = judge };
	b->options = (struct training_options){ .steps = 24,
		.batch_tokens = 100,
		.adamw = { .rate = 0.01, .decay = 0.01, .clip = 1 },
		.backward = { .hidden_dropout = 0.1, .attention_dropout = 0.1, .seed = 5 },
		.warmup = 3,
		.log_every = 5,
		.eval_every = 4,
		.seed = 6,
		.threads = 1,
		.folder = b->path,
		.metrics = b->metrics };
	aid_expect_no_error(&b->e);
	return b;
}

static struct bench *
bench_new(void)
{
	return bench_of(60);
}

static void
drop_parameters(struct bench *b)
{
	parameters_free(b->parameters);
	model_close(b->model);
	free(b->kept);
	b->kept = NULL;
}

static void
bench_free(struct bench *b)
{
	char *command = mem_printf("rm -rf '%s'", b->folder);

	assert_int_equal(system(command), 0);
	drop_parameters(b);
	token_corpus_free(b->corpus);
	masking_free(b->masking);
	genes_free(b->genes);
	backend_close(b->backend);
	free(b->folder);
	free(b->path);
	free(b->metrics);
	free(command);
	free(b);
}

static void
run(struct bench *b)
{
	training_run(&cli, &b->task, &b->options, &b->result, &b->e);
}

/* As another process would: with weights that have learned nothing. */
static void
run_again(struct bench *b)
{
	drop_parameters(b);
	make_parameters(b);
	b->options.is_resumed = true;
	run(b);
}

static char *
read_file(const char *folder, const char *name, size_t *ret_size)
{
	char *path = mem_printf("%s/%s", folder, name);
	struct err e = { 0 };
	char *bytes = io_read_file(path, 1 << 24, ret_size, &e);

	aid_expect_no_error(&e);
	free(path);
	return bytes;
}

static void
expect_same_file(const struct bench *a, const struct bench *b, const char *name)
{
	size_t n, m;
	char *x = read_file(a->folder, name, &n), *y = read_file(b->folder, name, &m);

	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
	free(x);
	free(y);
}

static void
expect_same_end(struct bench *a, struct bench *b)
{
	aid_expect_no_error(&a->e);
	aid_expect_no_error(&b->e);
	assert_false(a->result.is_interrupted || b->result.is_interrupted);
	assert_int_equal(a->result.step, b->result.step);
	assert_int_equal(a->result.tokens, b->result.tokens);
	expect_same_file(a, b, "model/model.safetensors");
	expect_same_file(a, b, "model/config.json");
	expect_same_file(a, b, "metrics");
	assert_false(training_has_checkpoint(a->path));
	bench_free(a);
	bench_free(b);
}

static void
threads_change_nothing(void **state)
{
	struct bench *a = bench_new(), *b = bench_new();

	(void)state;
	b->options.threads = 4;
	run(a);
	run(b);
	assert_int_equal(a->result.step, 24);
	expect_same_end(a, b);
}

/* 800 cells of 8 tokens: a step of 4,000 is cut into four parts, alike in size. */
static void
parts_are_balanced(void **state)
{
	struct bench *a = bench_of(800), *b = bench_of(800);

	(void)state;
	a->options.batch_tokens = b->options.batch_tokens = 4000;
	a->options.eval_every = b->options.eval_every = 100;
	a->options.steps = b->options.steps = 2;
	b->options.threads = 3;
	run(a);
	run(b);
	assert_true(a->n_parts >= 5);
	assert_in_range(a->most_tokens, 800, TRAINING_PART_TOKENS + 13);
	expect_same_end(a, b);
}

/* A signal at each evaluation in turn, then on with another number of threads. */
static void
a_signal_changes_nothing(void **state)
{
	(void)state;
	for (uint64_t at = 4; at <= 20; at += 8) {
		struct bench *a = bench_new(), *b = bench_new();

		run(a);
		b->signal_at = at;
		run(b);
		aid_expect_no_error(&b->e);
		assert_true(b->result.is_interrupted);
		assert_int_equal(b->result.step, at);
		assert_true(training_has_checkpoint(b->path));
		b->signal_at = 0;
		b->options.threads = 3;
		run_again(b);
		expect_same_end(a, b);
	}
}

static int
fail_at_step(void *context, struct output_folder *f, const char *const *metadata, struct err *e)
{
	struct bench *b = context;

	if (b->stop_at-- == 0)
		return err_set(e, "the disk is full");
	return write_model(context, f, metadata, e);
}

static void
a_failed_checkpoint_leaves_the_last_one(void **state)
{
	(void)state;
	for (uint64_t n = 1; n < 24; n += 5) {
		struct bench *a = bench_new(), *b = bench_new();

		run(a);
		b->options.save_every = 1;
		b->task.write = fail_at_step;
		b->stop_at = n;
		run(b);
		aid_expect_error(&b->e, "no checkpoint: the disk is full");
		assert_true(training_has_checkpoint(b->path));
		b->task.write = write_model;
		b->stop_at = 0;
		run_again(b);
		expect_same_end(a, b);
	}
}

static void
what_the_judge_keeps_is_written(void **state)
{
	struct bench *b = bench_new();
	struct model *m;
	size_t hidden = config.hidden, n = AID_TOKENS * hidden;

	(void)state;
	b->keep_at = 8;
	b->stop_at = 16;
	run(b);
	aid_expect_no_error(&b->e);
	assert_int_equal(b->result.step, 16);
	m = model_open(b->path, &b->e);
	aid_expect_no_error(&b->e);
	assert_memory_equal(m->word_embeddings, b->kept, n * sizeof(float));
	model_close(m);
	bench_free(b);
}

/* ... in a resumed run as well. */
static void
what_was_kept_is_not_forgotten(void **state)
{
	struct bench *a = bench_new(), *b = bench_new();

	(void)state;
	a->keep_at = b->keep_at = 8;
	a->stop_at = b->stop_at = 16;
	run(a);
	b->signal_at = 12;
	run(b);
	assert_true(b->result.is_interrupted);
	b->signal_at = 0;
	run_again(b);
	expect_same_end(a, b);
}

/* The loss of all cells at once, as one part, with the weights at the end. */
static void
the_evaluation_is_that_of_all_cells(void **state)
{
	struct bench *b = bench_new();
	struct token_order *o = token_order_new(b->corpus, TOKEN_SET_EVAL, false, 0);
	struct learner_options lo = { .threads = 1 };
	struct arena arena = { 0 };
	struct token_step step;
	struct training_part part = { .is_evaluation = true, .arena = &arena };
	double total = 0, factor;
	struct backward_result r;
	struct backward_part one;
	struct learner *l;

	(void)state;
	run(b);
	aid_expect_no_error(&b->e);
	assert_int_equal(token_order_take(o, 1 << 20, &step, &b->e), 1);
	assert_int_equal(step.n, token_corpus_cells(b->corpus, TOKEN_SET_EVAL));
	part.cells =
	    (struct forward_cells){ .n = step.n, .ids = step.ids, .offsets = step.offsets };
	part.rows = part.examples = step.rows;
	part.totals = &total;
	masking_fill(b->masking, &part, &b->e);
	factor = 1 / total;
	one = (struct backward_part){
		.cells = &part.cells, .labels = part.labels, .factors = &factor
	};
	l = learner_create(b->parameters, &b->plan, &lo);
	assert_int_equal(learner_evaluate(l, &one, 1, &r, &b->e), 0);
	assert_true(b->result.is_evaluated);
	assert_near(b->result.loss, r.loss, 1e-6);
	assert_near(b->result.accuracy, (double)r.n_right / total, 1e-12);
	learner_free(l);
	token_order_free(o);
	arena_free(&arena);
	bench_free(b);
}

static void
a_loss_that_is_no_number_stops(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	for (size_t i = 0; i < b->parameters->n_values; i++)
		b->parameters->values[i] *= 1e30f;
	run(b);
	aid_expect_error(&b->e, "step 1, epoch 0: ");
	bench_free(b);
}

/* From the sixth step on all weights of the classes are no numbers. */
static int
fill_badly(void *context, struct training_part *part, struct err *e)
{
	static float nan[AID_TOKENS];
	static const float *const weights[] = { nan };
	struct bench *b = context;

	if (!part->is_evaluation && b->stop_at && !--b->stop_at)
		b->task.fill = NULL;
	for (size_t i = 0; i < AID_TOKENS; i++)
		nan[i] = NAN;
	if (fill(context, part, e))
		return -1;
	if (!b->task.fill)
		part->weights = weights;
	return 0;
}

static void
the_last_good_checkpoint_stays(void **state)
{
	struct bench *a = bench_new(), *b = bench_new();

	(void)state;
	run(a);
	b->options.save_every = 2;
	b->task.fill = fill_badly;
	b->stop_at = 6; /* parts: one a step */
	b->options.eval_every = 0;
	run(b);
	aid_expect_error(
	    &b->e, "step 6, epoch 1: part 0 of the step: the loss is not a number (cells of rows ");
	b->stop_at = 0;
	b->task.fill = fill;
	b->options.eval_every = 4;
	run_again(b);
	aid_expect_no_error(&b->e);
	expect_same_file(a, b, "model/model.safetensors");
	bench_free(a);
	bench_free(b);
}

/* One digit of a counter becomes another. */
static void
expect_damage_found(const char *counter, const char *part)
{
	struct bench *b = bench_new();
	char *path = mem_printf("%s/training.safetensors", b->path), *bytes, *at;
	size_t n;
	FILE *f;

	b->signal_at = 4;
	run(b);
	assert_true(b->result.is_interrupted);
	bytes = read_file(b->path, "training.safetensors", &n);
	for (at = bytes + 8; memcmp(at, counter, strlen(counter)); at++)
		assert_true(at < bytes + 2000);
	at[strlen(counter)] = '9';
	at[strlen(counter) + 1] = '9'; /* what was a comma is another error */
	f = fopen(path, "wb");
	fwrite(bytes, 1, n, f);
	fclose(f);
	b->signal_at = 0;
	run_again(b);
	aid_expect_error(&b->e, part);
	bench_free(b);
	free(bytes);
	free(path);
}

static void
damaged_checkpoints_are_refused(void **state)
{
	(void)state;
	/* in a text of the header: its quotes have backslashes */
	expect_damage_found("\\\"step\\\":", "training.safetensors");
	expect_damage_found("\\\"place\\\":", "damaged: there is no such step");
}

static void
starts_are_refused(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	run(b);
	aid_expect_no_error(&b->e);
	run(b);
	aid_expect_error(&b->e, "exists already; --resume");
	b->options.is_resumed = true;
	run(b);
	aid_expect_no_error(&b->e);
	assert_true(b->result.was_complete);
	assert_int_equal(b->result.step, 24);
	b->options.adamw.rate = 0.5;
	run(b);
	aid_expect_error(&b->e, "was made with rate 0.01, not 0.5");
	b->options.adamw.rate = 0.01;
	token_corpus_hold_out(b->corpus, 0.3, 3);
	run(b);
	aid_expect_error(&b->e, "was made with cells ");
	bench_free(b);

	b = bench_new();
	token_corpus_hold_out(b->corpus, 1, 2);
	run(b);
	aid_expect_error(&b->e, "no cells to learn from");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_change_nothing),
		cmocka_unit_test(parts_are_balanced),
		cmocka_unit_test(a_signal_changes_nothing),
		cmocka_unit_test(a_failed_checkpoint_leaves_the_last_one),
		cmocka_unit_test(what_the_judge_keeps_is_written),
		cmocka_unit_test(what_was_kept_is_not_forgotten),
		cmocka_unit_test(the_evaluation_is_that_of_all_cells),
		cmocka_unit_test(a_loss_that_is_no_number_stops),
		cmocka_unit_test(the_last_good_checkpoint_stays),
		cmocka_unit_test(damaged_checkpoints_are_refused),
		cmocka_unit_test(starts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
