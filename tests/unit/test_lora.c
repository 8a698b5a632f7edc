/* Sums and gradients against their definition in double precision; what is frozen; the files. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "near_aid.h"
#include "network_aid.h"
#include "nn/gradient.h"
#include "nn/lora.h"
#include "nn/model_write.h"
#include "reader_aid.h"

enum { RANK = 3 };

static const struct model_config config = { .class = MODEL_SEQUENCE,
	.layers = 2,
	.hidden = 20,
	.heads = 2,
	.ffn = 36,
	.vocab = 11,
	.positions = 8,
	.type_vocab = 2,
	.activation = ACTIVATION_RELU,
	.layer_norm_eps = 1e-12f,
	.initializer_range = 0.02f,
	.n_labels = 3 };

static struct arena arena;
static struct model *model;
static struct backend *backend;
static struct lora *lora;
static struct parameters *p;

static void
start(bool is_on_attention, bool is_on_ffn)
{
	struct lora_options o = { RANK, 6, is_on_attention, is_on_ffn, 42 };
	struct err e = { 0 };

	model = aid_model(&arena, &config);
	backend = backend_open(DEVICE_CPU, PRECISION_F32, &e);
	aid_expect_no_error(&e);
	lora = lora_create(model, &o);
	p = lora_parameters(lora, backend);
}

static void
end(void)
{
	parameters_free(p);
	lora_free(lora);
	backend_close(backend);
	arena_reset(&arena);
}

static struct parameter *
find(const char *name)
{
	struct parameter *q = parameters_find(p, name);

	if (!q)
		fail_msg("no %s", name);
	return q;
}

#define LAYER_1 "bert.encoder.layer.1."
#define ADAPTER_1 "base_model.model." LAYER_1

static void
it_starts_as_the_model_was(void **state)
{
	const struct parameter *a, *b;
	size_t n_inner = 0;

	(void)state;
	start(true, true);
	lora_settle(lora);
	a = find(ADAPTER_1 "intermediate.dense.lora_A.weight");
	b = find(ADAPTER_1 "intermediate.dense.lora_B.weight");
	assert_int_equal(a->rows, RANK);
	assert_int_equal(a->columns, 20);
	assert_int_equal(b->rows, 36);
	assert_int_equal(b->columns, RANK);
	for (size_t i = 0; i < b->n; i++)
		assert_true(p->values[b->from + i] == 0);
	/* uniform in +-1/sqrt(20) = +-0.2236 */
	for (size_t i = 0; i < a->n; i++) {
		assert_true(fabsf(p->values[a->from + i]) <= 0.22361f);
		n_inner += fabsf(p->values[a->from + i]) < 0.1118f;
	}
	assert_true(n_inner > a->n / 4 && n_inner < 3 * a->n / 4);
	assert_memory_equal(p->values + find(LAYER_1 "intermediate.dense.weight")->from,
	    model->layer[1].ffn_weight, 36 * 20 * sizeof(float));
	end();
}

static void
only_adapters_and_the_head_learn(void **state)
{
	(void)state;
	start(false, true);
	assert_true(find("bert.embeddings.word_embeddings.weight")->is_frozen);
	assert_true(find(LAYER_1 "attention.self.query.weight")->is_frozen);
	assert_true(find(LAYER_1 "intermediate.dense.bias")->is_frozen);
	assert_true(find(LAYER_1 "output.LayerNorm.weight")->is_frozen);
	assert_false(find("classifier.weight")->is_frozen);
	assert_false(find("bert.pooler.dense.bias")->is_frozen);
	assert_false(find(ADAPTER_1 "output.dense.lora_A.weight")->is_frozen);
	/* follows its adapter, by a gradient of 0 and without decay */
	assert_false(find(LAYER_1 "output.dense.weight")->is_frozen);
	assert_false(find(LAYER_1 "output.dense.weight")->is_decayed);
	assert_null(parameters_find(p, ADAPTER_1 "attention.self.query.lora_A.weight"));
	assert_int_equal(p->n - p->n_of_model, 2 * 2 * 2); /* layers, matrices, A and B */
	end();
}

