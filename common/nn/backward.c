/*  1. memory
 *  2. the batch
 *  3. forward
 *  4. back */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/backward.h"
#include "nn/backward_state.h"

/* ---- 1. memory ---- */

float *
backward_room(struct backward *w, struct room *r, size_t n)
{
	if (r->n < n) {
		w->op->release(r->p);
		r->p = w->op->memory(w->backend, n);
		r->n = n;
	}
	return r->p;
}

static void
release_kept(struct backward *w, struct kept *k)
{
	w->op->release(k->wanted.p);
	w->op->release(k->q.p);
	w->op->release(k->k.p);
	w->op->release(k->v.p);
	w->op->release(k->context.p);
	w->op->release(k->log_sum.p);
	w->op->release(k->middle.p);
	w->op->release(k->end.p);
	w->op->release(k->inner.p);
}

struct backward *
backward_create(struct backend *b, const struct model *m, const struct plan *plan,
    const struct backward_options *o)
{
	struct backward *w = mem_zero(1, sizeof(*w));

	assert(b->gradient);
	w->backend = b;
	w->op = b->gradient;
	w->model = m;
	w->plan = *plan;
	w->options = *o;
	w->ws = w->op->workspace_create(b);
	w->in = mem_zero(plan->layers + 1, sizeof(*w->in));
	w->kept = mem_zero(o->is_frugal ? 1 : plan->layers, sizeof(*w->kept));
	return w;
}

void
backward_free(struct backward *w)
{
	if (!w)
		return;
	struct room *const rooms[] = { &w->embedded, &w->d, &w->d_next, &w->d_q, &w->d_k, &w->d_v,
		&w->d_context, &w->out, &w->d_out, &w->gradient, &w->decoder, &w->effects,
		&w->replace_effects, &w->shares };

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
		w->op->release(rooms[i]->p);
	for (size_t i = 0; i < sizeof(w->tile) / sizeof(w->tile[0]); i++)
		w->op->release(w->tile[i].p);
	for (size_t i = 0; i <= w->plan.layers; i++)
		w->op->release(w->in[i].p);
	for (size_t i = 0; i < (w->options.is_frugal ? 1 : w->plan.layers); i++)
		release_kept(w, &w->kept[i]);
	release_kept(w, &w->probe_kept);
	for (size_t i = 0; w->probe_in && i <= w->plan.layers; i++)
		w->op->release(w->probe_in[i].p);
	free(w->probe_in);
	w->op->workspace_free(w->ws);
	free(w->in);
	free(w->kept);
	free(w->all.positions);
	free(w->all.examples);
	free(w->wanted.positions);
	free(w->wanted.examples);
	free(w->index);
	free(w->cu_q);
	free(w);
}

float *
backward_gradient(struct backward *w, const float *weights)
{
	return w->gradient_of ? w->gradient.p + (weights - w->gradient_of) : NULL;
}

void
backward_begin_block(struct backward *w, const struct gradient_sums *s, size_t block)
{
	const struct parameters *p = s ? gradient_sums_parameters(s) : NULL;
	size_t n;

	w->gradient_of = NULL;
	if (!p || parameters_is_frozen(p, block))
		return;
	n = p->block_from[block + 1] - p->block_from[block];
	backward_room(w, &w->gradient, n);
	w->op->clear(w->ws, w->gradient.p, n);
	w->gradient_of = p->values + p->block_from[block];
}

bool
backward_end_block(struct backward *w, struct gradient_sums *s, size_t block, size_t part)
{
	const struct parameters *p = s ? gradient_sums_parameters(s) : NULL;
	size_t from;

	if (!p)
		return true;
	if (!gradient_sums_wait(s, block, part))
		return false;
	from = p->block_from[block];
	if (w->gradient_of)
		w->op->add(w->ws, w->gradient.p, p->block_from[block + 1] - from,
		    gradient_sums_of(s, part) + from);
	gradient_sums_pass(s, w->ws, block);
	return true;
}

/* ---- 2. the batch ---- */

static bool
is_subset(const struct plan *plan)
{
	return plan->rows == PLAN_FIRST || plan->rows == PLAN_POSITIONS;
}

