/* The whole network on small random models against a plain reading of the paper in double
 * precision; and the same bits whatever the batch, the threads and the rows that are asked for. */

#include "bert_aid.h"
#include "network_aid.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "nn/cpu_isa.h"
#include "nn/embed.h"
#include "nn/forward.h"

/* ---- running ours ---- */

enum { VOCAB = 50, POSITIONS = 600 };

static const struct model_config small = { .class = MODEL_MLM,
	.layers = 3,
	.hidden = 64,
	.heads = 2,
	.ffn = 96,
	.vocab = VOCAB,
	.positions = POSITIONS,
	.type_vocab = 2,
	.activation = ACTIVATION_RELU,
	.layer_norm_eps = 1e-12f };

/* Cells of these lengths with random ids, all but the first token of which is averaged. */
static struct forward_cells
make_cells(struct arena *a, const size_t *lengths, size_t n)
{
	size_t *offsets = arena_zero(a, n + 1, sizeof(*offsets)),
	       *from = arena_alloc(a, n, sizeof(*from));
	size_t *to = arena_alloc(a, n, sizeof(*to));
	int32_t *ids;

	for (size_t i = 0; i < n; i++) {
		offsets[i + 1] = offsets[i] + lengths[i];
		from[i] = lengths[i] > 1;
		to[i] = lengths[i];
	}
	ids = arena_alloc(a, offsets[n], sizeof(*ids));
	for (size_t i = 0; i < offsets[n]; i++)
		ids[i] = (int32_t)aid_number_below(VOCAB);
	return (
	    struct forward_cells){ .n = n, .ids = ids, .offsets = offsets, .from = from, .to = to };
}

/* Two positions of each cell: its last token and one in the middle. */
static void
add_positions(struct arena *a, struct forward_cells *cells)
{
	size_t *positions = arena_alloc(a, 2 * cells->n, sizeof(*positions));
	size_t *cu = arena_alloc(a, cells->n + 1, sizeof(*cu));

	for (size_t i = 0; i <= cells->n; i++)
		cu[i] = 2 * i;
	for (size_t i = 0; i < cells->n; i++) {
		positions[2 * i] = cells->offsets[i + 1] - cells->offsets[i] - 1;
		positions[2 * i + 1] = positions[2 * i] / 2;
	}
	cells->positions = positions;
	cells->cu_positions = cu;
}

/* One of the cells by itself. */
static struct forward_cells
one_of(struct arena *a, const struct forward_cells *cells, size_t i)
{
	struct forward_cells one = *cells;
	size_t *offsets = arena_zero(a, 2, sizeof(*offsets));

	offsets[1] = cells->offsets[i + 1] - cells->offsets[i];
	one.n = 1;
	one.ids += cells->offsets[i];
	one.offsets = offsets;
	one.from += i;
	one.to += i;
	if (cells->positions) {
		size_t *cu = arena_zero(a, 2, sizeof(*cu));

		cu[1] = cells->cu_positions[i + 1] - cells->cu_positions[i];
		one.positions += cells->cu_positions[i];
		one.cu_positions = cu;
	}
	return one;
}

struct run {
	struct backend *backend;
	struct network *net;
	struct forward *forward;
	struct plan plan;
};

static struct run
start(const struct model *m, enum precision precision, enum plan_rows rows, enum plan_head head,
    int layer)
{
	struct run r = { 0 };
	struct err e = { 0 };

	r.backend = backend_open(DEVICE_CPU, precision, &e);
	expect(r.backend != NULL, "%s", e.text);
	expect(plan_make(&r.plan, m, rows, head, layer, &e) == 0, "%s", e.text);
	r.net = network_create(r.backend, m, &r.plan);
	expect(network_prepare(r.net, 2, &e) == 0, "%s", e.text);
	r.forward = forward_create(r.net);
	return r;
}

static void
stop(struct run *r)
{
	forward_free(r->forward);
	network_free(r->net);
	backend_close(r->backend);
}

