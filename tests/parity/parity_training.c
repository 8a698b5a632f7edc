/* parity_training.c - gradients and whole steps of learning against the reference's float64.
 *
 *	parity_training grads|steps|bf16 MODEL GOLDEN RATE WARMUP DECAY FROZEN
 *
 * grads: losses to 1e-5; each gradient's norm and sampled values to 1e-5 of the norm (that of the
 * keys' biases, which is 0 in exact arithmetic, to 1e-6). steps: as many as GOLDEN has, with clip 1
 * and a linear schedule; losses and the last logits to 1e-4, learning rates to 1e-12, sampled
 * weights to 5e-6 (keys' biases 5e-4). bf16: computed in bfloat16, losses to 1 % and the
 * cosine of the whole gradient with that in float32 to 0.999, of each tensor's to 0.99 (where ReLU
 * is near 0, rounding switches it). Each batch is cut into parts of 3 cells, for 2
 *threads.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/safetensors.h"
#include "nn/learner.h"
#include "nn/network.h"

enum { CELLS_A_PART = 3, SAMPLES = 8 };

static struct safetensors *golden;
static struct arena arena;
static int status;

static void
stop(const char *why)
{
	fprintf(stderr, "parity_training: %s\n", why);
	exit(2);
}

static const struct tensor *
tensor_of(const char *prefix, const char *name)
{
	const struct tensor *t =
	    safetensors_find(golden, arena_printf(&arena, "%s%s", prefix, name));

	if (!t)
		stop(name);
	return t;
}

/* The greatest of what was compared, each as a part of its limit. */
struct worst {
	const char *what;
	double part, difference;
	const char *where;
};

static void
compare(struct worst *w, double ours, double theirs, double limit, const char *where)
{
	double difference = fabs(ours - theirs);

	if (difference / limit <= w->part)
		return;
	w->part = difference / limit;
	w->difference = difference;
	w->where = where;
}

static void
report(const struct worst *w)
{
	printf("%-14s difference %.2g, %.2g of the limit%s%s%s\n", w->what, w->difference, w->part,
	    w->where ? " at " : "", w->where ? w->where : "", w->part <= 1 ? "" : "  TOO FAR");
	status |= !(w->part <= 1);
}

