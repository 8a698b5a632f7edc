/* 1. Filling
 * 2. What there is
 * 3. Windows
 * 4. Orders */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/spill.h"
#include "nn/chance.h"
#include "nn/token_corpus.h"

enum { N_SETS = 3 };

/* Rows first .. first + n - 1 and their tokens, in memory or in the spill file. */
struct block {
	uint64_t first;
	size_t n, tokens;
	void *ids;   /* NULL: in the file */
	uint64_t at; /* there, in bytes */
};

struct token_corpus {
	struct token_corpus_options options;
	size_t width;          /* bytes of a token */
	const char *text;      /* the vocabulary of options.vocabulary, or NULL */
	struct arena arena;    /* of that text */
	struct buffer lengths; /* uint32_t [rows] */
	struct buffer sets;    /* uint8_t [rows] */
	uint64_t rows, n_truncated;
	uint64_t cells[N_SETS], tokens[N_SETS];
	size_t longest;

	struct block *blocks;
	size_t n_blocks, blocks_room;
	size_t memory; /* bytes of blocks in it */
	struct spill spill;
	uint64_t digest; /* of the blocks so far */

	struct buffer pending; /* tokens of the block that is being filled */
	uint64_t pending_first;
};

static uint32_t
length_of(const struct token_corpus *c, uint64_t row)
{
	return ((const uint32_t *)(const void *)c->lengths.data)[row];
}

/* 1. Filling */

struct token_corpus *
token_corpus_new(const struct token_corpus_options *o)
{
	struct token_corpus *c = mem_zero(1, sizeof(*c));

	c->options = *o;
	c->width = o->limits.vocab <= (size_t)UINT16_MAX + 1 ? sizeof(uint16_t) : sizeof(int32_t);
	c->spill = spill_new();
	if (!c->options.block_tokens)
		c->options.block_tokens = TOKEN_BLOCK_TOKENS;
	if (!c->options.window_blocks)
		c->options.window_blocks = TOKEN_WINDOW_BLOCKS;
	if (o->vocabulary)
		c->text = genes_vocabulary(o->vocabulary, &c->arena);
	return c;
}

void
token_corpus_free(struct token_corpus *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_blocks; i++)
		free(c->blocks[i].ids);
	free(c->blocks);
	buffer_free(&c->lengths);
	buffer_free(&c->sets);
	buffer_free(&c->pending);
	spill_close(&c->spill);
	arena_free(&c->arena);
	free(c);
}

static struct block *
new_block(struct token_corpus *c)
{
	if (c->n_blocks == c->blocks_room) {
		size_t room = c->blocks_room ? 2 * c->blocks_room : 64;

		c->blocks = mem_resize(c->blocks, c->n_blocks, room, sizeof(*c->blocks));
		c->blocks_room = room;
	}
	return &c->blocks[c->n_blocks++];
}

/* Makes a block of the pending tokens. */
static int
end_block(struct token_corpus *c, struct err *e)
{
	size_t size = c->pending.size;
	uint64_t chain[2] = { c->digest, hash_bytes(c->pending.data, size) };
	struct block *b;

	if (c->pending_first == c->rows)
		return 0;
	b = new_block(c);
	*b = (struct block){ .first = c->pending_first,
		.n = (size_t)(c->rows - c->pending_first),
		.tokens = size / c->width,
		.at = c->spill.size };
	c->digest = hash_bytes(chain, sizeof(chain));
	c->pending_first = c->rows;
	c->pending.size = 0;
	if (c->spill.fd < 0 && size <= c->options.max_memory - c->memory) {
		b->ids = mem_alloc(size, 1);
		memcpy(b->ids, c->pending.data, size);
		c->memory += size;
		return 0;
	}
	return spill_append(&c->spill, c->pending.data, size, e);
}

static void
add_tokens(struct token_corpus *c, const int32_t *ids, size_t n)
{
	void *to = buffer_grow(&c->pending, n * c->width);
	uint16_t *narrow = to;

	if (c->width == sizeof(*ids)) {
		memcpy(to, ids, n * sizeof(*ids));
		return;
	}
	for (size_t i = 0; i < n; i++)
		narrow[i] = (uint16_t)ids[i];
}

