/* 1. Order of values
 * 2. The plan
 * 3. Encoding */

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell/rank.h"

enum {
	DIGIT_BITS = 8,
	DIGITS = 1 << DIGIT_BITS,
	KEY_BITS = 2 * DIGIT_BITS,
	RADIX_LIMIT = 1 << 16, /* places are 16 bits there */
	INSERTION_LIMIT = 48
};

/* 1. Order of values: two passes of a radix sort over 16 bits that tell most of the values of a
 * cell apart, then an insertion sort of the near neighbours that they leave. */

/* Bits that ascend while the value descends; both zeros are equal. */
static uint64_t
descending_bits(double value)
{
	uint64_t bits;

	value += 0.0;
	memcpy(&bits, &value, sizeof(bits));
	return bits >> 63 ? bits : ~bits & ~(UINT64_C(1) << 63);
}

static void
sort_by_insertion(const double *values, size_t n, uint32_t *order)
{
	for (size_t i = 1; i < n; i++) {
		uint32_t place = order[i];
		size_t k = i;

		for (; k > 0 && values[order[k - 1]] < values[place]; k--)
			order[k] = order[k - 1];
		order[k] = place;
	}
}

/* Merges order[0..middle) and order[middle..n), the first going before where values are equal. */
static void
merge_halves(const double *values, size_t n, size_t middle, uint32_t *order, uint32_t *room)
{
	size_t i = 0, k = middle, out = 0;

	memcpy(room, order, middle * sizeof(*room));
	while (i < middle && k < n)
		order[out++] = values[order[k]] > values[room[i]] ? order[k++] : room[i++];
	memcpy(order + out, room + i, (middle - i) * sizeof(*room));
}

static void
sort_stably(const double *values, size_t n, uint32_t *order, uint32_t *room)
{
	if (n <= INSERTION_LIMIT) {
		sort_by_insertion(values, n, order);
		return;
	}
	sort_stably(values, n / 2, order, room);
	sort_stably(values, n - n / 2, order + n / 2, room);
	merge_halves(values, n, n / 2, order, room);
}

static void
grow_scratch(struct rank_scratch *s, size_t n)
{
	if (n <= s->room)
		return;
	rank_scratch_free(s);
	s->room = n + n / 2;
	s->a = mem_alloc(s->room, sizeof(*s->a));
	s->b = mem_alloc(s->room, sizeof(*s->b));
}

/* How many elements have each value of a digit, then where the first of them goes. */
struct digit {
	uint32_t starts[DIGITS];
};

static void
find_starts(struct digit *d)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < DIGITS; i++) {
		uint32_t count = d->starts[i];

		d->starts[i] = sum;
		sum += count;
	}
}

static double
lesser(double x, double y)
{
	return x < y ? x : y;
}

static double
greater(double x, double y)
{
	return x > y ? x : y;
}

/* The least and the greatest of n >= 4 values, by two chains each, since one would wait for itself.
 */
static void
find_range(const double *values, size_t n, double *ret_least, double *ret_most)
{
	double a = values[0], b = values[1], c = a, d = b;

	for (size_t i = n & 1; i < n; i += 2) {
		a = lesser(values[i], a);
		b = lesser(values[i + 1], b);
		c = greater(values[i], c);
		d = greater(values[i + 1], d);
	}
	*ret_least = lesser(a, b);
	*ret_most = greater(c, d);
}

/* Elements (key << 16 | place), the key being the highest KEY_BITS of the bits in which the values
 * differ; and how many there are of each digit of the keys. */
static void
make_elements(
    const double *values, size_t n, uint32_t *elements, struct digit *low, struct digit *high)
{
	double least, most;
	uint64_t first, range;
	int shift = 0;

	find_range(values, n, &least, &most);
	first = descending_bits(most);
	range = descending_bits(least) - first;
	while (range >> shift >> KEY_BITS)
		shift++;
	for (size_t i = 0; i < n; i++) {
		uint32_t key = (uint32_t)((descending_bits(values[i]) - first) >> shift);

		low->starts[key & (DIGITS - 1)]++;
		high->starts[key >> DIGIT_BITS]++;
		elements[i] = key << 16 | (uint32_t)i;
	}
}