static float *
compute(struct arena *a, struct run *r, const struct forward_cells *cells)
{
	float *out = arena_alloc(a, forward_rows(&r->plan, cells), r->plan.width * sizeof(*out));
	struct err e = { 0 };

	expect(forward_run(r->forward, cells, out, &e) == 0, "%s", e.text);
	return out;
}

static float *
compute_once(struct arena *a, const struct model *m, enum precision precision, enum plan_rows rows,
    enum plan_head head, int layer, const struct forward_cells *cells)
{
	struct run r = start(m, precision, rows, head, layer);
	float *out = compute(a, &r, cells);

	stop(&r);
	return out;
}

/* ---- against the definition ---- */

static void
expect_near(const float *ours, const double *theirs, size_t n, double limit, const char *what)
{
	for (size_t i = 0; i < n; i++)
		expect(fabs((double)ours[i] - theirs[i]) <= limit, "%s: value %zu is %g, not %g",
		    what, i, (double)ours[i], theirs[i]);
}

/* Everything that can be asked of the hidden states of a layer. */
static void
check_layer(struct arena *a, const struct model *m, int layer, const struct forward_cells *cells)
{
	size_t h = m->config.hidden, layers = (size_t)((int)m->config.layers + layer);
	float *first = compute_once(a, m, PRECISION_F32, PLAN_FIRST, PLAN_HIDDEN, layer, cells);
	float *mean = compute_once(a, m, PRECISION_F32, PLAN_MEAN, PLAN_HIDDEN, layer, cells);
	float *some = compute_once(a, m, PRECISION_F32, PLAN_POSITIONS, PLAN_HIDDEN, layer, cells);
	float *all = compute_once(a, m, PRECISION_F32, PLAN_ALL, PLAN_HIDDEN, layer, cells);

	for (size_t c = 0; c < cells->n; c++) {
		size_t at = cells->offsets[c], n = cells->offsets[c + 1] - at;
		double *x = bert_hidden(a, m, cells->ids + at, n, layers),
		       *sum = arena_zero(a, h, sizeof(*sum));

		for (size_t r = cells->from[c]; r < cells->to[c]; r++)
			for (size_t i = 0; i < h; i++)
				sum[i] += x[r * h + i] / (double)(cells->to[c] - cells->from[c]);
		expect_near(first + c * h, x, h, 3e-5, "first");
		expect_near(mean + c * h, sum, h, 3e-5, "mean");
		expect_near(some + 2 * c * h, x + (n - 1) * h, h, 3e-5, "last position");
		expect_near(
		    some + (2 * c + 1) * h, x + (n - 1) / 2 * h, h, 3e-5, "middle position");
		expect_near(all + at * h, x, n * h, 3e-5, "all");
	}
}

static void
check_shapes(void)
{
	static const struct {
		size_t hidden, heads, ffn;
		enum activation f;
	} shapes[] = {
		{ 64, 1, 128, ACTIVATION_RELU },
		{ 64, 2, 96, ACTIVATION_GELU },
		{ 48, 3, 80, ACTIVATION_RELU },
		{ 48, 1, 100, ACTIVATION_TANH },
		{ 160, 2, 200, ACTIVATION_RELU },
	};
	static const size_t lengths[] = { 1, 2, 17, 40, 5 };

	for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++) {
		struct arena a = { 0 };
		struct model_config config = small;
		struct forward_cells cells = make_cells(&a, lengths, 5);
		struct model *m;

		config.hidden = shapes[s].hidden;
		config.heads = shapes[s].heads;
		config.ffn = shapes[s].ffn;
		config.activation = shapes[s].f;
		m = aid_model(&a, &config);
		add_positions(&a, &cells);
		check_layer(&a, m, 0, &cells);
		arena_free(&a);
	}
}

static void
check_layers_and_lengths(void)
{
	static const size_t lengths[] = { 300, 1, 64, 257 };
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	struct forward_cells cells = make_cells(&a, lengths, 4);

	add_positions(&a, &cells);
	for (int layer = 0; layer >= -3; layer--)
		check_layer(&a, m, layer, &cells);
	arena_free(&a);
}

