/* Gradients of the whole network against central differences of the network in double precision
 * (bert_aid.h); frugal passes; and what makes a step: parts, threads, frozen layers, dropout. */

#include "bert_aid.h"
#include "network_aid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/backward.h"
#include "nn/learner.h"

enum { VOCAB = 30, POSITIONS = 60, N_CELLS = 4 };

static const size_t lengths[N_CELLS] = { 9, 1, 23, 14 };

static struct model_config
config_of(enum model_class class, enum activation f)
{
	return (struct model_config){ .class = class,
		.layers = 2,
		.hidden = 32,
		.heads = 2,
		.ffn = 40,
		.vocab = VOCAB,
		.positions = POSITIONS,
		.type_vocab = 2,
		.activation = f,
		.layer_norm_eps = 1e-12f,
		.n_labels = class == MODEL_SEQUENCE || class == MODEL_TOKEN ? 3 : 0 };
}

/* Cells with random ids, each with two positions. */
static struct forward_cells
make_cells(struct arena *a)
{
	size_t *offsets = arena_zero(a, N_CELLS + 1, sizeof(*offsets)),
	       *from = arena_alloc(a, N_CELLS, sizeof(*from)),
	       *to = arena_alloc(a, N_CELLS, sizeof(*to)),
	       *cu = arena_zero(a, N_CELLS + 1, sizeof(*cu)),
	       *positions = arena_alloc(a, (size_t)2 * N_CELLS, sizeof(*positions));
	int32_t *ids;

	for (size_t i = 0; i < N_CELLS; i++) {
		offsets[i + 1] = offsets[i] + lengths[i];
		from[i] = lengths[i] > 1;
		to[i] = lengths[i];
		cu[i + 1] = 2 * (i + 1);
		positions[2 * i] = lengths[i] - 1;
		positions[2 * i + 1] = lengths[i] / 3;
	}
	ids = arena_alloc(a, offsets[N_CELLS], sizeof(*ids));
	for (size_t i = 0; i < offsets[N_CELLS]; i++)
		ids[i] = (int32_t)aid_number_below(VOCAB);
	return (struct forward_cells){ .n = N_CELLS,
		.ids = ids,
		.offsets = offsets,
		.from = from,
		.to = to,
		.positions = positions,
		.cu_positions = cu };
}

/* ---- losses in double precision ---- */

struct task {
	const struct model *m;
	enum plan_rows rows;
	enum plan_head head;
	struct forward_cells cells;
	const int32_t *labels;
	const float *d; /* HIDDEN: weights of the rows in the loss */
	size_t layers;
};

