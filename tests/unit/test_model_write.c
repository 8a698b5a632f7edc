/* A new model is what transformers would start with; what is written is what is opened again. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "corpus_aid.h"
#include "formats/genes_file.h"
#include "near_aid.h"
#include "nn/model_start.h"
#include "nn/model_write.h"

static const struct cli_option no_options[] = { CLI_END };
static const struct cli_program program = { .name = "test", .options = no_options };
static struct cli cli = { .program = &program, .options = &cli, .level = -1, .quiet = true };

static const struct model_config config = { .class = MODEL_MLM,
	.layers = 2,
	.hidden = 48,
	.heads = 3,
	.ffn = 96,
	.vocab = AID_TOKENS,
	.positions = 24,
	.type_vocab = 2,
	.activation = ACTIVATION_GELU_TANH,
	.layer_norm_eps = 1e-7f,
	.pad_id = 0,
	.hidden_dropout = 0.02f,
	.attention_dropout = 0.125f,
	.classifier_dropout = 0.3f,
	.initializer_range = 0.02f };

static double
deviation(const float *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	return sqrt(sum / (double)n);
}

static void
starts_as_transformers_does(void **state)
{
	struct model *m = model_start(&config, 1), *same = model_start(&config, 1);
	struct model *other = model_start(&config, 2);
	char hash[3][33];

	(void)state;
	/* five standard deviations of a standard deviation of n: sd / sqrt(2 n) */
	assert_near(deviation(m->layer[0].query_weight, 48 * 48), 0.02, 0.0015);
	assert_near(deviation(m->position_embeddings, 24 * 48), 0.02, 0.0021);
	assert_near(deviation(m->mlm_dense_weight, 48 * 48), 0.02, 0.0015);
	for (size_t i = 0; i < 48; i++) {
		assert_near((double)m->word_embeddings[i], 0, 0); /* <pad> */
		assert_near((double)m->layer[1].query_bias[i], 0, 0);
		assert_near((double)m->layer[1].ffn_norm_weight[i], 1, 0);
		assert_near((double)m->layer[1].ffn_norm_bias[i], 0, 0);
		assert_near((double)m->mlm_norm_weight[i], 1, 0);
	}
	assert_true(m->word_embeddings[48] < 0 || m->word_embeddings[48] > 0);
	assert_ptr_equal(m->decoder_weight, m->word_embeddings);
	assert_memory_not_equal(
	    m->layer[0].query_weight, m->layer[1].query_weight, 48 * 48 * sizeof(float));
	model_hash(m, hash[0]);
	model_hash(same, hash[1]);
	model_hash(other, hash[2]);
	assert_string_equal(hash[0], hash[1]);
	assert_string_not_equal(hash[0], hash[2]);
	model_close(m);
	model_close(same);
	model_close(other);
}

static void
write_model(const struct model *m, const struct model_write_options *o)
{
	struct err e = { 0 };
	struct backend *b = backend_open(DEVICE_CPU, PRECISION_F32, &e);
	struct parameters *p = parameters_create(b, m);

	assert_int_equal(model_write(aid_path, &cli, p, o, &e), 0);
	aid_expect_no_error(&e);
	parameters_free(p);
	backend_close(b);
}

static struct model *
open_model(void)
{
	struct err e = { 0 };
	struct model *m = model_open(aid_path, &e);

	aid_expect_no_error(&e);
	return m;
}

static void
expect_same_config(const struct model_config *a, const struct model_config *b)
{
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->layers, b->layers);
	assert_int_equal(a->hidden, b->hidden);
	assert_int_equal(a->heads, b->heads);
	assert_int_equal(a->ffn, b->ffn);
	assert_int_equal(a->vocab, b->vocab);
	assert_int_equal(a->positions, b->positions);
	assert_int_equal(a->type_vocab, b->type_vocab);
	assert_int_equal(a->activation, b->activation);
	assert_int_equal(a->pad_id, b->pad_id);
	assert_near((double)a->layer_norm_eps, (double)b->layer_norm_eps, 0);
	assert_near((double)a->hidden_dropout, (double)b->hidden_dropout, 0);
	assert_near((double)a->attention_dropout, (double)b->attention_dropout, 0);
	assert_near((double)a->classifier_dropout, (double)b->classifier_dropout, 0);
	assert_near((double)a->initializer_range, (double)b->initializer_range, 0);
	assert_int_equal(a->n_labels, b->n_labels);
	for (size_t i = 0; i < a->n_labels; i++)
		assert_string_equal(a->labels[i], b->labels[i]);
}