static bool
is_key_bias(const char *name)
{
	const char *end = "attention.self.key.bias";

	return strlen(name) > strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

/* ---- batches ---- */

struct batch {
	size_t n_cells, n_labels; /* labels that are used */
	size_t *offsets, *cu_positions, *positions;
	int32_t *ids, *labels;
};

static bool
is_real(const struct tensor *mask, size_t i)
{
	return mask->type == TENSOR_U8 ? ((const uint8_t *)mask->data)[i] != 0
				       : ((const int32_t *)mask->data)[i] != 0;
}

/* Rows without their padding; labels of tokens that are used, with their positions. */
static struct batch
read_batch(const char *prefix, bool has_labels)
{
	const struct tensor *ids = tensor_of(prefix, "input_ids"),
			    *mask = tensor_of(prefix, "attention_mask");
	const struct tensor *labels = has_labels ? tensor_of(prefix, "labels") : NULL;
	size_t rows = ids->shape[0], width = ids->shape[1], n = 0;
	struct batch b = { .n_cells = rows,
		.offsets = arena_zero(&arena, rows + 1, sizeof(size_t)),
		.cu_positions = arena_zero(&arena, rows + 1, sizeof(size_t)),
		.positions = arena_alloc(&arena, rows * width, sizeof(size_t)),
		.ids = arena_alloc(&arena, rows * width, sizeof(int32_t)),
		.labels = arena_alloc(&arena, rows * width, sizeof(int32_t)) };

	for (size_t r = 0; r < rows; r++) {
		for (size_t c = 0; c < width && is_real(mask, r * width + c); c++) {
			size_t at = r * width + c;

			b.ids[n++] = ((const int32_t *)ids->data)[at];
			if (!labels || labels->rank < 2 || ((const int32_t *)labels->data)[at] < 0)
				continue;
			b.positions[b.n_labels] = c;
			b.labels[b.n_labels++] = ((const int32_t *)labels->data)[at];
		}
		b.offsets[r + 1] = n;
		if (labels && labels->rank < 2)
			b.labels[b.n_labels++] = ((const int32_t *)labels->data)[r];
		b.cu_positions[r + 1] = b.n_labels;
	}
	return b;
}

/* The parts of a batch; factor: 1 / labels. Returns their number. */
static size_t
cut_batch(const struct batch *b, struct backward_part **ret, const double *factor)
{
	size_t n = (b->n_cells + CELLS_A_PART - 1) / CELLS_A_PART;
	struct backward_part *parts = arena_zero(&arena, n, sizeof(*parts));

	for (size_t i = 0; i < n; i++) {
		size_t first = i * CELLS_A_PART;
		size_t cells =
		    b->n_cells - first < CELLS_A_PART ? b->n_cells - first : CELLS_A_PART;
		struct forward_cells *c = arena_zero(&arena, 1, sizeof(*c));
		size_t *offsets = arena_alloc(&arena, cells + 1, sizeof(*offsets));
		size_t *cu = arena_alloc(&arena, cells + 1, sizeof(*cu));

		for (size_t k = 0; k <= cells; k++) {
			offsets[k] = b->offsets[first + k] - b->offsets[first];
			cu[k] = b->cu_positions[first + k] - b->cu_positions[first];
		}
		c->n = cells;
		c->ids = b->ids + b->offsets[first];
		c->offsets = offsets;
		c->positions = b->positions + b->cu_positions[first];
		c->cu_positions = cu;
		parts[i].cells = c;
		parts[i].labels = b->labels + b->cu_positions[first];
		parts[i].factors = factor;
	}
	*ret = parts;
	return n;
}

/* ---- one gradient ---- */

static struct backward_result
run_gradient(struct learner *l, const struct batch *b)
{
	double factor = 1 / (double)b->n_labels;
	struct backward_part *parts;
	struct backward_result result;
	struct err e = { 0 };
	size_t n = cut_batch(b, &parts, &factor);

	if (learner_gradient(l, parts, n, &result, &e))
		stop(e.text);
	return result;
}

static double
norm_of(const float *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	return sqrt(sum);
}

/* The names of the golden tables' rows are in the order of the file's index, which is ours but for
 * the head; so rows are matched by name. */
static void
check_gradients(
    struct learner *l, const struct parameters *p, char **names, size_t n_names, const char *prefix)
{
	const double *norms = tensor_of(prefix, "grad_norm.f64")->data;
	const int64_t *index = tensor_of(prefix, "grad_index")->data;
	const double *values = tensor_of(prefix, "grad_values.f64")->data;
	struct worst w = { .what = "gradient" }, w_key = { .what = "key biases" };

	for (size_t i = 0; i < n_names; i++) {
		const struct parameter *q = parameters_find(p, names[i]);
		bool is_key = is_key_bias(names[i]);
		double limit = is_key ? 1e-6 : 1e-5 * norms[i];
		const float *g;

		if (!q)
			stop(names[i]);
		g = learner_gradient_values(l) + q->from;
		compare(is_key ? &w_key : &w, norm_of(g, q->n), norms[i], limit, names[i]);
		for (size_t k = 0; k < SAMPLES; k++)
			compare(is_key ? &w_key : &w, (double)g[index[i * SAMPLES + k]],
			    values[i * SAMPLES + k], limit, names[i]);
	}
	report(&w);
	report(&w_key);
}

static void
check_batches(struct learner *l, const struct parameters *p, char **names, size_t n_names)
{
	for (int i = 0; i < 2; i++) {
		const char *prefix = i ? "batch1." : "batch0.";
		struct batch b = read_batch(prefix, true);
		struct backward_result r = run_gradient(l, &b);
		struct worst w = { .what = "loss" };

		compare(
		    &w, r.loss, *(const double *)tensor_of(prefix, "loss.f64")->data, 1e-5, prefix);
		report(&w);
		check_gradients(l, p, names, n_names, prefix);
	}
}

/* ---- steps ---- */

static void
check_logits(const struct parameters *p, const struct plan *plan)
{
	const struct tensor *t = tensor_of("eval.", "logits.f64");
	struct batch b = read_batch("eval.", false);
	struct forward_cells cells = { .n = b.n_cells, .ids = b.ids, .offsets = b.offsets };
	struct network *net = network_create(p->backend, &p->model, plan);
	float *logits = arena_alloc(&arena, t->count, sizeof(*logits));
	struct worst w = { .what = "last logits" };
	struct forward *f;
	struct err e = { 0 };

	if (network_prepare(net, 2, &e))
		stop(e.text);
	f = forward_create(net);
	if (forward_run(f, &cells, logits, &e))
		stop(e.text);
	for (size_t i = 0; i < t->count; i++)
		compare(&w, (double)logits[i], ((const double *)t->data)[i], 1e-4, NULL);
	report(&w);
	forward_free(f);
	network_free(net);
}

static void
check_weights(const struct parameters *p, char **names, size_t n_names)
{
	const int64_t *index = tensor_of("", "value_index")->data;
	const double *values = tensor_of("", "values.f64")->data;
	struct worst w = { .what = "weights" };

	for (size_t i = 0; i < n_names; i++) {
		const struct parameter *q = parameters_find(p, names[i]);

		if (!q)
			stop(names[i]);
		for (size_t k = 0; k < SAMPLES; k++)
			compare(&w, (double)p->values[q->from + (size_t)index[i * SAMPLES + k]],
			    values[i * SAMPLES + k], is_key_bias(names[i]) ? 5e-4 : 5e-6, names[i]);
	}
	report(&w);
}

static void
check_steps(struct learner *l, double rate, uint64_t warmup)
{
	const struct tensor *losses = tensor_of("", "loss.f64");
	const double *rates = tensor_of("", "lr")->data;
	const double *norms = tensor_of("", "grad_norm_before_clip.f64")->data;
	struct worst w = { .what = "losses" }, w_rate = { .what = "rates" };
	struct worst w_norm = { .what = "norms" };

	for (size_t i = 0; i < losses->count; i++) {
		char *prefix = arena_printf(&arena, "step%zu.", i);
		struct batch b = read_batch(prefix, true);
		struct backward_result r = run_gradient(l, &b);
		double now = rate * schedule_at(SCHEDULE_LINEAR, i, warmup, losses->count);

		compare(&w, r.loss, ((const double *)losses->data)[i], 1e-4, prefix);
		compare(&w_rate, now, rates[i], 1e-12, prefix);
		compare(&w_norm, learner_update(l, now), norms[i], 1e-4 * norms[i], prefix);
	}
	report(&w);
	report(&w_rate);
	report(&w_norm);
}

/* ---- bfloat16 ---- */

static double
cosine(const float *x, const float *y, size_t n)
{
	double xy = 0, size = norm_of(x, n) * norm_of(y, n);

	for (size_t i = 0; i < n; i++)
		xy += (double)x[i] * (double)y[i];
	return size > 0 ? xy / size : 1;
}

/* l: in float32. A CPU without bfloat16 passes, with a message. */
static void
check_bf16(struct learner *l, const struct model *m, const struct plan *plan,
    const struct learner_options *o)
{
	struct err e = { 0 };
	struct backend *backend = backend_open(DEVICE_CPU, PRECISION_BF16, &e);
	struct worst w = { .what = "bf16 gradient" }, w_loss = { .what = "bf16 loss" };
	struct worst w_all = { .what = "bf16, all" };
	const float *x = learner_gradient_values(l), *y;

	if (!backend) {
		printf("%s\n", e.text);
		return;
	}
	struct parameters *p = parameters_create(backend, m);
	struct learner *half = learner_create(p, plan, o);
	struct batch b = read_batch("batch0.", true);
	struct backward_result r = run_gradient(l, &b), s = run_gradient(half, &b);

	y = learner_gradient_values(half);
	compare(&w_loss, s.loss, r.loss, 0.01 * r.loss, NULL);
	compare(&w_all, cosine(x, y, p->n_values), 1, 1e-3, NULL);
	for (size_t i = 0; i < p->n; i++) {
		const struct parameter *q = &p->list[i];

		if (!is_key_bias(q->name))
			compare(&w, cosine(x + q->from, y + q->from, q->n), 1, 0.01, q->name);
	}
	report(&w_loss);
	report(&w_all);
	report(&w);
	learner_free(half);
	parameters_free(p);
	backend_close(backend);
}

/* ---- the program ---- */

/* The names of the tables' rows, one a line. */
static char **
read_names(size_t *ret_n)
{
	char **names = arena_alloc(&arena, 500, sizeof(*names)), line[300];

	for (*ret_n = 0; *ret_n < 500 && fgets(line, sizeof(line), stdin);) {
		line[strcspn(line, "\n")] = 0;
		names[(*ret_n)++] = arena_strdup(&arena, line);
	}
	return names;
}

static void
make_plan(const struct model *m, struct plan *plan)
{
	struct err e = { 0 };
	bool is_sequence = m->config.class == MODEL_SEQUENCE;
	enum plan_head head = m->config.class == MODEL_MLM     ? PLAN_MLM
			      : m->config.class == MODEL_TOKEN ? PLAN_TOKEN
							       : PLAN_SEQUENCE;

	if (plan_make(plan, m, is_sequence ? PLAN_FIRST : PLAN_POSITIONS, head, 0, &e))
		stop(e.text);
}

int
main(int argc, char **argv)
{
	struct learner_options options = { .adamw = { .clip = 1 }, .threads = 2 };
	struct err e = { 0 };
	struct plan plan;
	size_t n_names;
	char **names = read_names(&n_names);

	if (argc != 8)
		return 2;
	struct backend *backend = backend_open(DEVICE_CPU, PRECISION_F32, &e);
	struct model *model = backend ? model_open(argv[2], &e) : NULL;
	golden = model ? safetensors_open(argv[3], &e) : NULL;
	if (!golden)
		stop(e.text);
	if (!n_names)
		stop("no names on stdin");
	struct parameters *p = parameters_create(backend, model);
	make_plan(model, &plan);
	options.adamw.decay = strtod(argv[6], NULL);
	parameters_freeze_layers(p, strtoul(argv[7], NULL, 10));
	struct learner *l = learner_create(p, &plan, &options);

	if (strcmp(argv[1], "grads") == 0)
		check_batches(l, p, names, n_names);
	else if (strcmp(argv[1], "bf16") == 0)
		check_bf16(l, model, &plan, &options);
	else {
		check_steps(l, strtod(argv[4], NULL), strtoul(argv[5], NULL, 10));
		check_weights(p, names, n_names);
		if (model->config.class == MODEL_SEQUENCE)
			check_logits(p, &plan);
	}
	learner_free(l);
	parameters_free(p);
	safetensors_close(golden);
	model_close(model);
	backend_close(backend);
	arena_free(&arena);
	return status;
}
