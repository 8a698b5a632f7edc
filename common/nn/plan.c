#include <assert.h>

#include "nn/plan.h"

static int
set_head(struct plan *plan, const struct model *m, int layer, struct err *e)
{
	static const char *const names[] = { "", "masked-LM", "sequence classification",
		"token classification" };
	bool is_there = true;

	if (plan->head == PLAN_MLM)
		is_there = m->decoder_weight != NULL;
	else if (plan->head == PLAN_SEQUENCE)
		is_there =
		    m->config.class == MODEL_SEQUENCE && m->n_heads_out == 1 && m->pooler_weight;
	else if (plan->head == PLAN_TOKEN)
		is_there = m->config.class == MODEL_TOKEN && m->n_heads_out == 1;
	if (!is_there)
		return err_set(e, "%s: no %s head", m->path, names[plan->head]);
	assert(plan->head == PLAN_HIDDEN || layer == 0);
	assert(plan->head != PLAN_SEQUENCE || plan->rows == PLAN_FIRST);
	plan->width = m->config.hidden;
	if (plan->head == PLAN_MLM)
		plan->width = m->config.vocab;
	else if (plan->head != PLAN_HIDDEN)
		plan->width = m->head[0].n_labels;
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