static void
check_mlm(void)
{
	static const size_t lengths[] = { 9, 200, 33 };
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	struct forward_cells cells = make_cells(&a, lengths, 3);
	size_t h = small.hidden;
	float *logits = compute_once(&a, m, PRECISION_F32, PLAN_ALL, PLAN_MLM, 0, &cells);

	for (size_t c = 0; c < cells.n; c++) {
		size_t at = cells.offsets[c], n = cells.offsets[c + 1] - at;
		double *x = bert_hidden(&a, m, cells.ids + at, n, 3);

		x = bert_dense(&a, x, n, m->mlm_dense_weight, m->mlm_dense_bias, h, h);
		bert_activate(ACTIVATION_RELU, x, n * h);
		bert_norm(x, NULL, n, h, m->mlm_norm_weight, m->mlm_norm_bias, 1e-12f);
		x = bert_dense(&a, x, n, m->decoder_weight, m->decoder_bias, VOCAB, h);
		expect_near(logits + at * VOCAB, x, n * VOCAB, 1e-4, "masked-LM");
	}
	arena_free(&a);
}

static void check_classifier(enum model_class class)
{
	static const size_t lengths[] = { 9, 200, 33 };
	bool is_sequence = class == MODEL_SEQUENCE;
	struct arena a = { 0 };
	struct model_config config = small;
	struct forward_cells cells = make_cells(&a, lengths, 3);
	struct model *m;
	float *logits;

	config.class = class;
	config.n_labels = 5;
	m = aid_model(&a, &config);
	logits = compute_once(&a, m, PRECISION_F32, is_sequence ? PLAN_FIRST : PLAN_ALL,
	    is_sequence ? PLAN_SEQUENCE : PLAN_TOKEN, 0, &cells);
	for (size_t c = 0; c < cells.n; c++) {
		size_t at = cells.offsets[c], n = is_sequence ? 1 : cells.offsets[c + 1] - at;
		double *x = bert_hidden(&a, m, cells.ids + at, cells.offsets[c + 1] - at, 3);

		if (is_sequence) {
			x = bert_dense(&a, x, 1, m->pooler_weight, m->pooler_bias, 64, 64);
			bert_activate(ACTIVATION_TANH, x, 64);
		}
		x = bert_dense(&a, x, n, m->head[0].weight, m->head[0].bias, 5, 64);
		expect_near(logits + (is_sequence ? c : at) * 5, x, n * 5, 1e-4, "logits");
	}
	arena_free(&a);
}

/* ---- the same bits ---- */

/* One cell at a time, against all at once, in another order. */
static void
check_batches(enum precision precision, enum plan_rows rows)
{
	static const size_t lengths[] = { 1, 300, 16, 600, 33, 257, 100, 2 };
	struct arena a = { 0 };
	struct model_config config = small;
	struct forward_cells cells = make_cells(&a, lengths, 8);
	struct run r;
	float *all;

	config.hidden = 128;
	config.ffn = 384;
	r = start(aid_model(&a, &config), precision, rows, PLAN_HIDDEN, 0);
	add_positions(&a, &cells);
	all = compute(&a, &r, &cells);
	for (size_t i = cells.n; i-- > 0;) {
		struct forward_cells one = one_of(&a, &cells, i);
		size_t n = forward_rows(&r.plan, &one);
		size_t at = rows == PLAN_ALL ? cells.offsets[i] : i * n;

		expect(memcmp(compute(&a, &r, &one), all + at * 128, n * 128 * sizeof(float)) == 0,
		    "cell %zu has other bits by itself (rows %d, precision %d)", i, rows,
		    precision);
	}
	stop(&r);
	arena_free(&a);
}

