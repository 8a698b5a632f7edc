/* 1. Cells
 * 2. Parts: the copies that one worker takes at once
 * 3. The stages */

#include <stdlib.h>

#include "base/pool.h"
#include "nn/perturb_stream.h"

struct cell {
	struct batch row; /* memory of its own, of the tokens and what is perturbed, too */
	const int32_t *ids;
	size_t length;
	struct cell_perturbations what;
	size_t n;                        /* copies: what.n, or fewer where they are screened */
	size_t begin;                    /* the first copy that is not skipped */
	struct perturber_cell *original; /* NULL: nothing is computed */
	double fraction;
};

/* Copies first .. first + n - 1 of a cell. */
struct part {
	struct cell *cell;
	size_t first, n;
	bool is_last;
	struct perturbed numbers; /* in the arena */
	struct arena arena;
};

struct stream {
	struct cells_reader *in;
	const struct schema *schema;
	struct perturber *perturber;
	struct perturb_stream_options options;
	perturb_sink *sink;
	void *context;

	struct batch batch; /* being taken apart */
	struct token_cells cells;
	size_t next_row;
	struct cell *cell; /* being cut into parts; NULL: none */
	size_t next_copy;
	uint64_t n_truncated;
};

/* 1. Cells */

static void
cell_free(struct cell *c)
{
	if (!c)
		return;
	perturber_cell_free(c->original);
	batch_free(&c->row);
	free(c);
}

static int
check_cell(const struct stream *s, size_t row, struct err *e)
{
	int32_t cls = s->options.what.cls;

	if (!s->perturber || perturber_pool(s->perturber) != EMBED_FIRST || cls < 0 ||
	    s->cells.ids[s->cells.offsets[row]] == cls)
		return 0;
	return err_set(e,
	    "%s: batch %llu: row %zu: does not begin with <cls> (--pool mean needs none)",
	    cells_name(s->in), (unsigned long long)s->batch.number, row);
}

static struct cell *
make_cell(struct stream *s, size_t row, struct err *e)
{
	struct cell *c;
	size_t at = s->cells.offsets[row], n = s->cells.offsets[row + 1] - at;
	int32_t *ids;

	if (check_cell(s, row, e))
		return NULL;
	c = mem_zero(1, sizeof(*c));
	batch_copy(&c->row, s->schema, &s->batch, row, 1);
	ids = arena_copy(&c->row.arena, s->cells.ids + at, n, sizeof(*ids));
	c->ids = ids;
	c->length = n;
	c->what = perturbations_find(&s->options.what, ids, n, &c->row.arena);
	c->fraction = cells_fraction(s->in);
	c->n = s->options.screen && c->what.n > s->options.n_screened ? s->options.n_screened
								      : c->what.n;
	c->begin = c->n < s->options.n_skipped ? c->n : (size_t)s->options.n_skipped;
	s->options.n_skipped -= c->begin;
	if (s->perturber && c->n > c->begin)
		c->original =
		    perturber_cell_new(s->perturber, &s->options.what, c->ids, n, &c->what);
	return c;
}

/* The next row that is to be perturbed: 1, 0 at the end, -1 on failure. */
static int
find_row(struct stream *s, size_t *ret_row, struct err *e)
{
	do {
		while (s->next_row == s->cells.n) {
			int r = cells_read(s->in, &s->batch, e);

			if (r <= 0)
				return r;
			if (token_cells_take(
				&s->batch, s->schema, &s->options.limits, &s->cells, e))
				return err_prefix(e, "%s: batch %llu", cells_name(s->in),
				    (unsigned long long)s->batch.number);
			s->n_truncated += s->cells.n_truncated;
			s->next_row = 0;
		}
		*ret_row = s->next_row++;
	} while (s->options.filter && !s->options.filter(s->context, &s->batch, *ret_row));
	return 1;
}

static int
next_cell(struct stream *s, struct err *e)
{
	size_t row = 0;
	int r = find_row(s, &row, e);

	if (r <= 0)
		return r;
	s->cell = make_cell(s, row, e);
	s->next_copy = s->cell ? s->cell->begin : 0;
	return s->cell ? 1 : -1;
}

/* 2. Parts */

/* As many copies as the token budget has room for, if all were as long as they can be; so how a
 * cell is cut depends on its length and the number of copies only. One whose copies are screened is
 * a single part: who takes it chooses them. */