static void
comes_back_to_the_bit(void **state)
{
	struct model *m = model_start(&config, 3), *back;
	struct genes *genes = aid_genes(AID_TOKENS);
	char hash[2][33];

	(void)state;
	write_model(m, &(struct model_write_options){ .genes = genes });
	back = open_model();
	expect_same_config(&m->config, &back->config);
	model_hash(m, hash[0]);
	model_hash(back, hash[1]);
	assert_string_equal(hash[0], hash[1]);
	assert_string_equal(back->vocabulary[1], "<mask>");
	assert_string_equal(back->vocabulary[39], "G39");
	model_close(m);
	model_close(back);
	genes_free(genes);
}

static void
classifiers_too(void **state)
{
	static char *labels[] = { "T cell", "B, \"naive\"", "NK" };
	static const enum model_class classes[] = { MODEL_SEQUENCE, MODEL_TOKEN, MODEL_BASE };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct model_config c = config;
		struct model *m, *back;
		char hash[2][33];

		c.class = classes[i];
		c.n_labels = i < 2 ? 3 : 0;
		c.labels = i < 2 ? labels : NULL;
		m = model_start(&c, 3);
		write_model(m, &(struct model_write_options){ 0 });
		back = open_model();
		expect_same_config(&m->config, &back->config);
		model_hash(m, hash[0]);
		model_hash(back, hash[1]);
		assert_string_equal(hash[0], hash[1]);
		assert_null(back->vocabulary);
		model_close(m);
		model_close(back);
	}
}

/* bfloat16 has 8 bits: rounding to nearest is off by 2^-8 of the value at most; the exact value
 * that is half way goes to the even neighbour. */
static void
halves_are_rounded(void **state)
{
	struct model *m = model_start(&config, 3), *back;
	size_t n = config.vocab * config.hidden;
	struct stat whole, half;
	char *weights = mem_printf("%s/model.safetensors", aid_path);

	(void)state;
	m->own[48] = 1.00390625f; /* 1 + 2^-8: between 1 and 1 + 2^-7 */
	m->own[49] = 1.01171875f; /* 1 + 3 * 2^-8: between 1 + 2^-7 and 1 + 2^-6 */
	write_model(m, &(struct model_write_options){ 0 });
	assert_int_equal(stat(weights, &whole), 0);
	write_model(m, &(struct model_write_options){ .is_bf16 = true });
	assert_int_equal(stat(weights, &half), 0);
	assert_true(half.st_size < whole.st_size * 6 / 10);
	back = open_model();
	assert_near((double)back->word_embeddings[48], 1, 0);
	assert_near((double)back->word_embeddings[49], 1.015625, 0);
	for (size_t i = 0; i < n; i++)
		assert_near((double)back->word_embeddings[i], (double)m->word_embeddings[i],
		    fabs((double)m->word_embeddings[i]) / 256);
	model_close(m);
	model_close(back);
	free(weights);
}

/* A dictionary comes back whole: genes without a token, medians, symbols, aliases. */
static void
the_dictionary_comes_back(void **state)
{
	struct err e = { 0 };
	struct genes *genes = genes_read(&cli, "tests/data/genes.cells", &e), *back;
	struct model_config c = config;
	struct model *m;
	char *file = mem_printf("%s/genes.cells", aid_path);

	(void)state;
	aid_expect_no_error(&e);
	c.vocab = genes->n_tokens;
	m = model_start(&c, 0);
	write_model(m, &(struct model_write_options){ .genes = genes });
	back = genes_read(&cli, file, &e);
	aid_expect_no_error(&e);
	assert_true(genes->n > genes->n_tokens && genes->names->n > 0);
	assert_string_equal(back->hash, genes->hash);
	model_close(m);
	genes_free(genes);
	genes_free(back);
	free(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_as_transformers_does),
		cmocka_unit_test_setup_teardown(
		    comes_back_to_the_bit, aid_begin_folder, aid_end_folder),
		cmocka_unit_test_setup_teardown(classifiers_too, aid_begin_folder, aid_end_folder),
		cmocka_unit_test_setup_teardown(
		    halves_are_rounded, aid_begin_folder, aid_end_folder),
		cmocka_unit_test_setup_teardown(
		    the_dictionary_comes_back, aid_begin_folder, aid_end_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
