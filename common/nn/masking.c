#include <stdlib.h>

#include "base/random.h"
#include "nn/chance.h"
#include "nn/masking.h"

struct masking {
	uint64_t seed;
	float probability;
	int32_t mask;
	bool *is_special; /* [n_tokens] */
	int32_t *genes;   /* [n_genes] tokens that are no specials */
	size_t n_tokens, n_genes;
};

static const float AS_MASK = 0.8f, AS_MASK_OR_GENE = 0.9f;

struct masking *
masking_new(const struct genes *genes, double probability, uint64_t seed, struct err *e)
{
	struct masking *m;

	if (e->is_set)
		return NULL;
	m = mem_zero(1, sizeof(*m));
	m->seed = seed;
	m->probability = (float)probability;
	m->mask = genes->mask;
	m->n_tokens = genes->n_tokens;
	m->is_special = mem_alloc(m->n_tokens, sizeof(*m->is_special));
	m->genes = mem_alloc(m->n_tokens, sizeof(*m->genes));
	for (size_t t = 0; t < m->n_tokens; t++) {
		m->is_special[t] = genes_is_special(genes, (size_t)genes->token_rows[t]);
		if (!m->is_special[t])
			m->genes[m->n_genes++] = (int32_t)t;
	}
	if (genes->mask < 0)
		err_set(e, "the vocabulary has no <mask>, so nothing can be masked");
	else if (!m->n_genes)
		err_set(e, "the vocabulary has no gene, special tokens only");
	if (!e->is_set)
		return m;
	masking_free(m);
	return NULL;
}

void
masking_free(struct masking *m)
{
	if (!m)
		return;
	free(m->is_special);
	free(m->genes);
	free(m);
}

bool
masking_is_special(const struct masking *m, int32_t token)
{
	return m->is_special[token];
}

/* One of n, as likely as 32 random bits can make it (2^-32 n off). */
static size_t
one_of(uint32_t number, size_t n)
{
	return (size_t)((uint64_t)number * n >> 32);
}

/* Block k of the cell's stream is position k's: is it chosen, what becomes of it, which gene. */
size_t
masking_hide(const struct masking *m, int32_t *ids, size_t n, bool is_evaluation, uint64_t example,
    size_t *ret_positions, int32_t *ret_labels)
{
	uint64_t stream = chance_stream(is_evaluation ? CHANCE_MASK_EVAL : CHANCE_MASK, example);
	size_t n_chosen = 0;

	for (size_t k = 0; k < n; k++) {
		uint32_t word[4];
		float what;

		random_block(m->seed, stream, k, word);
		if (m->is_special[ids[k]] || random_unit(word[0]) >= m->probability)
			continue;
		ret_positions[n_chosen] = k;
		ret_labels[n_chosen++] = ids[k];
		what = random_unit(word[1]);
		if (what < AS_MASK)
			ids[k] = m->mask;
		else if (what < AS_MASK_OR_GENE)
			ids[k] = m->genes[one_of(word[2], m->n_genes)];
	}
	return n_chosen;
}

int
masking_fill(void *context, struct training_part *part, struct err *e)
{
	const struct masking *m = context;
	struct forward_cells *c = &part->cells;
	size_t n_tokens = c->offsets[c->n], used = 0;
	int32_t *ids = arena_copy(part->arena, c->ids, n_tokens, sizeof(*ids));
	int32_t *labels = arena_alloc(part->arena, n_tokens, sizeof(*labels));
	size_t *positions = arena_alloc(part->arena, n_tokens, sizeof(*positions));
	size_t *cu = arena_alloc(part->arena, c->n + 1, sizeof(*cu));

	(void)e;
	cu[0] = 0;
	for (size_t i = 0; i < c->n; i++) {
		size_t from = c->offsets[i];

		used += masking_hide(m, ids + from, c->offsets[i + 1] - from, part->is_evaluation,
		    part->is_evaluation ? part->rows[i] : part->examples[i], positions + used,
		    labels + used);
		cu[i + 1] = used;
	}
	c->ids = ids;
	c->positions = positions;
	c->cu_positions = cu;
	part->labels = labels;
	part->totals[0] = (double)used;
	return 0;
}
