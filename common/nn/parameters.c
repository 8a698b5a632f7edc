#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/gradient.h"
#include "nn/model_places.h"
#include "nn/parameters.h"

/* Tensors are listed twice: once for their number and size, once with the memory there. */
struct maker {
	struct parameters *p;
	const struct model *from;
	const struct parameter *adapters;
	size_t n_adapters;
	struct gradient_workspace *ws; /* NULL the first time */
	size_t n, n_values;
};

/* Where the tensor now is, once there is memory; without data it stays 0. The caller owns the name
 * no longer. */
static const float *
add(struct maker *k, char *name, const float *data, size_t rows, size_t columns)
{
	size_t n = columns ? rows * columns : rows, from = k->n_values;

	k->n++;
	k->n_values += n;
	if (!k->ws) {
		free(name);
		return NULL;
	}
	k->p->list[k->n - 1] = (struct parameter){ .name = name,
		.from = from,
		.n = n,
		.rows = rows,
		.columns = columns,
		.is_decayed = columns > 0 };
	if (data)
		k->p->backend->gradient->put(k->ws, k->p->values + from, data, n);
	return k->p->values + from;
}

static void
add_places(struct maker *k, const char *prefix, const void *from, void *to,
    const struct model_place *place, size_t n)
{
	const struct model_config *c = &k->from->config;

	for (size_t i = 0; i < n; i++) {
		const float *data = model_place_get(from, &place[i]);
		size_t columns = place[i].columns ? model_place_size(c, place[i].columns) : 0;

		if (data)
			data = add(k, mem_printf("%s%s", prefix, place[i].name), data,
			    model_place_size(c, place[i].rows), columns);
		if (data)
			model_place_set(to, &place[i], data);
	}
}

static void
add_dense(struct maker *k, const char *name, const char *part, const float **weight,
    const float **bias, size_t rows, size_t columns)
{
	const float *w = add(k, mem_printf("%s%s.weight", name, part), *weight, rows, columns);
	const float *b = add(k, mem_printf("%s%s.bias", name, part), *bias, rows, 0);

	if (k->ws) {
		*weight = w;
		*bias = b;
	}
}

static void
add_classifiers(struct maker *k)
{
	const struct model *m = k->from;
	size_t hidden = m->config.hidden;

	for (size_t i = 0; i < m->n_heads_out; i++) {
		struct model_head h = m->head[i];
		char *name = m->config.class == MODEL_MULTITASK
				 ? mem_printf("classification_heads.%zu", i)
				 : mem_strdup("classifier");

		if (h.dense_weight)
			add_dense(
			    k, name, ".dense", &h.dense_weight, &h.dense_bias, h.n_hidden, hidden);
		add_dense(k, name, h.dense_weight ? ".out_proj" : "", &h.weight, &h.bias,
		    h.n_labels, h.n_hidden ? h.n_hidden : hidden);
		free(name);
		if (k->ws)
			k->p->model.head[i] = h;
	}
	if (m->attention_pool)
		k->p->model.attention_pool = add(k, mem_strdup("attention_pool.attention_weights"),
		    m->attention_pool, hidden, 1);
}

static void
add_head(struct maker *k)
{
	const struct model *m = k->from;
	struct model *to = &k->p->model;
	bool is_tied = m->decoder_weight == m->word_embeddings;

	add_places(k, "bert.", m, to, model_pooler_places, N_POOLER_PLACES);
	add_places(k, "", m, to, model_decoder_bias_places, 1);
	add_places(k, "", m, to, model_mlm_places, N_MLM_PLACES);
	if (is_tied)
		to->decoder_weight = to->word_embeddings;
	else
		add_places(k, "", m, to, &model_decoder_weight_place, 1);
	add_classifiers(k);
}

static void
add_all(struct maker *k)
{
	const struct model *m = k->from;

	k->n = k->n_values = 0;
	add_places(k, "bert.", m, &k->p->model, model_embedding_places, N_EMBEDDING_PLACES);
	for (size_t i = 0; i < m->config.layers; i++) {
		char *prefix = mem_printf("bert.encoder.layer.%zu.", i);

		k->p->block_from[1 + i] = k->n_values;
		add_places(k, prefix, &m->layer[i], &k->p->model.layer[i], model_layer_places,
		    N_LAYER_PLACES);
		free(prefix);
	}
	k->p->block_from[1 + m->config.layers] = k->n_values;
	add_head(k);
	k->p->block_from[2 + m->config.layers] = k->n_values;
	k->p->n_of_model = k->n;
	for (size_t i = 0; i < k->n_adapters; i++)
		add(k, mem_strdup(k->adapters[i].name), NULL, k->adapters[i].rows,
		    k->adapters[i].columns);
}

struct parameters *
parameters_create(struct backend *b, const struct model *m)
{
	return parameters_create_adapted(b, m, NULL, 0);
}

struct parameters *
parameters_create_adapted(
    struct backend *b, const struct model *m, const struct parameter *adapters, size_t n_adapters)
{
	struct parameters *p = mem_zero(1, sizeof(*p));
	struct maker k = { p, m, adapters, n_adapters, NULL, 0, 0 };

	assert(b->gradient);
	p->backend = b;
	p->model = *m;
	p->model.files = NULL;
	p->model.layer = mem_alloc(m->config.layers, sizeof(*m->layer));
	p->model.head = mem_alloc(m->n_heads_out, sizeof(*m->head));
	p->n_blocks = 2 + m->config.layers;
	p->block_from = mem_zero(p->n_blocks + 1, sizeof(*p->block_from));
	add_all(&k);
	p->n = k.n;
	p->n_values = k.n_values;
	p->list = mem_zero(p->n, sizeof(*p->list));
	p->values = b->gradient->memory(b, p->n_values);
	k.ws = b->gradient->workspace_create(b);
	add_all(&k);
	b->gradient->workspace_free(k.ws);
	return p;
}

void
parameters_free(struct parameters *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].name);
	p->backend->gradient->release(p->values);
	free(p->list);
	free(p->block_from);
	free(p->model.layer);
	free(p->model.head);
	free(p);
}

struct parameter *
parameters_find(const struct parameters *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->list[i].name, name) == 0)
			return &p->list[i];
	return NULL;
}

void
parameters_freeze_layers(struct parameters *p, size_t n)
{
	assert(n <= p->model.config.layers);
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].from >= p->block_from[1] && p->list[i].from < p->block_from[1 + n])
			p->list[i].is_frozen = true;
}

size_t
parameters_freeze(struct parameters *p, const char *prefix)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (strncmp(p->list[i].name, prefix, strlen(prefix)) == 0) {
			p->list[i].is_frozen = true;
			n++;
		}
	return n;
}

bool
parameters_is_frozen(const struct parameters *p, size_t b)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].from >= p->block_from[b] && p->list[i].from < p->block_from[b + 1] &&
		    !p->list[i].is_frozen)
			return false;
	return true;
}