static int
add_row(struct token_corpus *c, const int32_t *ids, size_t n, uint8_t set, struct err *e)
{
	uint32_t length = set == TOKEN_SET_NONE ? 0 : (uint32_t)n;

	assert(set < N_SETS || set == TOKEN_SET_NONE);
	buffer_add(&c->lengths, &length, sizeof(length));
	buffer_add(&c->sets, &set, 1);
	c->rows++;
	if (!length)
		return 0;
	add_tokens(c, ids, n);
	c->cells[set]++;
	c->tokens[set] += n;
	c->longest = n > c->longest ? n : c->longest;
	return c->pending.size >= c->options.block_tokens * c->width ? end_block(c, e) : 0;
}

static int
check_vocabulary(const struct token_corpus *c, const struct token_source *source, struct err *e)
{
	const struct schema *s = token_source_schema(source);
	const char *text =
	    metadata_get(&s->fields[schema_find(s, "input_ids")].metadata, "cells:vocabulary");

	if (!text || !c->text || strcmp(text, c->text) == 0)
		return 0;
	return err_set(e, "%s: its vocabulary is another one", token_source_name(source));
}

/* What one call of token_corpus_add works with. */
struct filling {
	struct token_corpus *corpus;
	const struct token_source *source;
	token_corpus_visit *visit;
	void *context;
	enum token_set set;
	struct buffer sets; /* of the batch */
};

static int
add_batch(struct filling *f, struct batch *b, struct err *e)
{
	struct token_corpus *c = f->corpus;
	const struct schema *s = token_source_schema(f->source);
	struct token_cells cells;

	f->sets.size = 0;
	memset(buffer_grow(&f->sets, b->rows), (int)f->set, b->rows);
	if (f->visit && f->visit(f->context, s, b, c->rows, f->sets.data, e))
		return -1;
	if (token_cells_take(b, s, &c->options.limits, &cells, e))
		return -1;
	c->n_truncated += cells.n_truncated;
	for (size_t i = 0; i < cells.n; i++)
		if (add_row(c, cells.ids + cells.offsets[i],
			cells.offsets[i + 1] - cells.offsets[i], f->sets.data[i], e))
			return -1;
	return 0;
}

int
token_corpus_add(struct token_corpus *c, struct token_source *source, enum token_set set,
    token_corpus_visit *visit, void *context, struct err *e)
{
	struct filling f = { c, source, visit, context, set, { 0 } };
	static const struct cli silent = { .quiet = true };
	struct progress progress;
	struct batch b = { 0 };

	if (e->is_set || check_vocabulary(c, source, e))
		return -1;
	progress_start(&progress, c->options.cli ? c->options.cli : &silent, "cells read");
	while (token_source_read(source, &b, e) > 0) {
		if (add_batch(&f, &b, e)) {
			err_prefix(e, "%s: batch %llu", token_source_name(source),
			    (unsigned long long)b.number);
			break;
		}
		progress_advance(&progress, b.rows, token_source_fraction(source));
	}
	if (!e->is_set)
		end_block(c, e);
	progress_end(&progress);
	batch_free(&b);
	buffer_free(&f.sets);
	return e->is_set ? -1 : 0;
}

void
token_corpus_move(struct token_corpus *c, uint64_t row, enum token_set set)
{
	uint8_t from = c->sets.data[row];

	assert(row < c->rows && from < N_SETS);
	c->cells[from]--;
	c->tokens[from] -= length_of(c, row);
	c->sets.data[row] = (uint8_t)set;
	if (set == TOKEN_SET_NONE)
		return;
	c->cells[set]++;
	c->tokens[set] += length_of(c, row);
}

void
token_corpus_hold_out(struct token_corpus *c, double fraction, uint64_t seed)
{
	struct random r = random_start(seed, chance_stream(CHANCE_HOLD_OUT, 0));

	for (uint64_t row = 0; row < c->rows; row++) {
		bool is_chosen = random_float(&r) < (float)fraction;

		if (is_chosen && c->sets.data[row] == TOKEN_SET_TRAIN)
			token_corpus_move(c, row, TOKEN_SET_EVAL);
	}
}

/* 2. What there is */

uint64_t
token_corpus_rows(const struct token_corpus *c)
{
	return c->rows;
}

uint64_t
token_corpus_cells(const struct token_corpus *c, enum token_set set)
{
	return c->cells[set];
}

uint64_t
token_corpus_tokens(const struct token_corpus *c, enum token_set set)
{
	return c->tokens[set];
}

enum token_set
token_corpus_set_of(const struct token_corpus *c, uint64_t row)
{
	return c->sets.data[row];
}

