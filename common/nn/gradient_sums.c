#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/gradient.h"
#include "nn/gradient_sums.h"

struct gradient_sums {
	const struct parameters *p;
	struct gradient_workspace *ws;
	float *values, *decoder;
	size_t n_decoder;
	pthread_mutex_t mutex;
	pthread_cond_t moved;
	size_t *turn; /* [n_blocks]: the part whose turn it is */
	bool is_given_up;
};

struct gradient_sums *
gradient_sums_create(const struct parameters *p)
{
	struct gradient_sums *s = mem_zero(1, sizeof(*s));
	const struct gradient_ops *op = p->backend->gradient;
	const struct model *m = &p->model;

	s->p = p;
	s->ws = op->workspace_create(p->backend);
	s->values = op->memory(p->backend, p->n_values);
	if (m->decoder_weight && m->decoder_weight == m->word_embeddings) {
		s->n_decoder = m->config.vocab * m->config.hidden;
		s->decoder = op->memory(p->backend, s->n_decoder);
	}
	s->turn = mem_zero(p->n_blocks, sizeof(*s->turn));
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->moved, NULL);
	return s;
}

void
gradient_sums_free(struct gradient_sums *s)
{
	const struct gradient_ops *op;

	if (!s)
		return;
	op = s->p->backend->gradient;
	op->release(s->values);
	op->release(s->decoder);
	op->workspace_free(s->ws);
	pthread_cond_destroy(&s->moved);
	pthread_mutex_destroy(&s->mutex);
	free(s->turn);
	free(s);
}

const struct parameters *
gradient_sums_parameters(const struct gradient_sums *s)
{
	return s->p;
}

void
gradient_sums_start(struct gradient_sums *s)
{
	const struct gradient_ops *op = s->p->backend->gradient;

	op->clear(s->ws, s->values, s->p->n_values);
	op->clear(s->ws, s->decoder, s->n_decoder);
	memset(s->turn, 0, s->p->n_blocks * sizeof(*s->turn));
	s->is_given_up = false;
}

bool
gradient_sums_wait(struct gradient_sums *s, size_t block, size_t part)
{
	bool is_given_up;

	assert(block < s->p->n_blocks);
	pthread_mutex_lock(&s->mutex);
	while (s->turn[block] != part && !s->is_given_up)
		pthread_cond_wait(&s->moved, &s->mutex);
	is_given_up = s->is_given_up;
	pthread_mutex_unlock(&s->mutex);
	return !is_given_up;
}

void
gradient_sums_pass(struct gradient_sums *s, size_t block)
{
	pthread_mutex_lock(&s->mutex);
	s->turn[block]++;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->mutex);
}

float *
gradient_sums_values(struct gradient_sums *s)
{
	return s->values;
}

float *
gradient_sums_decoder(struct gradient_sums *s)
{
	return s->decoder;
}

void
gradient_sums_finish(struct gradient_sums *s)
{
	const struct parameters *p = s->p;
	const struct gradient_ops *op = p->backend->gradient;
	size_t word = (size_t)(p->model.word_embeddings - p->values);

	if (s->decoder)
		op->add(s->ws, s->decoder, s->n_decoder, s->values + word);
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].is_frozen)
			op->clear(s->ws, s->values + p->list[i].from, p->list[i].n);
}

void
gradient_sums_give_up(struct gradient_sums *s)
{
	pthread_mutex_lock(&s->mutex);
	s->is_given_up = true;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->mutex);
}
