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
	/* Joined lanes, and the lane after them (NULL: there was none yet); the same of a tied
	 * decoder. */
	float *values, *lane;
	float *decoder, *decoder_lane;
	size_t n_decoder;
	const size_t *lane_of; /* [n_parts] */
	size_t n_parts, first;
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
	op->release(s->lane);
	op->release(s->decoder);
	op->release(s->decoder_lane);
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

static void
make_lane(struct gradient_sums *s)
{
	const struct gradient_ops *op = s->p->backend->gradient;

	if (!s->lane)
		s->lane = op->memory(s->p->backend, s->p->n_values);
	if (!s->decoder_lane && s->n_decoder)
		s->decoder_lane = op->memory(s->p->backend, s->n_decoder);
}

void
gradient_sums_start(struct gradient_sums *s, const size_t *lane_of, size_t n, size_t first)
{
	const struct gradient_ops *op = s->p->backend->gradient;

	s->lane_of = lane_of;
	s->n_parts = n;
	s->first = first;
	op->clear(s->ws, s->values, s->p->n_values);
	op->clear(s->ws, s->decoder, s->n_decoder);
	if (n && lane_of[n - 1] != first)
		make_lane(s);
	if (s->lane) {
		op->clear(s->ws, s->lane, s->p->n_values);
		op->clear(s->ws, s->decoder_lane, s->decoder_lane ? s->n_decoder : 0);
	}
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

/* The lane's sums go over to those before it. */
static void
join_lane(struct gradient_sums *s, struct gradient_workspace *ws, size_t block)
{
	const struct gradient_ops *op = s->p->backend->gradient;
	size_t from = s->p->block_from[block], n = s->p->block_from[block + 1] - from;

	if (parameters_is_frozen(s->p, block))
		return;
	op->add(ws, s->lane + from, n, s->values + from);
	op->clear(ws, s->lane + from, n);
	if (block + 1 < s->p->n_blocks || !s->decoder)
		return;
	op->add(ws, s->decoder_lane, s->n_decoder, s->decoder);
	op->clear(ws, s->decoder_lane, s->n_decoder);
}

void
gradient_sums_pass(struct gradient_sums *s, struct gradient_workspace *ws, size_t block)
{
	size_t part = s->turn[block], lane = s->lane_of[part];
	bool is_last = part + 1 == s->n_parts || s->lane_of[part + 1] != lane;

	if (is_last && lane != s->first && s->first == 0)
		join_lane(s, ws, block);
	pthread_mutex_lock(&s->mutex);
	s->turn[block]++;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->mutex);
}

float *
gradient_sums_of(struct gradient_sums *s, size_t part)
{
	return s->lane_of[part] == s->first ? s->values : s->lane;
}

float *
gradient_sums_decoder_of(struct gradient_sums *s, size_t part)
{
	return s->lane_of[part] == s->first ? s->decoder : s->decoder_lane;
}

float *
gradient_sums_values(struct gradient_sums *s)
{
	return s->values;
}

void
gradient_sums_exchange(struct gradient_sums *s, bool has_lane, struct gradient_exchange ret[2])
{
	if (has_lane)
		make_lane(s);
	ret[0] = (struct gradient_exchange){ s->values, has_lane ? s->lane : NULL, s->p->n_values };
	ret[1] = (struct gradient_exchange){ s->decoder, has_lane ? s->decoder_lane : NULL,
		s->n_decoder };
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
