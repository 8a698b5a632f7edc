#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "nn/chance.h"
#include "nn/model_places.h"
#include "nn/model_start.h"

/* Tensors are gone through twice: once for the memory that they need, once to be filled. */
struct starter {
	struct model *m;
	uint64_t seed;
	float *values; /* NULL the first time */
	size_t n_values, n_tensors;
};

void
model_start_normal(float *ret_values, size_t n, double sd, uint64_t seed, uint64_t tensor)
{
	struct random r = random_start(seed, chance_stream(CHANCE_WEIGHTS, tensor));

	for (size_t i = 0; i < n; i++)
		ret_values[i] = (float)(sd * random_normal(&r));
}

static bool
is_gain(const char *name)
{
	return strstr(name, "LayerNorm.weight") != NULL;
}

/* columns of 0: a vector. NULL the first time. */
static const float *
start(struct starter *s, const char *name, size_t rows, size_t columns)
{
	size_t n = columns ? rows * columns : rows;
	float *values = s->values ? s->values + s->n_values : NULL;

	s->n_values += n;
	s->n_tensors++;
	if (values && columns)
		model_start_normal(
		    values, n, (double)s->m->config.initializer_range, s->seed, s->n_tensors - 1);
	else if (values)
		for (size_t i = 0; i < n; i++)
			values[i] = is_gain(name);
	return values;
}

static void
start_places(struct starter *s, void *object, const struct model_place *places, size_t n)
{
	const struct model_config *c = &s->m->config;

	for (size_t i = 0; i < n; i++) {
		const struct model_place *p = &places[i];
		const float *values = start(s, p->name, model_place_size(c, p->rows),
		    p->columns ? model_place_size(c, p->columns) : 0);

		if (values)
			model_place_set(object, p, values);
	}
}

static void
start_head(struct starter *s)
{
	struct model *m = s->m;
	const struct model_config *c = &m->config;

	if (c->class == MODEL_SEQUENCE)
		start_places(s, m, model_pooler_places, N_POOLER_PLACES);
	if (c->class == MODEL_MLM) {
		start_places(s, m, model_mlm_places, N_MLM_PLACES);
		start_places(s, m, model_decoder_bias_places, 1);
		m->decoder_weight = m->word_embeddings;
	}
	if (c->class == MODEL_SEQUENCE || c->class == MODEL_TOKEN) {
		m->head[0].n_labels = c->n_labels;
		m->head[0].weight = start(s, "classifier", c->n_labels, c->hidden);
		m->head[0].bias = start(s, "classifier", c->n_labels, 0);
	}
}

static void
start_all(struct starter *s)
{
	s->n_values = s->n_tensors = 0;
	start_places(s, s->m, model_embedding_places, N_EMBEDDING_PLACES);
	for (size_t i = 0; i < s->m->config.layers; i++)
		start_places(s, &s->m->layer[i], model_layer_places, N_LAYER_PLACES);
	start_head(s);
}

static void
copy_labels(struct model_config *c, char **from)
{
	c->labels = NULL;
	if (!from || !c->n_labels)
		return;
	c->labels = mem_alloc(c->n_labels, sizeof(*c->labels));
	for (size_t i = 0; i < c->n_labels; i++)
		c->labels[i] = mem_strdup(from[i]);
}

static size_t
or_else(size_t given, size_t otherwise)
{
	return given ? given : otherwise;
}

struct model_config
model_start_config(const struct model_sizes *s)
{
	size_t hidden = or_else(s->hidden, 256);

	return (struct model_config){ .layers = or_else(s->layers, 6),
		.hidden = hidden,
		.heads = or_else(s->heads, 4),
		.ffn = or_else(s->ffn, 2 * hidden),
		.positions = or_else(s->positions, 2048),
		.type_vocab = 2,
		.activation = ACTIVATION_RELU,
		.layer_norm_eps = 1e-12f,
		.hidden_dropout = 0.02f,
		.attention_dropout = 0.02f,
		.classifier_dropout = 0.02f,
		.initializer_range = 0.02f };
}

struct model *
model_start(const struct model_config *c, uint64_t seed)
{
	struct model *m = mem_zero(1, sizeof(*m));
	struct starter s = { .m = m, .seed = seed };
	size_t pad = (size_t)c->pad_id * c->hidden;

	assert(c->class != MODEL_MULTITASK);
	m->config = *c;
	copy_labels(&m->config, c->labels);
	m->path = mem_strdup("new");
	m->layer = mem_zero(c->layers, sizeof(*m->layer));
	if (c->class == MODEL_SEQUENCE || c->class == MODEL_TOKEN)
		m->n_heads_out = 1;
	m->head = mem_zero(m->n_heads_out, sizeof(*m->head));
	start_all(&s);
	m->own = s.values = mem_alloc(s.n_values, sizeof(*s.values));
	start_all(&s);
	if ((size_t)c->pad_id < c->vocab)
		memset(m->own + pad, 0, c->hidden * sizeof(float));
	return m;
}