/* What is computed for some rows only are the bits of those rows where all are computed. */
static void
check_narrow_layer(enum precision precision)
{
	static const size_t lengths[] = { 70, 1, 300 };
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	struct forward_cells cells = make_cells(&a, lengths, 3);
	float *all, *first, *some;

	add_positions(&a, &cells);
	all = compute_once(&a, m, precision, PLAN_ALL, PLAN_HIDDEN, 0, &cells);
	first = compute_once(&a, m, precision, PLAN_FIRST, PLAN_HIDDEN, 0, &cells);
	some = compute_once(&a, m, precision, PLAN_POSITIONS, PLAN_HIDDEN, 0, &cells);
	for (size_t i = 0; i < 3; i++) {
		size_t at = cells.offsets[i], last = cells.offsets[i + 1] - 1;

		expect(memcmp(first + i * 64, all + at * 64, 64 * sizeof(float)) == 0,
		    "first row of cell %zu", i);
		expect(memcmp(some + 2 * i * 64, all + last * 64, 64 * sizeof(float)) == 0,
		    "last row of cell %zu", i);
	}
	arena_free(&a);
}

static void
check_bf16(void)
{
	static const size_t lengths[] = { 1, 20, 300, 64 };
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	struct forward_cells cells = make_cells(&a, lengths, 4);
	float *bf16 = compute_once(&a, m, PRECISION_BF16, PLAN_MEAN, PLAN_HIDDEN, -1, &cells);

	for (size_t c = 0; c < 4; c++) {
		float *f32 = compute_once(&a, m, PRECISION_F32, PLAN_MEAN, PLAN_HIDDEN, -1, &cells);
		double dot = 0, x = 0, y = 0;

		for (size_t i = c * 64; i < (c + 1) * 64; i++) {
			dot += (double)f32[i] * (double)bf16[i];
			x += (double)f32[i] * (double)f32[i];
			y += (double)bf16[i] * (double)bf16[i];
		}
		expect(
		    dot / sqrt(x * y) >= 0.9999, "bf16: cell %zu: cosine %g", c, dot / sqrt(x * y));
	}
	arena_free(&a);
}

static void
checks(void)
{
	struct err e = { 0 };
	enum cpu_isa isa;

	check_shapes();
	check_layers_and_lengths();
	check_mlm();
	check_classifier(MODEL_SEQUENCE);
	check_classifier(MODEL_TOKEN);
	for (int rows = PLAN_FIRST; rows <= PLAN_ALL; rows++)
		check_batches(PRECISION_F32, (enum plan_rows)rows);
	check_narrow_layer(PRECISION_F32);
	expect(cpu_isa_find(&isa, &e) == 0, "%s", e.text);
	if (isa < CPU_ISA_AVX512) {
		expect(
		    backend_open(DEVICE_CPU, PRECISION_BF16, &e) == NULL, "bf16 without AVX-512");
		return;
	}
	for (int rows = PLAN_FIRST; rows <= PLAN_ALL; rows++)
		check_batches(PRECISION_BF16, (enum plan_rows)rows);
	check_narrow_layer(PRECISION_BF16);
	check_bf16();
	if (!cpu_isa_has_vnni(isa)) {
		expect(backend_open(DEVICE_CPU, PRECISION_INT8, &e) == NULL, "int8 without VNNI");
		return;
	}
	for (int rows = PLAN_FIRST; rows <= PLAN_ALL; rows++)
		check_batches(PRECISION_INT8, (enum plan_rows)rows);
}

TESTS_UNDER_EACH_ISA(checks)

/* ---- threads and options ---- */

struct job {
	struct embedder *embedder;
	size_t worker;
	struct embed_cells cells;
	float *out;
	struct err err;
	pthread_t thread;
};

static void *
run_job(void *argument)
{
	struct job *j = argument;

	for (int i = 0; i < 3 && !j->err.is_set; i++)
		embedder_run(j->embedder, j->worker, &j->cells, j->out, &j->err);
	return NULL;
}

