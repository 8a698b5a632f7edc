/* model.c - opens a model folder: finds it, reads its configuration, places its tensors.
 *
 *   1. The tensors and their shapes
 *   2. Placing tensors
 *   3. Heads and vocabulary
 *   4. Finding the folder
 *   5. Open, close, hash */

#include "nn/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "formats/genes_file.h"
#include "nn/model_config.h"
#include "nn/model_files.h"

/* 1. The tensors and their shapes */

/* A size by its letter: H hidden, I ffn, V vocab, P positions, T type_vocab. */
struct place {
	size_t offset; /* of the pointer in struct model or struct model_layer */
	const char *name;
	char rows;
	char columns; /* 0: a vector */
};

#define OF_MODEL(field) offsetof(struct model, field)
#define OF_LAYER(field) offsetof(struct model_layer, field)

static const struct place embedding_places[] = {
	{ OF_MODEL(word_embeddings), "embeddings.word_embeddings.weight", 'V', 'H' },
	{ OF_MODEL(position_embeddings), "embeddings.position_embeddings.weight", 'P', 'H' },
	{ OF_MODEL(type_embeddings), "embeddings.token_type_embeddings.weight", 'T', 'H' },
	{ OF_MODEL(embedding_norm_weight), "embeddings.LayerNorm.weight", 'H', 0 },
	{ OF_MODEL(embedding_norm_bias), "embeddings.LayerNorm.bias", 'H', 0 },
};

static const struct place layer_places[] = {
	{ OF_LAYER(query_weight), "attention.self.query.weight", 'H', 'H' },
	{ OF_LAYER(query_bias), "attention.self.query.bias", 'H', 0 },
	{ OF_LAYER(key_weight), "attention.self.key.weight", 'H', 'H' },
	{ OF_LAYER(key_bias), "attention.self.key.bias", 'H', 0 },
	{ OF_LAYER(value_weight), "attention.self.value.weight", 'H', 'H' },
	{ OF_LAYER(value_bias), "attention.self.value.bias", 'H', 0 },
	{ OF_LAYER(attention_output_weight), "attention.output.dense.weight", 'H', 'H' },
	{ OF_LAYER(attention_output_bias), "attention.output.dense.bias", 'H', 0 },
	{ OF_LAYER(attention_norm_weight), "attention.output.LayerNorm.weight", 'H', 0 },
	{ OF_LAYER(attention_norm_bias), "attention.output.LayerNorm.bias", 'H', 0 },
	{ OF_LAYER(ffn_weight), "intermediate.dense.weight", 'I', 'H' },
	{ OF_LAYER(ffn_bias), "intermediate.dense.bias", 'I', 0 },
	{ OF_LAYER(ffn_output_weight), "output.dense.weight", 'H', 'I' },
	{ OF_LAYER(ffn_output_bias), "output.dense.bias", 'H', 0 },
	{ OF_LAYER(ffn_norm_weight), "output.LayerNorm.weight", 'H', 0 },
	{ OF_LAYER(ffn_norm_bias), "output.LayerNorm.bias", 'H', 0 },
};

static const struct place pooler_places[] = {
	{ OF_MODEL(pooler_weight), "pooler.dense.weight", 'H', 'H' },
	{ OF_MODEL(pooler_bias), "pooler.dense.bias", 'H', 0 },
};

static const struct place mlm_places[] = {
	{ OF_MODEL(mlm_dense_weight), "cls.predictions.transform.dense.weight", 'H', 'H' },
	{ OF_MODEL(mlm_dense_bias), "cls.predictions.transform.dense.bias", 'H', 0 },
	{ OF_MODEL(mlm_norm_weight), "cls.predictions.transform.LayerNorm.weight", 'H', 0 },
	{ OF_MODEL(mlm_norm_bias), "cls.predictions.transform.LayerNorm.bias", 'H', 0 },
};

static const struct place decoder_weight_place = { OF_MODEL(decoder_weight),
	"cls.predictions.decoder.weight", 'V', 'H' };
