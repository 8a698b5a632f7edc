/* test_model.c - model folders: every container, every class, wrong shapes, wrong configurations.
 */

#include "model_aid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

static void
expect_equal_numbers(const float *a, const struct safetensors *s, const char *name)
{
	const struct tensor *t = safetensors_find(s, name);

	if (!t)
		fail_msg("no tensor %s", name);
	assert_non_null(a);
	assert_memory_equal(a, t->data, t->bytes);
}

/* Every pointer of the model against the tensor that transformers wrote under its name. */
static void
expect_mlm(const struct model *m)
{
	struct err e = { 0 };
	struct safetensors *s = safetensors_open(fixture("mlm/model.safetensors"), &e);

	aid_expect_no_error(&e);
	assert_int_equal(m->config.class, MODEL_MLM);
	expect_equal_numbers(m->word_embeddings, s, "bert.embeddings.word_embeddings.weight");
	expect_equal_numbers(
	    m->position_embeddings, s, "bert.embeddings.position_embeddings.weight");
	expect_equal_numbers(m->type_embeddings, s, "bert.embeddings.token_type_embeddings.weight");
	expect_equal_numbers(m->embedding_norm_weight, s, "bert.embeddings.LayerNorm.weight");
	expect_equal_numbers(m->embedding_norm_bias, s, "bert.embeddings.LayerNorm.bias");
	for (size_t i = 0; i < m->config.layers; i++) {
		const struct model_layer *l = &m->layer[i];
		const struct {
			const float *numbers;
			const char *name;
		} tensors[] = {
			{ l->query_weight, "attention.self.query.weight" },
			{ l->query_bias, "attention.self.query.bias" },
			{ l->key_weight, "attention.self.key.weight" },
			{ l->key_bias, "attention.self.key.bias" },
			{ l->value_weight, "attention.self.value.weight" },
			{ l->value_bias, "attention.self.value.bias" },
			{ l->attention_output_weight, "attention.output.dense.weight" },
			{ l->attention_output_bias, "attention.output.dense.bias" },
			{ l->attention_norm_weight, "attention.output.LayerNorm.weight" },
			{ l->attention_norm_bias, "attention.output.LayerNorm.bias" },
			{ l->ffn_weight, "intermediate.dense.weight" },
			{ l->ffn_bias, "intermediate.dense.bias" },
			{ l->ffn_output_weight, "output.dense.weight" },
			{ l->ffn_output_bias, "output.dense.bias" },
			{ l->ffn_norm_weight, "output.LayerNorm.weight" },
			{ l->ffn_norm_bias, "output.LayerNorm.bias" },
		};
		for (size_t k = 0; k < sizeof(tensors) / sizeof(tensors[0]); k++) {
			char name[100];
			snprintf(
			    name, sizeof(name), "bert.encoder.layer.%zu.%s", i, tensors[k].name);
			expect_equal_numbers(tensors[k].numbers, s, name);
		}
	}
	expect_equal_numbers(m->mlm_dense_weight, s, "cls.predictions.transform.dense.weight");
	expect_equal_numbers(m->mlm_dense_bias, s, "cls.predictions.transform.dense.bias");
	expect_equal_numbers(m->mlm_norm_weight, s, "cls.predictions.transform.LayerNorm.weight");
	expect_equal_numbers(m->mlm_norm_bias, s, "cls.predictions.transform.LayerNorm.bias");
	expect_equal_numbers(m->decoder_bias, s, "cls.predictions.bias");
	expect_equal_numbers(m->decoder_weight, s, "bert.embeddings.word_embeddings.weight");
	assert_null(m->pooler_weight);
	assert_int_equal(m->n_heads_out, 0);
	safetensors_close(s);
}

