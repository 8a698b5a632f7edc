/* test_model.c - model folders: every container, every class, wrong shapes, wrong configurations.
 */

#include "reader_aid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/safetensors.h"
#include "nn/model.h"

static struct model *
open_fixture(const char *name)
{
	struct err e = { 0 };
	struct model *m = model_open(fixture(name), &e);

	aid_expect_no_error(&e);
	assert_non_null(m);
	return m;
}

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

/* A copy of the folder "mlm" whose tensors and configuration a test may change. */
struct copy {
	char *folder;
	struct safetensors *source;
	struct tensor *tensors;
	size_t n;
	struct arena arena;
};

static struct copy
copy_start(const char *name)
{
	struct err e = { 0 };
	struct copy c = { .folder = aid_make_folder() };
	char path[100];

	snprintf(path, sizeof(path), "%s/model.safetensors", name);
	c.source = safetensors_open(fixture(path), &e);
	aid_expect_no_error(&e);
	const struct tensor *t = safetensors_tensors(c.source, &c.n);
	c.tensors = mem_alloc(c.n + 8, sizeof(*c.tensors));
	memcpy(c.tensors, t, c.n * sizeof(*t));
	snprintf(path, sizeof(path), "%s/config.json", name);
	struct buffer b = fixture_bytes(path);
	aid_write(c.folder, "config.json", b.data, b.size);
	buffer_free(&b);
	return c;
}

static struct tensor *
copy_find(struct copy *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->tensors[i].name, name))
			return &c->tensors[i];
	fail_msg("no tensor %s", name);
	return NULL;
}

static struct model *
copy_open(struct copy *c, struct err *e)
{
	struct err own = { 0 };
	char *path = mem_printf("%s/model.safetensors", c->folder);

	safetensors_write(path, c->tensors, c->n, NULL, &own);
	aid_expect_no_error(&own);
	free(path);
	return model_open(c->folder, e);
}

