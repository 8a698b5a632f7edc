/* model.c - opens a model folder: finds it, reads its configuration, places its tensors.
 *
 *   1. Names
 *   2. Placing tensors
 *   3. Heads and vocabulary
 *   4. Open, close, hash */

#include "nn/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "formats/genes_file.h"
#include "nn/model_adapters.h"
#include "nn/model_config.h"
#include "nn/model_files.h"
#include "nn/model_places.h"

/* 1. Names */

static const char attention_pool_name[] = "attention_pool.attention_weights";

#define NAME_ROOM 200
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2. Placing tensors */

struct loader {
	struct model *model;
	bool is_tied;
	bool has_class;
	struct model_adapters *adapters; /* NULL: none */
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
place_optional(struct loader *l, void *object, const struct model_place *p, const char *name)
{
	const struct model_tensor *t = find(l, name);
	const float *data = NULL;

	if (t) {
		const struct model_config *c = &l->model->config;
		data = use(l, t, model_place_size(c, p->rows),
		    p->columns ? model_place_size(c, p->columns) : 0);
		if (!data)
			return -1;
	}
	model_place_set(object, p, data);
	return 0;
}

static int
place_needed(struct loader *l, void *object, const struct model_place *p, const char *name)
{
	if (place_optional(l, object, p, name) < 0)
		return -1;
	if (!model_place_get(object, p))
		return err_set(l->e, "%s: no tensor %s", model_files_name(l->model->files), name);
	return 0;
}

static int
place_all(struct loader *l, const struct model_place *places, size_t n)
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
		for (size_t k = 0; k < COUNT(model_layer_places); k++) {
			snprintf(name, sizeof(name), "encoder.layer.%zu.%s", i,
			    model_layer_places[k].name);
			if (place_needed(l, &m->layer[i], &model_layer_places[k], name) < 0)
				return -1;
		}
	/* A deeper model than config.json says would be cut silently. */
	snprintf(name, sizeof(name), "encoder.layer.%zu.%s", m->config.layers,
	    model_layer_places[0].name);
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
	if (!find(l, model_pooler_places[0].name) && !find(l, model_pooler_places[1].name))
		return 0;
	return place_all(l, model_pooler_places, COUNT(model_pooler_places));
}

/* The decoder is tied to the word embedding unless the folder says otherwise; a copy of its own
 * that holds the same numbers is the tie written out. */
static int
place_decoder(struct loader *l)
{
	struct model *m = l->model;

	for (size_t i = 0; i < COUNT(model_decoder_bias_places) && !m->decoder_bias; i++) {
		const struct model_place *p = &model_decoder_bias_places[i];
		if (place_optional(l, m, p, p->name) < 0)
			return -1;
	}
	if (!m->decoder_bias)
		return place_needed(
		    l, m, &model_decoder_bias_places[0], model_decoder_bias_places[0].name);
	if (place_optional(l, m, &model_decoder_weight_place, model_decoder_weight_place.name) < 0)
		return -1;
	if (!m->decoder_weight && !l->is_tied)
		return place_needed(
		    l, m, &model_decoder_weight_place, model_decoder_weight_place.name);
	size_t bytes = m->config.vocab * m->config.hidden * sizeof(float);
	if (!m->decoder_weight || !memcmp(m->decoder_weight, m->word_embeddings, bytes))
		m->decoder_weight = m->word_embeddings;
	return 0;
}

static int
place_mlm(struct loader *l)
{
	return place_all(l, model_mlm_places, COUNT(model_mlm_places)) < 0 ? -1 : place_decoder(l);
}

/* NAME.weight [rows][columns] and NAME.bias [rows]; the number of rows is the file's. */
static int
place_dense(struct loader *l, const char *name, size_t columns, const float **ret_weight,
    const float **ret_bias, size_t *ret_rows)
{
	const struct model_files *f = l->model->files;
	char text[2][NAME_ROOM];

	snprintf(text[0], sizeof(text[0]), "%s.weight", name);
	snprintf(text[1], sizeof(text[1]), "%s.bias", name);
	const struct model_tensor *weight = model_files_find(f, text[0]);
	const struct model_tensor *bias = model_files_find(f, text[1]);
	if (!weight || !bias)
		return err_set(
		    l->e, "%s: no tensor %s", model_files_name(f), weight ? text[1] : text[0]);
	*ret_rows = weight->tensor->rank > 0 ? weight->tensor->shape[0] : 0;
	if (*ret_rows == 0)
		return err_set(l->e, "%s: tensor %s: no rows", weight->file, text[0]);
	*ret_weight = use(l, weight, *ret_rows, columns);
	*ret_bias = *ret_weight ? use(l, bias, *ret_rows, 0) : NULL;
	return *ret_bias ? 0 : -1;
}

