#include <assert.h>

#include "nn/plan.h"

static enum plan_rows
sequence_rows(const struct model *m)
{
	return m->attention_pool ? PLAN_POOLED : PLAN_FIRST;
}

static size_t
count_labels(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_heads_out; i++)
		n += m->head[i].n_labels;
	return n;
}

static int
set_head(struct plan *plan, const struct model *m, int layer, struct err *e)
{
	static const char *const names[] = { "", "masked-LM", "sequence classification",
		"token classification" };
	bool is_there = true;

	if (plan->head == PLAN_MLM)
		is_there = m->decoder_weight != NULL;
	else if (plan->head == PLAN_SEQUENCE)
		is_there = m->config.class == MODEL_SEQUENCE || m->config.class == MODEL_MULTITASK;
	else if (plan->head == PLAN_TOKEN)
		is_there = m->config.class == MODEL_TOKEN;
	if (!is_there)
		return err_set(e, "%s: no %s head", m->path, names[plan->head]);
	assert(plan->head == PLAN_HIDDEN || layer == 0);
	assert(plan->head != PLAN_SEQUENCE || plan->rows == sequence_rows(m));
	assert(plan->rows != PLAN_POOLED || m->attention_pool);
	plan->width = m->config.hidden;
	if (plan->head == PLAN_MLM)
		plan->width = m->config.vocab;
	else if (plan->head != PLAN_HIDDEN)
		plan->width = count_labels(m);
	return 0;
}

int
plan_make(struct plan *ret, const struct model *m, enum plan_rows rows, enum plan_head head,
    int layer, struct err *e)
{
	size_t cut = layer <= 0 ? (size_t) - (long)layer : 0;

	if (layer > 0 || cut > m->config.layers)
		return err_set(e,
		    "layer %d: the model has the layers 0 (its last) to -%zu (its embeddings)",
		    layer, m->config.layers);
	*ret = (struct plan){ .rows = rows, .head = head, .layers = m->config.layers - cut };
	ret->is_last_narrow = ret->layers > 0 && (rows == PLAN_FIRST || rows == PLAN_POSITIONS);
	return set_head(ret, m, layer, e);
}

int
plan_make_classes(struct plan *ret, const struct model *m, bool has_vectors, struct err *e)
{
	bool is_token = m->config.class == MODEL_TOKEN;

	if (!m->n_heads_out)
		return err_set(e,
		    "%s: the model has no classification head; gfembed makes embeddings with it",
		    m->path);
	if (plan_make(ret, m, is_token ? PLAN_ALL : sequence_rows(m),
		is_token ? PLAN_TOKEN : PLAN_SEQUENCE, 0, e))
		return -1;
	ret->has_vectors = has_vectors;
	if (has_vectors)
		ret->width += m->config.hidden;
	return 0;
}
