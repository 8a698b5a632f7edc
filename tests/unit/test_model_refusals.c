/* test_model_refusals.c - model folders that are not to be taken, and where folders are looked for.
 */

#include "model_aid.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
		cmocka_unit_test(checks_tensors),
		cmocka_unit_test(checks_configurations),
		cmocka_unit_test(checks_indices),
		cmocka_unit_test(finds_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