static void
copy_end(struct copy *c)
{
	safetensors_close(c->source);
	free(c->tensors);
	arena_free(&c->arena);
	aid_remove_folder(c->folder);
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
			strcpy(norm + 10, strcmp(norm + 10, "weight") ? "beta" : "gamma");
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

static void
expect_copy_refused(struct copy *c, const char *part)
{
	struct err e = { 0 };

	assert_null(copy_open(c, &e));
	aid_expect_error(&e, part);
	copy_end(c);
}

static void
checks_tensors(void **state)
{
	struct copy c = copy_start("mlm");
	struct tensor *t = copy_find(&c, "bert.encoder.layer.1.intermediate.dense.weight");

	(void)state;
	t->shape[0] = 8;
	t->shape[1] = 12;
	expect_copy_refused(&c,
	    "/model.safetensors: tensor bert.encoder.layer.1.intermediate.dense.weight: "
	    "shape [8, 12], config.json wants [12, 8]");

	c = copy_start("mlm");
	t = copy_find(&c, "bert.encoder.layer.0.output.dense.bias");
	*t = c.tensors[--c.n];
	expect_copy_refused(&c, "/model.safetensors: no tensor encoder.layer.0.output.dense.bias");

	c = copy_start("mlm");
	copy_find(&c, "cls.predictions.transform.dense.bias")->name = "other";
	expect_copy_refused(&c, "no tensor cls.predictions.transform.dense.bias");

	c = copy_start("mlm");
	t = copy_find(&c, "bert.embeddings.LayerNorm.bias");
	t->type = TENSOR_I32;
	expect_copy_refused(&c, "its numbers are of type I32, not F32, F16, BF16 or F64");

	c = copy_start("mlm");
	c.tensors[c.n] = *copy_find(&c, "bert.encoder.layer.0.attention.self.query.weight");
	c.tensors[c.n++].name = "bert.encoder.layer.2.attention.self.query.weight";
	expect_copy_refused(&c, "config.json has only 2 layers");

	c = copy_start("sequence");
	copy_find(&c, "bert.pooler.dense.weight")->name = "x";
	expect_copy_refused(&c, "no tensor pooler.dense.weight");

	c = copy_start("token");
	copy_find(&c, "classifier.bias")->name = "x";
	expect_copy_refused(&c, "no tensor classifier.bias");
}

static void
checks_configurations(void **state)
{
	static const struct {
		const char *config;
		const char *part;
	} cases[] = {
		{ "{\"hidden_size\": 0}", "config.json: \"hidden_size\" is not an integer from 1" },
		{ "{\"hidden_size\": 10, \"num_attention_heads\": 4}",
		    "hidden_size 10 is not a multiple of num_attention_heads 4" },
		{ "{\"num_hidden_layers\": 1e9}", "\"num_hidden_layers\" is not an integer" },
		{ "{\"vocab_size\": \"13\"}", "\"vocab_size\" is not an integer" },
		{ "{\"hidden_act\": \"quick_gelu\"}", "\"hidden_act\" is quick_gelu; known are" },
		{ "{\"hidden_act\": 3}", "\"hidden_act\" is not text" },
		{ "{\"model_type\": \"gpt2\"}", "a model of type gpt2; only bert is known" },
		{ "{\"position_embedding_type\": \"relative_key\"}",
		    "positions of type relative_key" },
		{ "{\"is_decoder\": true}", "a decoder; only encoders are known" },
		{ "{\"architectures\": [\"BertForQuestionAnswering\"]}",
		    "a BertForQuestionAnswering;" },
		{ "{\"architectures\": [3]}", "\"architectures\" is not a list of names" },
		{ "{\"layer_norm_eps\": -1}", "\"layer_norm_eps\" is not a number from 0 to 1" },
		{ "{\"id2label\": {\"0\": \"a\", \"2\": \"b\"}}",
		    "\"id2label\" has 2 labels but no text for \"1\"" },
		{ "{\"id2label\": [\"a\"]}", "\"id2label\" is not an object" },
		{ "{\"vocab_size\": 13,\n \"vocab_size\": 13}", "config.json:2:" },
		{ "{", "config.json:1:1: " },
		{ "[]", "config.json: not a JSON object" },
		{ "{}", "shape [13, 8], config.json wants [30522, 768]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct copy c = copy_start("mlm");
		aid_write(c.folder, "config.json", cases[i].config, strlen(cases[i].config));
		expect_copy_refused(&c, cases[i].part);
	}

	/* Three rows of labels, two names. */
	struct copy c = copy_start("sequence");
	static const char two[] =
	    "{\"vocab_size\": 13, \"hidden_size\": 8, \"num_hidden_layers\": 2, "
	    "\"num_attention_heads\": 2, \"intermediate_size\": 12, \"max_position_embeddings\": "
	    "5, "
	    "\"architectures\": [\"BertForSequenceClassification\"], "
	    "\"id2label\": {\"0\": \"a\", \"1\": \"b\"}}";
	aid_write(c.folder, "config.json", two, sizeof(two) - 1);
	expect_copy_refused(&c, "3 labels, config.json names 2");
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
checks_indices(void **state)
{
	static const struct {
		const char *index;
		const char *part;
	} cases[] = {
		{ "{\"weight_map\": {\"a\": \"../x.safetensors\"}}", "is no file of this folder" },
		{ "{\"weight_map\": {\"a\": \"absent.safetensors\"}}", "absent.safetensors" },
		{ "{\"weight_map\": {\"a\": 1}}", "the file of tensor a is not a text" },
		{ "{\"weight_map\": {}}", "no \"weight_map\"" },
		{ "{}", "no \"weight_map\"" },
		{ "{\"weight_map\": {\"missing\": \"part.safetensors\"}}",
		    "/part.safetensors: no tensor missing, which" },
		{ "{\"weight_map\": {\"cls.predictions.bias\": \"part.safetensors\", "
		  "\"bert.embeddings.LayerNorm.bias\": \"again.safetensors\"}}",
		    "is in" },
	};
	struct buffer b = fixture_bytes("mlm/model.safetensors");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct copy c = copy_start("mlm");
		struct err e = { 0 };
		aid_write(c.folder, "model.safetensors.index.json", cases[i].index,
		    strlen(cases[i].index));
		aid_write(c.folder, "part.safetensors", b.data, b.size);
		aid_write(c.folder, "again.safetensors", b.data, b.size);
		assert_null(model_open(c.folder, &e));
		aid_expect_error(&e, cases[i].part);
		copy_end(&c);
	}
	buffer_free(&b);
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

static void
finds_folders(void **state)
{
	struct err e = { 0 };
	char root[4096], *folder = aid_make_folder();
	char *link = mem_printf("%s/Geneformer-V9", folder);

	(void)state;
	assert_non_null(getcwd(root, sizeof(root)));
	char *here = mem_printf("%s/%s", root, fixture("mlm"));
	assert_int_equal(symlink(here, link), 0);
	unsetenv("GENEFORMER_DIR");
	assert_null(model_open("V9", &e));
	aid_expect_error(&e, "V9: no such model folder, and GENEFORMER_DIR is not set");
	setenv("GENEFORMER_DIR", folder, 1);
	static const char *const names[] = { "V9", "Geneformer-V9" };
	for (size_t i = 0; i < 2; i++) {
		struct model *m = model_open(names[i], &e);
		aid_expect_no_error(&e);
		assert_string_equal(m->path, link);
		model_close(m);
	}
	assert_null(model_open("V8", &e));
	aid_expect_error(&e, "V8: no such model folder, neither here nor in GENEFORMER_DIR");
	assert_null(model_open("a/V9", &e));
	aid_expect_error(&e, "a/V9: no such model folder");
	assert_null(model_open(fixture("mlm/config.json"), &e));
	aid_expect_error(&e, "not a folder (a model is a folder");
	unlink(link);
	assert_null(model_open(folder, &e));
	aid_expect_error(&e, "no config.json in it");
	aid_write(folder, "config.json", "{}", 2);
	assert_null(model_open(folder, &e));
	aid_expect_error(&e, "no weights (model.safetensors");
	unsetenv("GENEFORMER_DIR");
	free(link);
	free(here);
	aid_remove_folder(folder);
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
		cmocka_unit_test(checks_tensors),
		cmocka_unit_test(checks_configurations),
		cmocka_unit_test(infers_the_class),
		cmocka_unit_test(checks_indices),
		cmocka_unit_test(reads_the_vocabulary),
		cmocka_unit_test(finds_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
