/* 1. Going through the corpus
 * 2. Matrices
 * 3. The decomposition
 * 4. The start of a model */

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "base/random.h"
#include "nn/chance.h"
#include "nn/coexpression.h"
#include "nn/gradient.h"

/* Matrices lie in slices of so many columns, [slice][row][SLICE]: a line of the cache a row. */
enum { SLICE = 8, OVERSAMPLING = 16, BATCH_TOKENS = 1 << 20, ROUNDS = 5 };

static const double EMBEDDING_SD = 0.04;
/* Directions of less than this part of the greatest squared length are nothing but rounding. */
static const double NEGLIGIBLE = 1e-13;

struct sketch {
	const struct token_corpus *corpus;
	size_t vocab, columns, slices, threads;
	double *weights; /* [vocab] of the columns of the matrix; 0: none */
	double *x, *y;   /* [slices][vocab][SLICE] */
	double *gram;    /* [columns][columns] */
	double *turn;    /* [columns][columns], [new column][old column] */

	/* The cells that the threads are at. */
	const struct token_step *step;
	double *lengths; /* [step->n] of the rows of the matrix */

	size_t next; /* slice to be handed out */
	int (*work)(struct sketch *, size_t slice);
};

/* 1. Going through the corpus */

typedef int visit_step(void *context, const struct token_step *step, struct err *e);

static int
go_through(const struct token_corpus *c, visit_step *visit, void *context, struct err *e)
{
	struct token_order *o = token_order_new(c, TOKEN_SET_TRAIN, false, 0);
	struct token_step step;

	while (token_order_take(o, BATCH_TOKENS, &step, e) > 0)
		if (visit(context, &step, e))
			break;
	token_order_free(o);
	return e->is_set ? -1 : 0;
}

struct counting {
	const struct masking *masking;
	uint64_t *counts;
};

static int
count_step(void *context, const struct token_step *step, struct err *e)
{
	struct counting *k = context;

	(void)e;
	for (size_t i = 0; i < step->offsets[step->n]; i++)
		k->counts[step->ids[i]] += !masking_is_special(k->masking, step->ids[i]);
	return 0;
}

int
coexpression_count(const struct token_corpus *c, const struct masking *m, size_t vocab,
    uint64_t *ret_counts, struct err *e)
{
	struct counting k = { m, ret_counts };

	memset(ret_counts, 0, vocab * sizeof(*ret_counts));
	return go_through(c, count_step, &k, e);
}

/* 2. Matrices: slice after slice, on all threads */

static double *
row_of(const struct sketch *s, double *matrix, size_t slice, size_t row)
{
	return matrix + (slice * s->vocab + row) * SLICE;
}

static int
hand_out(void *context, void *item, struct err *e)
{
	struct sketch *s = context;

	(void)e;
	if (s->next == s->slices)
		return 0;
	*(size_t *)item = s->next++;
	return 1;
}

static int
work_slice(void *context, size_t worker, void *item, struct err *e)
{
	struct sketch *s = context;

	(void)worker, (void)e;
	return s->work(s, *(size_t *)item);
}

static int
take_nothing(void *context, void *item, struct err *e)
{
	(void)context, (void)item, (void)e;
	return 0;
}

static int
run(struct sketch *s, int (*work)(struct sketch *, size_t), struct err *e)
{
	static const struct pool_stages stages = { hand_out, work_slice, take_nothing };
	size_t *numbers = mem_alloc(s->threads, sizeof(*numbers));
	void **items = mem_alloc(s->threads, sizeof(*items));

	for (size_t i = 0; i < s->threads; i++)
		items[i] = &numbers[i];
	s->next = 0;
	s->work = work;
	pool_run(&stages, s, items, s->threads, s->threads, e);
	free(items);
	free(numbers);
	return e->is_set ? -1 : 0;
}