static void
sums_and_gradients_are_those_of_the_definition(void **state)
{
	static const char *const names[2] = { LAYER_1 "attention.output.dense",
		LAYER_1 "output.dense" };
	static const size_t in[2] = { 20, 36 };
	float *gradient;
	const double s = 6.0 / RANK;

	(void)state;
	start(true, true);
	memcpy(p->values, aid_numbers(&arena, p->n_values, 0.5f), p->n_values * sizeof(float));
	gradient = aid_numbers(&arena, p->n_values, 0.5f);
	for (size_t k = 0; k < 2; k++) {
		char *name = arena_printf(&arena, "%s.weight", names[k]);
		size_t sum = find(name)->from;
		name = arena_printf(&arena, "base_model.model.%s.lora_A.weight", names[k]);
		size_t a = find(name)->from;
		name = arena_printf(&arena, "base_model.model.%s.lora_B.weight", names[k]);
		size_t b = find(name)->from;
		const float *w =
		    k ? model->layer[1].ffn_output_weight : model->layer[1].attention_output_weight;
		float *g = arena_copy(&arena, gradient + sum, 20 * in[k], sizeof(float));

		lora_settle(lora);
		lora_project(lora, gradient);
		for (size_t o = 0; o < 20; o++)
			for (size_t i = 0; i < in[k]; i++) {
				double x = (double)w[o * in[k] + i];

				for (size_t r = 0; r < RANK; r++)
					x += s * (double)p->values[b + o * RANK + r] *
					     (double)p->values[a + r * in[k] + i];
				assert_near((double)p->values[sum + o * in[k] + i], x, 1e-6);
				assert_true(gradient[sum + o * in[k] + i] == 0);
			}
		for (size_t r = 0; r < RANK; r++) {
			for (size_t i = 0; i < in[k]; i++) {
				double x = 0;

				for (size_t o = 0; o < 20; o++)
					x += s * (double)p->values[b + o * RANK + r] *
					     (double)g[o * in[k] + i];
				assert_near((double)gradient[a + r * in[k] + i], x, 1e-5);
			}
			for (size_t o = 0; o < 20; o++) {
				double x = 0;

				for (size_t i = 0; i < in[k]; i++)
					x += s * (double)g[o * in[k] + i] *
					     (double)p->values[a + r * in[k] + i];
				assert_near((double)gradient[b + o * RANK + r], x, 1e-5);
			}
		}
		/* The second matrix has had its turn with the first. */
		gradient = aid_numbers(&arena, p->n_values, 0.5f);
	}
	end();
}

/* The same numbers as in the parameters, whose matrices are the sums. */
static void
expect_matrix(const float *got, const char *name)
{
	struct parameter *q = find(name);

	assert_memory_equal(got, p->values + q->from, q->n * sizeof(float));
}

static void
what_is_written_is_read(void **state)
{
	static const struct cli_program program = { .name = "test" };
	static const struct cli cli = { .program = &program };
	char *folder = aid_make_folder(), *path = mem_printf("%s/peft", folder);
	char *base = mem_printf("%s/base", folder);
	static const char *const metadata[] = { MODEL_CLASSES_KEY, "b\na\nc", NULL };
	struct model_write_options o = { .is_bf16 = false };
	struct err e = { 0 };
	struct output_folder *f;
	struct model *m;

	(void)state;
	start(true, true);
	model_write(base, &cli, p, &o, &e);
	memcpy(p->values + p->block_from[p->n_blocks], aid_numbers(&arena, 200, 1),
	    200 * sizeof(float));
	lora_settle(lora);
	f = output_folder_create(path, false, &e);
	lora_write(lora, f, "../base", metadata, &e);
	output_folder_commit(f, &e);
	aid_expect_no_error(&e);
	m = model_open(path, &e);
	aid_expect_no_error(&e);
	expect_matrix(m->layer[0].query_weight, "bert.encoder.layer.0.attention.self.query.weight");
	expect_matrix(m->layer[1].ffn_output_weight, "bert.encoder.layer.1.output.dense.weight");
	expect_matrix(m->head[0].weight, "classifier.weight");
	expect_matrix(m->pooler_weight, "bert.pooler.dense.weight");
	assert_int_equal(m->config.n_labels, 3);
	assert_string_equal(m->config.labels[0], "b");
	assert_string_equal(m->config.labels[2], "c");
	model_close(m);
	end();
	free(base);
	base = mem_printf("rm -rf '%s'", folder);
	assert_int_equal(system(base), 0);
	free(base);
	free(path);
	free(folder);
}

static void
targets_are_words(void **state)
{
	struct lora_options o = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(lora_targets_parse("ffn,attention", &o, &e), 0);
	assert_true(o.is_on_attention && o.is_on_ffn);
	assert_int_equal(lora_targets_parse("attention", &o, &e), 0);
	assert_true(o.is_on_attention && !o.is_on_ffn);
	assert_int_equal(lora_targets_parse("query", &o, &e), -1);
	aid_expect_error(&e, "'query' is none of attention, ffn");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_starts_as_the_model_was),
		cmocka_unit_test(only_adapters_and_the_head_learn),
		cmocka_unit_test(sums_and_gradients_are_those_of_the_definition),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(targets_are_words),
	};
	int status = cmocka_run_group_tests(tests, NULL, NULL);

	arena_free(&arena);
	return status;
}
