/* Every kind of classifier on small random models against its definition in double precision; and
 * the same bits whatever the batch. */

#include "bert_aid.h"
#include "network_aid.h"

#include <math.h>
#include <string.h>

#include "nn/cpu_isa.h"
#include "nn/embed.h"

enum { VOCAB = 50, POSITIONS = 400, HIDDEN = 48, INNER = 21, LABELS = 4, N_CELLS = 6 };

static const struct model_config small = { .class = MODEL_SEQUENCE,
	.layers = 2,
	.hidden = HIDDEN,
	.heads = 2,
	.ffn = 96,
	.vocab = VOCAB,
	.positions = POSITIONS,
	.type_vocab = 2,
	.activation = ACTIVATION_RELU,
	.layer_norm_eps = 1e-12f,
	.n_labels = LABELS };

/* Which head is a perceptron: -1 none. */
struct kind {
	enum model_class class;
	bool is_pooled;
	int perceptron;
};

static const struct kind kinds[] = {
	{ MODEL_SEQUENCE, false, -1 },
	{ MODEL_SEQUENCE, false, 0 },
	{ MODEL_SEQUENCE, true, -1 },
	{ MODEL_SEQUENCE, true, 0 },
	{ MODEL_TOKEN, false, -1 },
	{ MODEL_TOKEN, false, 0 },
	{ MODEL_MULTITASK, false, -1 },
	{ MODEL_MULTITASK, true, 1 },
};

static struct model *
make_model(struct arena *a, const struct kind *kind)
{
	struct model_config config = small;
	struct model *m;

	config.class = kind->class;
	m = aid_model(a, &config);
	if (kind->is_pooled)
		m->attention_pool = aid_numbers(a, HIDDEN, 0.5f);
	if (kind->perceptron >= 0) {
		struct model_head *head = &m->head[kind->perceptron];

		head->n_hidden = INNER;
		head->dense_weight = aid_numbers(a, INNER * HIDDEN, 0.3f);
		head->dense_bias = aid_numbers(a, INNER, 0.2f);
		head->weight = aid_numbers(a, head->n_labels * INNER, 0.3f);
	}
	return m;
}

static struct embed_cells
make_cells(struct arena *a)
{
	static const size_t lengths[N_CELLS] = { 9, 1, 300, 33, 16, 2 };
	size_t *offsets = arena_zero(a, N_CELLS + 1, sizeof(*offsets));
	int32_t *ids;

	for (size_t i = 0; i < N_CELLS; i++)
		offsets[i + 1] = offsets[i] + lengths[i];
	ids = arena_alloc(a, offsets[N_CELLS], sizeof(*ids));
	for (size_t i = 0; i < offsets[N_CELLS]; i++)
		ids[i] = (int32_t)aid_number_below(VOCAB);
	return (struct embed_cells){ .n = N_CELLS, .ids = ids, .offsets = offsets };
}

/* ---- the definition ---- */

/* The sum of n rows, each times its share in the softmax of their products with w. */
static double *
pool(struct arena *a, const double *x, size_t n, const float *w)
{
	double *out = arena_zero(a, HIDDEN, sizeof(*out)), *e = arena_zero(a, n, sizeof(*e));
	double total = 0;

	for (size_t r = 0; r < n; r++) {
		for (size_t i = 0; i < HIDDEN; i++)
			e[r] += x[r * HIDDEN + i] * (double)w[i];
		total += exp(e[r]);
	}
	for (size_t r = 0; r < n; r++)
		for (size_t i = 0; i < HIDDEN; i++)
			out[i] += exp(e[r]) / total * x[r * HIDDEN + i];
	return out;
}

/* What the heads see of a cell: [rows][HIDDEN]. */
static double *
seen(struct arena *a, const struct model *m, double *x, size_t n)
{
	double *y;

	if (m->attention_pool)
		return pool(a, x, n, m->attention_pool);
	if (m->config.class != MODEL_SEQUENCE || m->head[0].n_hidden)
		return x;
	y = bert_dense(a, x, 1, m->pooler_weight, m->pooler_bias, HIDDEN, HIDDEN);
	bert_activate(ACTIVATION_TANH, y, HIDDEN);
	return y;
}

static double *
head_logits(struct arena *a, const struct model_head *head, const double *x, size_t rows)
{
	double *y;

	if (!head->n_hidden)
		return bert_dense(a, x, rows, head->weight, head->bias, head->n_labels, HIDDEN);
	y = bert_dense(a, x, rows, head->dense_weight, head->dense_bias, INNER, HIDDEN);
	bert_activate(ACTIVATION_TANH, y, rows * INNER);
	return bert_dense(a, y, rows, head->weight, head->bias, head->n_labels, INNER);
}

/* ---- against ours ---- */

static void
expect_near(float ours, double theirs, const char *what, size_t row, size_t i)
{
	expect(fabs((double)ours - theirs) <= 3e-5, "%s: row %zu: value %zu is %g, not %g", what,
	    row, i, (double)ours, theirs);
}

