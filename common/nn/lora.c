/* 1. Which matrices
 * 2. The sums and their gradients
 * 3. peft's files */

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/random.h"
#include "formats/safetensors.h"
#include "nn/chance.h"
#include "nn/cpu_rows.h"
#include "nn/gradient.h"
#include "nn/lora.h"
#include "nn/model_places.h"

/* An adapted matrix: places in the run of values. */
struct adapter {
	const float *frozen; /* [out][in], the model's own */
	size_t out, in;
	size_t sum, a, b;
	struct parameter shapes[2]; /* of A and B, for parameters_create_adapted */
};

struct lora {
	struct lora_options options;
	const struct model *model;
	struct backend *backend;
	struct parameters *p;
	struct gradient_workspace *ws;
	struct adapter *list; /* [n] */
	size_t n;
	float *host[3]; /* the largest matrix, A and B */
};

/* 1. Which matrices */

int
lora_targets_parse(const char *word, struct lora_options *ret, struct err *e)
{
	bool is_both = strcmp(word, "attention,ffn") == 0 || strcmp(word, "ffn,attention") == 0;

	ret->is_on_attention = is_both || strcmp(word, "attention") == 0;
	ret->is_on_ffn = is_both || strcmp(word, "ffn") == 0;
	if (ret->is_on_attention || ret->is_on_ffn)
		return 0;
	return err_set(e, "'%s' is none of attention, ffn, attention,ffn", word);
}

static bool
is_adapted(const struct lora_options *o, const struct model_place *place)
{
	bool is_of_attention = strncmp(place->name, "attention.", 10) == 0;

	if (!place->columns)
		return false;
	return is_of_attention ? o->is_on_attention : o->is_on_ffn;
}

static void
add_adapter(struct lora *l, size_t layer, const struct model_place *place)
{
	const struct model_config *c = &l->model->config;
	struct adapter *k = &l->list[l->n++];
	size_t size = strlen(place->name) - strlen(".weight");
	static const char letters[2] = { 'A', 'B' };

	*k = (struct adapter){ .frozen = model_place_get(&l->model->layer[layer], place),
		.out = model_place_size(c, place->rows),
		.in = model_place_size(c, place->columns) };
	for (size_t i = 0; i < 2; i++)
		k->shapes[i].name =
		    mem_printf("base_model.model.bert.encoder.layer.%zu.%.*s.lora_%c.weight", layer,
			(int)size, place->name, letters[i]);
	k->shapes[0].rows = l->options.rank;
	k->shapes[0].columns = k->in;
	k->shapes[1].rows = k->out;
	k->shapes[1].columns = l->options.rank;
}

struct lora *
lora_create(const struct model *m, const struct lora_options *o)
{
	struct lora *l = mem_zero(1, sizeof(*l));
	size_t largest = m->config.hidden *
			 (m->config.ffn > m->config.hidden ? m->config.ffn : m->config.hidden);
	size_t longest = m->config.ffn > m->config.hidden ? m->config.ffn : m->config.hidden;

	assert(o->rank && (o->is_on_attention || o->is_on_ffn));
	l->options = *o;
	l->model = m;
	l->list = mem_zero(m->config.layers * N_LAYER_PLACES, sizeof(*l->list));
	for (size_t i = 0; i < m->config.layers; i++)
		for (size_t k = 0; k < N_LAYER_PLACES; k++)
			if (is_adapted(o, &model_layer_places[k]))
				add_adapter(l, i, &model_layer_places[k]);
	l->host[0] = mem_alloc(largest, sizeof(float));
	l->host[1] = mem_alloc(o->rank * longest, sizeof(float));
	l->host[2] = mem_alloc(o->rank * longest, sizeof(float));
	return l;
}

void
lora_free(struct lora *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < 2; k++)
			free(l->list[i].shapes[k].name);
	for (size_t i = 0; i < 3; i++)
		free(l->host[i]);
	if (l->backend)
		l->backend->gradient->workspace_free(l->ws);
	free(l->list);
	free(l);
}

/* All but the head and the adapted matrices, which follow the adapters instead of a gradient. */
static void
freeze(struct parameters *p)
{
	parameters_freeze(p, "bert.embeddings.");
	for (size_t i = 0; i < p->n; i++)
		if (strncmp(p->list[i].name, "bert.encoder.", 13) == 0)
			p->list[i].is_frozen = true;
}