/* Finishes an order in which only near neighbours may stand the wrong way round; false where they
 * are so many that it gave up, with equal values still in their order. */
static bool
finish_by_insertion(const double *values, size_t n, uint32_t *order)
{
	size_t moves = 0, most = 8 * n;
	double last = values[order[0]]; /* that of order[i - 1] */

	for (size_t i = 1; i < n && moves <= most; i++) {
		uint32_t place = order[i];
		double value = values[place];
		size_t k = i;

		if (!(last < value)) {
			last = value;
			continue;
		}
		for (; k > 0 && values[order[k - 1]] < value; k--)
			order[k] = order[k - 1];
		order[k] = place;
		moves += i - k;
	}
	return moves <= most;
}

static void
sort_by_radix(const double *values, size_t n, struct rank_scratch *s, uint32_t *ret_order)
{
	struct digit low = { 0 }, high = { 0 };

	make_elements(values, n, s->a, &low, &high);
	find_starts(&low);
	find_starts(&high);
	for (size_t i = 0; i < n; i++)
		s->b[low.starts[s->a[i] >> 16 & (DIGITS - 1)]++] = s->a[i];
	for (size_t i = 0; i < n; i++)
		ret_order[high.starts[s->b[i] >> (16 + DIGIT_BITS)]++] = s->b[i] & 0xffff;
}

void
rank_order(const double *values, size_t n, struct rank_scratch *s, uint32_t *ret_order)
{
	assert(n < UINT32_MAX);
	grow_scratch(s, n);
	if (n > INSERTION_LIMIT && n <= RADIX_LIMIT) {
		sort_by_radix(values, n, s, ret_order);
		if (finish_by_insertion(values, n, ret_order))
			return;
	} else {
		for (size_t i = 0; i < n; i++)
			ret_order[i] = (uint32_t)i;
	}
	sort_stably(values, n, ret_order, s->a);
}

void
rank_scratch_free(struct rank_scratch *s)
{
	free(s->a);
	free(s->b);
	*s = (struct rank_scratch){ 0 };
}

/* 2. The plan */

struct ranking {
	const struct schema *in;
	const struct genes *genes;
	struct rank_options options;
	size_t cell, gene, value;
	bool is_wide; /* int32 tokens */
	struct gene_lookup lookup;
	int32_t *code_tokens; /* [lookup.names->n], of the gene column's dictionary */
	atomic_uint_least64_t n_empty, n_truncated, n_dropped;
};

static void
find_code_tokens(struct ranking *r)
{
	size_t n = r->lookup.names ? r->lookup.names->n : 0;

	r->code_tokens = mem_alloc(n, sizeof(*r->code_tokens));
	for (size_t i = 0; i < n; i++)
		r->code_tokens[i] =
		    r->lookup.rows[i] < 0 ? NO_TOKEN : r->genes->tokens[r->lookup.rows[i]];
}

struct ranking *
ranking_plan(const struct schema *in, const struct genes *genes, const struct rank_options *options,
    struct err *e)
{
	struct ranking *r;
	double share;

	if (e->is_set)
		return NULL;
	if (options->special && (genes->cls < 0 || genes->eos < 0)) {
		err_set(e, "special tokens are wanted, but the dictionary has no <cls> and <eos>");
		return NULL;
	}
	r = mem_zero(1, sizeof(*r));
	r->in = in;
	r->genes = genes;
	r->options = *options;
	r->cell = (size_t)schema_find(in, "cell");
	r->gene = (size_t)schema_find(in, "gene");
	r->value = (size_t)schema_find(in, "value");
	r->is_wide = genes->n_tokens > UINT16_MAX + 1;
	gene_lookup_init(&r->lookup, &in->fields[r->gene], genes, LOOKUP_TOKENS);
	find_code_tokens(r);
	if (ranking_check(r, &share, e)) {
		ranking_free(r);
		return NULL;
	}
	return r;
}

