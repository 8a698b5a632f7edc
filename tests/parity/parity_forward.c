/* parity_forward.c - the network against the reference's float64, on all cells of a golden file in
 *one batch.
 *
 *	parity_forward MODEL GOLDEN f32|bf16
 *
 * Prints for each kind of output the greatest absolute difference and the least cosine of a row.
 *f32: exit 1 where a difference is above 3e-5; bf16: where the cosine of an embedding is below
 *0.9999, or a logit is off by 0.1. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/safetensors.h"
#include "nn/forward.h"

struct golden {
	struct safetensors *file;
	const struct model *model;
	struct backend *backend;
	struct forward_cells cells;
	size_t *offsets;
};

struct worst {
	double difference, cosine;
};

static bool is_bf16;
static int status;

static void
stop(const struct err *e)
{
	fprintf(stderr, "parity_forward: %s\n", e->text);
	exit(1);
}

static const void *
data_of(const struct golden *g, const char *name)
{
	const struct tensor *t = safetensors_find(g->file, name);

	if (t)
		return t->data;
	fprintf(stderr, "parity_forward: no tensor %s\n", name);
	exit(1);
}

static void
compare(struct worst *w, const float *ours, const double *theirs, size_t n)
{
	double dot = 0, a = 0, b = 0;

	for (size_t i = 0; i < n; i++) {
		double difference = fabs((double)ours[i] - theirs[i]);

		w->difference = difference <= w->difference ? w->difference : difference;
		dot += (double)ours[i] * theirs[i];
		a += (double)ours[i] * (double)ours[i];
		b += theirs[i] * theirs[i];
	}
	if (!(dot / sqrt(a * b) >= w->cosine))
		w->cosine = dot / sqrt(a * b);
}

static void
report(const char *what, int layer, const struct worst *w, bool is_logit)
{
	bool is_good = w->difference <= (is_bf16 ? 0.1 : 3e-5) && (is_logit || w->cosine >= 0.9999);

	printf("%-10s layer %2d: difference %.2g, 1 - cosine %.2g%s\n", what, layer, w->difference,
	    1 - w->cosine, is_good ? "" : "  TOO FAR");
	status |= !is_good;
}

/* The plan's output for all cells; the caller frees it. */
static float *
run(const struct golden *g, enum plan_rows rows, enum plan_head head, int layer,
    const struct forward_cells *cells)
{
	struct err e = { 0 };
	struct plan plan;
	struct network *net;
	struct forward *f;
	float *out;

	if (plan_make(&plan, g->model, rows, head, layer, &e))
		stop(&e);
	net = network_create(g->backend, g->model, &plan);
	if (network_prepare(net, 2, &e))
		stop(&e);
	f = forward_create(net);
	out = mem_alloc(forward_rows(&plan, cells), plan.width * sizeof(*out));
	if (forward_run(f, cells, out, &e))
		stop(&e);
	forward_free(f);
	network_free(net);
	return out;
}

/* Cells with k of the positions [n][k] each; free positions and cu_positions. */
static struct forward_cells
with_positions(const struct golden *g, const int32_t *positions, size_t k)
{
	struct forward_cells cells = g->cells;
	size_t *at = mem_alloc(cells.n * k, sizeof(*at)), *cu = mem_alloc(cells.n + 1, sizeof(*cu));

	for (size_t i = 0; i < cells.n * k; i++)
		at[i] = (size_t)positions[i];
	for (size_t i = 0; i <= cells.n; i++)
		cu[i] = i * k;
	cells.positions = at;
	cells.cu_positions = cu;
	return cells;
}

static void
free_positions(struct forward_cells *cells)
{
	free((void *)(uintptr_t)cells->positions);
	free((void *)(uintptr_t)cells->cu_positions);
}

/* hidden.f64 is [n][L + 1][5][H]: cls, mean, three positions. */
static void
check_layer(const struct golden *g, size_t l)
{
	size_t h = g->model->config.hidden, n_states = g->model->config.layers + 1;
	int layer = (int)l - (int)g->model->config.layers;
	const double *hidden = data_of(g, "hidden.f64");
	const int32_t *rows = data_of(g, "rows");
	struct forward_cells some = with_positions(g, rows, 3);
	float *cls = run(g, PLAN_FIRST, PLAN_HIDDEN, layer, &g->cells);
	float *mean = run(g, PLAN_MEAN, PLAN_HIDDEN, layer, &g->cells);
	float *three = run(g, PLAN_POSITIONS, PLAN_HIDDEN, layer, &some);
	float *all = run(g, PLAN_ALL, PLAN_HIDDEN, layer, &g->cells);
	struct worst w[4] = { { 0, 1 }, { 0, 1 }, { 0, 1 }, { 0, 1 } };

	for (size_t i = 0; i < g->cells.n; i++) {
		const double *expected = hidden + (i * n_states + l) * 5 * h;

		compare(&w[0], cls + i * h, expected, h);
		compare(&w[1], mean + i * h, expected + h, h);
		compare(&w[3], all + g->offsets[i] * h, expected, h);
		for (size_t k = 0; k < 3; k++) {
			size_t row = g->offsets[i] + (size_t)rows[3 * i + k];

			compare(&w[2], three + (3 * i + k) * h, expected + (2 + k) * h, h);
			compare(&w[3], all + row * h, expected + (2 + k) * h, h);
		}
	}
	report("cls", layer, &w[0], false);
	report("mean", layer, &w[1], false);
	report("positions", layer, &w[2], false);
	report("genes", layer, &w[3], false);
	free(cls);
	free(mean);
	free(three);
	free(all);
	free_positions(&some);
}

