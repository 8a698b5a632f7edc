/* The backend of GPUs against that of the CPU, operation by operation and as whole networks; and
 * that a row's bits are its own.
 *
 * Everything runs on the emulated device (tests/emulation), in both orders of its threads, and on a
 * real one where the object beside the programs finds it. Numbers are multiples of 1 / 64 up to 1,
 * which the 16-bit types hold exactly: so products differ by the rounding of results only. */

#include "network_aid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/backend.h"

/* ---- devices ---- */

static struct backend *cpu, *gpu;
static double unit; /* half the distance of two numbers at 1, in the precision of the GPU */
static bool is_emulated;

/* "FOLDER/../emulated/NAME" beside this program. */
static const char *
emulated_object(const char *name)
{
	static char path[4200];
	char program[4096] = "";
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[n > 0 ? n : 0] = '\0';
	if (strrchr(program, '/'))
		*strrchr(program, '/') = '\0';
	snprintf(path, sizeof(path), "%s/../emulated/%s", program, name);
	return path;
}

static void
open_both(enum precision precision)
{
	struct err e = { 0 };

	cpu = backend_open(DEVICE_CPU, PRECISION_F32, &e);
	expect(cpu != NULL, "%s", e.text);
	gpu = backend_open(DEVICE_CUDA, precision, &e);
	expect(gpu != NULL, "%s", e.text);
	is_emulated = strstr(gpu->name, "emulated") != NULL;
	unit = precision == PRECISION_F32    ? 6e-8
	       : precision == PRECISION_BF16 ? 1 / 512.0
					     : 1 / 4096.0;
}

static void
close_both(void)
{
	backend_close(cpu);
	backend_close(gpu);
}

/* ---- numbers ---- */

/* Multiples of 1 / 64 from -1 to 1. */
static float *
exact_numbers(struct arena *a, size_t n)
{
	float *x = arena_alloc(a, n, sizeof(*x));

	for (size_t i = 0; i < n; i++)
		x[i] = ((float)aid_number_below(129) - 64) / 64;
	return x;
}

static struct activations *
loaded(struct backend *b, struct workspace *ws, const float *x, size_t n, size_t columns)
{
	struct activations *a = b->op->activations_create(ws, columns);

	b->op->activations_shape(a, n);
	b->op->load(ws, x, (struct rows){ a, 0, n });
	return a;
}

static struct activations *
shaped(struct backend *b, struct workspace *ws, size_t n, size_t columns)
{
	struct activations *a = b->op->activations_create(ws, columns);

	b->op->activations_shape(a, n);
	return a;
}

static float *
fetched(struct arena *arena, struct backend *b, struct workspace *ws, struct activations *a,
    size_t from, size_t n, size_t columns)
{
	float *x = arena_alloc(arena, n * columns, sizeof(*x));
	struct err e = { 0 };

	expect(b->op->fetch(ws, (struct rows){ a, from, n }, x, &e) == 0, "%s", e.text);
	return x;
}

/* |x - y| <= limit * (1 + |y|), or neither is a number. */
static void
expect_near(const float *x, const float *y, size_t n, double limit, const char *what)
{
	for (size_t i = 0; i < n; i++)
		expect((isnan(x[i]) && isnan(y[i])) ||
			   fabs((double)x[i] - (double)y[i]) <= limit * (1 + fabs((double)y[i])),
		    "%s: number %zu of %zu is %g, not %g (limit %g)", what, i, n, (double)x[i],
		    (double)y[i], limit);
}

static void
expect_equal(const float *x, const float *y, size_t n, const char *what)
{
	expect(memcmp(x, y, n * sizeof(*x)) == 0, "%s: other bits", what);
}

/* ---- linear layers ---- */

struct linear_case {
	size_t n_out, n_in, n;
	enum activation f;
	bool has_residual, is_result, has_bias;
};