static void
start_a(struct lora *l, size_t i)
{
	const struct adapter *k = &l->list[i];
	struct random r = random_start(
	    l->options.seed, chance_stream(CHANCE_WEIGHTS, CHANCE_ADAPTER_TENSORS + i));
	double bound = 1 / sqrt((double)k->in);
	size_t n = l->options.rank * k->in;

	for (size_t v = 0; v < n; v++)
		l->host[1][v] = (float)(bound * (2 * random_double(&r) - 1));
	l->p->backend->gradient->put(l->ws, l->p->values + k->a, l->host[1], n);
}

static size_t
find_sum(const struct parameters *p, const struct adapter *k)
{
	const char *name = k->shapes[0].name + strlen("base_model.model.");
	char *plain =
	    mem_printf("%.*s.weight", (int)(strlen(name) - strlen(".lora_A.weight")), name);
	struct parameter *of_sum = parameters_find(p, plain);

	assert(of_sum);
	of_sum->is_frozen = false;
	of_sum->is_decayed = false;
	free(plain);
	return of_sum->from;
}

struct parameters *
lora_parameters(struct lora *l, struct backend *b)
{
	struct parameter *shapes = mem_alloc(2 * l->n, sizeof(*shapes));

	for (size_t i = 0; i < 2 * l->n; i++)
		shapes[i] = l->list[i / 2].shapes[i % 2];
	l->backend = b;
	l->p = parameters_create_adapted(b, l->model, shapes, 2 * l->n);
	l->ws = b->gradient->workspace_create(b);
	freeze(l->p);
	for (size_t i = 0; i < l->n; i++) {
		l->list[i].sum = find_sum(l->p, &l->list[i]);
		l->list[i].a = l->p->list[l->p->n_of_model + 2 * i].from;
		l->list[i].b = l->p->list[l->p->n_of_model + 2 * i + 1].from;
		start_a(l, i);
	}
	free(shapes);
	return l->p;
}

/* 2. The sums and their gradients */

static float
scale_of(const struct lora *l)
{
	return (float)(l->options.alpha / (double)l->options.rank);
}

static void
project_one(struct lora *l, const struct adapter *k, float *gradient)
{
	const struct gradient_ops *op = l->p->backend->gradient;
	size_t rank = l->options.rank;
	float *g = l->host[0], *a = l->host[1], *b = l->host[2], s = scale_of(l);
	float *d_a = mem_zero(rank * k->in, sizeof(*d_a));
	float *d_b = mem_alloc(k->out * rank, sizeof(*d_b));

	op->get(l->ws, g, gradient + k->sum, k->out * k->in);
	op->get(l->ws, a, l->p->values + k->a, rank * k->in);
	op->get(l->ws, b, l->p->values + k->b, k->out * rank);
	for (size_t o = 0; o < k->out; o++)
		for (size_t r = 0; r < rank; r++) {
			float factor = s * b[o * rank + r];

			d_b[o * rank + r] =
			    s * (float)rows_dot(g + o * k->in, a + r * k->in, k->in);
			for (size_t i = 0; i < k->in; i++)
				d_a[r * k->in + i] += factor * g[o * k->in + i];
		}
	op->put(l->ws, gradient + k->a, d_a, rank * k->in);
	op->put(l->ws, gradient + k->b, d_b, k->out * rank);
	op->clear(l->ws, gradient + k->sum, k->out * k->in);
	free(d_a);
	free(d_b);
}

void
lora_project(struct lora *l, float *gradient)
{
	for (size_t i = 0; i < l->n; i++)
		project_one(l, &l->list[i], gradient);
}

void
lora_add(
    float *matrix, size_t out, size_t in, const float *a, const float *b, size_t rank, float scale)
{
	for (size_t o = 0; o < out; o++)
		for (size_t r = 0; r < rank; r++) {
			float factor = scale * b[o * rank + r];

			for (size_t i = 0; i < in; i++)
				matrix[o * in + i] += factor * a[r * in + i];
		}
}

static void
settle_one(struct lora *l, const struct adapter *k)
{
	const struct gradient_ops *op = l->p->backend->gradient;
	size_t rank = l->options.rank;
	float *sum = l->host[0], *a = l->host[1], *b = l->host[2];

	op->get(l->ws, a, l->p->values + k->a, rank * k->in);
	op->get(l->ws, b, l->p->values + k->b, k->out * rank);
	memcpy(sum, k->frozen, k->out * k->in * sizeof(*sum));
	lora_add(sum, k->out, k->in, a, b, rank, scale_of(l));
	op->put(l->ws, l->p->values + k->sum, sum, k->out * k->in);
}