uint64_t
token_corpus_truncated(const struct token_corpus *c)
{
	return c->n_truncated;
}

size_t
token_corpus_longest(const struct token_corpus *c)
{
	return c->longest;
}

void
token_corpus_hash(const struct token_corpus *c, char ret_hex[33])
{
	struct hash128 *h = hash128_new();

	hash128_add(h, &c->digest, sizeof(c->digest));
	hash128_add(h, c->lengths.data, c->lengths.size);
	hash128_add(h, c->sets.data, c->sets.size);
	hash128_finish(h, ret_hex);
}

/* 3. Windows */

struct place {
	uint64_t row;
	size_t at; /* of its first token in the window */
};

struct token_order {
	const struct token_corpus *corpus;
	enum token_set set;
	bool is_shuffled;
	uint64_t seed;
	uint64_t epoch, place;
	size_t max_cells; /* of a take; 0: any number */

	size_t *blocks; /* [n_blocks] of the corpus, in the epoch's order */
	bool is_listed; /* they are those of `epoch` */
	size_t window;  /* the next one */

	/* The rows of the set in the last window, in order. */
	struct place *places; /* [places_room] */
	size_t *order;        /* [places_room] numbers of places */
	size_t places_room, n, next;
	size_t tokens; /* of all rows of its blocks */
	bool is_loaded;
	uint8_t *ids; /* [tokens] of the corpus' width */

	struct buffer step_ids, step_offsets, step_rows;
};

static void
list_blocks(struct token_order *o)
{
	struct random r = random_start(o->seed, chance_stream(CHANCE_BLOCKS, o->epoch));

	for (size_t i = 0; i < o->corpus->n_blocks; i++)
		o->blocks[i] = i;
	if (o->is_shuffled)
		random_shuffle(&r, o->blocks, o->corpus->n_blocks);
	o->is_listed = true;
	o->window = 0;
	o->n = o->next = 0;
}

static size_t
window_start(const struct token_order *o, size_t window)
{
	size_t start = window * o->corpus->options.window_blocks;

	return start < o->corpus->n_blocks ? start : o->corpus->n_blocks;
}

static void
make_room(struct token_order *o, size_t n)
{
	if (n <= o->places_room)
		return;
	free(o->places);
	free(o->order);
	o->places = mem_alloc(n, sizeof(*o->places));
	o->order = mem_alloc(n, sizeof(*o->order));
	o->places_room = n;
}

/* The rows of the next window, shuffled; their tokens come later. */
static void
list_window(struct token_order *o)
{
	const struct token_corpus *c = o->corpus;
	uint64_t number = o->epoch << 24 | o->window;
	struct random r = random_start(o->seed, chance_stream(CHANCE_ROWS, number));
	size_t from = window_start(o, o->window), end = window_start(o, o->window + 1), n = 0;

	for (size_t i = from; i < end; i++)
		n += c->blocks[o->blocks[i]].n;
	make_room(o, n);
	o->n = o->next = o->tokens = 0;
	for (size_t i = from; i < end; i++) {
		const struct block *b = &c->blocks[o->blocks[i]];

		for (size_t k = 0; k < b->n; k++) {
			if (c->sets.data[b->first + k] == o->set) {
				o->order[o->n] = o->n;
				o->places[o->n++] = (struct place){ b->first + k, o->tokens };
			}
			o->tokens += length_of(c, b->first + k);
		}
	}
	if (o->is_shuffled && o->n)
		random_shuffle(&r, o->order, o->n);
	o->window++;
	o->is_loaded = false;
}

static int
load_window(struct token_order *o, struct err *e)
{
	const struct token_corpus *c = o->corpus;
	size_t from = window_start(o, o->window - 1), end = window_start(o, o->window);
	uint8_t *to;

	free(o->ids);
	to = o->ids = mem_alloc(o->tokens, c->width);
	for (size_t i = from; i < end; i++) {
		const struct block *b = &c->blocks[o->blocks[i]];
		size_t size = b->tokens * c->width;

		if (b->ids)
			memcpy(to, b->ids, size);
		else if (spill_read(&c->spill, b->at, to, size, e))
			return -1;
		to += size;
	}
	o->is_loaded = true;
	return 0;
}

/* 4. Orders */

struct token_order *
token_order_new(const struct token_corpus *c, enum token_set set, bool is_shuffled, uint64_t seed)
{
	struct token_order *o = mem_zero(1, sizeof(*o));

	o->corpus = c;
	o->set = set;
	o->is_shuffled = is_shuffled;
	o->seed = seed;
	o->blocks = mem_alloc(c->n_blocks, sizeof(*o->blocks));
	return o;
}

