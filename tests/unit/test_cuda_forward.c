/* Whole networks on the emulated device, and on a real one where there is one: near the CPU's, the
 * same bits for every cell whatever is computed with it, and perturbations through the shared first
 * layer. */

#include "network_aid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/embed.h"
#include "nn/forward.h"

enum { VOCAB = 50, POSITIONS = 200, HIDDEN = 64 };

static const struct model_config small = { .class = MODEL_MLM,
	.layers = 2,
	.hidden = HIDDEN,
	.heads = 2,
	.ffn = 96,
	.vocab = VOCAB,
	.positions = POSITIONS,
	.type_vocab = 2,
	.activation = ACTIVATION_RELU,
	.layer_norm_eps = 1e-12f };

static const size_t offsets[] = { 0, 1, 71, 103, 105, 170 };

enum { CELLS = 5, TOKENS = 170 };

/* All cells; the first token of those that have more is left out of the mean. */
struct cells {
	int32_t ids[TOKENS];
	size_t from[CELLS], to[CELLS], positions[CELLS], cu_positions[CELLS + 1];
	struct forward_cells all;
};

static void
fill(struct cells *c)
{
	for (size_t i = 0; i < TOKENS; i++)
		c->ids[i] = (int32_t)aid_number_below(VOCAB);
	for (size_t i = 0; i < CELLS; i++) {
		c->to[i] = offsets[i + 1] - offsets[i];
		c->from[i] = c->to[i] > 1;
		c->positions[i] = c->to[i] - 1;
		c->cu_positions[i] = i;
	}
	c->cu_positions[CELLS] = CELLS;
	c->all = (struct forward_cells){ .n = CELLS,
		.ids = c->ids,
		.offsets = offsets,
		.from = c->from,
		.to = c->to,
		.positions = c->positions,
		.cu_positions = c->cu_positions };
}

static void
run_network(struct network *net, const struct forward_cells *cells, bool is_shared, float *ret)
{
	struct forward *f = forward_create(net);
	struct err e = { 0 };

	if (is_shared)
		forward_share_first_layer(f);
	expect(forward_run(f, cells, ret, &e) == 0, "%s", e.text);
	forward_free(f);
}

/* Cell i by itself. */
static void
run_one(struct network *net, const struct cells *c, size_t i, float *ret)
{
	size_t one[] = { 0, offsets[i + 1] - offsets[i] }, cu[] = { 0, 1 };
	struct forward_cells cell = { .n = 1,
		.ids = c->ids + offsets[i],
		.offsets = one,
		.from = c->from + i,
		.to = c->to + i,
		.positions = c->positions + i,
		.cu_positions = cu };

	run_network(net, &cell, false, ret);
}

static struct network *
make_network(struct backend *b, const struct model *m, const struct plan *plan)
{
	struct network *net = network_create(b, m, plan);
	struct err e = { 0 };

	expect(network_prepare(net, 2, &e) == 0, "%s", e.text);
	return net;
}

/* 1 - cosine of rows, and their greatest difference. */
static void
expect_like(const float *x, const float *y, size_t n, size_t width, double cosine, double most,
    const char *what)
{
	for (size_t r = 0; r < n; r++) {
		double xy = 0, xx = 0, yy = 0, worst = 0;

		for (size_t i = r * width; i < (r + 1) * width; i++) {
			double difference = fabs((double)x[i] - (double)y[i]);

			xy += (double)x[i] * (double)y[i];
			xx += (double)x[i] * (double)x[i];
			yy += (double)y[i] * (double)y[i];
			worst = difference <= worst ? worst : difference;
		}
		expect(1 - xy / sqrt(xx * yy) <= cosine && worst <= most,
		    "%s: row %zu: 1 - cosine %g, difference %g", what, r, 1 - xy / sqrt(xx * yy),
		    worst);
	}
}

struct limits {
	enum precision precision;
	double cosine, most;
};