static const struct place decoder_bias_places[] = {
	{ OF_MODEL(decoder_bias), "cls.predictions.bias", 'V', 0 },
	{ OF_MODEL(decoder_bias), "cls.predictions.decoder.bias", 'V', 0 },
};

#define NAME_ROOM 200
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t
size_of(const struct model_config *c, char letter)
{
	switch (letter) {
	case 'H':
		return c->hidden;
	case 'I':
		return c->ffn;
	case 'V':
		return c->vocab;
	case 'P':
		return c->positions;
	case 'T':
		return c->type_vocab;
	default:
		return 1;
	}
}

/* 2. Placing tensors */

struct loader {
	struct model *model;
	bool is_tied;
	bool has_class;
	struct err *e;
};

/* A tensor of the encoder has the prefix "bert.", but not in files of a bare BertModel. */
static const struct model_tensor *
find(const struct loader *l, const char *name)
{
	char text[NAME_ROOM + 5];

	snprintf(text, sizeof(text), "bert.%s", name);
	const struct model_tensor *found = model_files_find(l->model->files, text);
	return found ? found : model_files_find(l->model->files, name);
}

/* The numbers of a tensor of this shape (columns of 0: a vector), or NULL with the error set. */
static const float *
use(struct loader *l, const struct model_tensor *t, size_t rows, size_t columns)
{
	size_t shape[2] = { rows, columns };
	unsigned rank = columns ? 2 : 1;
	char is[TENSOR_SHAPE_TEXT], wanted[TENSOR_SHAPE_TEXT];

	if (!tensor_is_float(t->tensor)) {
		err_set(l->e,
		    "%s: tensor %s: its numbers are of type %s, not F32, F16, BF16 or F64", t->file,
		    t->tensor->name, tensor_type_name(t->tensor->type));
		return NULL;
	}
	if (!tensor_has_shape(t->tensor, rank, shape)) {
		err_set(l->e, "%s: tensor %s: shape %s, config.json wants %s", t->file,
		    t->tensor->name, tensor_shape_text(t->tensor->rank, t->tensor->shape, is),
		    tensor_shape_text(rank, shape, wanted));
		return NULL;
	}
	return model_files_f32(l->model->files, t->tensor);
}

/* Sets one pointer; NULL where the file has no such tensor. -1 on a wrong one. */
static int
place_optional(struct loader *l, void *object, const struct place *p, const char *name)
{
	const struct model_tensor *t = find(l, name);
	const float *data = NULL;

	if (t) {
		const struct model_config *c = &l->model->config;
		data = use(l, t, size_of(c, p->rows), p->columns ? size_of(c, p->columns) : 0);
		if (!data)
			return -1;
	}
	memcpy((char *)object + p->offset, &data, sizeof(data));
	return 0;
}

static const float *
pointer_at(const void *object, const struct place *p)
{
	const float *data;

	memcpy(&data, (const char *)object + p->offset, sizeof(data));
	return data;
}

static int
place_needed(struct loader *l, void *object, const struct place *p, const char *name)
{
	if (place_optional(l, object, p, name) < 0)
		return -1;
	if (!pointer_at(object, p))
		return err_set(l->e, "%s: no tensor %s", model_files_name(l->model->files), name);
	return 0;
}

static int
place_all(struct loader *l, const struct place *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (place_needed(l, l->model, &places[i], places[i].name) < 0)
			return -1;
	return 0;
}

