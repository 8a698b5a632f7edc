/* bench_perturb.c - speed of perturbing a cell against embedding the same copies of it.
 *
 *	bench_perturb MODEL TOKENS COPIES THREADS PRECISION cls|mean [ROUNDS]
 *
 * MODEL is a folder (make_models.py makes some with random weights). In turn, the single deletions
 * of COPIES genes from the middle of a made-up cell are perturbed, and embedded as so many cells of
 * their own. The original is computed before the time is taken: a cell has it once for all of its
 * genes. Prints both speeds in tokens of a second of processor time, and the median of the rounds'
 * ratios. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "nn/perturb.h"

enum { MOST_ROUNDS = 99 };

struct bench {
	struct perturber *perturber;
	struct embedder *embedder;
	struct perturbation_options how;
	struct cell_perturbations what;
	struct perturber_cell *cell;
	int32_t *ids, *copies;    /* [n]; [n_copies][n - 1] */
	size_t n, n_copies, part; /* part: copies that are computed together */
	size_t from;              /* the first gene that is deleted */
	size_t hidden;
	bool is_perturbing;
	atomic_size_t next; /* the next part */
};

struct worker {
	pthread_t thread;
	struct bench *bench;
	size_t number;
	struct err err;
};

static double
processor_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
embed_part(struct bench *b, size_t worker, size_t first, size_t n, struct arena *a, struct err *e)
{
	size_t length = b->n - 1, *offsets = arena_alloc(a, n + 1, sizeof(*offsets));
	size_t *from = arena_zero(a, n, sizeof(*from)), *to = arena_alloc(a, n, sizeof(*to));
	float *out = arena_alloc(a, n * b->hidden, sizeof(*out));
	struct embed_cells cells = { n, b->copies + first * length, offsets, from, to };

	for (size_t i = 0; i <= n; i++)
		offsets[i] = i * length;
	for (size_t i = 0; i < n; i++)
		to[i] = length;
	embedder_run(b->embedder, worker, &cells, out, e);
}

static void *
work(void *argument)
{
	struct worker *w = argument;
	struct bench *b = w->bench;
	struct arena arena = { 0 };
	size_t first;

	while ((first = b->part * atomic_fetch_add(&b->next, 1)) < b->n_copies && !w->err.is_set) {
		size_t n = b->n_copies - first < b->part ? b->n_copies - first : b->part;
		struct perturbed numbers;

		if (b->is_perturbing)
			perturber_run(
			    b->perturber, w->number, b->cell, first, n, &arena, &numbers, &w->err);
		else
			embed_part(b, w->number, first, n, &arena, &w->err);
		arena_reset(&arena);
	}
	arena_free(&arena);
	return NULL;
}

/* Tokens of copies in a second of processor time. */
static double
measure(struct bench *b, bool is_perturbing, size_t threads)
{
	struct worker *w = mem_zero(threads, sizeof(*w));
	struct arena arena = { 0 };
	struct perturbed numbers;
	double start;

	b->is_perturbing = is_perturbing;
	b->next = 0;
	b->cell = perturber_cell_new(b->perturber, &b->how, b->ids, b->n, &b->what);
	if (is_perturbing)
		perturber_run(b->perturber, 0, b->cell, 0, 1, &arena, &numbers, &w->err);
	arena_free(&arena);
	start = processor_seconds();
	for (size_t i = 0; i < threads; i++) {
		w[i].bench = b;
		w[i].number = i;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			abort();
	}
	for (size_t i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		if (w[i].err.is_set)
			fprintf(stderr, "bench_perturb: %s\n", w[i].err.text);
	}
	perturber_cell_free(b->cell);
	free(w);
	return (double)(b->n_copies * (b->n - 1)) / (processor_seconds() - start);
}

