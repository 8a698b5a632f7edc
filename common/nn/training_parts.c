#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "nn/chance.h"
#include "nn/training_parts.h"

struct training_parts {
	const struct training_task *task;
	struct arena arena; /* of a step */
	double factors[TRAINING_MAX_HEADS];
};

struct training_parts *
training_parts_new(const struct training_task *task)
{
	struct training_parts *p = mem_zero(1, sizeof(*p));

	assert(task->n_heads >= 1 && task->n_heads <= TRAINING_MAX_HEADS);
	p->task = task;
	return p;
}

void
training_parts_free(struct training_parts *p)
{
	if (!p)
		return;
	arena_free(&p->arena);
	free(p);
}

/* ---- the cut ---- */

static size_t
count_parts(const struct token_step *step)
{
	size_t n = (step->offsets[step->n] + TRAINING_PART_TOKENS - 1) / TRAINING_PART_TOKENS;

	return n < step->n ? n : step->n;
}

static size_t
find_least(const double *costs, size_t n)
{
	size_t least = 0;

	for (size_t i = 1; i < n; i++)
		if (costs[i] < costs[least])
			least = i;
	return least;
}

struct item {
	size_t number;
	double cost;
};

/* The dearest first; of equal ones the first. */
static int
compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->cost > y->cost || x->cost < y->cost)
		return x->cost > y->cost ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Each of n items, the dearest first, goes into the bin that costs least so far. ret_bin: [n]. */
static void
deal(struct arena *a, const double *costs, size_t n, size_t n_bins, size_t *ret_bin)
{
	struct item *items = arena_alloc(a, n, sizeof(*items));
	double *filled = arena_zero(a, n_bins, sizeof(*filled));

	for (size_t i = 0; i < n; i++)
		items[i] = (struct item){ i, costs[i] };
	qsort(items, n, sizeof(*items), compare_items);
	for (size_t i = 0; i < n; i++) {
		size_t bin = find_least(filled, n_bins);

		filled[bin] += items[i].cost;
		ret_bin[items[i].number] = bin;
	}
}

/* Of a cell. A layer multiplies tokens * (4 hidden^2 + 2 hidden * ffn) and, in attention,
 * tokens^2 * 2 hidden numbers. */
static double
cost_of(const struct training_parts *p, size_t tokens)
{
	const struct model_config *c = &p->task->parameters->model.config;
	double n = (double)tokens;

	return n * (2.0 * (double)c->hidden + (double)c->ffn + n);
}

/* ret_part: [step->n] */
static void
deal_cells(
    struct training_parts *p, const struct token_step *step, size_t n_parts, size_t *ret_part)
{
	double *costs = arena_alloc(&p->arena, step->n, sizeof(*costs));

	for (size_t i = 0; i < step->n; i++)
		costs[i] = cost_of(p, step->offsets[i + 1] - step->offsets[i]);
	deal(&p->arena, costs, step->n, n_parts, ret_part);
}

/* Deals the parts to lanes, and leaves this rank those of its own: in the order of the lanes, and
 * in each in their order. */
static void
deal_parts(struct training_parts *p, struct training_cut *cut, const uint64_t ***rows)
{
	struct backward_part *all = cut->parts;
	const uint64_t **all_rows = *rows;
	double *costs = arena_zero(&p->arena, cut->n, sizeof(*costs));
	size_t *lane_of = arena_alloc(&p->arena, cut->n, sizeof(*lane_of)), n = 0;

	for (size_t i = 0; i < cut->n; i++)
		for (size_t k = 0; k < all[i].cells->n; k++)
			costs[i] +=
			    cost_of(p, all[i].cells->offsets[k + 1] - all[i].cells->offsets[k]);
	deal(&p->arena, costs, cut->n, learner_lanes(), lane_of);
	cut->parts = arena_alloc(&p->arena, cut->n, sizeof(*cut->parts));
	*rows = arena_alloc(&p->arena, cut->n, sizeof(**rows));
	for (size_t lane = learner_first_lane(ranks_own());
	     lane < learner_first_lane(ranks_own() + 1); lane++)
		for (size_t i = 0; i < cut->n; i++) {
			if (lane_of[i] != lane)
				continue;
			cut->parts[n] = all[i];
			cut->parts[n].lane = lane;
			(*rows)[n++] = all_rows[i];
		}
	cut->n_of_all = cut->n;
	cut->n = n;
}