static int
place_layers(struct loader *l)
{
	struct model *m = l->model;
	char name[NAME_ROOM];

	m->layer = mem_zero(m->config.layers, sizeof(*m->layer));
	for (size_t i = 0; i < m->config.layers; i++)
		for (size_t k = 0; k < COUNT(layer_places); k++) {
			snprintf(
			    name, sizeof(name), "encoder.layer.%zu.%s", i, layer_places[k].name);
			if (place_needed(l, &m->layer[i], &layer_places[k], name) < 0)
				return -1;
		}
	/* A deeper model than config.json says would be cut silently. */
	snprintf(
	    name, sizeof(name), "encoder.layer.%zu.%s", m->config.layers, layer_places[0].name);
	const struct model_tensor *more = find(l, name);
	if (more)
		return err_set(l->e, "%s: tensor %s: config.json has only %zu layers", more->file,
		    more->tensor->name, m->config.layers);
	return 0;
}

/* 3. Heads and vocabulary */

/* Both tensors of the pooler, or neither. */
static int
place_pooler(struct loader *l)
{
	if (!find(l, pooler_places[0].name) && !find(l, pooler_places[1].name))
		return 0;
	return place_all(l, pooler_places, COUNT(pooler_places));
}

/* The decoder is tied to the word embedding unless the folder says otherwise; a copy of its own
 * that holds the same numbers is the tie written out. */
static int
place_decoder(struct loader *l)
{
	struct model *m = l->model;

	for (size_t i = 0; i < COUNT(decoder_bias_places) && !m->decoder_bias; i++) {
		const struct place *p = &decoder_bias_places[i];
		if (place_optional(l, m, p, p->name) < 0)
			return -1;
	}
	if (!m->decoder_bias)
		return place_needed(l, m, &decoder_bias_places[0], decoder_bias_places[0].name);
	if (place_optional(l, m, &decoder_weight_place, decoder_weight_place.name) < 0)
		return -1;
	if (!m->decoder_weight && !l->is_tied)
		return place_needed(l, m, &decoder_weight_place, decoder_weight_place.name);
	size_t bytes = m->config.vocab * m->config.hidden * sizeof(float);
	if (!m->decoder_weight || !memcmp(m->decoder_weight, m->word_embeddings, bytes))
		m->decoder_weight = m->word_embeddings;
	return 0;
}

static int
place_mlm(struct loader *l)
{
	return place_all(l, mlm_places, COUNT(mlm_places)) < 0 ? -1 : place_decoder(l);
}

/* One head: NAME.weight [labels][H] and NAME.bias [labels]. The count of labels is the file's. */
static int
add_head(struct loader *l, const char *name)
{
	struct model *m = l->model;
	char text[2][NAME_ROOM];

	snprintf(text[0], sizeof(text[0]), "%s.weight", name);
	snprintf(text[1], sizeof(text[1]), "%s.bias", name);
	const struct model_tensor *weight = model_files_find(m->files, text[0]);
	const struct model_tensor *bias = model_files_find(m->files, text[1]);
	if (!weight || !bias)
		return err_set(l->e, "%s: no tensor %s", model_files_name(m->files),
		    weight ? text[1] : text[0]);
	size_t labels = weight->tensor->rank > 0 ? weight->tensor->shape[0] : 0;
	if (labels == 0)
		return err_set(l->e, "%s: tensor %s: no labels", weight->file, text[0]);
	struct model_head head = { .n_labels = labels };
	head.weight = use(l, weight, labels, m->config.hidden);
	head.bias = head.weight ? use(l, bias, labels, 0) : NULL;
	if (!head.bias)
		return -1;
	m->head = mem_resize(m->head, m->n_heads_out, m->n_heads_out + 1, sizeof(*m->head));
	m->head[m->n_heads_out++] = head;
	return 0;
}

/* The classifier and the names of its labels. */
static int
place_classifier(struct loader *l)
{
	struct model_config *c = &l->model->config;

	if (add_head(l, "classifier") < 0)
		return -1;
	size_t n = l->model->head[0].n_labels;
	if (c->labels && c->n_labels != n)
		return err_set(l->e, "%s: %zu labels, config.json names %zu",
		    model_files_name(l->model->files), n, c->n_labels);
	if (c->labels)
		return 0;
	c->n_labels = n;
	c->labels = mem_alloc(n, sizeof(*c->labels));
	for (size_t i = 0; i < n; i++)
		c->labels[i] = mem_printf("LABEL_%zu", i);
	return 0;
}

