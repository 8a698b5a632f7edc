/* bench_forward.c - speed of the network on random weights of a released model's shape.
 *
 *	bench_forward V1-10M|V2-104M|V2-316M TOKENS THREADS PRECISION [SECONDS [DEVICE [PEAK]]]
 *
 * Prints cells a second through all layers (mean of the last); the same for a second of processor
 *time, which tells more on a busy machine, and what that is in GFLOP/s; the time to prepare the
 *weights; and the speed of attention alone, again by processor time. On another DEVICE than the CPU
 *a call has as many cells as its batch, and what is told is tokens a second, and which share that
 *is of the device's PEAK in TFLOP/s. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "nn/cpu_attention.h"
#include "nn/embed.h"

struct shape {
	const char *name;
	size_t layers, hidden, ffn, vocab, positions;
};

static const struct shape shapes[] = {
	{ "V1-10M", 6, 256, 512, 25426, 2048 },
	{ "V2-104M", 12, 768, 3072, 20275, 4096 },
	{ "V2-316M", 18, 1152, 4608, 20275, 4096 },
};

struct worker {
	pthread_t thread;
	struct embedder *embedder;
	size_t number, tokens, hidden, n, cells; /* n: cells in a call */
	double until;
};

static double
seconds_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double
now(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

/* n values of about this size, freed with the model's arena. */
static const float *
numbers(struct arena *arena, size_t n, float size)
{
	static uint32_t state = 1;
	float *x = arena_alloc(arena, n, sizeof(*x));

	for (size_t i = 0; i < n; i++) {
		state = state * 1664525u + 1013904223u;
		x[i] = ((float)(state >> 8) / 8388608.0f - 1) * size;
	}
	return x;
}

static void
make_layer(struct arena *a, struct model_layer *l, size_t h, size_t ffn)
{
	*l = (struct model_layer){ .query_weight = numbers(a, h * h, 0.05f),
		.query_bias = numbers(a, h, 0.1f),
		.key_weight = numbers(a, h * h, 0.05f),
		.key_bias = numbers(a, h, 0.1f),
		.value_weight = numbers(a, h * h, 0.05f),
		.value_bias = numbers(a, h, 0.1f),
		.attention_output_weight = numbers(a, h * h, 0.05f),
		.attention_output_bias = numbers(a, h, 0.1f),
		.attention_norm_weight = numbers(a, h, 1),
		.attention_norm_bias = numbers(a, h, 0.1f),
		.ffn_weight = numbers(a, ffn * h, 0.05f),
		.ffn_bias = numbers(a, ffn, 0.1f),
		.ffn_output_weight = numbers(a, h * ffn, 0.05f),
		.ffn_output_bias = numbers(a, h, 0.1f),
		.ffn_norm_weight = numbers(a, h, 1),
		.ffn_norm_bias = numbers(a, h, 0.1f) };
}

static void
make_model(struct arena *a, struct model *m, const struct shape *s)
{
	size_t h = s->hidden;

	*m = (struct model){ .config = { .class = MODEL_MLM,
				 .layers = s->layers,
				 .hidden = h,
				 .heads = h / 64,
				 .ffn = s->ffn,
				 .vocab = s->vocab,
				 .positions = s->positions,
				 .type_vocab = 2,
				 .activation = ACTIVATION_RELU,
				 .layer_norm_eps = 1e-12f } };
	m->path = arena_strdup(a, s->name);
	m->word_embeddings = numbers(a, s->vocab * h, 0.1f);
	m->position_embeddings = numbers(a, s->positions * h, 0.1f);
	m->type_embeddings = numbers(a, 2 * h, 0.1f);
	m->embedding_norm_weight = numbers(a, h, 1);
	m->embedding_norm_bias = numbers(a, h, 0.1f);
	m->layer = arena_zero(a, s->layers, sizeof(*m->layer));
	for (size_t i = 0; i < s->layers; i++)
		make_layer(a, &m->layer[i], h, s->ffn);
}

/* One call after the other, until the time is over. */
static void *
work(void *argument)
{
	struct worker *w = argument;
	int32_t *ids = mem_alloc(w->n * w->tokens, sizeof(*ids));
	float *out = mem_alloc(w->n * w->hidden, sizeof(*out));
	size_t *offsets = mem_zero(3 * w->n + 1, sizeof(*offsets)), *from = offsets + w->n + 1;
	struct embed_cells cells = { w->n, ids, offsets, from, from + w->n };
	struct err e = { 0 };

	for (size_t i = 0; i < w->n; i++) {
		offsets[i + 1] = offsets[i] + w->tokens;
		from[w->n + i] = w->tokens;
	}
	for (size_t i = 0; i < w->n * w->tokens; i++)
		ids[i] = (int32_t)(i % w->tokens * 7 % 20000);
	do {
		embedder_run(w->embedder, w->number, &cells, out, &e);
		w->cells += w->n;
	} while (now() < w->until && !e.is_set);
	if (e.is_set)
		fprintf(stderr, "bench_forward: %s\n", e.text);
	free(ids);
	free(out);
	free(offsets);
	return NULL;
}

static size_t
cells_in_a_call(const struct embedder *embedder, size_t tokens)
{
	size_t n = embedder_batch_tokens(embedder) / tokens;

	return strncmp(embedder_device(embedder), "cpu", 3) == 0 || n < 1 ? 1 : n;
}

/* By the clock, and by processor time. */
static void
cells_a_second(struct embedder *embedder, const struct shape *s, size_t tokens, size_t threads,
    double seconds, double ret[2])
{
	struct worker *w = mem_zero(threads, sizeof(*w));
	double start = now(), start_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	size_t cells = 0;

	for (size_t i = 0; i < threads; i++) {
		w[i] = (struct worker){ .embedder = embedder,
			.number = i,
			.tokens = tokens,
			.n = cells_in_a_call(embedder, tokens),
			.hidden = s->hidden,
			.until = start + seconds };
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			abort();
	}
	for (size_t i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		cells += w[i].cells;
	}
	ret[0] = (double)cells / (now() - start);
	ret[1] = (double)cells / (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start_cpu);
	free(w);
}

static double
attention_speed(struct arena *a, size_t heads, size_t tokens, bool is_bf16)
{
	size_t n = tokens * heads * 64, cu[2] = { 0, tokens };
	float *out = arena_alloc(a, n, sizeof(*out));
	struct attention_call call = { numbers(a, n, 2), numbers(a, n, 2), numbers(a, n, 1), out,
		cu, cu, 1, heads, 64 };
	struct attention_scratch *scratch = attention_scratch_create();
	struct err e = { 0 };
	double start, taken = 0;
	const struct attention_kernel *kernel;
	enum cpu_isa isa;
	int runs = 0;

	if (cpu_isa_find(&isa, &e))
		return 0;
	kernel = attention_kernel(isa, is_bf16);
	attention_run(kernel, &call, scratch);
	start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	for (; taken < 1; taken = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start, runs++)
		attention_run(kernel, &call, scratch);
	attention_scratch_free(scratch);
	return 4.0 * (double)tokens * (double)n * runs / taken / 1e9;
}

int
main(int argc, char **argv)
{
	struct embed_options options = { .pool = EMBED_MEAN, .layer = 0, .device = "cpu" };
	const struct shape *s = shapes;
	struct arena arena = { 0 };
	struct err e = { 0 };
	struct embedder *embedder;
	struct model model;
	double start, linear, attention, speed[2];
	size_t n;

	if (argc < 5)
		return 2;
	while (s < shapes + 2 && strcmp(argv[1], s->name) != 0)
		s++;
	n = strtoul(argv[2], NULL, 10);
	options.workers = strtoul(argv[3], NULL, 10);
	options.precision = argv[4];
	options.device = argc > 6 ? argv[6] : options.device;
	make_model(&arena, &model, s);
	start = now();
	embedder = embedder_open(&model, &options, &e);
	if (!embedder) {
		fprintf(stderr, "bench_forward: %s\n", e.text);
		return 1;
	}
	start = now() - start;
	linear = 2.0 * (double)(n * s->layers) *
		 (double)(4 * s->hidden * s->hidden + 2 * s->hidden * s->ffn);
	attention = 4.0 * (double)(n * n) * (double)(s->hidden * s->layers);
	cells_a_second(embedder, s, n, options.workers, 0, speed);
	cells_a_second(
	    embedder, s, n, options.workers, argc > 5 ? strtod(argv[5], NULL) : 5, speed);
	if (strncmp(embedder_device(embedder), "cpu", 3) != 0) {
		double peak = argc > 7 ? strtod(argv[7], NULL) : 0;

		printf("%s %zu tokens, %s %s, %zu threads: %.1f cells/s, %.0f tokens/s, %.1f "
		       "TFLOP/s (%.1f %% of %.0f); prepared in %.2f s\n",
		    s->name, n, embedder_device(embedder), embedder_precision(embedder),
		    options.workers, speed[0], speed[0] * (double)n,
		    speed[0] * (linear + attention) / 1e12,
		    peak > 0 ? speed[0] * (linear + attention) / 1e10 / peak : 0, peak, start);
		embedder_close(embedder);
		arena_free(&arena);
		return 0;
	}
	printf("%s %zu tokens, %s %s, %zu threads: %.3f cells/s, %.3f a CPU second (%.0f GFLOP/s); "
	       "prepared in "
	       "%.2f s; attention %.0f GFLOP/s\n",
	    s->name, n, embedder_device(embedder), embedder_precision(embedder), options.workers,
	    speed[0], speed[1], speed[1] * (linear + attention) / 1e9, start,
	    attention_speed(
		&arena, s->hidden / 64, n, strcmp(embedder_precision(embedder), "bf16") == 0));
	embedder_close(embedder);
	arena_free(&arena);
	return 0;
}