static void
check_plan(
    const struct model *m, const struct limits *limits, enum plan_rows rows, enum plan_head head)
{
	struct err e = { 0 };
	struct backend *cpu = backend_open(DEVICE_CPU, PRECISION_F32, &e);
	struct backend *gpu = backend_open(DEVICE_CUDA, limits->precision, &e);
	struct network *theirs, *ours;
	struct cells c;
	struct plan plan;
	float *x, *y, *one;
	size_t n, at = 0;
	char text[100];

	fill(&c);
	expect(cpu && gpu, "%s", e.text);
	expect(plan_make(&plan, m, rows, head, 0, &e) == 0, "%s", e.text);
	theirs = make_network(cpu, m, &plan);
	ours = make_network(gpu, m, &plan);
	n = forward_rows(&plan, &c.all);
	x = mem_alloc(n, plan.width * sizeof(*x));
	y = mem_alloc(n, plan.width * sizeof(*y));
	one = mem_alloc(n, plan.width * sizeof(*one));
	snprintf(
	    text, sizeof(text), "rows %d, head %d, precision %d", rows, head, limits->precision);
	run_network(theirs, &c.all, false, y);
	run_network(ours, &c.all, false, x);
	expect_like(x, y, n, plan.width, limits->cosine, limits->most, text);
	for (size_t i = 0; i < CELLS; i++) {
		size_t part = rows == PLAN_ALL ? offsets[i + 1] - offsets[i] : 1;

		run_one(ours, &c, i, one);
		expect(memcmp(one, x + at * plan.width, part * plan.width * sizeof(*x)) == 0,
		    "%s: cell %zu has other bits by itself", text, i);
		at += part;
	}
	run_network(ours, &c.all, true, one);
	expect(memcmp(one, x, n * plan.width * sizeof(*x)) == 0,
	    "%s: other bits with a shared first layer", text);
	free(x);
	free(y);
	free(one);
	network_free(theirs);
	network_free(ours);
	backend_close(cpu);
	backend_close(gpu);
}

/* Cells that have all but a few tokens in common. */
static void
check_common(const struct model *m, const struct limits *limits)
{
	static const size_t near_offsets[] = { 0, 60, 119, 179 };
	struct err e = { 0 };
	struct backend *gpu = backend_open(DEVICE_CUDA, limits->precision, &e);
	struct network *net;
	struct plan plan;
	bool is_common[59];
	int32_t ids[179];
	struct forward_cells cells = { .n = 3, .ids = ids, .offsets = near_offsets };
	float *x = mem_alloc(179, HIDDEN * sizeof(*x)), *y = mem_alloc(179, HIDDEN * sizeof(*y));

	for (size_t i = 0; i < 59; i++) {
		int32_t id = (int32_t)aid_number_below(VOCAB);

		is_common[i] = i % 10 != 3;
		for (size_t k = 0; k < 3; k++)
			ids[near_offsets[k] + i] =
			    is_common[i] ? id : (int32_t)aid_number_below(VOCAB);
	}
	ids[59] = 1;
	ids[178] = 2;
	expect(plan_make(&plan, m, PLAN_ALL, PLAN_HIDDEN, 0, &e) == 0, "%s", e.text);
	net = make_network(gpu, m, &plan);
	run_network(net, &cells, true, y);
	cells.is_common = is_common;
	cells.n_common = 59;
	run_network(net, &cells, true, x);
	expect_like(x, y, 179, HIDDEN, limits->cosine, limits->most, "common tokens");
	free(x);
	free(y);
	network_free(net);
	backend_close(gpu);
}

/* The 16-bit limits are of this network of random weights, whose attention is sharper than that of
 * trained ones. */
static void
check_all(void)
{
	static const struct limits limits[] = { { PRECISION_F32, 1e-9, 1e-4 },
		{ PRECISION_FP16, 1e-5, 0.02 }, { PRECISION_BF16, 5e-4, 0.15 } };
	struct arena a = { 0 };
	struct model_config config = small;
	struct model *m = aid_model(&a, &config);

	for (size_t i = 0; i < 3; i++) {
		check_plan(m, &limits[i], PLAN_FIRST, PLAN_HIDDEN);
		check_plan(m, &limits[i], PLAN_MEAN, PLAN_HIDDEN);
		check_plan(m, &limits[i], PLAN_POSITIONS, PLAN_HIDDEN);
		check_plan(m, &limits[i], PLAN_ALL, PLAN_MLM);
		check_common(m, &limits[i]);
	}
	config.class = MODEL_SEQUENCE;
	config.n_labels = 3;
	config.activation = ACTIVATION_GELU;
	m = aid_model(&a, &config);
	check_plan(m, &limits[0], PLAN_FIRST, PLAN_SEQUENCE);
	check_plan(m, &limits[2], PLAN_FIRST, PLAN_SEQUENCE);
	arena_free(&a);
}

static const char *
emulated_object(void)
{
	static char path[4200];
	char program[4096] = "";
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[n > 0 ? n : 0] = '\0';
	if (strrchr(program, '/'))
		*strrchr(program, '/') = '\0';
	snprintf(path, sizeof(path), "%s/../emulated/cellpipe-cuda.so", program);
	return path;
}