static int
place_multitask(struct loader *l)
{
	struct model *m = l->model;
	char name[64], weight[80];
	const struct model_tensor *pool;

	do {
		snprintf(name, sizeof(name), "classification_heads.%zu", m->n_heads_out);
		if (add_head(l, name) < 0)
			return -1;
		snprintf(weight, sizeof(weight), "classification_heads.%zu.weight", m->n_heads_out);
	} while (model_files_find(m->files, weight));
	pool = model_files_find(m->files, "attention_pool.attention_weights");
	if (pool)
		m->attention_pool = use(l, pool, m->config.hidden, 1);
	return l->e->is_set ? -1 : 0;
}

/* What the tensors say goes before what config.json says, which may be that of the model that was
 * fine-tuned from, or nothing. */
static enum model_class
class_of(const struct loader *l)
{
	const struct model_files *f = l->model->files;
	enum model_class class = l->model->config.class;

	if (model_files_find(f, "classification_heads.0.weight"))
		return MODEL_MULTITASK;
	if (l->has_class && class != MODEL_MLM)
		return class;
	if (model_files_find(f, mlm_places[0].name) || find(l, decoder_bias_places[0].name))
		return MODEL_MLM;
	if (!l->has_class && model_files_find(f, "classifier.weight"))
		return find(l, pooler_places[0].name) ? MODEL_SEQUENCE : MODEL_TOKEN;
	return MODEL_BASE;
}

static int
place_heads(struct loader *l)
{
	struct model_config *c = &l->model->config;

	c->class = class_of(l);
	if (c->class != MODEL_SEQUENCE && c->class != MODEL_TOKEN)
		model_config_free(c);
	if (place_pooler(l) < 0)
		return -1;
	switch (c->class) {
	case MODEL_MLM:
		return place_mlm(l);
	case MODEL_SEQUENCE:
		if (!l->model->pooler_weight)
			return err_set(l->e, "%s: no tensor bert.pooler.dense.weight",
			    model_files_name(l->model->files));
		return place_classifier(l);
	case MODEL_TOKEN:
		return place_classifier(l);
	case MODEL_MULTITASK:
		return place_multitask(l);
	default:
		return 0;
	}
}

/* The names of the tokens, from the dictionary that folders of ours carry. */
static int
read_vocabulary(struct model *m, const char *path, struct err *e)
{
	static const struct cli_program reader = { .name = "model" };
	const struct cli cli = { .program = &reader };
	struct genes *g = genes_read(&cli, path, e);

	if (!g)
		return -1;
	if (g->n_tokens != m->config.vocab)
		err_set(e, "%s: %zu tokens, config.json has a vocab_size of %zu", path, g->n_tokens,
		    m->config.vocab);
	else
		m->vocabulary = mem_zero(g->n_tokens, sizeof(*m->vocabulary));
	for (size_t i = 0; m->vocabulary && i < g->n_tokens; i++) {
		size_t size;
		const char *name = strings_get(g->ids, (size_t)g->token_rows[i], &size);
		m->vocabulary[i] = mem_strndup(name, size);
	}
	genes_free(g);
	return e->is_set ? -1 : 0;
}

static int
place_vocabulary(struct loader *l)
{
	char *path = mem_printf("%s/genes.cells", l->model->path);
	int r = access(path, F_OK) == 0 ? read_vocabulary(l->model, path, l->e) : 0;

	free(path);
	return r;
}

/* 4. Finding the folder */