/* Room for the places and examples of n rows. */
static void
grow_rows(int32_t **positions, uint64_t **examples, size_t *room, size_t n)
{
	if (*room >= n)
		return;
	free(*positions);
	free(*examples);
	*positions = mem_alloc(n, sizeof(**positions));
	*examples = mem_zero(n, sizeof(**examples));
	*room = n;
}

static void
place_tokens(struct backward *w, const int32_t *places)
{
	const struct forward_cells *cells = w->cells;

	grow_rows(&w->all.positions, &w->all.examples, &w->all.room, w->tokens);
	for (size_t cell = 0; cell < cells->n; cell++) {
		size_t from = cells->offsets[cell], to = cells->offsets[cell + 1];

		assert(from < to && to - from <= w->model->config.positions);
		for (size_t i = from; i < to; i++) {
			assert(
			    cells->ids[i] >= 0 && (size_t)cells->ids[i] < w->model->config.vocab);
			w->all.positions[i] = places ? places[i] : (int32_t)(i - from);
			assert((size_t)w->all.positions[i] < w->model->config.positions);
			w->all.examples[i] = w->examples ? w->examples[cell] : 0;
		}
	}
}

/* The rows that are wanted: index, places, and how many come before each cell. */
static void
place_wanted(struct backward *w)
{
	const struct forward_cells *cells = w->cells;
	size_t n = 0;

	grow_rows(&w->wanted.positions, &w->wanted.examples, &w->wanted.room, w->rows);
	if (w->index_room < w->rows || w->cu_room < cells->n + 1) {
		free(w->index);
		free(w->cu_q);
		w->index_room = w->rows;
		w->cu_room = cells->n + 1;
		w->index = mem_alloc(w->index_room, sizeof(*w->index));
		w->cu_q = mem_alloc(w->cu_room, sizeof(*w->cu_q));
	}
	for (size_t cell = 0; cell < cells->n; cell++) {
		size_t start = cells->offsets[cell];
		size_t k = w->plan.rows == PLAN_FIRST ? 0 : cells->cu_positions[cell];
		size_t end = w->plan.rows == PLAN_FIRST ? 1 : cells->cu_positions[cell + 1];

		for (w->cu_q[cell] = n; k < end; k++, n++) {
			size_t at = w->plan.rows == PLAN_FIRST ? 0 : cells->positions[k];

			assert(start + at < cells->offsets[cell + 1]);
			w->index[n] = start + at;
			w->wanted.positions[n] = (int32_t)at;
			w->wanted.examples[n] = w->all.examples[start + at];
		}
	}
	w->cu_q[cells->n] = n;
	assert(n == w->rows);
}

static void
start_batch(struct backward *w, const struct forward_cells *cells, const int32_t *places,
    const uint64_t *examples)
{
	w->cells = cells;
	w->examples = examples;
	w->tokens = w->rows = cells->offsets[cells->n];
	place_tokens(w, places);
	if (!is_subset(&w->plan))
		return;
	w->rows = forward_rows(&w->plan, cells);
	place_wanted(w);
}

struct dropout
backward_dropout(const struct backward *w, double rate, uint32_t site, bool is_wanted, size_t from)
{
	struct dropout d = { 0 };

	if (!w->examples || rate <= 0)
		return d;
	d = dropout_make(rate, w->options.seed, site);
	d.examples = is_wanted ? w->wanted.examples : w->all.examples;
	d.places = is_wanted ? w->wanted.positions : w->all.positions;
	return dropout_from(&d, from);
}

/* ---- 3. forward ---- */

static void
run_encoder(struct backward *w)
{
	const struct model *m = w->model;
	size_t hidden = m->config.hidden, n = w->tokens * hidden;
	struct layer_norm norm = backward_norm(w, m->embedding_norm_weight, m->embedding_norm_bias);
	struct dropout drop =
	    backward_dropout(w, w->options.hidden_dropout, SITE_EMBEDDING, false, 0);

	w->op->embed(w->ws, m, w->cells->ids, w->all.positions, w->tokens,
	    backward_room(w, &w->embedded, n));
	w->op->normalize(w->ws, &norm, w->embedded.p, w->tokens, backward_room(w, &w->in[0], n));
	w->op->drop(w->ws, &drop, w->in[0].p, w->tokens, hidden);
	for (size_t i = 0; i < w->plan.layers; i++)
		backward_run_layer(w, i);
}