/* y += A' A x for the rows of A that the step's cells are. */
static int
multiply_slice(struct sketch *s, size_t slice)
{
	const struct token_step *step = s->step;

	for (size_t c = 0; c < step->n; c++) {
		double sum[SLICE] = { 0 }, scale = s->lengths[c];

		if (!(scale > 0))
			continue;
		scale = 1 / (scale * scale);
		for (size_t i = step->offsets[c]; i < step->offsets[c + 1]; i++) {
			double w = s->weights[step->ids[i]];
			const double *x = row_of(s, s->x, slice, (size_t)step->ids[i]);

			for (size_t k = 0; k < SLICE; k++)
				sum[k] += w * x[k];
		}
		for (size_t i = step->offsets[c]; i < step->offsets[c + 1]; i++) {
			double w = s->weights[step->ids[i]] * scale;
			double *y = row_of(s, s->y, slice, (size_t)step->ids[i]);

			for (size_t k = 0; k < SLICE; k++)
				y[k] += w * sum[k];
		}
	}
	return 0;
}

static int
multiply_step(void *context, const struct token_step *step, struct err *e)
{
	struct sketch *s = context;

	s->step = step;
	s->lengths = mem_zero(step->n, sizeof(*s->lengths));
	for (size_t c = 0; c < step->n; c++) {
		for (size_t i = step->offsets[c]; i < step->offsets[c + 1]; i++)
			s->lengths[c] += s->weights[step->ids[i]] * s->weights[step->ids[i]];
		s->lengths[c] = sqrt(s->lengths[c]);
	}
	run(s, multiply_slice, e);
	free(s->lengths);
	return e->is_set ? -1 : 0;
}

/* The rows of x' y (or y' y) that belong to a slice. */
static void
multiply_columns(struct sketch *s, double *left, size_t slice)
{
	for (size_t other = 0; other < s->slices; other++) {
		double sums[SLICE][SLICE] = { { 0 } };

		for (size_t row = 0; row < s->vocab; row++) {
			const double *a = row_of(s, left, slice, row);
			const double *b = row_of(s, s->y, other, row);

			for (size_t i = 0; i < SLICE; i++)
				for (size_t k = 0; k < SLICE; k++)
					sums[i][k] += a[i] * b[k];
		}
		for (size_t i = 0; i < SLICE; i++)
			memcpy(s->gram + (slice * SLICE + i) * s->columns + other * SLICE, sums[i],
			    sizeof(sums[i]));
	}
}

static int
square_slice(struct sketch *s, size_t slice)
{
	multiply_columns(s, s->y, slice);
	return 0;
}

static int
project_slice(struct sketch *s, size_t slice)
{
	multiply_columns(s, s->x, slice);
	return 0;
}

/* A slice of the columns of (`from` times turn'), into the other matrix. */
static void
turn_columns(struct sketch *s, double *from, double *to, size_t slice)
{
	for (size_t row = 0; row < s->vocab; row++) {
		double sums[SLICE] = { 0 };

		for (size_t c = 0; c < s->columns; c++) {
			double value = row_of(s, from, c / SLICE, row)[c % SLICE];

			for (size_t k = 0; k < SLICE; k++)
				sums[k] += value * s->turn[(slice * SLICE + k) * s->columns + c];
		}
		memcpy(row_of(s, to, slice, row), sums, sizeof(sums));
	}
}

static int
turn_y_slice(struct sketch *s, size_t slice)
{
	turn_columns(s, s->y, s->x, slice);
	return 0;
}

static int
turn_x_slice(struct sketch *s, size_t slice)
{
	turn_columns(s, s->x, s->y, slice);
	return 0;
}

/* 3. The decomposition */

/* The eigenvectors of gram as the rows of turn, by falling eigenvalue. */
static int
find_directions(struct sketch *s, double *ret_values, struct err *e)
{
	size_t n = s->columns;
	double *values = mem_alloc(n, sizeof(*values));
	lapack_int status;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			s->gram[i * n + k] = s->gram[k * n + i] =
			    (s->gram[i * n + k] + s->gram[k * n + i]) / 2;
	status = LAPACKE_dsyev(
	    LAPACK_COL_MAJOR, 'V', 'L', (lapack_int)n, s->gram, (lapack_int)n, values);
	for (size_t i = 0; i < n; i++) {
		memcpy(s->turn + i * n, s->gram + (n - 1 - i) * n, n * sizeof(*s->turn));
		ret_values[i] = values[n - 1 - i];
	}
	free(values);
	return status == 0 ? 0 : err_set(e, "co-expression: the eigenvalues were not found");
}