/* A cell of n different genes, of which n_copies from the middle are deleted, one at a time. */
static void
make_cell(struct bench *b, const struct model *m, struct arena *a)
{
	size_t length = b->n - 1, *cu = arena_alloc(a, b->n_copies + 1, sizeof(*cu));

	b->from = (b->n - b->n_copies) / 2;
	b->ids = arena_alloc(a, b->n, sizeof(*b->ids));
	for (size_t i = 0; i < b->n; i++)
		b->ids[i] = (int32_t)((4 + i * 7919) % m->config.vocab);
	b->copies = arena_alloc(a, b->n_copies * length, sizeof(*b->copies));
	for (size_t i = 0; i < b->n_copies; i++) {
		size_t gone = b->from + i;

		memcpy(b->copies + i * length, b->ids, gone * sizeof(*b->ids));
		memcpy(b->copies + i * length + gone, b->ids + gone + 1,
		    (length - gone) * sizeof(*b->ids));
	}
	for (size_t i = 0; i <= b->n_copies; i++)
		cu[i] = i;
	b->how = (struct perturbation_options){ .type = PERTURB_DELETE,
		.groups = { b->n_copies, b->ids + b->from, cu },
		.combos = 1,
		.anchor = -1,
		.max_length = m->config.positions,
		.cls = -1,
		.eos = -1 };
	b->what = perturbations_find(&b->how, b->ids, b->n, a);
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
run_rounds(struct bench *b, const char *name, size_t threads, size_t rounds)
{
	double perturbed[MOST_ROUNDS], embedded[MOST_ROUNDS], ratios[MOST_ROUNDS];

	measure(b, true, threads);
	measure(b, false, threads);
	for (size_t i = 0; i < rounds; i++) {
		perturbed[i] = measure(b, true, threads);
		embedded[i] = measure(b, false, threads);
		ratios[i] = perturbed[i] / embedded[i];
	}
	qsort(perturbed, rounds, sizeof(double), compare_doubles);
	qsort(embedded, rounds, sizeof(double), compare_doubles);
	qsort(ratios, rounds, sizeof(double), compare_doubles);
	printf("%s, %zu tokens, %zu copies by %zu: perturbed %.0f, embedded %.0f tokens a CPU "
	       "second; ratio %.3f (%.3f to %.3f)\n",
	    name, b->n, b->n_copies, b->part, perturbed[rounds / 2], embedded[rounds / 2],
	    ratios[rounds / 2], ratios[0], ratios[rounds - 1]);
}

int
main(int argc, char **argv)
{
	struct err e = { 0 };
	struct arena arena = { 0 };
	struct bench b = { 0 };
	size_t threads, rounds = 5;
	struct model *m;

	if (argc < 7)
		return 2;
	b.n = strtoul(argv[2], NULL, 10);
	b.n_copies = strtoul(argv[3], NULL, 10);
	threads = strtoul(argv[4], NULL, 10);
	if (argc > 7)
		rounds = strtoul(argv[7], NULL, 10);
	if (rounds < 1 || rounds > MOST_ROUNDS || threads < 1 || b.n_copies >= b.n)
		return 2;

	enum embed_pool pool = strcmp(argv[6], "cls") == 0 ? EMBED_FIRST : EMBED_MEAN;
	struct embed_options embed = { pool, -1, "auto", argv[5], threads };
	struct perturb_options perturb = { .pool = pool,
		.layer = -1,
		.device = "auto",
		.precision = argv[5],
		.workers = threads };

	m = model_open(argv[1], &e);
	if (m) {
		b.perturber = perturber_open(m, &perturb, &e);
		b.embedder = embedder_open(m, &embed, &e);
	}
	if (e.is_set) {
		fprintf(stderr, "bench_perturb: %s\n", e.text);
		return 1;
	}
	b.hidden = m->config.hidden;
	b.part = perturber_batch_tokens(b.perturber) / b.n;
	if (b.part == 0)
		b.part = 1;
	make_cell(&b, m, &arena);
	run_rounds(&b, argv[1], threads, rounds);
	perturber_close(b.perturber);
	embedder_close(b.embedder);
	model_close(m);
	arena_free(&arena);
	return 0;
}