/* One cell's rows: the logits of all heads one after the other, then what they saw. */
static void
check_cell(struct arena *a, const struct model *m, const int32_t *ids, size_t n, const float *ours,
    size_t width)
{
	double *x = seen(a, m, bert_hidden(a, m, ids, n, m->config.layers), n);
	size_t rows = m->config.class == MODEL_TOKEN ? n : 1, at = 0;

	for (size_t h = 0; h < m->n_heads_out; h++) {
		size_t labels = m->head[h].n_labels;
		double *logits = head_logits(a, &m->head[h], x, rows);

		for (size_t r = 0; r < rows; r++)
			for (size_t i = 0; i < labels; i++)
				expect_near(ours[r * width + at + i], logits[r * labels + i],
				    "logits", r, i);
		at += labels;
	}
	for (size_t r = 0; r < rows && width > at; r++)
		for (size_t i = 0; i < HIDDEN; i++)
			expect_near(ours[r * width + at + i], x[r * HIDDEN + i], "vectors", r, i);
}

static size_t
first_row(const struct plan *plan, const struct embed_cells *cells, size_t cell)
{
	return plan->rows == PLAN_ALL ? cells->offsets[cell] : cell;
}

static struct embedder *
open_classes(const struct model *m, const char *precision, bool has_vectors, struct plan *plan)
{
	struct err e = { 0 };
	struct embedder *embedder;

	expect(plan_make_classes(plan, m, has_vectors, &e) == 0, "%s", e.text);
	embedder = embedder_open_plan(m, plan, "cpu", precision, 1, &e);
	expect(embedder != NULL, "%s", e.text);
	return embedder;
}

static float *
run(struct arena *a, struct embedder *embedder, const struct embed_cells *cells)
{
	const struct plan *plan = embedder_plan(embedder);
	float *out = arena_alloc(a, first_row(plan, cells, cells->n), plan->width * sizeof(*out));
	struct err e = { 0 };

	expect(embedder_run(embedder, 0, cells, out, &e) == 0, "%s", e.text);
	return out;
}

/* With and without vectors; then each cell by itself has the same bits. */
static void
check_kind(const struct kind *kind, const char *precision)
{
	struct arena a = { 0 };
	struct model *m = make_model(&a, kind);
	struct embed_cells cells = make_cells(&a);

	for (int has_vectors = 0; has_vectors < 2; has_vectors++) {
		struct plan plan;
		struct embedder *embedder = open_classes(m, precision, has_vectors, &plan);
		float *out = run(&a, embedder, &cells);

		for (size_t i = 0; i < cells.n; i++) {
			size_t offsets[2] = { 0, cells.offsets[i + 1] - cells.offsets[i] };
			const int32_t *ids = cells.ids + cells.offsets[i];
			const float *ours = out + first_row(&plan, &cells, i) * plan.width;
			struct embed_cells one = { .n = 1, .ids = ids, .offsets = offsets };
			size_t rows = first_row(&plan, &one, 1);

			if (strcmp(precision, "f32") == 0)
				check_cell(&a, m, ids, offsets[1], ours, plan.width);
			expect(memcmp(run(&a, embedder, &one), ours,
				   rows * plan.width * sizeof(float)) == 0,
			    "cell %zu has other bits by itself (%s)", i, precision);
		}
		embedder_close(embedder);
	}
	arena_free(&a);
}

static void
checks(void)
{
	struct err e = { 0 };
	enum cpu_isa isa;

	expect(cpu_isa_find(&isa, &e) == 0, "%s", e.text);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		check_kind(&kinds[i], "f32");
		if (isa >= CPU_ISA_AVX512)
			check_kind(&kinds[i], "bf16");
	}
}

TESTS_UNDER_EACH_ISA(checks)

static void
plans_what_the_model_has(void **state)
{
	struct arena a = { 0 };
	struct plan plan;
	struct err e = { 0 };
	struct model *m = make_model(&a, &kinds[0]);

	(void)state;
	assert_int_equal(plan_make_classes(&plan, m, false, &e), 0);
	assert_int_equal(plan.rows, PLAN_FIRST);
	assert_int_equal(plan.width, LABELS);
	assert_true(plan.is_last_narrow);
	m = make_model(&a, &kinds[7]);
	assert_int_equal(plan_make_classes(&plan, m, true, &e), 0);
	assert_int_equal(plan.rows, PLAN_POOLED);
	assert_int_equal(plan.width, 3 * LABELS + 3 + HIDDEN);
	assert_false(plan.is_last_narrow);
	m = make_model(&a, &kinds[4]);
	assert_int_equal(plan_make_classes(&plan, m, true, &e), 0);
	assert_int_equal(plan.rows, PLAN_ALL);
	m->n_heads_out = 0;
	assert_int_equal(plan_make_classes(&plan, m, true, &e), -1);
	assert_string_equal(e.text,
	    "small: the model has no classification head; gfembed makes embeddings with it");
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_what_the_model_has),
		UNDER_EACH_ISA,
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