/* x = an orthonormal basis of the columns of y; columns of 0 where there are too few. */
static int
orthonormalize(struct sketch *s, struct err *e)
{
	double *values = mem_alloc(s->columns, sizeof(*values));

	if (run(s, square_slice, e) == 0 && find_directions(s, values, e) == 0) {
		for (size_t i = 0; i < s->columns; i++) {
			double scale = values[i] > NEGLIGIBLE * values[0] ? 1 / sqrt(values[i]) : 0;

			for (size_t k = 0; k < s->columns; k++)
				s->turn[i * s->columns + k] *= scale;
		}
		run(s, turn_y_slice, e);
	}
	free(values);
	return e->is_set ? -1 : 0;
}

static int
multiply(struct sketch *s, struct err *e)
{
	memset(s->y, 0, s->slices * s->vocab * SLICE * sizeof(*s->y));
	return go_through(s->corpus, multiply_step, s, e);
}

static void
start_sketch(struct sketch *s, uint64_t seed)
{
	struct random r = random_start(seed, chance_stream(CHANCE_SKETCH, 0));

	for (size_t i = 0; i < s->slices * s->vocab * SLICE; i++) {
		double value = random_normal(&r);

		s->y[i] = s->weights[i / SLICE % s->vocab] > 0 ? value : 0;
	}
}

/* The first `rank` columns of y, each with its greatest value above 0. */
static void
take_factor(const struct sketch *s, size_t rank, double *ret_factor)
{
	for (size_t k = 0; k < rank; k++) {
		double greatest = 0;

		for (size_t row = 0; row < s->vocab; row++) {
			double value = row_of(s, s->y, k / SLICE, row)[k % SLICE];

			ret_factor[row * rank + k] = value;
			greatest = fabs(value) > fabs(greatest) ? value : greatest;
		}
		for (size_t row = 0; row < s->vocab && greatest < 0; row++)
			ret_factor[row * rank + k] *= -1;
	}
}

static int
iterate(struct sketch *s, const struct coexpression_options *o, double *ret_factor,
    double *ret_values, struct err *e)
{
	double *values = mem_alloc(s->columns, sizeof(*values));
	size_t rounds = o->rounds ? o->rounds : ROUNDS;

	start_sketch(s, o->seed);
	for (size_t i = 0; i < rounds && !e->is_set; i++)
		if (orthonormalize(s, e) == 0)
			multiply(s, e);
	if (!e->is_set && run(s, project_slice, e) == 0 && find_directions(s, values, e) == 0 &&
	    run(s, turn_x_slice, e) == 0) {
		take_factor(s, o->rank, ret_factor);
		for (size_t k = 0; k < o->rank; k++)
			ret_values[k] = values[k] > 0 ? sqrt(values[k]) : 0;
	}
	free(values);
	return e->is_set ? -1 : 0;
}

static double *
weigh_genes(const struct token_corpus *c, const struct masking *m, size_t vocab, struct err *e)
{
	double *weights = mem_zero(vocab, sizeof(*weights));
	double n_cells = (double)token_corpus_cells(c, TOKEN_SET_TRAIN);
	uint64_t *counts = mem_alloc(vocab, sizeof(*counts));

	if (coexpression_count(c, m, vocab, counts, e) == 0)
		for (size_t t = 0; t < vocab; t++)
			if (counts[t] && (double)counts[t] < n_cells)
				weights[t] = log(n_cells / (double)counts[t]);
	free(counts);
	return weights;
}

