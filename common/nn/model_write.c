#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "formats/genes_write.h"
#include "formats/safetensors.h"
#include "nn/cpu_bf16.h"
#include "nn/gradient.h"
#include "nn/model_config.h"
#include "nn/model_write.h"

/* ---- config.json ---- */

/* The shortest decimal number that is this float32: 0.1, not 0.10000000149. */
static json_t *
real(float x)
{
	char text[400];
	int digits = 1;

	do
		snprintf(text, sizeof(text), "%.*g", digits++, (double)x);
	while (strtof(text, NULL) < x || strtof(text, NULL) > x);
	return json_real(strtod(text, NULL));
}

static json_t *
whole(size_t n)
{
	return json_integer((json_int_t)n);
}

static const char *class_name(enum model_class class)
{
	static const char *const names[] = {
		[MODEL_BASE] = "BertModel",
		[MODEL_MLM] = "BertForMaskedLM",
		[MODEL_SEQUENCE] = "BertForSequenceClassification",
		[MODEL_TOKEN] = "BertForTokenClassification",
		[MODEL_MULTITASK] = NULL,
	};

	return names[class];
}

static void
describe_labels(json_t *root, const struct model_config *c)
{
	json_t *by_id = json_object(), *by_label = json_object();

	for (size_t i = 0; i < c->n_labels; i++) {
		char id[24], label[40];

		snprintf(id, sizeof(id), "%zu", i);
		snprintf(label, sizeof(label), "LABEL_%zu", i);
		json_object_set_new(by_id, id, json_string(c->labels ? c->labels[i] : label));
		json_object_set_new(by_label, c->labels ? c->labels[i] : label, whole(i));
	}
	json_object_set_new(root, "id2label", by_id);
	json_object_set_new(root, "label2id", by_label);
}

static json_t *
describe(const struct model *m, bool is_bf16)
{
	const struct model_config *c = &m->config;
	json_t *root = json_object();
	bool is_tied = !m->decoder_weight || m->decoder_weight == m->word_embeddings;

	if (class_name(c->class))
		json_object_set_new(root, "architectures", json_pack("[s]", class_name(c->class)));
	json_object_set_new(root, "model_type", json_string("bert"));
	json_object_set_new(root, "vocab_size", whole(c->vocab));
	json_object_set_new(root, "hidden_size", whole(c->hidden));
	json_object_set_new(root, "num_hidden_layers", whole(c->layers));
	json_object_set_new(root, "num_attention_heads", whole(c->heads));
	json_object_set_new(root, "intermediate_size", whole(c->ffn));
	json_object_set_new(root, "hidden_act", json_string(model_activation_name(c->activation)));
	json_object_set_new(root, "max_position_embeddings", whole(c->positions));
	json_object_set_new(root, "type_vocab_size", whole(c->type_vocab));
	json_object_set_new(root, "pad_token_id", json_integer(c->pad_id));
	json_object_set_new(root, "hidden_dropout_prob", real(c->hidden_dropout));
	json_object_set_new(root, "attention_probs_dropout_prob", real(c->attention_dropout));
	json_object_set_new(root, "classifier_dropout", real(c->classifier_dropout));
	json_object_set_new(root, "initializer_range", real(c->initializer_range));
	json_object_set_new(root, "layer_norm_eps", real(c->layer_norm_eps));
	json_object_set_new(root, "position_embedding_type", json_string("absolute"));
	json_object_set_new(root, "tie_word_embeddings", json_boolean(is_tied));
	json_object_set_new(root, "torch_dtype", json_string(is_bf16 ? "bfloat16" : "float32"));
	if (c->n_labels)
		describe_labels(root, c);
	return root;
}

static int
write_config(const char *path, const struct model *m, bool is_bf16, struct err *e)
{
	json_t *root = describe(m, is_bf16);
	char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	struct output *out = output_create(path, false, true, e);

	assert(text);
	if (out) {
		output_printf(out, e, "%s\n", text);
		output_commit(out, e);
	}
	free(text);
	json_decref(root);
	return e->is_set ? -1 : 0;
}

/* ---- model.safetensors ---- */

/* A bare encoder has no prefix. */
static const char *
name_of(const struct parameters *p, const struct parameter *q)
{
	bool is_bare = p->model.config.class == MODEL_BASE && strncmp(q->name, "bert.", 5) == 0;

	return q->name + (is_bare ? 5 : 0);
}

static void
list_tensors(
    const struct parameters *p, bool is_bf16, const uint8_t *values, struct tensor *ret_tensors)
{
	enum tensor_type type = is_bf16 ? TENSOR_BF16 : TENSOR_F32;

	for (size_t i = 0; i < p->n_of_model; i++) {
		const struct parameter *q = &p->list[i];
		bool fits;

		ret_tensors[i] = (struct tensor){ .name = name_of(p, q),
			.type = type,
			.rank = q->columns ? 2 : 1,
			.shape = { q->rows, q->columns },
			.data = values + q->from * tensor_type_size(type) };
		fits = tensor_measure(&ret_tensors[i]);
		assert(fits);
		(void)fits;
	}
}

/* All values, brought to the host and to the type of the file. The caller frees them. */
static uint8_t *
take_values(const struct parameters *p, bool is_bf16)
{
	struct gradient_workspace *ws = p->backend->gradient->workspace_create(p->backend);
	float *values = mem_alloc(p->n_values, sizeof(*values));
	uint16_t *narrow;

	p->backend->gradient->get(ws, values, p->values, p->n_values);
	p->backend->gradient->workspace_free(ws);
	if (!is_bf16)
		return (uint8_t *)values;
	narrow = mem_alloc(p->n_values, sizeof(*narrow));
	bf16_from_f32(narrow, values, p->n_values);
	free(values);
	return (uint8_t *)narrow;
}

static int
write_weights(const char *path, const struct parameters *p, const struct model_write_options *o,
    struct err *e)
{
	uint8_t *values = take_values(p, o->is_bf16);
	struct tensor *tensors = mem_alloc(p->n_of_model, sizeof(*tensors));

	list_tensors(p, o->is_bf16, values, tensors);
	safetensors_write(path, tensors, p->n_of_model, o->metadata, e);
	free(tensors);
	free(values);
	return e->is_set ? -1 : 0;
}

/* ---- the folder ---- */

int
model_write_genes(struct output_folder *f, const struct cli *cli, const struct model *m,
    const struct genes *given, struct err *e)
{
	struct genes *own = NULL;

	if (!given && m->vocabulary)
		own = genes_from_names((const char *const *)m->vocabulary, m->config.vocab, e);
	if (!given && !own)
		return e->is_set ? -1 : 0;
	assert((given ? given : own)->n_tokens == m->config.vocab);
	genes_write(cli, output_folder_file(f, "genes.cells"), given ? given : own, e);
	genes_free(own);
	return e->is_set ? -1 : 0;
}

int
model_write_files(struct output_folder *f, const struct cli *cli, const struct parameters *p,
    const struct model_write_options *o, struct err *e)
{
	if (e->is_set ||
	    write_config(output_folder_file(f, "config.json"), &p->model, o->is_bf16, e) ||
	    write_weights(output_folder_file(f, "model.safetensors"), p, o, e))
		return -1;
	return model_write_genes(f, cli, &p->model, o->genes, e);
}

int
model_write(const char *path, const struct cli *cli, const struct parameters *p,
    const struct model_write_options *o, struct err *e)
{
	struct output_folder *f = output_folder_create(path, true, e);

	if (f)
		model_write_files(f, cli, p, o, e);
	return output_folder_commit(f, e);
}