void
lora_settle(struct lora *l)
{
	for (size_t i = 0; i < l->n; i++)
		settle_one(l, &l->list[i]);
}

/* 3. peft's files */

/* The modules, as a regular expression for the whole name: "output.dense" alone would also mean
 * that of attention. */
static char *
target_modules(const struct lora_options *o)
{
	static const char attention[] = "attention\\.self\\.(query|key|value)|"
					"attention\\.output\\.dense";
	static const char ffn[] = "intermediate\\.dense|output\\.dense";

	return mem_printf(".*\\.encoder\\.layer\\.[0-9]+\\.(%s%s%s)",
	    o->is_on_attention ? attention : "", o->is_on_attention && o->is_on_ffn ? "|" : "",
	    o->is_on_ffn ? ffn : "");
}

static int
write_config(const struct lora *l, const char *path, const char *base, struct err *e)
{
	bool is_of_tokens = l->model->config.class == MODEL_TOKEN;
	double alpha = l->options.alpha;
	bool is_whole = floor(alpha) >= alpha && alpha < 1e15;
	char *modules = target_modules(&l->options), *text;
	json_t *root = json_pack("{s:s s:s s:s s:I s:f s:o s:s s:s s:b s:b s:b s:b s:b}",
	    "peft_type", "LORA", "task_type", is_of_tokens ? "TOKEN_CLS" : "SEQ_CLS",
	    "base_model_name_or_path", base, "r", (json_int_t)l->options.rank, "lora_dropout", 0.0,
	    "lora_alpha", is_whole ? json_integer((json_int_t)alpha) : json_real(alpha),
	    "target_modules", modules, "bias", "none", "use_rslora", 0, "use_dora", 0,
	    "init_lora_weights", 1, "fan_in_fan_out", 0, "inference_mode", 1);
	struct output *out = output_create(path, false, true, e);

	assert(root);
	json_object_set_new(root, "modules_to_save",
	    is_of_tokens ? json_pack("[s]", "classifier")
			 : json_pack("[s,s]", "classifier", "pooler"));
	text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
	assert(text);
	if (out) {
		output_printf(out, e, "%s\n", text);
		output_commit(out, e);
	}
	free(text);
	free(modules);
	json_decref(root);
	return e->is_set ? -1 : 0;
}

/* Adapters and the head; a parameter of the head gets peft's prefix. */
static size_t
list_tensors(
    const struct parameters *p, const float *values, struct arena *a, struct tensor *ret_tensors)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct parameter *q = &p->list[i];
		bool is_of_head = strncmp(q->name, "bert.pooler.", 12) == 0 ||
				  strncmp(q->name, "classifier.", 11) == 0;
		bool fits;

		if (!is_of_head && i < p->n_of_model)
			continue;
		ret_tensors[n] =
		    (struct tensor){ .name = is_of_head
						 ? arena_printf(a, "base_model.model.%s", q->name)
						 : q->name,
			    .type = TENSOR_F32,
			    .rank = q->columns ? 2 : 1,
			    .shape = { q->rows, q->columns },
			    .data = values + q->from };
		fits = tensor_measure(&ret_tensors[n++]);
		assert(fits);
		(void)fits;
	}
	return n;
}

int
lora_write(const struct lora *l, struct output_folder *f, const char *base,
    const char *const *metadata, struct err *e)
{
	const struct parameters *p = l->p;
	struct tensor *tensors = mem_alloc(p->n, sizeof(*tensors));
	float *values = mem_alloc(p->n_values, sizeof(*values));
	struct arena a = { 0 };
	size_t n;

	p->backend->gradient->get(l->ws, values, p->values, p->n_values);
	n = list_tensors(p, values, &a, tensors);
	if (!e->is_set &&
	    write_config(l, output_folder_file(f, "adapter_config.json"), base, e) == 0)
		safetensors_write(
		    output_folder_file(f, "adapter_model.safetensors"), tensors, n, metadata, e);
	arena_free(&a);
	free(values);
	free(tensors);
	return e->is_set ? -1 : 0;
}