static bool
has_head(const struct loader *l, const char *name, bool is_perceptron)
{
	char text[NAME_ROOM];

	snprintf(text, sizeof(text), "%s%s.weight", name, is_perceptron ? ".out_proj" : "");
	return model_files_find(l->model->files, text) != NULL;
}

static int
add_head(struct loader *l, const char *name)
{
	struct model *m = l->model;
	struct model_head head = { 0 };
	size_t columns = m->config.hidden;
	char dense[NAME_ROOM], out[NAME_ROOM];

	snprintf(dense, sizeof(dense), "%s.dense", name);
	snprintf(out, sizeof(out), "%s.out_proj", name);
	if (has_head(l, name, true)) {
		if (has_head(l, name, false))
			return err_set(l->e, "%s: tensors %s.weight and %s.weight: two heads",
			    model_files_name(m->files), name, out);
		if (place_dense(l, dense, columns, &head.dense_weight, &head.dense_bias,
			&head.n_hidden) < 0)
			return -1;
		columns = head.n_hidden;
		name = out;
	}
	if (place_dense(l, name, columns, &head.weight, &head.bias, &head.n_labels) < 0)
		return -1;
	m->head = mem_resize(m->head, m->n_heads_out, m->n_heads_out + 1, sizeof(*m->head));
	m->head[m->n_heads_out++] = head;
	return 0;
}

static int
place_attention_pool(struct loader *l)
{
	struct model *m = l->model;
	const struct model_tensor *pool = model_files_find(m->files, attention_pool_name);

	if (pool)
		m->attention_pool = use(l, pool, m->config.hidden, 1);
	return l->e->is_set ? -1 : 0;
}

/* The names of the labels of a head that adapters bring along. Those that config.json says are of
 * the model as it was before, if they are not as many. */
static void
take_labels(struct loader *l, size_t n)
{
	struct model_config *c = &l->model->config;
	const char *list = model_adapters_classes(l->adapters);
	size_t n_lines = list != NULL;

	for (const char *at = list; at && *at; at++)
		n_lines += *at == '\n';
	if (n_lines == n || c->n_labels != n)
		model_config_free(c);
	if (n_lines != n)
		return;
	c->n_labels = n;
	c->labels = mem_alloc(n, sizeof(*c->labels));
	for (size_t i = 0; i < n; i++) {
		size_t size = strcspn(list, "\n");

		c->labels[i] = mem_strndup(list, size);
		list += size + 1;
	}
}

/* The classifier and the names of its labels. */
static int
place_classifier(struct loader *l)
{
	struct model_config *c = &l->model->config;

	if (add_head(l, "classifier") < 0)
		return -1;
	size_t n = l->model->head[0].n_labels;
	if (l->adapters)
		take_labels(l, n);
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
	char name[64] = "classification_heads.0";

	do {
		if (add_head(l, name) < 0)
			return -1;
		snprintf(name, sizeof(name), "classification_heads.%zu", l->model->n_heads_out);
	} while (has_head(l, name, false) || has_head(l, name, true));
	return place_attention_pool(l);
}

/* What the tensors say goes before what config.json says, which may be that of the model that was
 * fine-tuned from, or nothing. */
static enum model_class
class_of(const struct loader *l)
{
	const struct model_files *f = l->model->files;
	enum model_class class = l->model->config.class;

	bool is_classifier = has_head(l, "classifier", false);

	if (has_head(l, "classification_heads.0", false) ||
	    has_head(l, "classification_heads.0", true))
		return MODEL_MULTITASK;
	if (l->has_class && class == MODEL_TOKEN)
		return class;
	if (has_head(l, "classifier", true) ||
	    (is_classifier && model_files_find(f, attention_pool_name)))
		return MODEL_SEQUENCE;
	if (l->has_class && class != MODEL_MLM)
		return class;
	if (model_files_find(f, model_mlm_places[0].name) ||
	    find(l, model_decoder_bias_places[0].name))
		return MODEL_MLM;
	if (!l->has_class && is_classifier)
		return find(l, model_pooler_places[0].name) ? MODEL_SEQUENCE : MODEL_TOKEN;
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
		if (place_classifier(l) < 0 || place_attention_pool(l) < 0)
			return -1;
		if (model_has_pooled_head(l->model) && !l->model->pooler_weight)
			return err_set(l->e, "%s: no tensor bert.pooler.dense.weight",
			    model_files_name(l->model->files));
		return 0;
	case MODEL_TOKEN:
		if (model_files_find(l->model->files, attention_pool_name))
			return err_set(l->e, "%s: an attention pool, but it classifies tokens",
			    model_files_name(l->model->files));
		return place_classifier(l);
	case MODEL_MULTITASK:
		return place_multitask(l);
	default:
		return 0;
	}
}