static void
on_emulated_device(void **state)
{
	const char *const environment[] = { "CELLPIPE_CUDA", emulated_object(), NULL };

	(void)state;
	run_in_process(environment, check_all);
}

/* ---- faults ---- */

/* Embeds all cells at once; what it says where it cannot. */
static int
embed_all(float *ret, struct err *e)
{
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	struct embed_options options = { EMBED_MEAN, 0, "cuda", "bf16", 2 };
	struct embedder *embedder = embedder_open(m, &options, e);
	struct cells c;
	struct embed_cells cells = { CELLS, c.ids, offsets, c.from, c.to };
	int status = -1;

	fill(&c);
	if (embedder)
		status = embedder_run(embedder, 0, &cells, ret, e);
	embedder_close(embedder);
	arena_free(&a);
	return status;
}

static float expected[CELLS * HIDDEN];

static void
print_expected(void)
{
	struct err e = { 0 };
	FILE *f = fopen(getenv("EXPECTED"), "wb");

	expect(embed_all(expected, &e) == 0, "%s", e.text);
	expect(f && fwrite(expected, sizeof(expected), 1, f) == 1 && fclose(f) == 0, "no file");
}

static void
read_expected(void)
{
	FILE *f = fopen(getenv("EXPECTED"), "rb");

	expect(f && fread(expected, sizeof(expected), 1, f) == 1 && fclose(f) == 0, "no file");
}

/* With less and less memory the bits stay the same until one cell does not fit. */
static void
expect_same_or_full(void)
{
	float got[CELLS * HIDDEN];
	struct err e = { 0 };

	read_expected();
	if (embed_all(got, &e) == 0)
		expect(memcmp(got, expected, sizeof(got)) == 0, "other bits with less memory");
	else
		expect(strstr(e.text, "device cuda: its memory") != NULL, "%s", e.text);
}

static void
expect_same(void)
{
	float got[CELLS * HIDDEN];
	struct err e = { 0 };

	read_expected();
	expect(embed_all(got, &e) == 0, "%s", e.text);
	expect(memcmp(got, expected, sizeof(got)) == 0, "other bits");
}

static void
expect_full(void)
{
	float got[CELLS * HIDDEN];
	struct err e = { 0 };

	expect(embed_all(got, &e) != 0, "embeds without memory");
	expect(strstr(e.text, "device cuda: its memory") != NULL, "%s", e.text);
}

static void
with_little_memory(void **state)
{
	char path[] = "/tmp/cellpipe-cuda-XXXXXX", memory[30];
	const char *const environment[] = { "CELLPIPE_CUDA", emulated_object(), "EXPECTED", path,
		NULL, NULL, NULL };
	const char *with_memory[] = { environment[0], environment[1], "EXPECTED", path,
		"CELLPIPE_EMULATED_MEMORY", memory, NULL };
	int file = mkstemp(path);

	(void)state;
	assert_true(file >= 0);
	close(file);
	run_in_process(environment, print_expected);
	snprintf(memory, sizeof(memory), "%d", 40 << 20);
	run_in_process(with_memory, expect_full);
	for (size_t k = 0; k < 12; k++) {
		snprintf(memory, sizeof(memory), "%zu", (size_t)(39 << 20) + k * 100000);
		run_in_process(with_memory, expect_same_or_full);
	}
	snprintf(memory, sizeof(memory), "%d", 60 << 20);
	run_in_process(with_memory, expect_same);
	unlink(path);
}

static void
expect_lost(void)
{
	float got[CELLS * HIDDEN];
	struct err e = { 0 };

	expect(embed_all(got, &e) != 0, "embeds on a lost device");
	expect(strncmp(e.text, "device cuda: ", 13) == 0 &&
		   strstr(e.text, "unspecified launch failure") != NULL,
	    "%s", e.text);
}

static void
losing_the_device(void **state)
{
	char number[10];
	const char *const environment[] = { "CELLPIPE_CUDA", emulated_object(),
		"CELLPIPE_EMULATED_FAULT", number, NULL };

	(void)state;
	for (int i = 1; i < 64; i = i * 2 + 1) {
		snprintf(number, sizeof(number), "%d", i);
		run_in_process(environment, expect_lost);
	}
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
		cmocka_unit_test(with_little_memory), cmocka_unit_test(losing_the_device),
		cmocka_unit_test(on_real_device) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