/* ---- filling ---- */

/* The cells of the step that part_of says, in their order. */
static struct training_part *
take_part(
    struct training_parts *p, const struct token_step *step, const size_t *part_of, size_t part)
{
	struct arena *a = &p->arena;
	struct training_part *ret = arena_zero(a, 1, sizeof(*ret));
	size_t n = 0, end = 0, *offsets;
	uint64_t *rows, *examples, n_rows = token_corpus_rows(p->task->corpus);
	int32_t *ids;

	for (size_t i = 0; i < step->n; i++)
		if (part_of[i] == part) {
			n++;
			end += step->offsets[i + 1] - step->offsets[i];
		}
	offsets = arena_alloc(a, n + 1, sizeof(*offsets));
	rows = arena_alloc(a, n, sizeof(*rows));
	examples = arena_alloc(a, n, sizeof(*examples));
	ids = arena_alloc(a, end, sizeof(*ids));
	n = end = 0;
	for (size_t i = 0; i < step->n; i++) {
		size_t size = step->offsets[i + 1] - step->offsets[i];

		if (part_of[i] != part)
			continue;
		memcpy(ids + end, step->ids + step->offsets[i], size * sizeof(*ids));
		rows[n] = step->rows[i];
		examples[n] = chance_example(step->epoch, step->rows[i], n_rows);
		offsets[n++] = end;
		end += size;
	}
	offsets[n] = end;
	ret->cells = (struct forward_cells){ .n = n, .ids = ids, .offsets = offsets };
	ret->rows = rows;
	ret->examples = examples;
	ret->totals = arena_zero(a, p->task->n_heads, sizeof(*ret->totals));
	ret->arena = a;
	return ret;
}

static void
add_part(struct training_parts *p, const struct training_part *part, const uint64_t **rows,
    struct training_cut *cut)
{
	size_t n_rows = forward_rows(p->task->plan, &part->cells);
	int32_t *predicted = NULL;
	double sum = 0;

	for (size_t h = 0; h < p->task->n_heads; h++)
		sum += part->totals[h];
	if (!(sum > 0))
		return;
	for (size_t h = 0; h < p->task->n_heads; h++)
		cut->totals[h] += part->totals[h];
	for (size_t i = 0; i < n_rows; i++)
		cut->n_labels += part->labels[i] >= 0;
	rows[cut->n] = part->rows;
	if (part->is_evaluation && p->task->count)
		predicted = arena_alloc(&p->arena, p->task->n_heads * n_rows, sizeof(*predicted));
	cut->parts[cut->n++] = (struct backward_part){ .cells = &part->cells,
		.predicted = predicted,
		.examples = part->examples,
		.labels = part->labels,
		.weights = part->weights };
}

int
training_parts_make(struct training_parts *p, const struct token_step *step, bool is_evaluation,
    struct training_cut *ret, struct err *e)
{
	struct arena *a = &p->arena;
	const uint64_t **rows;
	size_t *part_of, n;

	arena_reset(a);
	n = count_parts(step);
	part_of = arena_alloc(a, step->n, sizeof(*part_of));
	rows = arena_alloc(a, n, sizeof(*rows));
	deal_cells(p, step, n, part_of);
	*ret =
	    (struct training_cut){ .parts = arena_zero(a, n, sizeof(*ret->parts)), .rows = rows };
	for (size_t i = 0; i < n; i++) {
		struct training_part *part = take_part(p, step, part_of, i);

		part->is_evaluation = is_evaluation;
		if (p->task->fill(p->task->context, part, e))
			return -1;
		add_part(p, part, rows, ret);
	}
	deal_parts(p, ret, &rows);
	ret->rows = rows;
	return 0;
}

void
training_parts_weigh(struct training_parts *p, struct training_cut *cut, const double *totals)
{
	const double *scale = p->task->head_scale;

	for (size_t h = 0; h < p->task->n_heads; h++)
		p->factors[h] = totals[h] > 0 ? (scale ? scale[h] : 1) / totals[h] : 0;
	for (size_t i = 0; i < cut->n; i++)
		cut->parts[i].factors = p->factors;
}
