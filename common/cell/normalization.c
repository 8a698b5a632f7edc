#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "cell/normalization.h"

struct normalize {
	const struct schema *in;
	const struct genes *genes;
	double target_sum;
	size_t cell, gene, count;
	ptrdiff_t n_counts;  /* -1: summed here */
	bool is_float32;     /* arithmetic up to the median */
	double *reciprocals; /* [genes->n] 1 / median; NaN: none */
	struct gene_lookup lookup;
	double *name_reciprocals; /* [lookup.names->n] the same by name */
	bool is_complete;         /* each name has a median: the gene column stays as it is */
	atomic_uint_least64_t n_dropped;
};

/* [n] of rows of the dictionary; the caller's. */
static double *
take_reciprocals(const struct normalize *p, const int32_t *rows, size_t n)
{
	double *reciprocals = mem_alloc(n, sizeof(*reciprocals));

	for (size_t k = 0; k < n; k++)
		reciprocals[k] = rows[k] < 0 ? NAN : p->reciprocals[rows[k]];
	return reciprocals;
}

struct normalize *
normalize_plan(const struct schema *in, const struct genes *genes, double target_sum, struct err *e)
{
	struct normalize *p;
	double share;

	if (e->is_set)
		return NULL;
	p = mem_zero(1, sizeof(*p));
	p->in = in;
	p->genes = genes;
	p->target_sum = target_sum;
	p->cell = (size_t)schema_find(in, "cell");
	p->gene = (size_t)schema_find(in, "gene");
	p->count = (size_t)schema_find(in, "count");
	p->n_counts = schema_find(in, "n_counts");
	p->is_float32 = p->n_counts < 0 || in->fields[p->n_counts].bit_width == 32;
	p->reciprocals = mem_alloc(genes->n, sizeof(*p->reciprocals));
	for (size_t i = 0; i < genes->n; i++)
		p->reciprocals[i] = genes->medians[i] > 0 ? 1 / genes->medians[i] : NAN;
	gene_lookup_init(&p->lookup, &in->fields[p->gene], genes, LOOKUP_MEDIANS);
	if (p->lookup.names)
		p->name_reciprocals = take_reciprocals(p, p->lookup.rows, p->lookup.names->n);
	p->is_complete = p->lookup.names && p->lookup.n_unknown == 0;
	if (normalize_check(p, &share, e)) {
		normalize_free(p);
		return NULL;
	}
	return p;
}

bool
normalize_sums_counts(const struct normalize *p)
{
	return p->n_counts < 0;
}

struct schema *
normalize_schema(const struct normalize *p)
{
	struct field item = field_float("item", 64), value = field_list("value", &item);
	struct field total = field_float("n_counts", 32);
	struct schema *out;

	if (!p)
		return NULL;
	out = schema_copy(p->in);
	schema_vacate(out, "value");
	schema_replace(out, p->count, &value);
	if (p->n_counts < 0)
		schema_insert(out, p->count + 1, &total);
	return out;
}

static int
refuse_cell(const struct normalize *p, const struct batch *b, size_t i, const char *what, double x,
    struct err *e)
{
	size_t size = 0;
	const char *cell = array_text(&p->in->fields[p->cell], &b->columns[p->cell], i, &size);

	return err_set(e, "cell %.*s: %s %g", (int)size, cell ? cell : "", what, x);
}

static int
refuse_total(
    const struct normalize *p, const struct batch *b, size_t i, double total, struct err *e)
{
	return refuse_cell(p, b, i, "counts cannot be divided by an n_counts of", total, e);
}

static int
check_counts(const struct normalize *p, const struct batch *b, size_t i, struct err *e)
{
	const struct array *list = &b->columns[p->count];
	const float *counts = list->children[0].values;

	for (int32_t k = list->offsets[i]; k < list->offsets[i + 1]; k++)
		if (!(counts[k] >= 0) || isinf(counts[k]))
			return refuse_cell(p, b, i, "a count of", (double)counts[k], e);
	return 0;
}