static bool
is_folder(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* The folder that `name` stands for (the caller frees it), or NULL with *e set. */
static char *
find_folder(const char *name, struct err *e)
{
	const char *checkout = getenv("GENEFORMER_DIR");

	if (is_folder(name))
		return mem_strdup(name);
	if (access(name, F_OK) == 0) {
		err_set(
		    e, "%s: not a folder (a model is a folder with config.json and weights)", name);
		return NULL;
	}
	if (strchr(name, '/')) {
		err_set(e, "%s: no such model folder", name);
		return NULL;
	}
	if (!checkout || !*checkout) {
		err_set(e, "%s: no such model folder, and GENEFORMER_DIR is not set", name);
		return NULL;
	}
	for (int i = 0; i < 2; i++) {
		char *path = mem_printf("%s/%s%s", checkout, i ? "Geneformer-" : "", name);
		if (is_folder(path))
			return path;
		free(path);
	}
	err_set(
	    e, "%s: no such model folder, neither here nor in GENEFORMER_DIR (%s)", name, checkout);
	return NULL;
}

/* 5. Open, close, hash */

static int
load(struct loader *l)
{
	struct model *m = l->model;
	char *config = mem_printf("%s/config.json", m->path);
	int r = access(config, F_OK) == 0
		    ? model_config_read(config, &m->config, &l->has_class, &l->is_tied, l->e)
		    : err_set(l->e, "%s: no config.json in it, so it is no model folder", m->path);

	free(config);
	if (r < 0)
		return -1;
	m->files = model_files_open(m->path, l->e);
	if (!m->files || place_all(l, embedding_places, COUNT(embedding_places)) < 0 ||
	    place_layers(l) < 0)
		return -1;
	return place_heads(l) < 0 ? -1 : place_vocabulary(l);
}

struct model *
model_open(const char *name, struct err *e)
{
	char *path = e->is_set ? NULL : find_folder(name, e);

	if (!path)
		return NULL;
	struct model *m = mem_zero(1, sizeof(*m));
	m->path = path;
	struct loader l = { .model = m, .e = e };
	if (load(&l) == 0)
		return m;
	model_close(m);
	return NULL;
}

void
model_close(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->config.vocab && m->vocabulary; i++)
		free(m->vocabulary[i]);
	free(m->vocabulary);
	model_config_free(&m->config);
	model_files_close(m->files);
	free(m->layer);
	free(m->head);
	free(m->path);
	free(m);
}

/* Name, count and numbers, so that no tensor can stand for another. */
static void
hash_tensor(struct hash128 *h, const char *name, const float *data, size_t rows, size_t columns)
{
	uint64_t count = (uint64_t)rows * columns;

	if (!data)
		return;
	hash128_add(h, name, strlen(name) + 1);
	hash128_add(h, &count, sizeof(count));
	hash128_add(h, data, count * sizeof(*data));
	io_map_forget(data, count * sizeof(*data));
}

static void
hash_places(struct hash128 *h, const struct model_config *c, const void *object,
    const struct place *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash_tensor(h, places[i].name, pointer_at(object, &places[i]),
		    size_of(c, places[i].rows), size_of(c, places[i].columns));
}

void
model_hash(const struct model *m, char ret_hex[33])
{
	const struct model_config *c = &m->config;
	struct hash128 *h = hash128_new();

	hash_places(h, c, m, embedding_places, COUNT(embedding_places));
	for (size_t i = 0; i < c->layers; i++)
		hash_places(h, c, &m->layer[i], layer_places, COUNT(layer_places));
	hash_places(h, c, m, pooler_places, COUNT(pooler_places));
	hash_places(h, c, m, mlm_places, COUNT(mlm_places));
	if (m->decoder_weight != m->word_embeddings)
		hash_places(h, c, m, &decoder_weight_place, 1);
	hash_places(h, c, m, decoder_bias_places, 1);
	for (size_t i = 0; i < m->n_heads_out; i++) {
		hash_tensor(h, "head.weight", m->head[i].weight, m->head[i].n_labels, c->hidden);
		hash_tensor(h, "head.bias", m->head[i].bias, m->head[i].n_labels, 1);
	}
	hash_tensor(h, "attention_pool", m->attention_pool, c->hidden, 1);
	hash128_finish(h, ret_hex);
}