static void
reads_every_container(void **state)
{
	static const char *const names[] = { "mlm", "mlm-bin", "mlm-sharded", "mlm-bin-sharded" };
	char hashes[4][33];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct model *m = open_fixture(names[i]);
		assert_int_equal(m->config.layers, 2);
		assert_int_equal(m->config.hidden, 8);
		assert_int_equal(m->config.heads, 2);
		assert_int_equal(m->config.ffn, 12);
		assert_int_equal(m->config.vocab, 13);
		assert_int_equal(m->config.positions, 5);
		assert_int_equal(m->config.type_vocab, 2);
		assert_int_equal(m->config.activation, ACTIVATION_RELU);
		assert_true(m->config.layer_norm_eps == 1e-12f);
		assert_true(m->config.hidden_dropout == 0.1f);
		assert_true(m->config.classifier_dropout == 0.1f);
		assert_int_equal(m->config.n_labels, 0);
		expect_mlm(m);
		model_hash(m, hashes[i]);
		assert_int_equal(strlen(hashes[i]), 32);
		assert_string_equal(hashes[i], hashes[0]);
		model_close(m);
	}
}

static void
reads_every_class(void **state)
{
	struct model *m = open_fixture("sequence");

	(void)state;
	assert_int_equal(m->config.class, MODEL_SEQUENCE);
	assert_int_equal(m->n_heads_out, 1);
	assert_int_equal(m->head[0].n_labels, 3);
	assert_int_equal(m->config.n_labels, 3);
	assert_string_equal(m->config.labels[2], "T \u03b3\u03b4");
	assert_non_null(m->pooler_weight);
	assert_null(m->mlm_dense_weight);
	assert_null(m->decoder_weight);
	model_close(m);

	m = open_fixture("token");
	assert_int_equal(m->config.class, MODEL_TOKEN);
	assert_string_equal(m->config.labels[1], "NK");
	assert_null(m->pooler_weight);
	model_close(m);

	m = open_fixture("base");
	assert_int_equal(m->config.class, MODEL_BASE);
	assert_non_null(m->pooler_weight);
	assert_int_equal(m->n_heads_out, 0);
	const float first = m->word_embeddings[0];
	model_close(m);

	m = open_fixture("multitask"); /* its encoder is that of "base" */
	assert_int_equal(m->config.class, MODEL_MULTITASK);
	assert_int_equal(m->n_heads_out, 2);
	assert_int_equal(m->head[0].n_labels, 3);
	assert_int_equal(m->head[1].n_labels, 2);
	assert_non_null(m->attention_pool);
	assert_true(m->word_embeddings[0] == first);
	model_close(m);
}

static void
expect_same_hash(struct copy *c, const char *name)
{
	struct err e = { 0 };
	struct model *changed = copy_open(c, &e), *m = open_fixture(name);
	char hash[2][33];

	aid_expect_no_error(&e);
	model_hash(changed, hash[0]);
	model_hash(m, hash[1]);
	assert_string_equal(hash[0], hash[1]);
	assert_int_equal(changed->config.class, m->config.class);
	model_close(changed);
	model_close(m);
}

static void
knows_other_names(void **state)
{
	struct copy c = copy_start("mlm");

	(void)state;
	for (size_t i = 0; i < c.n; i++) {
		struct tensor *t = &c.tensors[i];
		char *name = arena_strdup(&c.arena, t->name);
		char *norm = strstr(name, "LayerNorm.");
		if (norm)
			memcpy(norm + 10, strcmp(norm + 10, "weight") ? "beta" : "gamma",
			    strcmp(norm + 10, "weight") ? 5 : 6);
		t->name = strncmp(name, "bert.", 5) ? name : name + 5;
	}
	static const int64_t positions[5] = { 0, 1, 2, 3, 4 };
	c.tensors[c.n] = (struct tensor){ .name = "bert.embeddings.position_ids",
		.type = TENSOR_I64,
		.rank = 2,
		.shape = { 1, 5 },
		.data = positions };
	assert_true(tensor_measure(&c.tensors[c.n++]));
	expect_same_hash(&c, "mlm");
	/* A decoder of its own with the same numbers is the tie written out. */
	c.tensors[c.n] = *copy_find(&c, "embeddings.word_embeddings.weight");
	c.tensors[c.n++].name = "cls.predictions.decoder.weight";
	expect_same_hash(&c, "mlm");
	copy_end(&c);
}