static float *
run_linear(struct arena *a, struct backend *b, const struct linear_case *c, const float *weight,
    const float *bias, const float *x, const float *residual, size_t n)
{
	const struct backend_ops *op = b->op;
	struct workspace *ws = op->workspace_create(b);
	struct linear *w = op->linear_create(b, weight, bias, c->n_out, c->n_in, c->f);
	struct activations *in = loaded(b, ws, x, n, c->n_in);
	struct activations *out =
	    c->has_residual ? loaded(b, ws, residual, n, c->n_out) : shaped(b, ws, n, c->n_out);
	struct rows from = { in, 0, n }, to = { out, 0, n };
	struct err e = { 0 };
	float *ret;

	expect(op->linear_prepare(w, &e) == 0, "%s", e.text);
	if (c->is_result && op->activations_widen)
		op->activations_widen(out);
	if (c->has_residual)
		op->linear_add(ws, w, from, to, to);
	else
		op->linear(ws, w, from, to);
	ret = fetched(a, b, ws, out, 0, n, c->n_out);
	op->activations_free(in);
	op->activations_free(out);
	op->linear_free(w);
	op->workspace_free(ws);
	return ret;
}

static void
check_linear_case(const struct linear_case *c)
{
	struct arena a = { 0 };
	float *weight = exact_numbers(&a, c->n_out * c->n_in);
	float *bias = c->has_bias ? exact_numbers(&a, c->n_out) : NULL;
	float *x = exact_numbers(&a, c->n * c->n_in);
	float *residual = exact_numbers(&a, c->n * c->n_out), *one;
	float *ours = run_linear(&a, gpu, c, weight, bias, x, residual, c->n);
	float *theirs = run_linear(&a, cpu, c, weight, bias, x, residual, c->n);
	bool is_wide = c->is_result || c->has_residual;
	char text[100];

	snprintf(text, sizeof(text), "linear %zu x %zu, %zu rows, f %d%s%s", c->n_out, c->n_in,
	    c->n, c->f, c->has_residual ? ", residual" : "", c->is_result ? ", result" : "");
	expect_near(ours, theirs, c->n * c->n_out, is_wide ? 2e-6 : 2e-6 + 2 * unit, text);
	one = run_linear(&a, gpu, c, weight, bias, x + (c->n - 1) * c->n_in,
	    residual + (c->n - 1) * c->n_out, 1);
	expect_equal(one, ours + (c->n - 1) * c->n_out, c->n_out, text);
	arena_free(&a);
}

