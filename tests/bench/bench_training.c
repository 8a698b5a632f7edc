/* bench_training.c - speed of steps of learning on random weights of a released model's shape.
 *
 *	bench_training V1-10M|V2-104M mlm|class TOKENS CELLS THREADS PRECISION DROPOUT ATTENTION
 *
 * Each line of stdin is answered by one step over CELLS cells of TOKENS tokens: forward, loss,
 * backward, clipping, AdamW, in parts as gfpretrain cuts them. mlm: 15 % of the tokens are guessed;
 * class: four classes by the first token's state. DROPOUT, ATTENTION: rates of hidden states and of
 * attention. The answer is a line of JSON: the seconds and processor seconds of the step, of them
 * those of the gradient and of the update, and those of a forward pass and its loss alone, which is
 * without dropout. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "nn/learner.h"
#include "nn/model_start.h"
#include "nn/training_run.h"

enum { CLASSES = 4, OF_20 = 3 };

struct shape {
	const char *name;
	struct model_sizes sizes;
	size_t vocab;
};

static const struct shape shapes[] = {
	{ "V1-10M", { 6, 256, 4, 512, 2048 }, 25426 },
	{ "V2-104M", { 12, 768, 12, 3072, 4096 }, 20275 },
};

struct bench {
	struct arena arena;
	struct backend *backend;
	struct model *model;
	struct parameters *parameters;
	struct plan plan;
	struct learner *learner;
	struct backward_part *parts;
	size_t n_parts;
	double factor;
};

static double
seconds_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
stop(const char *why)
{
	fprintf(stderr, "bench_training: %s\n", why);
	exit(1);
}

static void
open_model(struct bench *b, const struct shape *s, bool is_mlm, const char *precision)
{
	struct model_config c = model_start_config(&s->sizes);
	enum precision p;
	struct err e = { 0 };

	c.vocab = s->vocab;
	c.class = is_mlm ? MODEL_MLM : MODEL_SEQUENCE;
	c.n_labels = is_mlm ? 0 : CLASSES;
	b->model = model_start(&c, 1);
	if (precision_parse(precision, &p, &e))
		stop(e.text);
	b->backend = backend_open(DEVICE_CPU, p, &e);
	if (!b->backend)
		stop(e.text);
	b->parameters = parameters_create(b->backend, b->model);
	if (plan_make(&b->plan, b->model, is_mlm ? PLAN_POSITIONS : PLAN_FIRST,
		is_mlm ? PLAN_MLM : PLAN_SEQUENCE, 0, &e))
		stop(e.text);
}

/* A part of n cells. mlm: three labels in each twenty tokens. Returns its labels. */
static size_t
make_part(struct bench *b, struct backward_part *part, size_t n, size_t tokens, bool is_mlm)
{
	struct arena *a = &b->arena;
	struct forward_cells *c = arena_zero(a, 1, sizeof(*c));
	size_t all = n * tokens, labels = 0;
	int32_t *ids = arena_alloc(a, all, sizeof(*ids)),
		*label = arena_alloc(a, all, sizeof(*label));
	size_t *offsets = arena_alloc(a, n + 1, sizeof(*offsets));
	size_t *cu = arena_zero(a, n + 1, sizeof(*cu));
	size_t *positions = arena_alloc(a, all, sizeof(*positions));
	uint64_t *examples = arena_zero(a, n, sizeof(*examples));

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < tokens; k++) {
			ids[i * tokens + k] = (int32_t)((i * 31 + k * 7) % 20000 + 2);
			if (is_mlm && (k * 7) % 20 < OF_20) {
				positions[labels] = k;
				label[labels++] = ids[i * tokens + k];
			}
		}
		if (!is_mlm)
			label[labels++] = (int32_t)(i % CLASSES);
		offsets[i] = i * tokens;
		cu[i + 1] = labels;
		examples[i] = i;
	}
	offsets[n] = all;
	*c = (struct forward_cells){
		.n = n, .ids = ids, .offsets = offsets, .positions = positions, .cu_positions = cu
	};
	*part = (struct backward_part){
		.cells = c, .examples = examples, .labels = label, .factors = &b->factor
	};
	return labels;
}

static void
make_parts(struct bench *b, size_t cells, size_t tokens, bool is_mlm)
{
	size_t together = tokens < TRAINING_PART_TOKENS ? TRAINING_PART_TOKENS / tokens : 1;
	size_t labels = 0;

	b->parts = arena_zero(&b->arena, cells, sizeof(*b->parts));
	for (size_t at = 0; at < cells; at += together)
		labels += make_part(b, &b->parts[b->n_parts++],
		    cells - at < together ? cells - at : together, tokens, is_mlm);
	b->factor = 1 / (double)labels;
}

/* Evaluation takes the examples out of its parts. */
static double
time_forward(struct bench *b)
{
	struct backward_part *parts = mem_alloc(b->n_parts, sizeof(*parts));
	struct backward_result r;
	struct err e = { 0 };
	double start = seconds_of(CLOCK_MONOTONIC);

	memcpy(parts, b->parts, b->n_parts * sizeof(*parts));
	if (learner_evaluate(b->learner, parts, b->n_parts, &r, &e))
		stop(e.text);
	free(parts);
	return seconds_of(CLOCK_MONOTONIC) - start;
}

static void
answer(struct bench *b)
{
	double forward = time_forward(b), start = seconds_of(CLOCK_MONOTONIC), gradient, end;
	double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	struct backward_result r;
	struct err e = { 0 };

	if (learner_gradient(b->learner, b->parts, b->n_parts, &r, &e))
		stop(e.text);
	gradient = seconds_of(CLOCK_MONOTONIC);
	learner_update(b->learner, 1e-4);
	end = seconds_of(CLOCK_MONOTONIC);
	cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"forward\": %.6f, \"gradient\": %.6f, "
	       "\"update\": %.6f, \"loss\": %.6f}\n",
	    end - start, cpu, forward, gradient - start, end - gradient, r.loss);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct learner_options options = { .adamw = { .decay = 0.001, .clip = 1 } };
	const struct shape *s = shapes;
	struct bench b = { 0 };
	char line[100];
	bool is_mlm;

	if (argc != 9)
		return 2;
	s += strcmp(argv[1], shapes[1].name) == 0;
	is_mlm = strcmp(argv[2], "mlm") == 0;
	options.threads = strtoul(argv[5], NULL, 10);
	options.backward.hidden_dropout = options.backward.classifier_dropout =
	    strtod(argv[7], NULL);
	options.backward.attention_dropout = strtod(argv[8], NULL);
	open_model(&b, s, is_mlm, argv[6]);
	make_parts(&b, strtoul(argv[4], NULL, 10), strtoul(argv[3], NULL, 10), is_mlm);
	b.learner = learner_create(b.parameters, &b.plan, &options);
	while (fgets(line, sizeof(line), stdin))
		answer(&b);
	learner_free(b.learner);
	parameters_free(b.parameters);
	backend_close(b.backend);
	model_close(b.model);
	arena_free(&b.arena);
	return 0;
}