struct schema *
ranking_schema(const struct ranking *r)
{
	struct field item, tokens, length = field_int("length", 64, true);
	struct schema *out;
	size_t place;

	if (!r)
		return NULL;
	item = field_int("item", r->is_wide ? 32 : 16, r->is_wide);
	tokens = field_list("input_ids", &item);
	out = schema_copy(r->in);
	schema_vacate(out, "input_ids");
	schema_vacate(out, "length");
	place = r->gene < r->value ? r->gene : r->value;
	schema_remove(out, r->gene > r->value ? r->gene : r->value);
	schema_replace(out, place, &tokens);
	metadata_set(out, &out->fields[place].metadata, "cells:vocabulary",
	    genes_vocabulary(r->genes, &out->arena));
	schema_insert(out, place + 1, &length);
	return out;
}

/* 3. Encoding */

/* Where the tokens of a batch go. */
struct encoding {
	uint16_t *narrow;
	int32_t *wide;
	size_t n;
};

static void
put_token(struct encoding *out, int32_t token)
{
	if (out->wide)
		out->wide[out->n++] = token;
	else
		out->narrow[out->n++] = (uint16_t)token;
}

/* What one cell is ranked in. */
struct cell_room {
	struct rank_scratch scratch;
	double *values; /* of the entries with a token */
	int32_t *tokens;
	uint32_t *order;
};

/* A token for each entry of the gene column: tokens[numbers[k]], none where numbers[k] is -1. */
struct entry_tokens {
	const int32_t *numbers, *tokens;
};

static struct entry_tokens
find_entry_tokens(struct ranking *r, struct batch *b)
{
	const struct array *gene = &b->columns[r->gene];

	if (r->lookup.names)
		return (struct entry_tokens){ gene->children[0].values, r->code_tokens };
	return (
	    struct entry_tokens){ gene_lookup_rows(&r->lookup, &b->arena, gene), r->genes->tokens };
}

/* Entries from..from+n that have a token; *ret_has_nan says whether any of the n is NaN. */
static size_t
gather_cell(const struct entry_tokens *entries, size_t from, const double *values, size_t n,
    struct cell_room *room, bool *ret_has_nan)
{
	const int32_t *numbers = entries->numbers + from;
	size_t kept = 0;
	bool has_nan = false;

	for (size_t k = 0; k < n; k++) {
		double value = values[from + k];
		int32_t token = numbers[k] < 0 ? NO_TOKEN : entries->tokens[numbers[k]];

		has_nan |= value != value;
		room->values[kept] = value;
		room->tokens[kept] = token;
		kept += token != NO_TOKEN;
	}
	*ret_has_nan = has_nan;
	return kept;
}

/* The tokens in their order. */
static void
put_ranked(const struct cell_room *room, size_t n, struct encoding *out)
{
	if (out->wide)
		for (size_t k = 0; k < n; k++)
			out->wide[out->n + k] = room->tokens[room->order[k]];
	else
		for (size_t k = 0; k < n; k++)
			out->narrow[out->n + k] = (uint16_t)room->tokens[room->order[k]];
	out->n += n;
}

/* Returns whether the cell was cut. */
static bool
encode_cell(const struct ranking *r, size_t n, struct cell_room *room, struct encoding *out)
{
	size_t n_special = r->options.special ? 2 : 0;
	size_t room_left =
	    r->options.max_length > n_special ? r->options.max_length - n_special : 0;
	size_t kept = n < room_left ? n : room_left;

	rank_order(room->values, n, &room->scratch, room->order);
	if (n_special)
		put_token(out, r->genes->cls);
	put_ranked(room, kept, out);
	if (n_special)
		put_token(out, r->genes->eos);
	return kept < n;
}

static int
refuse_nan(const struct ranking *r, const struct batch *b, size_t i, struct err *e)
{
	size_t size = 0;
	const char *cell = array_text(&r->in->fields[r->cell], &b->columns[r->cell], i, &size);

	return err_set(e, "cell %.*s: a value is not a number", (int)size, cell ? cell : "");
}

static size_t
longest_list(const struct array *list)
{
	size_t longest = 0;

	for (size_t i = 0; i < list->length; i++) {
		size_t n = (size_t)(list->offsets[i + 1] - list->offsets[i]);

		longest = n > longest ? n : longest;
	}
	return longest;
}

/* Ranks all cells of the batch; cells without tokens become empty lists, and their rows are left
 * out of ret_rows. */