/* The rows that the plan wants of the hidden states. */
static const float *
collect_rows(struct backward *w)
{
	const struct forward_cells *cells = w->cells;
	size_t h = w->model->config.hidden;
	const float *x = w->in[w->plan.layers].p;
	float *out;

	if (w->plan.rows == PLAN_ALL || (is_subset(&w->plan) && w->plan.is_last_narrow))
		return x;
	out = backward_room(w, &w->out, forward_rows(&w->plan, cells) * h);
	if (is_subset(&w->plan))
		w->op->gather(w->ws, x, w->index, w->rows, h, out);
	for (size_t i = 0; w->plan.rows == PLAN_MEAN && i < cells->n; i++)
		w->op->mean(w->ws, x, cells->offsets[i] + cells->from[i],
		    cells->offsets[i] + cells->to[i], h, out + i * h);
	if (w->plan.rows == PLAN_POOLED)
		w->op->pool(w->ws, x, w->model->attention_pool, cells->offsets, cells->n, h,
		    backward_room(w, &w->shares, w->tokens), out);
	return out;
}

/* ---- 4. back ---- */

/* w->d, from the gradient of the rows that came out. */
static void
spread_rows(struct backward *w, const float *d_rows)
{
	const struct forward_cells *cells = w->cells;
	size_t h = w->model->config.hidden, rows = w->plan.is_last_narrow ? w->rows : w->tokens;
	float *d = backward_room(w, &w->d, (rows > w->tokens ? rows : w->tokens) * h);

	if (w->plan.rows == PLAN_ALL || w->plan.is_last_narrow) {
		w->op->copy(w->ws, d_rows, rows * h, d);
		return;
	}
	w->op->clear(w->ws, d, w->tokens * h);
	if (is_subset(&w->plan))
		w->op->scatter(w->ws, d_rows, w->index, w->rows, h, d);
	for (size_t i = 0; w->plan.rows == PLAN_MEAN && i < cells->n; i++)
		w->op->spread(w->ws, d_rows + i * h, cells->offsets[i] + cells->from[i],
		    cells->offsets[i] + cells->to[i], h, d);
	if (w->plan.rows == PLAN_POOLED)
		w->op->pool_back(w->ws, w->in[w->plan.layers].p, w->model->attention_pool,
		    w->shares.p, cells->offsets, cells->n, h, d_rows, d, NULL);
}

/* The embeddings' gradients go straight into the sums: few rows of many. */
static bool
embeddings_back(struct backward *w, struct gradient_sums *s, size_t part)
{
	const struct model *m = w->model;
	size_t h = m->config.hidden;
	struct layer_norm norm = backward_norm(w, m->embedding_norm_weight, m->embedding_norm_bias);
	struct dropout drop =
	    backward_dropout(w, w->options.hidden_dropout, SITE_EMBEDDING, false, 0);
	float *to;

	w->op->drop(w->ws, &drop, w->d.p, w->tokens, h);
	w->gradient_of = NULL;
	if (!s) {
		w->op->normalize_back(
		    w->ws, &norm, w->embedded.p, w->d.p, w->tokens, w->d.p, NULL, NULL);
		return true;
	}
	if (!gradient_sums_wait(s, 0, part))
		return false;
	to = gradient_sums_of(s, part);
	w->op->normalize_back(w->ws, &norm, w->embedded.p, w->d.p, w->tokens, w->d.p,
	    to + (norm.gain - m->word_embeddings), to + (norm.bias - m->word_embeddings));
	w->op->embed_back(w->ws, w->d.p, w->cells->ids, w->all.positions, w->tokens, h, to,
	    to + (m->type_embeddings - m->word_embeddings),
	    to + (m->position_embeddings - m->word_embeddings));
	gradient_sums_pass(s, w->ws, 0);
	return true;
}

/* From w->d at the rows of the last layer. */
static bool
encoder_back(struct backward *w, struct gradient_sums *s, size_t part)
{
	for (size_t layer = w->plan.layers; layer-- > 0;) {
		backward_begin_block(w, s, 1 + layer);
		backward_layer_back(w, layer);
		if (!backward_end_block(w, s, 1 + layer, part))
			return false;
	}
	return embeddings_back(w, s, part);
}