void
token_order_free(struct token_order *o)
{
	if (!o)
		return;
	free(o->blocks);
	free(o->places);
	free(o->order);
	free(o->ids);
	buffer_free(&o->step_ids);
	buffer_free(&o->step_offsets);
	buffer_free(&o->step_rows);
	free(o);
}

void
token_order_limit(struct token_order *o, size_t cells)
{
	o->max_cells = cells;
}

/* Has a take of n cells and `tokens` tokens no room for one more of `length`? */
static bool
is_full(const struct token_order *o, uint64_t n, size_t tokens, size_t length, size_t budget)
{
	return n > 0 && (tokens + length > budget || (o->max_cells && n == o->max_cells));
}

/* The row that comes next, or NULL at the end of the epoch. */
static const struct place *
peek(struct token_order *o)
{
	if (!o->is_listed)
		list_blocks(o);
	while (o->next == o->n) {
		if (window_start(o, o->window) == o->corpus->n_blocks)
			return NULL;
		list_window(o);
	}
	return &o->places[o->order[o->next]];
}

int
token_order_seek(struct token_order *o, uint64_t epoch, uint64_t place, struct err *e)
{
	o->epoch = epoch;
	o->place = place;
	o->is_listed = false;
	while (place) {
		size_t n;

		if (!peek(o))
			return err_set(
			    e, "there is no row %llu in an epoch", (unsigned long long)o->place);
		n = o->n - o->next;
		n = place < n ? (size_t)place : n;
		o->next += n;
		place -= n;
	}
	return 0;
}

static void
add_to_step(struct token_order *o, const struct place *p)
{
	const struct token_corpus *c = o->corpus;
	size_t n = length_of(c, p->row), end;
	int32_t *to = buffer_grow(&o->step_ids, n * sizeof(*to));
	const uint16_t *narrow;

	if (c->width == sizeof(*to))
		memcpy(to, o->ids + p->at * c->width, n * sizeof(*to));
	else {
		narrow = (const uint16_t *)(const void *)o->ids + p->at;
		for (size_t i = 0; i < n; i++)
			to[i] = narrow[i];
	}
	end = o->step_ids.size / sizeof(*to);
	buffer_add(&o->step_offsets, &end, sizeof(end));
	buffer_add(&o->step_rows, &p->row, sizeof(p->row));
}

int
token_order_take(struct token_order *o, size_t budget, struct token_step *ret, struct err *e)
{
	const struct place *p;
	size_t zero = 0;

	o->step_ids.size = o->step_offsets.size = o->step_rows.size = 0;
	buffer_add(&o->step_offsets, &zero, sizeof(zero));
	*ret = (struct token_step){ .epoch = o->epoch };
	while ((p = peek(o))) {
		size_t used = o->step_ids.size / sizeof(int32_t);

		if (is_full(o, ret->n, used, length_of(o->corpus, p->row), budget))
			break;
		if (!o->is_loaded && load_window(o, e))
			return -1;
		add_to_step(o, p);
		ret->n++;
		o->next++;
		o->place++;
	}
	if (!ret->n) {
		o->epoch++;
		o->place = 0;
		o->is_listed = false;
		return 0;
	}
	ret->ids = (const int32_t *)(const void *)o->step_ids.data;
	ret->offsets = (const size_t *)(const void *)o->step_offsets.data;
	ret->rows = (const uint64_t *)(const void *)o->step_rows.data;
	return 1;
}

uint64_t
token_order_epoch(const struct token_order *o)
{
	return o->epoch;
}

uint64_t
token_order_place(const struct token_order *o)
{
	return o->place;
}

uint64_t
token_order_count(const struct token_order *o, uint64_t epoch, size_t budget)
{
	struct token_order *walk = token_order_new(o->corpus, o->set, o->is_shuffled, o->seed);
	const struct place *p;
	size_t used = 0;
	uint64_t n = 0, cells = 0;

	walk->epoch = epoch;
	walk->max_cells = o->max_cells;
	while ((p = peek(walk))) {
		size_t length = length_of(o->corpus, p->row);

		if (!n || is_full(o, cells, used, length, budget)) {
			used = 0;
			cells = 0;
			n++;
		}
		used += length;
		cells++;
		walk->next++;
	}
	token_order_free(walk);
	return n;
}