static void
uses_an_untied_decoder(void **state)
{
	struct copy c = copy_start("mlm");
	struct err e = { 0 };
	struct tensor *t = &c.tensors[c.n];
	struct model *m;

	(void)state;
	*t = *copy_find(&c, "bert.embeddings.word_embeddings.weight");
	t->name = "cls.predictions.decoder.weight";
	float *numbers = arena_zero(&c.arena, t->count, sizeof(float));
	numbers[t->count - 1] = 7;
	t->data = numbers;
	c.n++;
	m = copy_open(&c, &e);
	aid_expect_no_error(&e);
	assert_true(m->decoder_weight[t->count - 1] == 7);
	assert_ptr_not_equal(m->decoder_weight, m->word_embeddings);
	model_close(m);
	copy_end(&c);
}

static void
hashes_every_number(void **state)
{
	static const char *const names[] = { "bert.embeddings.word_embeddings.weight",
		"bert.encoder.layer.1.output.LayerNorm.bias", "cls.predictions.bias" };
	struct model *m = open_fixture("mlm");
	char original[33], changed[33];

	(void)state;
	model_hash(m, original);
	model_close(m);
	for (size_t i = 0; i < 3; i++) {
		struct copy c = copy_start("mlm");
		struct err e = { 0 };
		struct tensor *t = copy_find(&c, names[i]);
		float *numbers = arena_copy(&c.arena, t->data, t->count, sizeof(float));
		numbers[t->count - 1] += 1;
		t->data = numbers;
		m = copy_open(&c, &e);
		aid_expect_no_error(&e);
		model_hash(m, changed);
		assert_string_not_equal(changed, original);
		model_close(m);
		copy_end(&c);
	}
}

/* bfloat16 is the upper half of float32. */
static void
converts_other_types(void **state)
{
	struct copy c = copy_start("mlm");
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < c.n; i++) {
		struct tensor *t = &c.tensors[i];
		uint16_t *halves = arena_alloc(&c.arena, t->count, sizeof(*halves));
		for (size_t k = 0; k < t->count; k++)
			memcpy(&halves[k], (const char *)t->data + 4 * k + 2, 2);
		t->data = halves;
		t->type = TENSOR_BF16;
		assert_true(tensor_measure(t));
	}
	struct model *m = copy_open(&c, &e), *original = open_fixture("mlm");
	aid_expect_no_error(&e);
	for (size_t k = 0; k < 13 * 8; k++) {
		uint32_t bits;
		memcpy(&bits, &original->word_embeddings[k], 4);
		bits &= 0xffff0000;
		assert_memory_equal(&bits, &m->word_embeddings[k], 4);
	}
	model_close(m);
	model_close(original);
	copy_end(&c);
}

/* A header whose length is odd leaves the numbers misaligned: they are copied. */
static void
copies_misaligned_tensors(void **state)
{
	struct copy c = copy_start("mlm");
	struct err e = { 0 };
	struct buffer b = fixture_bytes("mlm/model.safetensors"), odd = { 0 };
	uint64_t n;

	(void)state;
	memcpy(&n, b.data, 8);
	n++;
	buffer_add(&odd, &n, 8);
	buffer_add(&odd, b.data + 8, n - 1);
	buffer_add(&odd, " ", 1);
	buffer_add(&odd, b.data + 8 + n - 1, b.size - 8 - (n - 1));
	aid_write(c.folder, "model.safetensors", odd.data, odd.size);
	struct model *m = model_open(c.folder, &e);
	aid_expect_no_error(&e);
	assert_int_equal((uintptr_t)m->layer[1].ffn_bias % sizeof(float), 0);
	expect_mlm(m);
	model_close(m);
	buffer_free(&b);
	buffer_free(&odd);
	copy_end(&c);
}

/* Without "architectures" and "id2label" the tensors tell the class, and the labels are numbered.
 */
