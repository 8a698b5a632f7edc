/* 1. Groups: cells of one batch of the stream
 * 2. Parts: what one worker does at once
 * 3. The stages */

#include <stdlib.h>

#include "base/pool.h"
#include "nn/embed_stream.h"

enum {
	GROUP_TOKENS = 16384,
	/* Of a group whose vectors are those of all tokens: about 8 MB, but not below: */
	GROUP_FLOATS = 1 << 21,
	LEAST_TOKENS = 2048
};

struct group {
	struct batch rows; /* memory of its own */
	struct token_cells cells;
	size_t *from, *to; /* [cells.n], for the mean */
	float *vectors;
	double fraction;
};

/* Cells first..first+n of a group. */
struct part {
	struct group *group;
	size_t first, n;
	bool is_last;
};

struct stream {
	struct cells_reader *in;
	const struct schema *schema;
	struct embedder *embedder;
	const struct plan *plan;
	struct embed_stream_options options;
	embed_sink *sink;
	void *context;

	struct batch batch; /* being cut into groups */
	struct token_cells cells;
	size_t next_row;
	struct group *group; /* being cut into parts; NULL: none */
	size_t next_cell;
	uint64_t n_truncated;
};

/* 1. Groups */

static void
group_free(struct group *g)
{
	if (!g)
		return;
	batch_free(&g->rows);
	free(g->vectors);
	free(g);
}

/* How many tokens make a group full. */
static size_t
group_size(const struct plan *plan)
{
	size_t most = GROUP_FLOATS / plan->width;

	if (plan->rows != PLAN_ALL || most > GROUP_TOKENS)
		return GROUP_TOKENS;
	return most > LEAST_TOKENS ? most : LEAST_TOKENS;
}

/* One more than the last row of the group that starts at next_row. */
static size_t
find_group_end(const struct stream *s)
{
	size_t end = s->next_row + 1, start = s->cells.offsets[s->next_row];
	size_t most = group_size(s->plan);

	while (end < s->cells.n && s->cells.offsets[end] - start < most)
		end++;
	return end;
}

static int
refuse_row(
    const struct stream *s, const struct group *g, size_t i, const char *reason, struct err *e)
{
	return err_set(e, "%s: batch %llu: row %zu: %s", cells_name(s->in),
	    (unsigned long long)g->rows.number, s->next_row + i, reason);
}

/* Where the genes of each cell stand; checks that what is to be pooled is there. */
static int
find_genes(const struct stream *s, struct group *g, struct err *e)
{
	for (size_t i = 0; i < g->cells.n; i++) {
		size_t at = g->cells.offsets[i];

		if (s->options.without_cls && g->cells.ids[at] != s->options.cls)
			return refuse_row(s, g, i, s->options.without_cls, e);

		token_cells_genes(g->cells.ids + at, g->cells.offsets[i + 1] - at, s->options.cls,
		    s->options.eos, &g->from[i], &g->to[i]);
		if (g->from[i] == g->to[i] && s->plan->rows == PLAN_MEAN)
			return refuse_row(s, g, i, "special tokens only, no gene to average", e);
	}
	return 0;
}

static struct group *
make_group(struct stream *s, struct err *e)
{
	size_t first = s->next_row, n = find_group_end(s) - first, start = s->cells.offsets[first];
	size_t n_tokens = s->cells.offsets[first + n] - start, *offsets;
	struct group *g = mem_zero(1, sizeof(*g));
	struct arena *a = &g->rows.arena;

	batch_copy(&g->rows, s->schema, &s->batch, first, n);
	offsets = arena_alloc(a, n + 1, sizeof(*offsets));
	for (size_t i = 0; i <= n; i++)
		offsets[i] = s->cells.offsets[first + i] - start;
	g->cells = (struct token_cells){ .n = n,
		.ids = arena_copy(a, s->cells.ids + start, n_tokens, sizeof(*s->cells.ids)),
		.offsets = offsets };
	g->from = arena_alloc(a, n, sizeof(*g->from));
	g->to = arena_alloc(a, n, sizeof(*g->to));
	g->vectors =
	    mem_alloc(s->plan->rows == PLAN_ALL ? n_tokens : n, s->plan->width * sizeof(float));
	g->fraction = cells_fraction(s->in);
	if (find_genes(s, g, e)) {
		group_free(g);
		return NULL;
	}
	s->next_row += n;
	return g;
}