static double
sum_counts(const struct normalize *p, const struct batch *b, size_t i)
{
	const struct array *list = &b->columns[p->count];
	const float *counts = list->children[0].values;
	double sum = 0;

	for (int32_t k = list->offsets[i]; k < list->offsets[i + 1]; k++)
		sum += (double)counts[k];
	return sum;
}

/* The total of cell i, whatever it is. */
static double
find_total(const struct normalize *p, const struct batch *b, size_t i)
{
	return p->n_counts < 0
		   ? sum_counts(p, b, i)
		   : array_number(&p->in->fields[p->n_counts], &b->columns[p->n_counts], i);
}

/* Whether counts can be divided by it: 0 only where the cell is empty. */
static bool
is_total(const struct normalize *p, double total, size_t n_entries)
{
	return total >= 0 && total <= (p->is_float32 ? (double)FLT_MAX : DBL_MAX) &&
	       (total > 0 || n_entries == 0);
}

/* The entries of one cell on their way. */
struct scaling {
	const float *counts;
	const int32_t *codes;
	const double *reciprocals; /* by code */
	size_t n;
	int32_t *ret_codes; /* NULL: all are kept */
	double *ret_values;
	bool is_wrong; /* there is a count or a value that cannot be */
};

/* Counts and values are looked at where they are used; what is wrong is found later. */
static bool
is_wrong(float count, double value, double reciprocal)
{
	return !(count >= 0) | !(count <= FLT_MAX) |
	       ((reciprocal == reciprocal) & !(value <= DBL_MAX));
}

/* The arithmetic; entries without a median are left out. Returns how many are kept. */
static size_t
scale_float32(struct scaling *s, float total, float target_sum)
{
	float reciprocal = 1 / total;
	size_t kept = 0;
	bool wrong = false;

	for (size_t k = 0; k < s->n; k++) {
		float count = s->counts[k], scaled = count * reciprocal * target_sum;
		double by = s->reciprocals[s->codes[k]], value = (double)scaled * by;

		s->ret_codes[kept] = s->codes[k];
		s->ret_values[kept] = value;
		kept += by == by;
		wrong |= is_wrong(count, value, by);
	}
	s->is_wrong = wrong;
	return kept;
}

/* The same where every entry has a median. */
static size_t
scale_all_float32(struct scaling *s, float total, float target_sum)
{
	float reciprocal = 1 / total;
	bool wrong = false;

	for (size_t k = 0; k < s->n; k++) {
		float count = s->counts[k], scaled = count * reciprocal * target_sum;
		double by = s->reciprocals[s->codes[k]], value = (double)scaled * by;

		s->ret_values[k] = value;
		wrong |= is_wrong(count, value, by);
	}
	s->is_wrong = wrong;
	return s->n;
}

static size_t
scale_float64(struct scaling *s, double total, double target_sum)
{
	double reciprocal = 1 / total;
	size_t kept = 0;
	bool wrong = false;

	for (size_t k = 0; k < s->n; k++) {
		float count = s->counts[k];
		double scaled = (double)count * reciprocal * target_sum;
		double by = s->reciprocals[s->codes[k]], value = scaled * by;

		s->ret_codes[kept] = s->codes[k];
		s->ret_values[kept] = value;
		kept += by == by;
		wrong |= is_wrong(count, value, by);
	}
	s->is_wrong = wrong;
	return kept;
}

/* Entry k's place in what is carried on of the gene column: its dictionary code, or, in plain text,
 * its own number, from which the text is taken again at the end. */
static const int32_t *
entry_codes(const struct normalize *p, struct batch *b)
{
	const struct array *names = &b->columns[p->gene].children[0];
	int32_t *numbers;

	if (p->lookup.names)
		return names->values;
	numbers = arena_alloc(&b->arena, names->length, sizeof(*numbers));
	for (size_t k = 0; k < names->length; k++)
		numbers[k] = (int32_t)k;
	return numbers;
}