static void
infers_the_class(void **state)
{
	static const char config[] =
	    "{\"vocab_size\": 13, \"hidden_size\": 8, \"num_hidden_layers\": 2, "
	    "\"num_attention_heads\": 2, \"intermediate_size\": 12, \"max_position_embeddings\": "
	    "5}";
	static const struct {
		const char *name;
		enum model_class class;
	} cases[] = {
		{ "mlm", MODEL_MLM },
		{ "sequence", MODEL_SEQUENCE },
		{ "token", MODEL_TOKEN },
		{ "base", MODEL_BASE },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct copy c = copy_start(cases[i].name);
		struct err e = { 0 };
		aid_write(c.folder, "config.json", config, sizeof(config) - 1);
		struct model *m = copy_open(&c, &e);
		aid_expect_no_error(&e);
		assert_int_equal(m->config.class, cases[i].class);
		assert_int_equal(m->config.activation, ACTIVATION_GELU); /* BertConfig's own */
		if (m->config.n_labels)
			assert_string_equal(m->config.labels[2], "LABEL_2");
		model_close(m);
		copy_end(&c);
	}
}

static void
add_numbers(struct copy *c, const char *name, size_t rows, size_t columns)
{
	struct tensor *t = &c->tensors[c->n++];
	float *numbers = arena_alloc(&c->arena, rows * columns, sizeof(*numbers));

	for (size_t i = 0; i < rows * columns; i++)
		numbers[i] = (float)(i + 1);
	*t = (struct tensor){ .name = name,
		.type = TENSOR_F32,
		.rank = columns > 1 || strstr(name, "attention") ? 2 : 1,
		.shape = { rows, columns },
		.data = numbers };
	assert_true(tensor_measure(t));
}

/* "base", whose config.json says BertModel, with a perceptron for a head, and with a pool too. */
static void
knows_perceptrons_and_pools(void **state)
{
	char hash[2][33];

	(void)state;
	for (int is_pooled = 0; is_pooled < 2; is_pooled++) {
		struct copy c = copy_start("base");
		struct err e = { 0 };

		add_numbers(&c, "classifier.dense.weight", 5, 8);
		add_numbers(&c, "classifier.dense.bias", 5, 1);
		add_numbers(&c, "classifier.out_proj.weight", 3, 5);
		add_numbers(&c, "classifier.out_proj.bias", 3, 1);
		if (is_pooled)
			add_numbers(&c, "attention_pool.attention_weights", 8, 1);
		struct model *m = copy_open(&c, &e);
		aid_expect_no_error(&e);
		assert_int_equal(m->config.class, MODEL_SEQUENCE);
		assert_false(model_has_pooled_head(m));
		assert_int_equal(m->head[0].n_hidden, 5);
		assert_int_equal(m->head[0].n_labels, 3);
		assert_true(m->head[0].dense_weight[39] == 40);
		assert_true(m->head[0].dense_bias[4] == 5);
		assert_true(m->head[0].weight[14] == 15);
		assert_true(m->head[0].bias[2] == 3);
		assert_int_equal(m->attention_pool != NULL, is_pooled);
		assert_string_equal(m->config.labels[2], "LABEL_2");
		model_hash(m, hash[is_pooled]);
		model_close(m);
		copy_end(&c);
	}
	assert_string_not_equal(hash[0], hash[1]);
}

/* One linear layer behind a pool is not the classifier of transformers, and needs no pooler. */
static void
knows_a_pooled_classifier(void **state)
{
	struct copy c = copy_start("base");
	struct err e = { 0 };

	(void)state;
	copy_find(&c, "pooler.dense.weight")->name = "unknown.weight";
	copy_find(&c, "pooler.dense.bias")->name = "unknown.bias";
	add_numbers(&c, "classifier.weight", 2, 8);
	add_numbers(&c, "classifier.bias", 2, 1);
	add_numbers(&c, "attention_pool.attention_weights", 8, 1);
	struct model *m = copy_open(&c, &e);
	aid_expect_no_error(&e);
	assert_int_equal(m->config.class, MODEL_SEQUENCE);
	assert_false(model_has_pooled_head(m));
	assert_true(m->attention_pool[7] == 8);
	assert_int_equal(m->head[0].n_hidden, 0);
	model_close(m);
	copy_end(&c);

	m = open_fixture("sequence");
	assert_true(model_has_pooled_head(m));
	model_close(m);
	m = open_fixture("multitask");
	assert_false(model_has_pooled_head(m));
	model_close(m);
}