int
coexpression_decompose(const struct token_corpus *c, const struct masking *m, size_t vocab,
    const struct coexpression_options *o, double *ret_factor, double *ret_values, struct err *e)
{
	struct sketch s = { .corpus = c,
		.vocab = vocab,
		.slices = (o->rank + OVERSAMPLING + SLICE - 1) / SLICE,
		.threads = o->threads };

	s.columns = s.slices * SLICE;
	s.weights = weigh_genes(c, m, vocab, e);
	s.x = mem_zero(s.slices * vocab, SLICE * sizeof(*s.x));
	s.y = mem_zero(s.slices * vocab, SLICE * sizeof(*s.y));
	s.gram = mem_alloc(s.columns, s.columns * sizeof(*s.gram));
	s.turn = mem_alloc(s.columns, s.columns * sizeof(*s.turn));
	if (!e->is_set)
		iterate(&s, o, ret_factor, ret_values, e);
	free(s.weights);
	free(s.x);
	free(s.y);
	free(s.gram);
	free(s.turn);
	return e->is_set ? -1 : 0;
}

/* 4. The start of a model */

static double
deviation(const double *x, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	for (size_t i = 0; i < n; i++)
		squares += (x[i] - sum / (double)n) * (x[i] - sum / (double)n);
	return sqrt(squares / (double)n);
}

/* A parameter's values in host memory, and back. */
static float *
take_parameter(struct parameters *p, const float *values, size_t n)
{
	struct gradient_workspace *ws = p->backend->gradient->workspace_create(p->backend);
	float *host = mem_alloc(n, sizeof(*host));

	p->backend->gradient->get(ws, host, values, n);
	p->backend->gradient->workspace_free(ws);
	return host;
}

static void
put_parameter(struct parameters *p, const float *values, float *host, size_t n)
{
	struct gradient_workspace *ws = p->backend->gradient->workspace_create(p->backend);

	p->backend->gradient->put(ws, p->values + (values - p->values), host, n);
	p->backend->gradient->workspace_free(ws);
	free(host);
}

static void
add_factor(struct parameters *p, const double *factor, size_t rank, double sd)
{
	size_t vocab = p->model.config.vocab, hidden = p->model.config.hidden;
	double now = deviation(factor, vocab * rank);
	float *words = take_parameter(p, p->model.word_embeddings, vocab * hidden);

	for (size_t t = 0; t < vocab && now > 0; t++)
		for (size_t k = 0; k < rank; k++)
			words[t * hidden + k] += (float)(factor[t * rank + k] * sd / now);
	put_parameter(p, p->model.word_embeddings, words, vocab * hidden);
}

static int
set_bias(struct parameters *p, const struct token_corpus *c, const struct masking *m, struct err *e)
{
	size_t vocab = p->model.config.vocab;
	uint64_t *counts = mem_alloc(vocab, sizeof(*counts));
	float *bias = mem_alloc(vocab, sizeof(*bias));
	double total = 0;

	coexpression_count(c, m, vocab, counts, e);
	for (size_t t = 0; t < vocab; t++)
		total += counts[t] ? (double)counts[t] : 0.5;
	for (size_t t = 0; t < vocab; t++)
		bias[t] = (float)log((counts[t] ? (double)counts[t] : 0.5) / total);
	free(counts);
	put_parameter(p, p->model.decoder_bias, bias, vocab);
	return e->is_set ? -1 : 0;
}

int
coexpression_start(struct parameters *p, const struct token_corpus *c, const struct masking *m,
    const struct coexpression_options *o, struct err *e)
{
	size_t vocab = p->model.config.vocab, hidden = p->model.config.hidden;
	struct coexpression_options with = *o;
	double *factor, *values;

	if (e->is_set)
		return -1;
	if (!with.rank || with.rank > hidden)
		with.rank = hidden;
	if (with.rank > vocab)
		with.rank = vocab;
	factor = mem_zero(vocab * with.rank, sizeof(*factor));
	values = mem_zero(with.rank, sizeof(*values));
	if (coexpression_decompose(c, m, vocab, &with, factor, values, e) == 0 &&
	    set_bias(p, c, m, e) == 0)
		add_factor(p, factor, with.rank, o->sd > 0 ? o->sd : EMBEDDING_SD);
	free(factor);
	free(values);
	return e->is_set ? -1 : 0;
}
