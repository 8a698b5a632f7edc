/* 1. Rows
 * 2. Blocks of rows
 * 3. Scales
 * 4. The objective
 * 5. Fitting
 *
 * The library works on other variables than W and b: features are counted from their means, which
 * changes the intercepts only (b + mean W), and each feature's coefficients are divided by a scale
 * near what its curvature asks for. Both leave the optimum where it is, and take the iterations
 * from thousands to hundreds. */

#include <assert.h>
#include <float.h>
#include <lbfgs.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "stat/logistic.h"

enum {
	LANES = 4,           /* classes are padded to a multiple */
	MAX_BLOCKS = 32,     /* at most about this many blocks of rows */
	MAX_WORKERS = 32,    /* more would wait for each other */
	HISTORY = 30,        /* corrections that the library keeps */
	THREAD_WORK = 200000 /* multiplications below which threads cost more than they give */
};

/* A block of rows on its way through the pool. */
struct block {
	size_t from, to;
	double loss;
	double *gradient; /* [n_features + 1][width], the intercepts last */
	double *logits;   /* [width] */
};

struct problem {
	const struct logistic_rows *rows;
	const uint32_t *labels;
	const struct logistic_options *options;
	size_t n_classes, width; /* width: padded */
	double *means;           /* [n_features] */
	double *scales;          /* [n_features + 1] */
	double *weights; /* [n_features + 1][width]; the last row: intercepts of plain rows */

	size_t n_blocks, *blocks; /* [n_blocks + 1] first rows */
	size_t next;              /* block that is read next */
	size_t n_workers;
	struct block items[MAX_WORKERS + 2];

	double loss;
	double *gradient; /* [n_features + 1][width] of the sum of weighted cross-entropies */
	struct err *e;
	size_t n_iterations;
};

/* 1. Rows */

/* y += a * x; n is a multiple of LANES. */
static void
add_scaled(double *restrict y, const double *restrict x, double a, size_t n)
{
	for (size_t k = 0; k < n; k += LANES) {
		y[k] += a * x[k];
		y[k + 1] += a * x[k + 1];
		y[k + 2] += a * x[k + 2];
		y[k + 3] += a * x[k + 3];
	}
}

/* logits += x W */
static void
multiply_row(
    const struct logistic_rows *r, size_t row, const double *weights, size_t width, double *logits)
{
	if (r->dense) {
		const float *x = r->dense + row * r->n_features;

		for (size_t f = 0; f < r->n_features; f++)
			add_scaled(logits, weights + f * width, (double)x[f], width);
		return;
	}
	for (size_t i = r->offsets[row]; i < r->offsets[row + 1]; i++)
		add_scaled(logits, weights + r->columns[i] * width, (double)r->values[i], width);
}

/* gradient += x^T residuals */
static void
add_row(const struct logistic_rows *r, size_t row, const double *residuals, size_t width,
    double *gradient)
{
	if (r->dense) {
		const float *x = r->dense + row * r->n_features;

		for (size_t f = 0; f < r->n_features; f++)
			add_scaled(gradient + f * width, residuals, (double)x[f], width);
		return;
	}
	for (size_t i = r->offsets[row]; i < r->offsets[row + 1]; i++)
		add_scaled(
		    gradient + r->columns[i] * width, residuals, (double)r->values[i], width);
}

/* Logits become residuals: weight * (probability - is the label). Returns weight * cross-entropy.
 */
static double
take_softmax(double *logits, size_t n, uint32_t label, double weight)
{
	double most = logits[0], sum = 0, of_label;

	for (size_t k = 1; k < n; k++)
		most = logits[k] > most ? logits[k] : most;
	of_label = logits[label] - most;
	for (size_t k = 0; k < n; k++)
		sum += logits[k] = exp(logits[k] - most);
	for (size_t k = 0; k < n; k++)
		logits[k] *= weight / sum;
	logits[label] -= weight;
	return weight * (log(sum) - of_label);
}

static size_t
row_work(const struct logistic_rows *r, size_t row)
{
	return 1 + (r->dense ? r->n_features : r->offsets[row + 1] - r->offsets[row]);
}