static void
refuses_half_a_perceptron(void **state)
{
	struct copy c = copy_start("base");

	(void)state;
	add_numbers(&c, "classifier.out_proj.weight", 3, 5);
	add_numbers(&c, "classifier.out_proj.bias", 3, 1);
	expect_copy_refused(&c, "no tensor classifier.dense.weight");

	c = copy_start("base");
	add_numbers(&c, "classifier.dense.weight", 4, 8);
	add_numbers(&c, "classifier.dense.bias", 4, 1);
	add_numbers(&c, "classifier.out_proj.weight", 3, 5);
	add_numbers(&c, "classifier.out_proj.bias", 3, 1);
	expect_copy_refused(
	    &c, "tensor classifier.out_proj.weight: shape [3, 5], config.json wants [3, 4]");

	c = copy_start("sequence");
	add_numbers(&c, "classifier.out_proj.weight", 3, 5);
	expect_copy_refused(&c, "classifier.weight and classifier.out_proj.weight: two heads");

	c = copy_start("token");
	add_numbers(&c, "attention_pool.attention_weights", 8, 1);
	expect_copy_refused(&c, "an attention pool, but it classifies tokens");
}

static struct buffer
read_bytes(const char *path)
{
	struct buffer b = { 0 };
	struct err e = { 0 };
	size_t size;
	char *bytes = io_read_file(path, 1 << 24, &size, &e);

	aid_expect_no_error(&e);
	buffer_add(&b, bytes, size);
	free(bytes);
	return b;
}

/* genes.cells and model of tests/data, made by pyarrow and transformers, go together: 63 tokens. */
static void
reads_the_vocabulary(void **state)
{
	static const char *const files[] = { "model/config.json", "model/model.safetensors",
		"genes.cells" };
	struct err e = { 0 };
	char *folder = aid_make_folder();

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *path = mem_printf("tests/data/%s", files[i]);
		struct buffer b = read_bytes(path);
		aid_write(folder, strrchr(path, '/') + 1, b.data, b.size);
		buffer_free(&b);
		free(path);
	}
	struct model *m = model_open(folder, &e);
	aid_expect_no_error(&e);
	assert_int_equal(m->config.vocab, 63);
	assert_string_equal(m->vocabulary[0], "<pad>");
	assert_string_equal(m->vocabulary[4], "ENSG90000000000");
	assert_string_equal(m->vocabulary[62], "ENSG90000000986");
	model_close(m);
	aid_remove_folder(folder);

	m = open_fixture("mlm");
	assert_null(m->vocabulary);
	model_close(m);
	struct copy c = copy_start("mlm");
	struct buffer b = read_bytes("tests/data/genes.cells");
	aid_write(c.folder, "genes.cells", b.data, b.size);
	buffer_free(&b);
	expect_copy_refused(&c, "/genes.cells: 63 tokens, config.json has a vocab_size of 13");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_container),
		cmocka_unit_test(reads_every_class),
		cmocka_unit_test(knows_other_names),
		cmocka_unit_test(uses_an_untied_decoder),
		cmocka_unit_test(hashes_every_number),
		cmocka_unit_test(converts_other_types),
		cmocka_unit_test(copies_misaligned_tensors),
		cmocka_unit_test(infers_the_class),
		cmocka_unit_test(knows_perceptrons_and_pools),
		cmocka_unit_test(knows_a_pooled_classifier),
		cmocka_unit_test(refuses_half_a_perceptron),
		cmocka_unit_test(reads_the_vocabulary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