static double
cross_entropy(const double *x, size_t n, int32_t label)
{
	double sum = 0;

	if (label < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		sum += exp(x[i]);
	return log(sum) - x[label];
}

static double
loss_of_row(struct arena *a, const struct task *t, double *x, size_t row)
{
	const struct model *m = t->m;
	size_t h = m->config.hidden, n = m->config.vocab;
	double sum = 0;

	switch (t->head) {
	case PLAN_HIDDEN:
		for (size_t c = 0; c < h; c++)
			sum += x[c] * (double)t->d[row * h + c];
		return sum;
	case PLAN_MLM:
		x = bert_dense(a, x, 1, m->mlm_dense_weight, m->mlm_dense_bias, h, h);
		bert_activate(m->config.activation, x, h);
		bert_norm(
		    x, NULL, 1, h, m->mlm_norm_weight, m->mlm_norm_bias, m->config.layer_norm_eps);
		x = bert_dense(a, x, 1, m->decoder_weight, m->decoder_bias, n, h);
		return cross_entropy(x, n, t->labels[row]);
	case PLAN_SEQUENCE:
		x = bert_dense(a, x, 1, m->pooler_weight, m->pooler_bias, h, h);
		bert_activate(ACTIVATION_TANH, x, h);
		break;
	case PLAN_TOKEN:
		break;
	}
	n = m->head[0].n_labels;
	x = bert_dense(a, x, 1, m->head[0].weight, m->head[0].bias, n, h);
	return cross_entropy(x, n, t->labels[row]);
}

static double
loss_of_cell(struct arena *a, const struct task *t, size_t cell)
{
	size_t at = t->cells.offsets[cell], n = t->cells.offsets[cell + 1] - at;
	size_t h = t->m->config.hidden;
	double *x = bert_hidden(a, t->m, t->cells.ids + at, n, t->layers), loss = 0;

	if (t->rows == PLAN_FIRST)
		return loss_of_row(a, t, x, cell);
	if (t->rows == PLAN_MEAN) {
		double *mean = arena_zero(a, h, sizeof(*mean));

		for (size_t r = t->cells.from[cell]; r < t->cells.to[cell]; r++)
			for (size_t c = 0; c < h; c++)
				mean[c] += x[r * h + c] /
					   (double)(t->cells.to[cell] - t->cells.from[cell]);
		return loss_of_row(a, t, mean, cell);
	}
	for (size_t i = 0; t->rows == PLAN_ALL && i < n; i++)
		loss += loss_of_row(a, t, x + i * h, at + i);
	for (size_t i = t->cells.cu_positions[cell];
	     t->rows == PLAN_POSITIONS && i < t->cells.cu_positions[cell + 1]; i++)
		loss += loss_of_row(a, t, x + t->cells.positions[i] * h, i);
	return loss;
}

static double
loss_of(const struct task *t)
{
	struct arena a = { 0 };
	double loss = 0;

	for (size_t cell = 0; cell < t->cells.n; cell++)
		loss += loss_of_cell(&a, t, cell);
	arena_free(&a);
	return loss;
}

/* The slope of the loss along one number of the model. */
static double
slope_at(const struct task *t, const float *weight)
{
	float *w = (float *)(uintptr_t)weight, old = *w;
	double up, down, at_up, at_down;

	*w = old + 1e-3f;
	at_up = (double)*w;
	up = loss_of(t);
	*w = old - 1e-3f;
	at_down = (double)*w;
	down = loss_of(t);
	*w = old;
	return (up - down) / (at_up - at_down);
}

/* ---- learning ---- */

struct bench {
	struct arena a;
	struct backend *backend;
	struct model *m;
	struct parameters *p;
	struct plan plan;
	struct forward_cells cells;
	int32_t *labels;
};

static struct bench
start(const struct model_config *config, enum plan_rows rows, enum plan_head head)
{
	struct bench b = { 0 };
	struct err e = { 0 };
	size_t n_labels = config->n_labels ? config->n_labels : VOCAB;

	b.m = aid_model(&b.a, config);
	b.backend = backend_open(DEVICE_CPU, PRECISION_F32, &e);
	expect(b.backend != NULL, "%s", e.text);
	expect(plan_make(&b.plan, b.m, rows, head, 0, &e) == 0, "%s", e.text);
	b.p = parameters_create(b.backend, b.m);
	b.cells = make_cells(&b.a);
	b.labels = arena_alloc(&b.a, b.cells.offsets[N_CELLS], sizeof(*b.labels));
	for (size_t i = 0; i < b.cells.offsets[N_CELLS]; i++)
		b.labels[i] = (int32_t)aid_number_below(n_labels);
	b.labels[1] = -100;
	return b;
}

static void
stop(struct bench *b)
{
	parameters_free(b->p);
	backend_close(b->backend);
	arena_free(&b->a);
}

/* One part a cell. */
static void
make_parts(struct bench *b, struct backward_part *parts, const double *factors)
{
	for (size_t i = 0; i < N_CELLS; i++) {
		struct forward_cells *c = arena_copy(&b->a, &b->cells, 1, sizeof(*c));
		size_t *offsets = arena_zero(&b->a, 2, sizeof(*offsets)),
		       *cu = arena_zero(&b->a, 2, sizeof(*cu));

		offsets[1] = lengths[i];
		cu[1] = 2;
		c->n = 1;
		c->ids += b->cells.offsets[i];
		c->offsets = offsets;
		c->positions += 2 * i;
		c->cu_positions = cu;
		parts[i] = (struct backward_part){ .cells = c, .factors = factors, .lane = i / 2 };
		parts[i].labels = b->labels + (b->plan.rows == PLAN_POSITIONS ? 2 * i : i);
	}
}

static struct backward_result
gradient_of(struct bench *b, struct learner *l, const double *factors)
{
	struct backward_part parts[N_CELLS];
	struct backward_result result;
	struct err e = { 0 };

	make_parts(b, parts, factors);
	expect(learner_gradient(l, parts, N_CELLS, &result, &e) == 0, "%s", e.text);
	return result;
}

/* Five numbers of each tensor, the largest gradient among them. */
static void
check_parameter(const struct task *t, const struct parameters *p, const struct parameter *q,
    const float *gradient)
{
	size_t largest = 0;

	for (size_t i = 0; i < q->n; i++)
		if (fabsf(gradient[i]) > fabsf(gradient[largest]))
			largest = i;
	for (int k = 0; k < 5; k++) {
		size_t i = k ? aid_number_below(q->n) : largest;
		double slope = slope_at(t, p->values + q->from + i);

		expect(fabs(slope - (double)gradient[i]) <
			   1e-5 + 2e-4 * fabs((double)gradient[largest]),
		    "%s[%zu]: gradient %g, not %g", q->name, i, (double)gradient[i], slope);
	}
}

static void
check_learning(enum model_class class, enum plan_rows rows, enum plan_head head, enum activation f)
{
	const struct model_config config = config_of(class, f);
	const double one = 1;
	struct bench b = start(&config, rows, head);
	struct learner_options o = { .threads = 2 };
	struct learner *l = learner_create(b.p, &b.plan, &o);
	struct task t = { &b.p->model, rows, head, b.cells, b.labels, NULL, 2 };
	struct backward_result r = gradient_of(&b, l, &one);
	double loss = loss_of(&t);

	expect(fabs(r.loss - loss) < 1e-4, "loss %g, not %g", r.loss, loss);
	for (size_t i = 0; i < b.p->n; i++)
		check_parameter(
		    &t, b.p, &b.p->list[i], learner_gradient_values(l) + b.p->list[i].from);
	learner_free(l);
	stop(&b);
}

/* ---- gradients of the inputs ---- */

/* The gradient of one token's embeddings, by way of its word's; ids differ within the cell. */
static void
check_inputs(enum plan_rows rows, int layer, bool is_frugal)
{
	const struct model_config config = config_of(MODEL_MLM, ACTIVATION_GELU);
	const struct backward_options o = { .is_frugal = is_frugal };
	struct bench b = start(&config, rows, PLAN_HIDDEN);
	struct err e = { 0 };
	size_t h = config.hidden, tokens = b.cells.offsets[N_CELLS];
	struct backward_inputs in = { .embeddings = arena_alloc(&b.a, tokens * h, sizeof(float)),
		.deletion = arena_alloc(&b.a, tokens, sizeof(float)) };
	struct backward *w;
	float *out, *d;
	struct task t;

	expect(plan_make(&b.plan, b.m, rows, PLAN_HIDDEN, layer, &e) == 0, "%s", e.text);
	w = backward_create(b.backend, b.m, &b.plan, &o);
	out = arena_alloc(&b.a, forward_rows(&b.plan, &b.cells) * h, sizeof(*out));
	d = aid_numbers(&b.a, forward_rows(&b.plan, &b.cells) * h, 1);
	t = (struct task){ b.m, rows, PLAN_HIDDEN, b.cells, NULL, d, b.plan.layers };
	expect(backward_forward(w, &b.cells, NULL, out, &e) == 0, "%s", e.text);
	for (int again = 0; again < 2; again++)
		expect(backward_run(w, d, &in, &e) == 0, "%s", e.text);
	for (int32_t word = 0; word < VOCAB; word += 7) {
		double sum = 0, slope;
		size_t c = aid_number_below(h);

		for (size_t i = 0; i < tokens; i++)
			sum += b.cells.ids[i] == word ? (double)in.embeddings[i * h + c] : 0;
		slope = slope_at(&t, b.m->word_embeddings + (size_t)word * h + c);
		expect(fabs(sum - slope) < 1e-3, "rows %d, word %d: %g, not %g", (int)rows, word,
		    sum, slope);
	}
	backward_free(w);
	stop(&b);
}

/* ---- steps ---- */

static float *
gradient_with(struct bench *b, struct arena *a, const struct learner_options *o, double *ret_loss)
{
	const double factor = 0.25;
	struct learner *l = learner_create(b->p, &b->plan, o);
	float *copy;

	*ret_loss = gradient_of(b, l, &factor).loss;
	copy = arena_copy(a, learner_gradient_values(l), b->p->n_values, sizeof(float));
	learner_free(l);
	return copy;
}

/* The same bits for any number of threads, and from frugal passes; dropout follows the examples. */
static void
check_bits(void)
{
	const struct model_config config = config_of(MODEL_MLM, ACTIVATION_RELU);
	struct bench b = start(&config, PLAN_POSITIONS, PLAN_MLM);
	struct arena a = { 0 };
	struct learner_options o = { .threads = 1 };
	size_t bytes = b.p->n_values * sizeof(float);
	double loss[3];
	float *one = gradient_with(&b, &a, &o, &loss[0]);

	o.threads = 3;
	expect(memcmp(one, gradient_with(&b, &a, &o, &loss[1]), bytes) == 0, "3 threads");
	o.backward.is_frugal = true;
	expect(memcmp(one, gradient_with(&b, &a, &o, &loss[2]), bytes) == 0, "frugal");
	expect(loss[0] == loss[1] && loss[0] == loss[2], "losses");
	arena_free(&a);
	stop(&b);
}

/* The same network in bfloat16; NULL where the CPU has none. */
static struct bench *
in_bf16(const struct bench *b, struct arena *a)
{
	struct bench *ret = arena_copy(a, b, 1, sizeof(*ret));
	struct err e = { 0 };

	ret->backend = backend_open(DEVICE_CPU, PRECISION_BF16, &e);
	if (!ret->backend)
		return NULL;
	ret->p = parameters_create(ret->backend, b->m);
	ret->a = (struct arena){ 0 };
	return ret;
}

static double
cosine(const float *x, const float *y, size_t n)
{
	double xy = 0, xx = 0, yy = 0;

	for (size_t i = 0; i < n; i++) {
		xy += (double)x[i] * (double)y[i];
		xx += (double)x[i] * (double)x[i];
		yy += (double)y[i] * (double)y[i];
	}
	return xx == 0 && yy == 0 ? 1 : xy / sqrt(xx * yy);
}

/* The loss after 30 steps. */
static double
learn_some(struct bench *b)
{
	const double factor = 0.125;
	struct learner_options o = { .threads = 2, .adamw = { .decay = 0.01, .clip = 1 } };
	struct learner *l = learner_create(b->p, &b->plan, &o);
	double loss;

	for (int i = 0; i < 30; i++) {
		gradient_of(b, l, &factor);
		learner_update(l, 1e-3);
	}
	loss = gradient_of(b, l, &factor).loss;
	learner_free(l);
	return loss;
}

/* Gradients, and what is learned, are as in float32 but for rounding. */
static void
check_bf16(enum model_class class, enum plan_rows rows, enum plan_head head)
{
	const struct model_config config = config_of(class, ACTIVATION_RELU);
	struct bench b = start(&config, rows, head), *half;
	struct arena a = { 0 };
	struct learner_options o = { .threads = 1 };
	size_t bytes = b.p->n_values * sizeof(float);
	double loss[3], end[2];
	float *one, *two;

	half = in_bf16(&b, &a);
	if (half) {
		one = gradient_with(&b, &a, &o, &loss[0]);
		two = gradient_with(half, &a, &o, &loss[1]);
		o.threads = 3;
		expect(memcmp(two, gradient_with(half, &a, &o, &loss[2]), bytes) == 0, "3 threads");
		expect(fabs(loss[0] - loss[1]) < 0.01 * loss[0] && loss[1] == loss[2],
		    "loss %g, %g", loss[0], loss[1]);
		expect(memcmp(one, two, bytes) != 0, "nothing was rounded");
		for (size_t i = 0; i < b.p->n; i++) {
			const struct parameter *q = &b.p->list[i];
			double c = cosine(one + q->from, two + q->from, q->n);

			/* the exact gradient of the keys' biases is 0 */
			expect(
			    c > 0.999 || strstr(q->name, "key.bias"), "%s: cosine %g", q->name, c);
		}
		end[0] = learn_some(&b);
		end[1] = learn_some(half);
		expect(end[0] < loss[0] / 2 && fabs(end[0] - end[1]) < 0.05 * end[0],
		    "after 30 steps: %g, not %g", end[1], end[0]);
		parameters_free(half->p);
		backend_close(half->backend);
		arena_free(&half->a);
	}
	arena_free(&a);
	stop(&b);
}

static double
loss_with_dropout(struct bench *b, struct learner *l, uint64_t first, bool is_alone, float *ret)
{
	const double factor = 1;
	struct backward_part parts[N_CELLS],
	    whole = { .cells = &b->cells, .labels = b->labels, .factors = &factor };
	uint64_t examples[N_CELLS];
	struct backward_result r;
	struct err e = { 0 };

	make_parts(b, parts, &factor);
	for (size_t i = 0; i < N_CELLS; i++) {
		examples[i] = first + i;
		parts[i].examples = &examples[i];
	}
	whole.examples = examples;
	expect(learner_gradient(l, is_alone ? parts : &whole, is_alone ? N_CELLS : 1, &r, &e) == 0,
	    "%s", e.text);
	memcpy(ret, learner_gradient_values(l), b->p->n_values * sizeof(*ret));
	return r.loss;
}

static double
distance(const float *x, const float *y, size_t n)
{
	double sum = 0, size = 0;

	for (size_t i = 0; i < n; i++) {
		sum += pow((double)x[i] - (double)y[i], 2);
		size += pow((double)x[i], 2);
	}
	return sqrt(sum / size);
}

static void
check_dropout(void)
{
	const struct model_config config = config_of(MODEL_SEQUENCE, ACTIVATION_RELU);
	struct bench b = start(&config, PLAN_FIRST, PLAN_SEQUENCE);
	struct learner_options o = { .threads = 2,
		.backward = { .hidden_dropout = 0.2,
		    .attention_dropout = 0.2,
		    .classifier_dropout = 0.1,
		    .seed = 3 } };
	struct learner *l = learner_create(b.p, &b.plan, &o);
	size_t n = b.p->n_values;
	float *g[3];
	double loss[3];

	for (int i = 0; i < 3; i++)
		g[i] = arena_alloc(&b.a, n, sizeof(float));
	loss[0] = loss_with_dropout(&b, l, 50, true, g[0]);
	loss[1] = loss_with_dropout(&b, l, 50, false, g[1]);
	loss[2] = loss_with_dropout(&b, l, 51, true, g[2]);
	expect(fabs(loss[0] - loss[1]) < 1e-5 && distance(g[0], g[1], n) < 1e-5,
	    "the cut into parts changes the masks: %g, %g", loss[0], loss[1]);
	expect(fabs(loss[0] - loss[2]) > 1e-3 && distance(g[0], g[2], n) > 0.01,
	    "other examples have the same masks");
	learner_free(l);
	stop(&b);
}

/* What is frozen does not move, all else does; a step of plain descent lowers the loss. */
static void
check_frozen(void)
{
	const struct model_config config = config_of(MODEL_SEQUENCE, ACTIVATION_RELU);
	const double factor = 0.25;
	struct bench b = start(&config, PLAN_FIRST, PLAN_SEQUENCE);
	struct learner_options o = { .threads = 2, .adamw = { .decay = 0.01, .clip = 1 } };
	float *before = arena_copy(&b.a, b.p->values, b.p->n_values, sizeof(float));
	struct learner *l;
	double first, last = 0;

	parameters_freeze_layers(b.p, 1);
	expect(parameters_freeze(b.p, "bert.embeddings.position") == 1, "positions");
	expect(parameters_is_frozen(b.p, 1) && !parameters_is_frozen(b.p, 0), "blocks");
	l = learner_create(b.p, &b.plan, &o);
	first = gradient_of(&b, l, &factor).loss;
	for (int i = 0; i < 5; i++) {
		expect(learner_update(l, 1e-3) > 0, "norm");
		last = gradient_of(&b, l, &factor).loss;
	}
	expect(last < first, "the loss went from %g to %g", first, last);
	for (size_t i = 0; i < b.p->n; i++) {
		const struct parameter *q = &b.p->list[i];
		bool is_same =
		    memcmp(before + q->from, b.p->values + q->from, q->n * sizeof(float)) == 0;

		expect(is_same == q->is_frozen, "%s", q->name);
	}
	learner_free(l);
	stop(&b);
}

/* A loss that is no number is an error, and the next step is as if nothing had been. */
static void
check_failure(void)
{
	const struct model_config config = config_of(MODEL_SEQUENCE, ACTIVATION_RELU);
	const double factor = 0.25;
	struct bench b = start(&config, PLAN_FIRST, PLAN_SEQUENCE);
	struct learner_options o = { .threads = 3 };
	struct learner *l = learner_create(b.p, &b.plan, &o);
	struct backward_part parts[N_CELLS];
	struct backward_result r;
	struct err e = { 0 };
	size_t at = b.p->block_from[0] + (size_t)b.cells.ids[b.cells.offsets[2]] * config.hidden;
	double before = gradient_of(&b, l, &factor).loss;
	float old = b.p->values[at];

	make_parts(&b, parts, &factor);
	b.p->values[at] = NAN;
	expect(learner_gradient(l, parts, N_CELLS, &r, &e) == -1, "NaN");
	expect(strstr(e.text, "not a number") != NULL, "%s", e.text);
	b.p->values[at] = old;
	expect(gradient_of(&b, l, &factor).loss == before, "after a failure");
	learner_free(l);
	stop(&b);
}

static void
checks(void)
{
	check_learning(MODEL_MLM, PLAN_POSITIONS, PLAN_MLM, ACTIVATION_GELU);
	check_learning(MODEL_SEQUENCE, PLAN_FIRST, PLAN_SEQUENCE, ACTIVATION_TANH);
	check_learning(MODEL_TOKEN, PLAN_POSITIONS, PLAN_TOKEN, ACTIVATION_GELU);
	for (int is_frugal = 0; is_frugal < 2; is_frugal++) {
		check_inputs(PLAN_FIRST, 0, is_frugal);
		check_inputs(PLAN_ALL, 0, is_frugal);
		check_inputs(PLAN_MEAN, -1, is_frugal);
		check_inputs(PLAN_FIRST, -2, is_frugal);
	}
	check_bits();
	check_bf16(MODEL_MLM, PLAN_POSITIONS, PLAN_MLM);
	check_bf16(MODEL_SEQUENCE, PLAN_FIRST, PLAN_SEQUENCE);
	check_dropout();
	check_frozen();
	check_failure();
}

TESTS_UNDER_EACH_ISA(checks)

int
main(void)
{
	const struct CMUnitTest tests[] = { UNDER_EACH_ISA };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
