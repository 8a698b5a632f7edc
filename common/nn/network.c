/* network.c - the layers that a plan needs, created and packed. */

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "nn/network.h"

static struct linear *
add_linear(struct network *net, const float *weight, const float *bias, size_t n_out, size_t n_in,
    enum activation f)
{
	struct linear *w =
	    net->backend->op->linear_create(net->backend, weight, bias, n_out, n_in, f);

	net->linears[net->n_linears++] = w;
	return w;
}

/* All linear layers but those of keys and values: what the rows that look at the keys go through.
 */
static void
create_queries(struct network *net, struct layer *to, const struct model_layer *w)
{
	size_t h = net->config.hidden, ffn = net->config.ffn;

	to->query = add_linear(net, w->query_weight, w->query_bias, h, h, ACTIVATION_NONE);
	to->attention_output = add_linear(
	    net, w->attention_output_weight, w->attention_output_bias, h, h, ACTIVATION_NONE);
	to->ffn = add_linear(net, w->ffn_weight, w->ffn_bias, ffn, h, net->config.activation);
	to->ffn_output =
	    add_linear(net, w->ffn_output_weight, w->ffn_output_bias, h, ffn, ACTIVATION_NONE);
}

static void
create_layer(struct network *net, struct layer *to, const struct model_layer *w)
{
	const struct backend_ops *op = net->backend->op;
	size_t h = net->config.hidden;
	float eps = net->config.layer_norm_eps;

	to->key = add_linear(net, w->key_weight, w->key_bias, h, h, ACTIVATION_NONE);
	to->value = add_linear(net, w->value_weight, w->value_bias, h, h, ACTIVATION_NONE);
	create_queries(net, to, w);
	to->attention_norm =
	    op->norm_create(net->backend, w->attention_norm_weight, w->attention_norm_bias, h, eps);
	to->ffn_norm = op->norm_create(net->backend, w->ffn_norm_weight, w->ffn_norm_bias, h, eps);
}

/* The first row of each cell is all that is wanted in the end, and there are few of them: in INT8
 * they go through every layer in float32. */
static void
create_exact(struct network *net, const struct model *m)
{
	size_t full = net->plan.layers - net->plan.is_last_narrow;

	if (net->backend->precision != PRECISION_INT8 || net->plan.rows != PLAN_FIRST)
		return;
	net->exact = mem_zero(full, sizeof(*net->exact));
	for (size_t i = 0; i < full; i++) {
		create_queries(net, &net->exact[i], &m->layer[i]);
		net->exact[i].attention_norm = net->layers[i].attention_norm;
		net->exact[i].ffn_norm = net->layers[i].ffn_norm;
	}
}

static void
create_mlm_head(struct network *net, const struct model *m)
{
	size_t h = net->config.hidden, vocab = net->config.vocab;

	net->dense =
	    add_linear(net, m->mlm_dense_weight, m->mlm_dense_bias, h, h, net->config.activation);
	net->norm = net->backend->op->norm_create(
	    net->backend, m->mlm_norm_weight, m->mlm_norm_bias, h, net->config.layer_norm_eps);
	net->heads[0] = (struct network_head){ .logits = add_linear(net, m->decoder_weight,
						   m->decoder_bias, vocab, h, ACTIVATION_NONE),
		.n_labels = vocab };
}

static void
create_classifier(struct network *net, struct network_head *to, const struct model_head *w)
{
	size_t h = net->config.hidden;

	*to = (struct network_head){ .n_hidden = w->n_hidden, .n_labels = w->n_labels };
	if (w->n_hidden)
		to->dense = add_linear(
		    net, w->dense_weight, w->dense_bias, w->n_hidden, h, ACTIVATION_TANH);
	to->logits = add_linear(
	    net, w->weight, w->bias, w->n_labels, w->n_hidden ? w->n_hidden : h, ACTIVATION_NONE);
}

