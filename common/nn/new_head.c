#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/chance.h"
#include "nn/model_start.h"
#include "nn/new_head.h"

enum head_kind
head_kind_parse(const char *word)
{
	if (strcmp(word, "pooler") == 0)
		return HEAD_POOLER;
	if (strcmp(word, "mlp") == 0)
		return HEAD_MLP;
	if (strcmp(word, "attention") == 0)
		return HEAD_ATTENTION;
	assert(strcmp(word, "auto") == 0);
	return HEAD_AUTO;
}

/* ---- what there is ---- */

static enum head_kind
kind_of(const struct model *m)
{
	if (m->attention_pool)
		return HEAD_ATTENTION;
	if (m->head[0].dense_weight)
		return HEAD_MLP;
	return m->config.class == MODEL_SEQUENCE ? HEAD_POOLER : HEAD_LINEAR;
}

static bool
can_keep(const struct model *from, const struct new_head_options *o)
{
	if (!o->is_same_classes || from->config.class != o->class)
		return false;
	return o->kind == HEAD_AUTO || o->kind == kind_of(from);
}

static bool
has_positions(const struct model *m)
{
	for (size_t i = 0; i < m->config.positions * m->config.hidden; i++)
		if (m->position_embeddings[i] < 0 || m->position_embeddings[i] > 0)
			return true;
	return false;
}

/* ---- what is new ---- */

/* Tensors are made twice: once for their size, once in the memory. */
struct maker {
	struct new_head *h;
	const struct new_head_options *o;
	enum head_kind kind;
	size_t n, n_tensors;
	bool is_real;
};

static const float *
make(struct maker *k, size_t rows, size_t columns)
{
	size_t n = columns ? rows * columns : rows;
	float *values = k->is_real ? k->h->values + k->n : NULL;
	double sd = (double)k->h->model.config.initializer_range;

	if (values && columns)
		model_start_normal(values, n, sd, k->o->seed, CHANCE_HEAD_TENSORS + k->n_tensors);
	k->n += n;
	k->n_tensors++;
	return values;
}

static void
make_classifiers(struct maker *k)
{
	struct model *m = &k->h->model;
	size_t hidden = m->config.hidden;
	bool is_perceptron = k->kind == HEAD_MLP;

	for (size_t t = 0; t < m->n_heads_out; t++) {
		struct model_head *head = &m->head[t];

		head->n_labels = k->o->names->tasks[t].names->n;
		head->n_hidden = is_perceptron ? hidden : 0;
		if (is_perceptron) {
			head->dense_weight = make(k, hidden, hidden);
			head->dense_bias = make(k, hidden, 0);
		}
		head->weight = make(k, head->n_labels, hidden);
		head->bias = make(k, head->n_labels, 0);
	}
}

static void
make_all(struct maker *k, const struct model *from)
{
	struct model *m = &k->h->model;
	size_t hidden = m->config.hidden;

	k->n = k->n_tensors = 0;
	if (k->kind == HEAD_POOLER && !from->pooler_weight) {
		m->pooler_weight = make(k, hidden, hidden);
		m->pooler_bias = make(k, hidden, 0);
	}
	if (k->kind == HEAD_ATTENTION)
		m->attention_pool = make(k, hidden, 1);
	make_classifiers(k);
}

static void
name_labels(struct new_head *h, const struct strings *names)
{
	struct model_config *c = &h->model.config;

	c->n_labels = names->n;
	c->labels = h->labels = mem_zero(names->n, sizeof(*h->labels));
	for (size_t i = 0; i < names->n; i++) {
		size_t size;
		const char *name = strings_get(names, i, &size);

		h->labels[i] = mem_strndup(name, size);
	}
}

static void
put_new(struct new_head *h, const struct model *from, const struct new_head_options *o)
{
	struct maker k = { h, o, o->kind, 0, 0, false };
	struct model *m = &h->model;

	if (o->kind == HEAD_AUTO)
		k.kind = o->class == MODEL_SEQUENCE ? HEAD_POOLER : HEAD_LINEAR;
	if (k.kind != HEAD_POOLER)
		m->pooler_weight = m->pooler_bias = NULL;
	m->attention_pool = NULL;
	m->config.class = o->class;
	m->n_heads_out = o->names->n_tasks;
	m->head = mem_zero(m->n_heads_out, sizeof(*m->head));
	make_all(&k, from);
	h->n_values = k.n;
	h->values = mem_zero(k.n, sizeof(*h->values));
	k.is_real = true;
	make_all(&k, from);
}

struct new_head *
new_head_create(const struct model *from, const struct new_head_options *o)
{
	struct new_head *h = mem_zero(1, sizeof(*h));
	struct model *m = &h->model;

	assert(o->class != MODEL_SEQUENCE || o->kind != HEAD_LINEAR);
	assert(o->class == MODEL_SEQUENCE || o->kind != HEAD_POOLER);
	assert(o->class != MODEL_TOKEN || o->kind != HEAD_ATTENTION);
	*m = *from;
	m->mlm_dense_weight = m->mlm_dense_bias = m->mlm_norm_weight = m->mlm_norm_bias = NULL;
	m->decoder_weight = m->decoder_bias = NULL;
	h->is_kept = can_keep(from, o);
	h->has_positions = has_positions(from);
	if (!h->is_kept)
		put_new(h, from, o);
	m->config.labels = NULL;
	m->config.n_labels = 0;
	if (o->class != MODEL_MULTITASK)
		name_labels(h, o->names->tasks[0].names);
	return h;
}

void
new_head_free(struct new_head *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->model.config.n_labels && h->labels; i++)
		free(h->labels[i]);
	free(h->labels);
	if (!h->is_kept)
		free(h->model.head);
	free(h->values);
	free(h);
}