/* 2. Blocks of rows */

/* Blocks of about equal work, each worth the adding up of its gradient. */
static void
divide_rows(struct problem *p)
{
	const struct logistic_rows *r = p->rows;
	size_t total = 0, least, work = 0;

	for (size_t i = 0; i < r->n; i++)
		total += row_work(r, i);
	least = total / MAX_BLOCKS > 4 * r->n_features ? total / MAX_BLOCKS : 4 * r->n_features;
	p->blocks = mem_alloc(r->n + 1, sizeof(*p->blocks));
	p->blocks[0] = 0;
	for (size_t i = 0; i < r->n; i++) {
		work += row_work(r, i);
		if (work < least && i + 1 < r->n)
			continue;
		p->blocks[++p->n_blocks] = i + 1;
		work = 0;
	}
	p->n_workers = p->options->threads < MAX_WORKERS ? p->options->threads : MAX_WORKERS;
	if (p->n_workers > p->n_blocks)
		p->n_workers = p->n_blocks;
	if (total * p->width < THREAD_WORK || p->n_workers < 1)
		p->n_workers = 1;
}

static int
read_block(void *context, void *item, struct err *e)
{
	struct problem *p = context;
	struct block *b = item;

	(void)e;
	if (p->next == p->n_blocks)
		return 0;
	b->from = p->blocks[p->next];
	b->to = p->blocks[++p->next];
	return 1;
}

static int
work_block(void *context, size_t worker, void *item, struct err *e)
{
	const struct problem *p = context;
	struct block *b = item;
	size_t n_features = p->rows->n_features;
	const double *intercepts = p->weights + n_features * p->width;

	(void)worker;
	(void)e;
	b->loss = 0;
	memset(b->gradient, 0, (n_features + 1) * p->width * sizeof(*b->gradient));
	for (size_t i = b->from; i < b->to; i++) {
		uint32_t label = p->labels[i];
		const double *weights = p->options->class_weights;

		memcpy(b->logits, intercepts, p->width * sizeof(*b->logits));
		multiply_row(p->rows, i, p->weights, p->width, b->logits);
		b->loss +=
		    take_softmax(b->logits, p->n_classes, label, weights ? weights[label] : 1);
		add_row(p->rows, i, b->logits, p->width, b->gradient);
		add_scaled(b->gradient + n_features * p->width, b->logits, 1, p->width);
	}
	return 0;
}

static int
write_block(void *context, void *item, struct err *e)
{
	struct problem *p = context;
	struct block *b = item;

	(void)e;
	p->loss += b->loss;
	add_scaled(p->gradient, b->gradient, 1, (p->rows->n_features + 1) * p->width);
	return 0;
}

/* p->loss and p->gradient for p->weights. */
static void
add_up(struct problem *p)
{
	static const struct pool_stages stages = { read_block, work_block, write_block };
	void *ring[MAX_WORKERS + 2];
	size_t n_items = p->n_workers > 1 ? p->n_workers + 2 : 1;

	p->loss = 0;
	p->next = 0;
	memset(p->gradient, 0, (p->rows->n_features + 1) * p->width * sizeof(*p->gradient));
	for (size_t i = 0; i < n_items; i++)
		ring[i] = &p->items[i];
	pool_run(&stages, p, ring, n_items, p->n_workers, p->e);
}

/* 3. Scales */

/* Sum of each feature's numbers (differences to `from` squared, where that is given). */
static void
add_features(const struct logistic_rows *r, const double *from, double *ret_sums)
{
	memset(ret_sums, 0, r->n_features * sizeof(*ret_sums));
	for (size_t i = 0; r->dense && i < r->n; i++)
		for (size_t f = 0; f < r->n_features; f++) {
			double x = (double)r->dense[i * r->n_features + f];

			ret_sums[f] += from ? (x - from[f]) * (x - from[f]) : x;
		}
	if (r->dense)
		return;
	/* Numbers that are not there are 0: all of them first, then those that are there instead.
	 */
	for (size_t f = 0; from && f < r->n_features; f++)
		ret_sums[f] = (double)r->n * from[f] * from[f];
	for (size_t i = 0; i < r->offsets[r->n]; i++) {
		uint32_t f = r->columns[i];
		double x = (double)r->values[i];

		ret_sums[f] += from ? x * (x - 2 * from[f]) : x;
	}
}