static float
logsumexp(const float *x, size_t n)
{
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++)
		max = (double)x[i] > max ? (double)x[i] : max;
	for (size_t i = 0; i < n; i++)
		sum += exp((double)x[i] - max);
	return (float)(max + log(sum));
}

static void
check_mlm(const struct golden *g)
{
	size_t vocab = g->model->config.vocab;
	const int32_t *fixed = data_of(g, "fixed_ids"), *top = data_of(g, "top_ids.f64");
	const double *fixed_logits = data_of(g, "fixed_logits.f64"),
		     *top_logits = data_of(g, "top_logits.f64");
	const double *sums = data_of(g, "logsumexp.f64");
	struct forward_cells some = with_positions(g, data_of(g, "logit_pos"), 4);
	float *logits = run(g, PLAN_POSITIONS, PLAN_MLM, 0, &some);
	struct worst w = { 0, 1 }, w_sum = { 0, 1 };

	for (size_t r = 0; r < 4 * g->cells.n; r++) {
		float at_fixed[20], at_top[20], sum = logsumexp(logits + r * vocab, vocab);

		for (size_t k = 0; k < 20; k++) {
			at_fixed[k] = logits[r * vocab + (size_t)fixed[k]];
			at_top[k] = logits[r * vocab + (size_t)top[r * 20 + k]];
		}
		compare(&w, at_fixed, fixed_logits + r * 20, 20);
		compare(&w, at_top, top_logits + r * 20, 20);
		compare(&w_sum, &sum, sums + r, 1);
	}
	report("mlm", 0, &w, true);
	report("logsumexp", 0, &w_sum, true);
	free(logits);
	free_positions(&some);
}

static void
check_logits(const struct golden *g, enum plan_rows rows, enum plan_head head)
{
	size_t n_labels = g->model->config.n_labels;
	size_t n = rows == PLAN_ALL ? g->offsets[g->cells.n] : g->cells.n;
	const double *expected = data_of(g, "logits.f64");
	float *logits = run(g, rows, head, 0, &g->cells);
	struct worst w = { 0, 1 };

	for (size_t i = 0; i < n; i++)
		compare(&w, logits + i * n_labels, expected + i * n_labels, n_labels);
	report("logits", 0, &w, true);
	free(logits);
}

static void
read_cells(struct golden *g)
{
	const struct tensor *t = safetensors_find(g->file, "offsets");
	const int64_t *offsets = data_of(g, "offsets");
	size_t n = t->count - 1, *from = mem_zero(n, sizeof(*from)),
	       *to = mem_alloc(n, sizeof(*to));

	g->offsets = mem_alloc(n + 1, sizeof(*g->offsets));
	for (size_t i = 0; i <= n; i++)
		g->offsets[i] = (size_t)offsets[i];
	for (size_t i = 0; i < n; i++)
		to[i] = g->offsets[i + 1] - g->offsets[i];
	g->cells = (struct forward_cells){
		.n = n, .ids = data_of(g, "ids"), .offsets = g->offsets, .from = from, .to = to
	};
}

int
main(int argc, char **argv)
{
	struct golden g = { 0 };
	struct err e = { 0 };
	enum precision precision;
	struct model *model;

	if (argc != 4 || precision_parse(argv[3], &precision, &e))
		return 2;
	is_bf16 = precision == PRECISION_BF16;
	g.backend = backend_open(DEVICE_CPU, precision, &e);
	if (!g.backend)
		stop(&e);
	g.model = model = model_open(argv[1], &e);
	if (model)
		g.file = safetensors_open(argv[2], &e);
	if (!g.file)
		stop(&e);
	read_cells(&g);
	printf("%s, %s, %zu cells, %zu tokens\n", g.backend->name,
	    precision_name(g.backend->precision), g.cells.n, g.offsets[g.cells.n]);
	for (size_t l = 0; l <= model->config.layers; l++)
		check_layer(&g, l);
	if (model->config.class == MODEL_MLM)
		check_mlm(&g);
	else if (model->config.class == MODEL_SEQUENCE)
		check_logits(&g, PLAN_FIRST, PLAN_SEQUENCE);
	else
		check_logits(&g, PLAN_ALL, PLAN_TOKEN);
	free((void *)(uintptr_t)g.cells.from);
	free((void *)(uintptr_t)g.cells.to);
	free(g.offsets);
	backend_close(g.backend);
	safetensors_close(g.file);
	model_close(model);
	return status;
}
