/* model_config.c - config.json of a BERT model. See model_config.h.
 *
 * Keys and defaults: transformers, BertConfig. */

#include "nn/model_config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/json_file.h"

#define SIZE_LIMIT ((long long)1 << 30)
#define LAYER_LIMIT 10000

static const struct {
	const char *name;
	enum activation activation;
} activations[] = {
	{ "relu", ACTIVATION_RELU },
	{ "gelu", ACTIVATION_GELU },
	{ "gelu_python", ACTIVATION_GELU },
	{ "gelu_new", ACTIVATION_GELU_TANH },
	{ "gelu_fast", ACTIVATION_GELU_TANH },
	{ "gelu_accurate", ACTIVATION_GELU_TANH },
	{ "gelu_pytorch_tanh", ACTIVATION_GELU_TANH },
	{ "gelu_python_tanh", ACTIVATION_GELU_TANH },
	{ "silu", ACTIVATION_SILU },
	{ "swish", ACTIVATION_SILU },
	{ "tanh", ACTIVATION_TANH },
};

static const struct {
	const char *name;
	enum model_class class;
} classes[] = {
	{ "BertModel", MODEL_BASE },
	{ "BertForMaskedLM", MODEL_MLM },
	{ "BertForPreTraining", MODEL_MLM },
	{ "BertForSequenceClassification", MODEL_SEQUENCE },
	{ "BertForTokenClassification", MODEL_TOKEN },
};

int
model_activation_parse(const char *name, enum activation *ret)
{
	for (size_t i = 0; i < sizeof(activations) / sizeof(activations[0]); i++)
		if (!strcmp(name, activations[i].name)) {
			*ret = activations[i].activation;
			return 0;
		}
	return -1;
}

const char *
model_activation_name(enum activation f)
{
	size_t i = 0;

	while (activations[i].activation != f) {
		i++;
		assert(i < sizeof(activations) / sizeof(activations[0]));
	}
	return activations[i].name;
}

static int
read_activation(const json_t *root, const char *path, enum activation *ret, struct err *e)
{
	const char *name = json_text(root, "hidden_act", "gelu", path, e);

	if (model_activation_parse(name, ret) == 0)
		return 0;
	return err_set(e,
	    "%s: \"hidden_act\" is %.100s; known are relu, gelu, gelu_new, silu, tanh", path, name);
}

static int
read_class(
    const json_t *root, const char *path, enum model_class *ret, bool *ret_has_class, struct err *e)
{
	const json_t *list = json_object_get(root, "architectures");
	const char *name = json_string_value(json_array_get(list, 0));

	*ret_has_class = name != NULL;
	if (!name)
		return list && !json_is_null(list) && json_array_size(list) != 0
			   ? err_set(e, "%s: \"architectures\" is not a list of names", path)
			   : 0;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!strcmp(name, classes[i].name)) {
			*ret = classes[i].class;
			return 0;
		}
	return err_set(e,
	    "%s: a %.100s; known are BertModel, BertForMaskedLM, BertForSequenceClassification, "
	    "BertForTokenClassification",
	    path, name);
}

/* What changes the computation and is not offered must not be overlooked. */
static int
refuse_others(const json_t *root, const char *path, struct err *e)
{
	const char *type = json_text(root, "model_type", "bert", path, e);
	const char *position = json_text(root, "position_embedding_type", "absolute", path, e);

	if (strcmp(type, "bert") != 0)
		return err_set(e, "%s: a model of type %.100s; only bert is known", path, type);
	if (strcmp(position, "absolute") != 0)
		return err_set(e, "%s: positions of type %.100s; only absolute ones are known",
		    path, position);
	if (json_is_true(json_object_get(root, "is_decoder")))
		return err_set(e, "%s: a decoder; only encoders are known", path);
	return 0;
}

static int
read_labels(const json_t *root, const char *path, struct model_config *c, struct err *e)
{
	const json_t *map = json_object_get(root, "id2label");

	if (!map || json_is_null(map))
		return 0;
	if (!json_is_object(map))
		return err_set(e, "%s: \"id2label\" is not an object", path);
	size_t n = json_object_size(map);
	c->labels = mem_zero(n, sizeof(*c->labels));
	c->n_labels = n;
	for (size_t i = 0; i < n; i++) {
		char key[32];
		snprintf(key, sizeof(key), "%zu", i);
		const char *label = json_string_value(json_object_get(map, key));
		if (!label)
			return err_set(e, "%s: \"id2label\" has %zu labels but no text for \"%s\"",
			    path, n, key);
		c->labels[i] = mem_strdup(label);
	}
	return 0;
}

static void
read_sizes(const json_t *root, const char *path, struct model_config *c, struct err *e)
{
	const struct {
		const char *key;
		long long limit;
		long long otherwise;
		size_t *ret;
	} sizes[] = {
		{ "vocab_size", SIZE_LIMIT, 30522, &c->vocab },
		{ "hidden_size", SIZE_LIMIT, 768, &c->hidden },
		{ "num_hidden_layers", LAYER_LIMIT, 12, &c->layers },
		{ "num_attention_heads", SIZE_LIMIT, 12, &c->heads },
		{ "intermediate_size", SIZE_LIMIT, 3072, &c->ffn },
		{ "max_position_embeddings", SIZE_LIMIT, 512, &c->positions },
		{ "type_vocab_size", SIZE_LIMIT, 2, &c->type_vocab },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		*sizes[i].ret = (size_t)json_integer_in(
		    root, sizes[i].key, 1, sizes[i].limit, sizes[i].otherwise, path, e);
	c->pad_id = (int32_t)json_integer_in(root, "pad_token_id", 0, SIZE_LIMIT, 0, path, e);
	if (c->hidden % c->heads != 0)
		err_set(e, "%s: hidden_size %zu is not a multiple of num_attention_heads %zu", path,
		    c->hidden, c->heads);
}

static void
read_numbers(const json_t *root, const char *path, struct model_config *c, struct err *e)
{
	double hidden = json_number_in(root, "hidden_dropout_prob", 0, 1, 0.1, path, e);

	c->hidden_dropout = (float)hidden;
	c->attention_dropout =
	    (float)json_number_in(root, "attention_probs_dropout_prob", 0, 1, 0.1, path, e);
	c->classifier_dropout =
	    (float)json_number_in(root, "classifier_dropout", 0, 1, hidden, path, e);
	c->layer_norm_eps = (float)json_number_in(root, "layer_norm_eps", 0, 1, 1e-12, path, e);
	c->initializer_range =
	    (float)json_number_in(root, "initializer_range", 0, 10, 0.02, path, e);
}

int
model_config_read(const char *path, struct model_config *ret, bool *ret_has_class,
    bool *ret_is_tied, struct err *e)
{
	json_t *root = json_file_read(path, e);

	*ret = (struct model_config){ .class = MODEL_BASE };
	if (!root)
		return -1;
	if (refuse_others(root, path, e) == 0 &&
	    read_class(root, path, &ret->class, ret_has_class, e) == 0 &&
	    read_activation(root, path, &ret->activation, e) == 0 &&
	    read_labels(root, path, ret, e) == 0) {
		read_sizes(root, path, ret, e);
		read_numbers(root, path, ret, e);
	}
	*ret_is_tied = !json_is_false(json_object_get(root, "tie_word_embeddings"));
	json_decref(root);
	return e->is_set ? -1 : 0;
}

void
model_config_free(struct model_config *c)
{
	for (size_t i = 0; i < c->n_labels && c->labels; i++)
		free(c->labels[i]);
	free(c->labels);
	c->labels = NULL;
	c->n_labels = 0;
}