static void
create_heads(struct network *net, const struct model *m)
{
	size_t h = net->config.hidden;

	if (net->plan.rows == PLAN_POOLED)
		net->pooling = net->backend->op->pooling_create(net->backend, m->attention_pool, h);
	if (net->plan.head == PLAN_HIDDEN)
		return;
	net->n_heads = net->plan.head == PLAN_MLM ? 1 : m->n_heads_out;
	net->heads = mem_zero(net->n_heads, sizeof(*net->heads));
	if (net->plan.head == PLAN_MLM) {
		create_mlm_head(net, m);
		return;
	}
	if (model_has_pooled_head(m))
		net->dense =
		    add_linear(net, m->pooler_weight, m->pooler_bias, h, h, ACTIVATION_TANH);
	for (size_t i = 0; i < net->n_heads; i++)
		create_classifier(net, &net->heads[i], &m->head[i]);
}

/* What only few rows go through costs nothing in float32: the rows by themselves, the heads, and in
 * the last layer all but keys and values, where only the first row of each cell is wanted. */
static void
widen_linears(struct network *net)
{
	void (*widen)(struct linear *) = net->backend->op->linear_widen;
	size_t layers = net->plan.layers;

	for (size_t i = 6 * layers; widen && i < net->n_linears; i++)
		widen(net->linears[i]);
	if (widen && net->plan.is_last_narrow && net->plan.rows == PLAN_FIRST) {
		const struct layer *last = &net->layers[layers - 1];

		widen(last->query);
		widen(last->attention_output);
		widen(last->ffn);
		widen(last->ffn_output);
	}
}

struct network *
network_create(struct backend *b, const struct model *m, const struct plan *plan)
{
	struct network *net = mem_zero(1, sizeof(*net));

	*net = (struct network){ .backend = b, .config = m->config, .plan = *plan };
	/* Six a layer, and four again; the decoder or two a classifier; a transform or pooler. */
	net->linears =
	    mem_zero(10 * plan->layers + 2 * m->n_heads_out + 2, sizeof(struct linear *));
	net->layers = mem_zero(plan->layers, sizeof(*net->layers));
	net->embedding = b->op->embedding_create(b, m);
	for (size_t i = 0; i < plan->layers; i++)
		create_layer(net, &net->layers[i], &m->layer[i]);
	create_exact(net, m);
	create_heads(net, m);
	widen_linears(net);
	return net;
}

void
network_free(struct network *net)
{
	const struct backend_ops *op;

	if (!net)
		return;
	op = net->backend->op;
	for (size_t i = 0; i < net->n_linears; i++)
		op->linear_free(net->linears[i]);
	for (size_t i = 0; i < net->plan.layers; i++) {
		op->norm_free(net->layers[i].attention_norm);
		op->norm_free(net->layers[i].ffn_norm);
	}
	op->norm_free(net->norm);
	op->pooling_free(net->pooling);
	op->embedding_free(net->embedding);
	free(net->layers);
	free(net->exact);
	free(net->heads);
	free(net->linears);
	free(net);
}

/* Threads take one layer after the other. */
struct preparation {
	struct network *net;
	atomic_size_t *next;
	struct err err;
	pthread_t thread;
	bool has_thread;
};

static void *
prepare_layers(void *argument)
{
	struct preparation *p = argument;
	size_t i;

	while ((i = atomic_fetch_add(p->next, 1)) < p->net->n_linears && !p->err.is_set)
		p->net->backend->op->linear_prepare(p->net->linears[i], &p->err);
	return NULL;
}

/* The calling thread is one of them; where the system has no more threads, it does the rest. */
int
network_prepare(struct network *net, size_t threads, struct err *e)
{
	struct preparation *p = mem_zero(threads, sizeof(*p));
	atomic_size_t next = 0;

	assert(threads > 0);
	for (size_t i = 0; i < threads; i++) {
		p[i].net = net;
		p[i].next = &next;
	}
	for (size_t i = 1; i < threads; i++)
		p[i].has_thread = pthread_create(&p[i].thread, NULL, prepare_layers, &p[i]) == 0;
	prepare_layers(&p[0]);
	for (size_t i = 0; i < threads; i++) {
		if (p[i].has_thread)
			pthread_join(p[i].thread, NULL);
		if (p[i].err.is_set && !e->is_set)
			*e = p[i].err;
	}
	free(p);
	return e->is_set ? -1 : 0;
}