static struct array
kept_names(const struct normalize *p, struct batch *b, const int32_t *codes, size_t n)
{
	size_t *entries;

	if (p->lookup.names)
		return array_fixed(n, codes);
	entries = arena_alloc(&b->arena, n, sizeof(*entries));
	for (size_t k = 0; k < n; k++)
		entries[k] = (size_t)codes[k];
	return array_take(&b->arena, &p->in->fields[p->gene].children[0],
	    &b->columns[p->gene].children[0], entries, n);
}

/* Of each entry of a column of plain text, by its number. */
static const double *
entry_reciprocals(struct normalize *p, struct batch *b)
{
	const struct array *gene = &b->columns[p->gene];
	const int32_t *rows = gene_lookup_rows(&p->lookup, &b->arena, gene);
	size_t n = gene->children[0].length;
	double *reciprocals = arena_alloc(&b->arena, n, sizeof(*reciprocals));

	for (size_t k = 0; k < n; k++)
		reciprocals[k] = rows[k] < 0 ? NAN : p->reciprocals[rows[k]];
	return reciprocals;
}

/* Scales cell i. How many entries are kept, or -1. */
static ptrdiff_t
scale_cell(const struct normalize *p, const struct batch *b, size_t i, struct scaling s,
    float *ret_total, struct err *e)
{
	double total = find_total(p, b, i);
	size_t kept;

	*ret_total = (float)total;
	kept = !p->is_float32 ? scale_float64(&s, total, p->target_sum)
	       : !s.ret_codes ? scale_all_float32(&s, *ret_total, (float)p->target_sum)
			      : scale_float32(&s, *ret_total, (float)p->target_sum);
	if (!s.is_wrong && is_total(p, total, s.n))
		return (ptrdiff_t)kept;
	return check_counts(p, b, i, e) ? -1 : refuse_total(p, b, i, total, e);
}

int
normalize_batch(struct batch *b, void *normalize, struct err *e)
{
	struct normalize *p = normalize;
	struct array *gene = &b->columns[p->gene], *count = &b->columns[p->count];
	const float *counts = count->children[0].values;
	size_t n_entries = gene->children[0].length, n = 0;
	const int32_t *codes = entry_codes(p, b);
	const double *reciprocals =
	    p->name_reciprocals ? p->name_reciprocals : entry_reciprocals(p, b);
	int32_t *offsets = arena_alloc(&b->arena, b->rows + 1, sizeof(*offsets));
	bool is_kept =
	    p->is_complete && p->is_float32 && !gene->null_count && !gene->children[0].null_count;
	int32_t *kept = is_kept ? NULL : arena_alloc(&b->arena, n_entries + 1, sizeof(*kept));
	double *values = arena_alloc(&b->arena, n_entries + 1, sizeof(*values));
	float *totals = arena_alloc(&b->arena, b->rows, sizeof(*totals));

	offsets[0] = 0;
	for (size_t i = 0; i < b->rows; i++) {
		size_t from = (size_t)gene->offsets[i], size = (size_t)gene->offsets[i + 1] - from;
		struct scaling s = { counts + from, codes + from, reciprocals, size,
			is_kept ? NULL : kept + n, values + n, false };
		ptrdiff_t more = scale_cell(p, b, i, s, &totals[i], e);

		if (more < 0)
			return -1;
		n += (size_t)more;
		offsets[i + 1] = (int32_t)n;
	}
	p->n_dropped += n_entries - n;
	*count = array_list(&b->arena, b->rows, offsets, array_fixed(n, values));
	if (!is_kept)
		*gene = array_list(&b->arena, b->rows, offsets, kept_names(p, b, kept, n));
	if (p->n_counts < 0)
		batch_insert(b, p->count + 1, array_fixed(b->rows, totals));
	return 0;
}

int
normalize_check(const struct normalize *p, double *ret_share, struct err *e)
{
	return gene_lookup_check(&p->lookup, ret_share, e);
}

uint64_t
normalize_dropped(const struct normalize *p)
{
	return p->n_dropped;
}

void
normalize_free(struct normalize *p)
{
	if (!p)
		return;
	gene_lookup_free(&p->lookup);
	free(p->reciprocals);
	free(p->name_reciprocals);
	free(p);
}