/* Curvature of the cross-entropies when all classes are equally probable, and of the penalty. */
static void
set_scales(struct problem *p)
{
	const struct logistic_rows *r = p->rows;
	double k = (double)p->n_classes, curvature = p->options->cost * (1 - 1 / k) / k;

	p->means = mem_alloc(r->n_features, sizeof(*p->means));
	p->scales = mem_alloc(r->n_features + 1, sizeof(*p->scales));
	add_features(r, NULL, p->means);
	for (size_t f = 0; f < r->n_features; f++)
		p->means[f] /= (double)r->n;
	add_features(r, p->means, p->scales);
	for (size_t f = 0; f < r->n_features; f++)
		p->scales[f] = 1 / sqrt(1 + curvature * fmax(p->scales[f], 0));
	p->scales[r->n_features] = 1 / sqrt(curvature * (double)r->n);
}

/* 4. The objective */

/* The weights of plain rows from the library's variables; the sum of their squares. */
static double
set_weights(struct problem *p, const double *x)
{
	size_t n = p->rows->n_features, width = p->width;
	double *intercepts = p->weights + n * width, squares = 0;

	for (size_t k = 0; k < width; k++)
		intercepts[k] = p->scales[n] * x[n * width + k];
	for (size_t f = 0; f < n; f++) {
		double *w = p->weights + f * width;

		for (size_t k = 0; k < width; k++) {
			w[k] = p->scales[f] * x[f * width + k];
			squares += w[k] * w[k];
		}
		add_scaled(intercepts, w, -p->means[f], width);
	}
	return squares;
}

/* An lbfgs_evaluate_t. */
static lbfgsfloatval_t
evaluate(void *context, const lbfgsfloatval_t *x, lbfgsfloatval_t *ret_gradient, const int n_all,
    const lbfgsfloatval_t step)
{
	struct problem *p = context;
	size_t n = p->rows->n_features, width = p->width;
	double squares = set_weights(p, x), cost = p->options->cost;
	const double *total = p->gradient + n * width;

	(void)step;
	(void)n_all;
	add_up(p);
	for (size_t f = 0; f <= n; f++)
		for (size_t k = 0; k < width; k++) {
			size_t i = f * width + k;
			double g =
			    f < n ? p->weights[i] + cost * (p->gradient[i] - p->means[f] * total[k])
				  : cost * total[k];

			ret_gradient[i] = p->n_classes == 2 && k == 0 ? 0 : g * p->scales[f];
		}
	return 0.5 * squares + cost * p->loss;
}

static double
gradient_norm(const struct problem *p, const double *gradient)
{
	double sum = 0;

	for (size_t f = 0; f <= p->rows->n_features; f++)
		for (size_t k = 0; k < p->width; k++) {
			double g = gradient[f * p->width + k] / p->scales[f];

			sum += g * g;
		}
	return sqrt(sum);
}

/* An lbfgs_progress_t: ends the work where the gradient is small enough. */
static int
end_iteration(void *context, const lbfgsfloatval_t *x, const lbfgsfloatval_t *gradient,
    const lbfgsfloatval_t fx, const lbfgsfloatval_t xnorm, const lbfgsfloatval_t gnorm,
    const lbfgsfloatval_t step, int n, int iteration, int n_evaluations)
{
	struct problem *p = context;
	const struct logistic_options *o = p->options;
	double norm = gradient_norm(p, gradient);

	(void)x, (void)fx, (void)xnorm, (void)gnorm, (void)step, (void)n, (void)n_evaluations;
	p->n_iterations = (size_t)iteration;
	if (o->progress)
		o->progress(o->context, p->n_iterations, norm);
	return norm <= o->tolerance || p->e->is_set ? LBFGS_STOP : 0;
}

/* 5. Fitting */