/* Four threads at once on the same weights, each with all cells, against one. */
static void
threads_agree(void **state)
{
	static const size_t lengths[] = { 120, 1, 333, 16, 16, 70 };
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	struct forward_cells cells = make_cells(&a, lengths, 6);
	struct embed_options options = { EMBED_MEAN, -1, "auto", "f32", 4 };
	float *expected = compute_once(&a, m, PRECISION_F32, PLAN_MEAN, PLAN_HIDDEN, -1, &cells);
	struct job jobs[4];
	struct err e = { 0 };
	struct embedder *embedder = embedder_open(m, &options, &e);

	(void)state;
	assert_non_null(embedder);
	assert_string_equal(embedder_precision(embedder), "f32");
	for (size_t i = 0; i < 4; i++) {
		jobs[i] = (struct job){ .embedder = embedder,
			.worker = i,
			.cells = { cells.n, cells.ids, cells.offsets, cells.from, cells.to },
			.out = arena_zero(&a, cells.n * 64, sizeof(float)) };
		assert_int_equal(pthread_create(&jobs[i].thread, NULL, run_job, &jobs[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		pthread_join(jobs[i].thread, NULL);
		assert_false(jobs[i].err.is_set);
		assert_memory_equal(jobs[i].out, expected, cells.n * 64 * sizeof(float));
	}
	embedder_close(embedder);
	arena_free(&a);
}

static void
expect_refused(const struct model *m, struct embed_options options, const char *text)
{
	struct err e = { 0 };

	assert_null(embedder_open(m, &options, &e));
	assert_string_equal(e.text, text);
}

static void
refuses_what_is_not_there(void **state)
{
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	struct err e = { 0 };
	struct plan plan;

	(void)state;
	expect_refused(m, (struct embed_options){ EMBED_FIRST, 1, "cpu", "f32", 1 },
	    "layer 1: the model has the layers 0 (its last) to -3 (its embeddings)");
	expect_refused(m, (struct embed_options){ EMBED_FIRST, -4, "cpu", "f32", 1 },
	    "layer -4: the model has the layers 0 (its last) to -3 (its embeddings)");
	expect_refused(m, (struct embed_options){ EMBED_FIRST, 0, "tpu", "f32", 1 },
	    "device tpu: not one of auto, cpu, cuda");
	expect_refused(m, (struct embed_options){ EMBED_FIRST, 0, "cpu", "f64", 1 },
	    "precision f64: not one of auto, f32, bf16, fp16, int8");
	expect_refused(m, (struct embed_options){ EMBED_FIRST, 0, "cpu", "fp16", 1 },
	    "precision fp16: the CPU backend has f32, bf16 and int8");
	assert_int_equal(plan_make(&plan, m, PLAN_FIRST, PLAN_SEQUENCE, 0, &e), -1);
	assert_string_equal(e.text, "small: no sequence classification head");
	arena_free(&a);
}

/* The plan computes no layer and no row that is not asked for. */
static void
plans_no_more_than_needed(void **state)
{
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	struct err e = { 0 };
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(&plan, m, PLAN_FIRST, PLAN_HIDDEN, -1, &e), 0);
	assert_int_equal(plan.layers, 2);
	assert_true(plan.is_last_narrow);
	assert_int_equal(plan.width, 64);
	assert_int_equal(plan_make(&plan, m, PLAN_MEAN, PLAN_HIDDEN, 0, &e), 0);
	assert_int_equal(plan.layers, 3);
	assert_false(plan.is_last_narrow);
	assert_int_equal(plan_make(&plan, m, PLAN_FIRST, PLAN_HIDDEN, -3, &e), 0);
	assert_int_equal(plan.layers, 0);
	assert_false(plan.is_last_narrow);
	assert_int_equal(plan_make(&plan, m, PLAN_POSITIONS, PLAN_MLM, 0, &e), 0);
	assert_true(plan.is_last_narrow);
	assert_int_equal(plan.width, VOCAB);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNDER_EACH_ISA,
		cmocka_unit_test(threads_agree),
		cmocka_unit_test(refuses_what_is_not_there),
		cmocka_unit_test(plans_no_more_than_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