/* The path of a file of the folder, or of that of the model that its adapters are added to; NULL
 * where there is none. */
static char *
find_file(const struct loader *l, const char *name)
{
	const char *folders[] = { l->model->path,
		l->adapters ? model_adapters_base(l->adapters) : NULL };

	for (size_t i = 0; i < COUNT(folders) && folders[i]; i++) {
		char *path = mem_printf("%s/%s", folders[i], name);

		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
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
	char *path = find_file(l, "genes.cells");
	int r = path ? read_vocabulary(l->model, path, l->e) : 0;

	free(path);
	return r;
}

/* 4. Open, close, hash */

static int
read_config(struct loader *l)
{
	struct model_config *c = &l->model->config;
	char *path = find_file(l, "config.json");
	int r = path ? model_config_read(path, c, &l->has_class, &l->is_tied, l->e)
		     : err_set(l->e, "%s: no config.json in it, so it is no model folder",
			   l->model->path);

	free(path);
	if (r == 0 && l->adapters && model_adapters_class(l->adapters, &c->class))
		l->has_class = true;
	return r;
}

static int
open_files(struct loader *l)
{
	struct model *m = l->model;

	m->files = model_files_open(l->adapters ? model_adapters_base(l->adapters) : m->path, l->e);
	if (m->files && l->adapters)
		model_adapters_apply(l->adapters, m->files, l->e);
	return l->e->is_set ? -1 : 0;
}

static int
load(struct loader *l)
{
	if (read_config(l) < 0 || open_files(l) < 0 ||
	    place_all(l, model_embedding_places, COUNT(model_embedding_places)) < 0 ||
	    place_layers(l) < 0)
		return -1;
	return place_heads(l) < 0 ? -1 : place_vocabulary(l);
}

struct model *
model_open_on(const char *name, const char *base, struct err *e)
{
	char *path = e->is_set ? NULL : model_files_folder(name, e);

	if (!path)
		return NULL;
	struct model *m = mem_zero(1, sizeof(*m));
	struct model_adapters *adapters =
	    model_adapters_are_in(path) ? model_adapters_open(path, base, e) : NULL;

	m->path = path;
	struct loader l = { .model = m, .adapters = adapters, .e = e };
	if (!e->is_set)
		load(&l);
	model_adapters_close(adapters);
	if (!e->is_set)
		return m;
	model_close(m);
	return NULL;
}

struct model *
model_open(const char *name, struct err *e)
{
	return model_open_on(name, NULL, e);
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
	free(m->own);
	free(m->layer);
	free(m->head);
	free(m->path);
	free(m);
}

bool
model_has_pooled_head(const struct model *m)
{
	return m->config.class == MODEL_SEQUENCE && m->n_heads_out == 1 && !m->attention_pool &&
	       !m->head[0].dense_weight;
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
    const struct model_place *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash_tensor(h, places[i].name, model_place_get(object, &places[i]),
		    model_place_size(c, places[i].rows), model_place_size(c, places[i].columns));
}

void
model_hash(const struct model *m, char ret_hex[33])
{
	const struct model_config *c = &m->config;
	struct hash128 *h = hash128_new();

	hash_places(h, c, m, model_embedding_places, COUNT(model_embedding_places));
	for (size_t i = 0; i < c->layers; i++)
		hash_places(h, c, &m->layer[i], model_layer_places, COUNT(model_layer_places));
	hash_places(h, c, m, model_pooler_places, COUNT(model_pooler_places));
	hash_places(h, c, m, model_mlm_places, COUNT(model_mlm_places));
	if (m->decoder_weight != m->word_embeddings)
		hash_places(h, c, m, &model_decoder_weight_place, 1);
	hash_places(h, c, m, model_decoder_bias_places, 1);
	for (size_t i = 0; i < m->n_heads_out; i++) {
		const struct model_head *head = &m->head[i];
		size_t columns = head->n_hidden ? head->n_hidden : c->hidden;

		hash_tensor(h, "head.dense.weight", head->dense_weight, head->n_hidden, c->hidden);
		hash_tensor(h, "head.dense.bias", head->dense_bias, head->n_hidden, 1);
		hash_tensor(h, "head.weight", head->weight, head->n_labels, columns);
		hash_tensor(h, "head.bias", head->bias, head->n_labels, 1);
	}
	hash_tensor(h, "attention_pool", m->attention_pool, c->hidden, 1);
	hash128_finish(h, ret_hex);
}