/* The next group: 1, 0 at the end, -1 on failure. */
static int
next_group(struct stream *s, struct err *e)
{
	if (s->next_row == s->cells.n) {
		int r = cells_read(s->in, &s->batch, e);

		if (r <= 0)
			return r;
		if (token_cells_take(&s->batch, s->schema, &s->options.limits, &s->cells, e))
			return err_prefix(e, "%s: batch %llu", cells_name(s->in),
			    (unsigned long long)s->batch.number);
		s->n_truncated += s->cells.n_truncated;
		s->next_row = 0;
	}
	s->group = make_group(s, e);
	s->next_cell = 0;
	return s->group ? 1 : -1;
}

/* 2. Parts */

static void
cut_part(struct stream *s, struct part *part)
{
	const struct token_cells *cells = &s->group->cells;
	size_t start = cells->offsets[s->next_cell], end = s->next_cell + 1;
	size_t most =
	    s->options.batch_tokens ? s->options.batch_tokens : embedder_batch_tokens(s->embedder);

	while (end < cells->n && cells->offsets[end + 1] - start <= most)
		end++;
	*part = (struct part){ s->group, s->next_cell, end - s->next_cell, end == cells->n };
	s->next_cell = end;
	if (part->is_last)
		s->group = NULL;
}

static int
read_part(void *context, void *item, struct err *e)
{
	struct stream *s = context;
	int r = s->group ? 1 : next_group(s, e);

	if (r > 0)
		cut_part(s, item);
	return r;
}

static int
work_part(void *context, size_t worker, void *item, struct err *e)
{
	struct stream *s = context;
	struct part *p = item;
	struct group *g = p->group;
	const size_t *offsets = g->cells.offsets + p->first;
	size_t *relative = mem_alloc(p->n + 1, sizeof(*relative));
	size_t row = s->plan->rows == PLAN_ALL ? offsets[0] : p->first;
	struct embed_cells cells = { p->n, g->cells.ids + offsets[0], relative, g->from + p->first,
		g->to + p->first };
	int status;

	for (size_t i = 0; i <= p->n; i++)
		relative[i] = offsets[i] - offsets[0];
	status = embedder_run(s->embedder, worker, &cells, g->vectors + row * s->plan->width, e);
	free(relative);
	return status;
}

/* 3. The stages */

static int
write_part(void *context, void *item, struct err *e)
{
	struct stream *s = context;
	struct part *p = item;
	struct embedded_group done = { &p->group->rows, &p->group->cells, p->group->vectors,
		p->group->fraction };
	int status = 0;

	if (p->is_last) {
		status = s->sink(s->context, &done, e);
		group_free(p->group);
	}
	p->group = NULL;
	return status;
}

/* After an error: the groups of parts that were never written, each once. */
static void
free_groups(struct stream *s, struct part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct group *g = parts[i].group;

		for (size_t k = i; g && k < n; k++)
			if (parts[k].group == g)
				parts[k].group = NULL;
		if (g != s->group)
			group_free(g);
	}
	group_free(s->group);
}

int
embed_stream(struct cells_reader *in, struct embedder *embedder,
    const struct embed_stream_options *options, embed_sink *sink, void *context,
    uint64_t *ret_truncated, struct err *e)
{
	static const struct pool_stages stages = { read_part, work_part, write_part };
	struct stream s = { .in = in,
		.embedder = embedder,
		.options = *options,
		.sink = sink,
		.context = context };
	size_t n_items = options->workers + 2;
	struct part *parts;
	void **items;

	if (e->is_set)
		return -1;
	s.schema = cells_schema(in);
	s.plan = embedder_plan(embedder);
	parts = mem_zero(n_items, sizeof(*parts));
	items = mem_zero(n_items, sizeof(*items));
	for (size_t i = 0; i < n_items; i++)
		items[i] = &parts[i];
	pool_run(&stages, &s, items, n_items, options->workers, e);
	free_groups(&s, parts, n_items);
	batch_free(&s.batch);
	free(items);
	free(parts);
	*ret_truncated = s.n_truncated;
	return e->is_set ? -1 : 0;
}