static void
check_linear(void)
{
	static const struct linear_case cases[] = {
		{ 64, 64, 1, ACTIVATION_NONE, false, false, true },
		{ 96, 64, 130, ACTIVATION_RELU, false, false, true },
		{ 64, 96, 130, ACTIVATION_NONE, true, false, true },
		{ 96, 32, 9, ACTIVATION_GELU, false, false, true },
		{ 32, 32, 9, ACTIVATION_GELU_TANH, false, false, true },
		{ 32, 32, 9, ACTIVATION_SILU, false, false, true },
		{ 32, 32, 9, ACTIVATION_TANH, false, true, true },
		{ 8, 16, 3, ACTIVATION_RELU, false, true, true },
		{ 40, 24, 70, ACTIVATION_NONE, false, true, false },
		/* No multiples of 8: our own kernel. */
		{ 7, 5, 9, ACTIVATION_TANH, false, true, true },
		{ 1, 3, 40, ACTIVATION_NONE, false, true, true },
		{ 33, 64, 17, ACTIVATION_RELU, false, false, false },
		{ 20, 50, 33, ACTIVATION_NONE, true, false, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_linear_case(&cases[i]);
}

/* ---- rows ---- */

static struct model *
small_model(struct arena *a, size_t hidden, size_t heads, enum model_class class)
{
	const struct model_config config = { .class = class,
		.layers = 2,
		.hidden = hidden,
		.heads = heads,
		.ffn = 96,
		.vocab = 50,
		.positions = 300,
		.type_vocab = 2,
		.activation = ACTIVATION_RELU,
		.layer_norm_eps = 1e-12f,
		.n_labels = class == MODEL_MLM ? 0 : 3 };

	return aid_model(a, &config);
}

static float *
run_embedding(struct arena *a, struct backend *b, const struct model *m, const int32_t *ids,
    const int32_t *positions, size_t n)
{
	const struct backend_ops *op = b->op;
	size_t h = m->config.hidden;
	struct workspace *ws = op->workspace_create(b);
	struct embedding *w = op->embedding_create(b, m);
	struct activations *out = shaped(b, ws, n, h);
	struct norm *norm =
	    op->norm_create(b, m->layer[0].ffn_norm_weight, m->layer[0].ffn_norm_bias, h, 1e-5f);
	float *ret;

	op->embed(ws, w, ids, positions, (struct rows){ out, 0, n });
	op->normalize(ws, norm, (struct rows){ out, 0, n }, (struct rows){ out, 0, n });
	ret = fetched(a, b, ws, out, 0, n, h);
	op->activations_free(out);
	op->norm_free(norm);
	op->embedding_free(w);
	op->workspace_free(ws);
	return ret;
}

static void
check_embedding(void)
{
	static const size_t sizes[] = { 64, 20, 1, 256 };
	struct arena a = { 0 };
	int32_t ids[9], positions[9];

	for (size_t i = 0; i < 9; i++) {
		ids[i] = (int32_t)aid_number_below(50);
		positions[i] = (int32_t)aid_number_below(300);
	}
	for (size_t s = 0; s < 4; s++) {
		struct model *m = small_model(&a, sizes[s], 1, MODEL_MLM);
		float *ours = run_embedding(&a, gpu, m, ids, positions, 9);

		expect_near(ours, run_embedding(&a, cpu, m, ids, positions, 9), 9 * sizes[s], 2e-5,
		    "embedding");
		expect_equal(run_embedding(&a, gpu, m, ids + 4, positions + 4, 1),
		    ours + 4 * sizes[s], sizes[s], "embedding of one token");
	}
	arena_free(&a);
}

enum { ROWS = 20 };

/* What the operations on rows give one after the other, all in one array. */
static float *
run_rows(struct arena *a, struct backend *b, const float *x, const float *y, const float *scores,
    size_t n, size_t columns, size_t heads, size_t *ret_n)
{
	static const size_t index[] = { 3, 0, 0, 6, 2 }, from[] = { 0, 1, 4 },
			    to[] = { ROWS, 2, 4 }, pool_to[] = { ROWS, 2, 6 };
	size_t rows[ROWS];
	const struct backend_ops *op = b->op;
	struct workspace *ws = op->workspace_create(b);
	struct activations *in = loaded(b, ws, x, n, columns),
			   *other = loaded(b, ws, y, n, columns);
	struct activations *taken = shaped(b, ws, 9, columns), *means = shaped(b, ws, 3, columns);
	struct activations *pools = shaped(b, ws, 3, columns);
	struct activations *sums = loaded(b, ws, scores, n, heads);
	struct activations *other_sums = loaded(b, ws, scores + n * heads, n, heads);
	struct pooling *pooling = op->pooling_create(b, y, columns);
	float *ret = arena_zero(a, (9 + 3 + 3 + n) * columns + n, sizeof(*ret)), *at = ret;
	double cosines[5];
	struct err e = { 0 };

	for (size_t i = 0; i < ROWS; i++)
		rows[i] = ROWS - 1 - i;

	op->gather(ws, in, index, (struct rows){ taken, 0, 5 });
	op->gather(ws, other, index + 1, (struct rows){ taken, 5, 4 });
	op->mean(ws, in, from, to, (struct rows){ means, 0, 3 });
	op->pool(ws, pooling, in, from, pool_to, (struct rows){ pools, 0, 3 });
	expect(op->cosine(ws, in, rows, other, index, 5, cosines, &e) == 0, "%s", e.text);
	op->attention_join(ws, heads, in, sums, other, other_sums, rows);
	memcpy(at, fetched(a, b, ws, taken, 0, 9, columns), 9 * columns * sizeof(*at));
	at += 9 * columns;
	memcpy(at, fetched(a, b, ws, means, 0, 3, columns), 3 * columns * sizeof(*at));
	at += 3 * columns;
	memcpy(at, fetched(a, b, ws, pools, 0, 3, columns), 3 * columns * sizeof(*at));
	at += 3 * columns;
	for (size_t i = 0; i < 5; i++)
		*at++ = (float)cosines[i];
	*ret_n = (size_t)(at - ret);
	memcpy(at, fetched(a, b, ws, in, 0, n, columns), n * columns * sizeof(*at));
	op->activations_free(in);
	op->activations_free(other);
	op->activations_free(taken);
	op->activations_free(means);
	op->activations_free(pools);
	op->activations_free(sums);
	op->activations_free(other_sums);
	op->pooling_free(pooling);
	op->workspace_free(ws);
	return ret;
}

/* All but the join are in float32 or move numbers that any precision has. */
static void
check_rows(void)
{
	static const size_t shapes[][2] = { { 64, 2 }, { 33, 3 }, { 7, 7 }, { 136, 1 } };

	for (size_t s = 0; s < 4; s++) {
		struct arena a = { 0 };
		size_t columns = shapes[s][0], heads = shapes[s][1], exact, n;
		float *x = exact_numbers(&a, ROWS * columns),
		      *y = exact_numbers(&a, ROWS * columns);
		float *scores = aid_numbers(&a, 2 * ROWS * heads, 3), *ours, *theirs;

		/* A row of zeros has a cosine of 0. */
		memset(x + (ROWS - 1) * columns, 0, columns * sizeof(*x));
		ours = run_rows(&a, gpu, x, y, scores, ROWS, columns, heads, &exact);
		theirs = run_rows(&a, cpu, x, y, scores, ROWS, columns, heads, &n);
		expect_near(ours, theirs, exact, 1e-6, "rows");
		expect_near(ours + exact, theirs + exact, ROWS * columns, 1e-6 + unit, "join");
		arena_free(&a);
	}
}

/* ---- attention ---- */

struct attention_case {
	size_t heads, d, n;
	size_t q[5], k[5]; /* [n]: queries and keys of each cell */
};

struct attention_result {
	float *out, *sums;
};

static struct attention_result
run_attention(struct arena *a, struct backend *b, const struct attention_case *c,
    const struct packing *cells, const float *q, const float *k, const float *v)
{
	const struct backend_ops *op = b->op;
	struct workspace *ws = op->workspace_create(b);
	size_t columns = c->heads * c->d, n_q = cells->cu_q[cells->n], n_k = cells->cu_k[cells->n];
	struct activations *qs = loaded(b, ws, q, n_q, columns);
	struct activations *ks = loaded(b, ws, k, n_k, columns);
	struct activations *vs = loaded(b, ws, v, n_k, columns);
	struct activations *out = shaped(b, ws, n_q, columns), *sums = shaped(b, ws, n_q, c->heads);
	struct attention_result ret;
	float *again;

	op->attention_sums(ws, c->heads, cells, qs, ks, vs, out, sums);
	ret.out = fetched(a, b, ws, out, 0, n_q, columns);
	ret.sums = fetched(a, b, ws, sums, 0, n_q, c->heads);
	op->attention(ws, c->heads, cells, qs, ks, vs, out);
	again = fetched(a, b, ws, out, 0, n_q, columns);
	expect_equal(again, ret.out, n_q * columns, "attention without sums");
	op->activations_free(qs);
	op->activations_free(ks);
	op->activations_free(vs);
	op->activations_free(out);
	op->activations_free(sums);
	op->workspace_free(ws);
	return ret;
}

/* The last cell by itself. */
static void
check_alone(struct arena *a, const struct attention_case *c, const struct packing *cells,
    const float *q, const float *k, const float *v, const struct attention_result *all)
{
	size_t last = cells->n - 1, columns = c->heads * c->d;
	size_t cu_q[2] = { 0, c->q[last] }, cu_k[2] = { 0, c->k[last] };
	struct packing one = { 1, cu_q, cu_k };
	struct attention_result alone;

	if (c->q[last] == 0)
		return;
	alone = run_attention(a, gpu, c, &one, q + cells->cu_q[last] * columns,
	    k + cells->cu_k[last] * columns, v + cells->cu_k[last] * columns);
	expect_equal(alone.out, all->out + cells->cu_q[last] * columns, c->q[last] * columns,
	    "attention of a cell alone");
	expect_equal(alone.sums, all->sums + cells->cu_q[last] * c->heads, c->q[last] * c->heads,
	    "sums of a cell alone");
}

static void
check_attention_case(const struct attention_case *c)
{
	struct arena a = { 0 };
	size_t cu_q[6] = { 0 }, cu_k[6] = { 0 }, columns = c->heads * c->d;
	struct packing cells = { c->n, cu_q, cu_k };
	struct attention_result ours, theirs;
	float *q, *k, *v;
	char text[100];

	for (size_t i = 0; i < c->n; i++) {
		cu_q[i + 1] = cu_q[i] + c->q[i];
		cu_k[i + 1] = cu_k[i] + c->k[i];
	}
	q = exact_numbers(&a, cu_q[c->n] * columns);
	k = exact_numbers(&a, cu_k[c->n] * columns);
	v = exact_numbers(&a, cu_k[c->n] * columns);
	snprintf(text, sizeof(text), "attention, %zu heads of %zu, %zu cells, first %zu x %zu",
	    c->heads, c->d, c->n, c->q[0], c->k[0]);
	ours = run_attention(&a, gpu, c, &cells, q, k, v);
	theirs = run_attention(&a, cpu, c, &cells, q, k, v);
	expect_near(ours.out, theirs.out, cu_q[c->n] * columns, 2e-6 + 2 * unit, text);
	expect_near(ours.sums, theirs.sums, cu_q[c->n] * c->heads, 1e-5, text);
	check_alone(&a, c, &cells, q, k, v, &ours);
	arena_free(&a);
}

static void
check_attention(void)
{
	static const size_t sizes[] = { 64, 16, 32, 48, 80, 96, 128, 8, 24, 20, 7, 1, 100, 127 };
	static const struct attention_case cells[] = {
		{ 1, 0, 1, { 1 }, { 1 } },
		{ 2, 0, 3, { 5, 0, 64 }, { 5, 3, 64 } },
		{ 1, 0, 2, { 65, 1 }, { 65, 200 } },
		{ 3, 0, 4, { 1, 1, 1, 2 }, { 33, 63, 128, 129 } },
	};
	struct attention_case longest = { 1, 64, 1, { 1 }, { 4096 } };

	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
			struct attention_case c = cells[i];

			c.d = sizes[s];
			if (s == 0 || i % 2 == s % 2 || !is_emulated)
				check_attention_case(&c);
		}
	if (!is_emulated)
		longest.q[0] = 4096;
	check_attention_case(&longest);
}

/* ---- in each precision, on each device ---- */

static void
check_all(void)
{
	static const enum precision precisions[] = { PRECISION_F32, PRECISION_BF16,
		PRECISION_FP16 };

	for (size_t i = 0; i < 3; i++) {
		open_both(precisions[i]);
		check_linear();
		check_embedding();
		check_rows();
		check_attention();
		close_both();
	}
}

static void
on_emulated_device(void **state)
{
	const char *const environment[] = { "CELLPIPE_CUDA", emulated_object("cellpipe-cuda.so"),
		NULL };

	(void)state;
	run_in_process(environment, check_all);
}

/* What threads leave for each other in shared memory, in the other order. */
static void
check_shared_memory(void)
{
	static const enum precision precisions[] = { PRECISION_F32, PRECISION_FP16 };

	for (size_t i = 0; i < 2; i++) {
		open_both(precisions[i]);
		check_rows();
		check_attention();
		close_both();
	}
}

static void
with_threads_reversed(void **state)
{
	const char *const environment[] = { "CELLPIPE_CUDA", emulated_object("cellpipe-cuda.so"),
		"CELLPIPE_EMULATED_REVERSED", "1", NULL };

	(void)state;
	run_in_process(environment, check_shared_memory);
}

/* cuBLASLt has nothing fit: our own kernel does it all. */
static void
check_own_products(void)
{
	open_both(PRECISION_BF16);
	check_linear();
	close_both();
}

static void
without_fit_products(void **state)
{
	const char *const environment[] = { "CELLPIPE_CUDA", emulated_object("cellpipe-cuda.so"),
		"CELLPIPE_EMULATED_PRODUCTS", "bad", NULL };

	(void)state;
	run_in_process(environment, check_own_products);
}

static void
on_real_device(void **state)
{
	(void)state;
	run_on_device(check_all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(on_emulated_device),
		cmocka_unit_test(with_threads_reversed), cmocka_unit_test(without_fit_products),
		cmocka_unit_test(on_real_device) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