static int
encode_batch(struct ranking *r, struct batch *b, struct cell_room *room, struct encoding *out,
    int32_t *offsets, size_t *ret_rows, size_t *ret_n_rows, struct err *e)
{
	const struct array *gene = &b->columns[r->gene];
	const double *values = b->columns[r->value].children[0].values;
	struct entry_tokens entries = find_entry_tokens(r, b);
	struct rank_totals totals = { 0 };

	offsets[0] = 0;
	*ret_n_rows = 0;
	for (size_t i = 0; i < b->rows; i++) {
		size_t from = (size_t)gene->offsets[i], size = (size_t)gene->offsets[i + 1] - from,
		       n;
		bool has_nan;

		n = gather_cell(&entries, from, values, size, room, &has_nan);
		if (has_nan)
			return refuse_nan(r, b, i, e);
		totals.n_dropped += size - n;
		totals.n_empty += n == 0;
		if (n || r->options.keep_empty) {
			totals.n_truncated += encode_cell(r, n, room, out);
			ret_rows[(*ret_n_rows)++] = i;
		}
		if (out->n > INT32_MAX)
			return err_set(e, "more than 2^31 - 1 tokens in one batch");
		offsets[i + 1] = (int32_t)out->n;
	}
	r->n_dropped += totals.n_dropped;
	r->n_empty += totals.n_empty;
	r->n_truncated += totals.n_truncated;
	return 0;
}

static void
replace_columns(const struct ranking *r, struct batch *b, struct array tokens)
{
	size_t place = r->gene < r->value ? r->gene : r->value;
	int64_t *lengths = arena_alloc(&b->arena, b->rows, sizeof(*lengths));

	for (size_t i = 0; i < b->rows; i++)
		lengths[i] = tokens.offsets[i + 1] - tokens.offsets[i];
	batch_remove(b, r->gene > r->value ? r->gene : r->value);
	b->columns[place] = tokens;
	batch_insert(b, place + 1, array_fixed(b->rows, lengths));
}

/* Leaves out the rows of empty cells from all columns (the token lists of those rows are empty, so
 * only offsets change). */
static void
drop_empty(const struct ranking *r, struct batch *b, int32_t *offsets, const size_t *rows, size_t n)
{
	if (n == b->rows)
		return;
	batch_take(b, r->in, rows, n);
	for (size_t i = 0; i < n; i++)
		offsets[i + 1] = offsets[rows[i] + 1];
}

int
ranking_batch(struct batch *b, void *ranking, struct err *e)
{
	struct ranking *r = ranking;
	size_t longest = longest_list(&b->columns[r->gene]) + 1, n_rows;
	size_t most = b->columns[r->gene].children[0].length + 2 * b->rows;
	struct arena *a = &b->arena;
	struct cell_room room = { .values = arena_alloc(a, longest, sizeof(double)),
		.tokens = arena_alloc(a, longest, sizeof(int32_t)),
		.order = arena_alloc(a, longest, sizeof(uint32_t)) };
	int32_t *offsets = arena_alloc(a, b->rows + 1, sizeof(*offsets));
	size_t *rows = arena_alloc(a, b->rows, sizeof(*rows));
	struct encoding out = { 0 };
	int status;

	if (r->is_wide)
		out.wide = arena_alloc(a, most, sizeof(*out.wide));
	else
		out.narrow = arena_alloc(a, most, sizeof(*out.narrow));
	status = encode_batch(r, b, &room, &out, offsets, rows, &n_rows, e);
	rank_scratch_free(&room.scratch);
	if (status)
		return -1;
	drop_empty(r, b, offsets, rows, n_rows);
	replace_columns(r, b,
	    array_list(a, b->rows, offsets,
		array_fixed(
		    out.n, r->is_wide ? (const void *)out.wide : (const void *)out.narrow)));
	return 0;
}

int
ranking_check(const struct ranking *r, double *ret_share, struct err *e)
{
	return gene_lookup_check(&r->lookup, ret_share, e);
}

bool
ranking_keeps_empty(const struct ranking *r)
{
	return r->options.keep_empty;
}

struct rank_totals
ranking_totals(const struct ranking *r)
{
	return (struct rank_totals){ r->n_empty, r->n_truncated, r->n_dropped };
}

void
ranking_free(struct ranking *r)
{
	if (!r)
		return;
	gene_lookup_free(&r->lookup);
	free(r->code_tokens);
	free(r);
}