static void
cut_part(struct stream *s, struct part *p)
{
	struct cell *c = s->cell;
	size_t n = c->n - s->next_copy;

	if (c->original && c->n == c->what.n) {
		size_t most =
		    s->options.batch_tokens / perturbation_most(&s->options.what, c->length);

		if (most == 0)
			most = 1;
		if (n > most)
			n = most;
	}
	p->cell = c;
	p->first = s->next_copy;
	p->n = n;
	s->next_copy += n;
	p->is_last = s->next_copy == c->n;
	if (p->is_last)
		s->cell = NULL;
}

static int
read_part(void *context, void *item, struct err *e)
{
	struct stream *s = context;
	int r = s->cell ? 1 : next_cell(s, e);

	if (r > 0)
		cut_part(s, item);
	return r;
}

/* The estimate of each copy, a gene's being the sum of those of its places. */
static double *
score_copies(struct stream *s, size_t worker, struct cell *c, struct arena *a, struct err *e)
{
	const struct perturbation_options *o = &s->options.what;
	double *of_places = arena_alloc(a, c->length, sizeof(double));
	double *of_tokens = arena_zero(a, s->options.limits.vocab, sizeof(double));
	double *scores = arena_alloc(a, c->what.n, sizeof(double));
	int32_t *genes = arena_alloc(a, perturbation_most(o, c->length), sizeof(int32_t));
	size_t from, to;

	token_cells_genes(c->ids, c->length, o->cls, o->eos, &from, &to);
	if (screen_cell(
		s->options.screen, worker, c->ids, c->length, from, to - from, of_places, e))
		return NULL;
	for (size_t i = from; i < to; i++)
		of_tokens[c->ids[i]] += of_places[i - from];
	for (size_t i = 0; i < c->what.n; i++) {
		perturbation_genes(o, &c->what, i, genes);
		scores[i] = of_tokens[genes[0]];
	}
	return scores;
}

/* Leaves only the copies of the greatest estimates. */
static int
screen_copies(struct stream *s, size_t worker, struct cell *c, struct arena *a, struct err *e)
{
	double *scores = score_copies(s, worker, c, a, e);

	if (scores)
		perturbations_keep(&c->what, scores, c->n, &c->row.arena);
	return scores ? 0 : -1;
}

static int
work_part(void *context, size_t worker, void *item, struct err *e)
{
	struct stream *s = context;
	struct part *p = item;

	if (!p->cell->original)
		return 0;
	arena_reset(&p->arena);
	if (p->cell->n < p->cell->what.n && screen_copies(s, worker, p->cell, &p->arena, e))
		return -1;
	return perturber_run(
	    s->perturber, worker, p->cell->original, p->first, p->n, &p->arena, &p->numbers, e);
}

/* 3. The stages */

static int
write_part(void *context, void *item, struct err *e)
{
	struct stream *s = context;
	struct part *p = item;
	struct cell *c = p->cell;
	struct perturbed_part done = { .row = &c->row,
		.ids = c->ids,
		.length = c->length,
		.what = &c->what,
		.first = p->first,
		.n = p->n,
		.numbers = c->original ? &p->numbers : NULL,
		.is_first = p->first == c->begin,
		.is_last = p->is_last,
		.fraction = c->fraction };
	int status = s->sink(s->context, &done, e);

	if (p->is_last)
		cell_free(c);
	p->cell = NULL;
	return status;
}

/* After an error: the cells of parts that were never written, each once. */
static void
free_parts(struct stream *s, struct part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct cell *c = parts[i].cell;

		for (size_t k = i; c && k < n; k++)
			if (parts[k].cell == c)
				parts[k].cell = NULL;
		if (c != s->cell)
			cell_free(c);
		arena_free(&parts[i].arena);
	}
	cell_free(s->cell);
}

int
perturb_stream(struct cells_reader *in, struct perturber *perturber,
    const struct perturb_stream_options *options, perturb_sink *sink, void *context,
    uint64_t *ret_truncated, struct err *e)
{
	static const struct pool_stages stages = { read_part, work_part, write_part };
	struct stream s = { .in = in,
		.perturber = perturber,
		.options = *options,
		.sink = sink,
		.context = context };
	size_t n_items = options->workers + 2;
	struct part *parts;
	void **items;

	if (e->is_set)
		return -1;
	s.schema = cells_schema(in);
	if (perturber && !s.options.batch_tokens)
		s.options.batch_tokens = perturber_batch_tokens(perturber);
	parts = mem_zero(n_items, sizeof(*parts));
	items = mem_zero(n_items, sizeof(*items));
	for (size_t i = 0; i < n_items; i++)
		items[i] = &parts[i];
	pool_run(&stages, &s, items, n_items, options->workers, e);
	free_parts(&s, parts, n_items);
	batch_free(&s.batch);
	free(items);
	free(parts);
	*ret_truncated = s.n_truncated;
	return e->is_set ? -1 : 0;
}