static void
start(struct problem *p)
{
	size_t n = (p->rows->n_features + 1) * p->width;

	set_scales(p);
	divide_rows(p);
	p->weights = mem_alloc(n, sizeof(*p->weights));
	p->gradient = mem_alloc(n, sizeof(*p->gradient));
	for (size_t i = 0; i < (p->n_workers > 1 ? p->n_workers + 2 : 1); i++) {
		p->items[i].gradient = mem_alloc(n, sizeof(double));
		p->items[i].logits = mem_alloc(p->width, sizeof(double));
	}
}

static void
end(struct problem *p)
{
	free(p->means);
	free(p->scales);
	free(p->weights);
	free(p->gradient);
	free(p->blocks);
	for (size_t i = 0; i < MAX_WORKERS + 2; i++) {
		free(p->items[i].gradient);
		free(p->items[i].logits);
	}
}

/* Where the library has ended, for whatever reason, is the result. */
static void
take_result(struct logistic *m, struct problem *p, const double *x, double *gradient)
{
	m->objective = evaluate(p, x, gradient, 0, 0);
	m->gradient_norm = gradient_norm(p, gradient);
	m->n_iterations = p->n_iterations;
	m->is_converged = m->gradient_norm <= p->options->tolerance;
	m->weights = mem_alloc(m->n_features, m->n_classes * sizeof(*m->weights));
	m->intercepts = mem_alloc(m->n_classes, sizeof(*m->intercepts));
	for (size_t f = 0; f <= m->n_features; f++)
		memcpy(f < m->n_features ? m->weights + f * m->n_classes : m->intercepts,
		    p->weights + f * p->width, m->n_classes * sizeof(*m->weights));
	if (!isfinite(m->objective) || !isfinite(m->gradient_norm))
		err_set(p->e,
		    "the regression has left the range of numbers (objective %g); are the "
		    "features or the cost that large?",
		    m->objective);
}

static void
minimise(struct logistic *m, struct problem *p)
{
	const struct logistic_options *o = p->options;
	size_t n = (m->n_features + 1) * p->width;
	double *x = lbfgs_malloc((int)n), *gradient = mem_alloc(n, sizeof(*gradient));
	lbfgs_parameter_t how;

	if (!x)
		mem_give_up("out of memory");
	memset(x, 0, n * sizeof(*x));
	lbfgs_parameter_init(&how);
	how.m = HISTORY;
	how.epsilon = DBL_MIN;
	how.max_iterations = o->max_iterations < INT_MAX ? (int)o->max_iterations : INT_MAX;
	if (lbfgs((int)n, x, NULL, evaluate, end_iteration, p, &how) == LBFGSERR_OUTOFMEMORY)
		mem_give_up("out of memory");
	take_result(m, p, x, gradient);
	free(gradient);
	lbfgs_free(x);
}

int
logistic_fit(struct logistic *m, const struct logistic_rows *rows, const uint32_t *labels,
    size_t n_classes, const struct logistic_options *options, struct err *e)
{
	struct problem p = { .rows = rows,
		.labels = labels,
		.options = options,
		.n_classes = n_classes,
		.width = (n_classes + LANES - 1) / LANES * LANES,
		.e = e };
	size_t n;

	assert(n_classes >= 2 && rows->n > 0);
	*m = (struct logistic){ .n_classes = n_classes, .n_features = rows->n_features };
	if (!mem_mul(rows->n_features + 1, p.width, &n) || n > INT_MAX - LANES)
		return err_set(
		    e, "%zu features of %zu classes are too many", rows->n_features, n_classes);
	start(&p);
	minimise(m, &p);
	end(&p);
	return e->is_set ? -1 : 0;
}

double *
logistic_balance(const uint32_t *labels, size_t n, size_t n_classes)
{
	double *weights = mem_zero(n_classes, sizeof(*weights));

	for (size_t i = 0; i < n; i++)
		weights[labels[i]]++;
	for (size_t k = 0; k < n_classes; k++) {
		assert(weights[k] > 0);
		weights[k] = (double)n / ((double)n_classes * weights[k]);
	}
	return weights;
}

void
logistic_free(struct logistic *m)
{
	free(m->weights);
	free(m->intercepts);
	*m = (struct logistic){ 0 };
}