int
backward_forward(struct backward *w, const struct forward_cells *cells, const int32_t *places,
    float *ret_rows, struct err *e)
{
	const float *rows;

	assert(w->plan.head == PLAN_HIDDEN && w->plan.rows != PLAN_POOLED);
	start_batch(w, cells, places, NULL);
	run_encoder(w);
	rows = collect_rows(w);
	w->op->get(w->ws, ret_rows, rows, forward_rows(&w->plan, cells) * w->model->config.hidden);
	return w->op->failed(w->ws, e);
}

int
backward_probe(struct backward *w, int32_t place, float *ret_rows, struct err *e)
{
	const struct model *m = w->model;
	size_t h = m->config.hidden, n = w->tokens;
	struct layer_norm norm = backward_norm(w, m->embedding_norm_weight, m->embedding_norm_bias);
	int32_t *places = mem_alloc(n, sizeof(*places));
	float *in;

	assert(!ret_rows || w->plan.rows == PLAN_ALL);
	if (!w->probe_in)
		w->probe_in = mem_zero(w->plan.layers + 1, sizeof(*w->probe_in));
	for (size_t i = 0; i < n; i++)
		places[i] = place;
	in = backward_room(w, &w->probe_in[0], n * h);
	w->op->embed(w->ws, m, w->cells->ids, places, n, in);
	w->op->normalize(w->ws, &norm, in, n, in);
	free(places);
	for (size_t i = 0; i < w->plan.layers; i++) {
		if (w->options.is_frugal && w->kept_layer != i)
			backward_run_layer(w, i);
		backward_probe_layer(w, i);
	}
	if (ret_rows)
		w->op->get(w->ws, ret_rows, w->probe_in[w->plan.layers].p, n * h);
	return w->op->failed(w->ws, e);
}

/* Device memory for effects, 0; NULL where they are not wanted. */
static float *
start_effects(struct backward *w, struct room *r, const float *wanted)
{
	if (!wanted)
		return NULL;
	backward_room(w, r, w->tokens);
	w->op->clear(w->ws, r->p, w->tokens);
	return r->p;
}

int
backward_run(
    struct backward *w, const float *d_rows, const struct backward_inputs *ret, struct err *e)
{
	size_t h = w->model->config.hidden, rows = forward_rows(&w->plan, w->cells);
	float *d = backward_room(w, &w->d_out, rows * h);

	assert(!ret->replacement || w->probe_in);
	w->op->put(w->ws, d, d_rows, rows * h);
	spread_rows(w, d);
	w->key_effect = start_effects(w, &w->effects, ret->deletion);
	w->replace_effect = start_effects(w, &w->replace_effects, ret->replacement);
	encoder_back(w, NULL, 0);
	if (ret->deletion)
		w->op->get(w->ws, ret->deletion, w->key_effect, w->tokens);
	if (ret->replacement)
		w->op->get(w->ws, ret->replacement, w->replace_effect, w->tokens);
	if (ret->embeddings)
		w->op->get(w->ws, ret->embeddings, w->d.p, w->tokens * h);
	w->key_effect = w->replace_effect = NULL;
	return w->op->failed(w->ws, e);
}

int
backward_learn(struct backward *w, const struct backward_part *part, struct backward_result *ret,
    struct err *e)
{
	size_t h = w->model->config.hidden;
	const float *in;
	float *d;
	bool is_whole;

	*ret = (struct backward_result){ 0 };
	start_batch(w, part->cells, NULL, part->examples);
	run_encoder(w);
	in = collect_rows(w);
	d = backward_room(w, &w->d_out, forward_rows(&w->plan, part->cells) * h);
	is_whole = backward_head(w, part, in, d, ret);
	if (is_whole && part->sums) {
		spread_rows(w, d);
		is_whole = encoder_back(w, part->sums, part->number);
	}
	if (!is_whole)
		err_set(e, "another part of the step failed");
	w->op->failed(w->ws, e);
	if (e->is_set && part->sums)
		gradient_sums_give_up(part->sums);
	return e->is_set ? -1 : 0;
}
