#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

/* A cell of the step, the longest first; of equal ones the first. */
struct sized {
	size_t cell, tokens;
};

static int
compare_sizes(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;

	if (x->tokens != y->tokens)
		return x->tokens > y->tokens ? -1 : 1;
	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static struct sized *
sort_cells(struct arena *a, const struct token_step *step)
{
	struct sized *sorted = arena_alloc(a, step->n, sizeof(*sorted));

	for (size_t i = 0; i < step->n; i++)
		sorted[i] = (struct sized){ i, step->offsets[i + 1] - step->offsets[i] };
	qsort(sorted, step->n, sizeof(*sorted), compare_sizes);
	return sorted;
}

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

/* Each cell, the longest first, goes to the part that costs least so far. A layer multiplies
 * tokens * (4 hidden^2 + 2 hidden * ffn) and, in attention, tokens^2 * 2 hidden numbers. ret_part:
 * [step->n]. */
static void
deal_cells(const struct training_parts *p, const struct sized *sorted, size_t n_cells,
    size_t n_parts, struct arena *a, size_t *ret_part)
{
	const struct model_config *c = &p->task->parameters->model.config;
	double linear = 2.0 * (double)c->hidden + (double)c->ffn;
	double *costs = arena_zero(a, n_parts, sizeof(*costs));

	for (size_t i = 0; i < n_cells; i++) {
		size_t part = find_least(costs, n_parts);
		double tokens = (double)sorted[i].tokens;

		costs[part] += tokens * (linear + tokens);
		ret_part[sorted[i].cell] = part;
	}
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
	cut->parts[cut->n++] = (struct backward_part){ .cells = &part->cells,
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
	deal_cells(p, sort_cells(a, step), step->n, n, a, part_of);
	*ret =
	    (struct training_cut){ .parts = arena_zero(a, n, sizeof(*ret->parts)), .rows = rows };
	for (size_t i = 0; i < n; i++) {
		struct training_part *part = take_part(p, step, part_of, i);

		part->is_evaluation = is_evaluation;
		if (p->task->fill(p->task->context, part, e))
			return -1;
		add_part(p, part, rows, ret);
	}
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
