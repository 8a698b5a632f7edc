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
	atomic_uint_least64_t n_dropped;
};

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

/* The total of cell i, 0 only where the cell is empty. */
static int
find_total(
    const struct normalize *p, const struct batch *b, size_t i, double *ret_total, struct err *e)
{
	const int32_t *offsets = b->columns[p->count].offsets;

	if (check_counts(p, b, i, e))
		return -1;
	*ret_total = p->n_counts < 0
			 ? sum_counts(p, b, i)
			 : array_number(&p->in->fields[p->n_counts], &b->columns[p->n_counts], i);
	if (!(*ret_total >= 0) || *ret_total > (p->is_float32 ? (double)FLT_MAX : DBL_MAX) ||
	    (*ret_total == 0 && offsets[i + 1] > offsets[i]))
		return refuse_total(p, b, i, *ret_total, e);
	return 0;
}

/* The arithmetic, over the entries of one cell; entries without a median are left out. Returns how
 * many are kept. */
static size_t
scale_float32(const float *counts, const int32_t *codes, const double *reciprocals, size_t n,
    float total, float target_sum, int32_t *ret_codes, double *ret_values)
{
	float reciprocal = 1 / total;
	size_t kept = 0;

	for (size_t k = 0; k < n; k++) {
		float scaled = counts[k] * reciprocal * target_sum;

		ret_codes[kept] = codes[k];
		ret_values[kept] = (double)scaled * reciprocals[k];
		kept += isnan(reciprocals[k]) ? 0 : 1;
	}
	return kept;
}

static size_t
scale_float64(const float *counts, const int32_t *codes, const double *reciprocals, size_t n,
    double total, double target_sum, int32_t *ret_codes, double *ret_values)
{
	double reciprocal = 1 / total;
	size_t kept = 0;

	for (size_t k = 0; k < n; k++) {
		double scaled = (double)counts[k] * reciprocal * target_sum;

		ret_codes[kept] = codes[k];
		ret_values[kept] = scaled * reciprocals[k];
		kept += isnan(reciprocals[k]) ? 0 : 1;
	}
	return kept;
}

static bool
are_finite(const double *values, size_t n)
{
	bool found = false;

	for (size_t k = 0; k < n; k++)
		found |= !(values[k] <= DBL_MAX);
	return !found;
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

static double *
entry_reciprocals(struct normalize *p, struct batch *b, size_t n)
{
	const int32_t *rows = gene_lookup_rows(&p->lookup, &b->arena, &b->columns[p->gene]);
	double *reciprocals = arena_alloc(&b->arena, n, sizeof(*reciprocals));

	for (size_t k = 0; k < n; k++)
		reciprocals[k] = rows[k] < 0 ? NAN : p->reciprocals[rows[k]];
	return reciprocals;
}

int
normalize_batch(struct batch *b, void *normalize, struct err *e)
{
	struct normalize *p = normalize;
	struct array *gene = &b->columns[p->gene], *count = &b->columns[p->count];
	const float *counts = count->children[0].values;
	size_t n_entries = gene->children[0].length, n = 0;
	const int32_t *codes = entry_codes(p, b);
	const double *reciprocals = entry_reciprocals(p, b, n_entries);
	int32_t *offsets = arena_alloc(&b->arena, b->rows + 1, sizeof(*offsets));
	int32_t *kept = arena_alloc(&b->arena, n_entries + 1, sizeof(*kept));
	double *values = arena_alloc(&b->arena, n_entries + 1, sizeof(*values));
	float *totals = arena_alloc(&b->arena, b->rows, sizeof(*totals));

	offsets[0] = 0;
	for (size_t i = 0; i < b->rows; i++) {
		size_t from = (size_t)gene->offsets[i], size = (size_t)gene->offsets[i + 1] - from;
		size_t first = n;
		double total;

		if (find_total(p, b, i, &total, e))
			return -1;
		totals[i] = (float)total;
		if (p->is_float32)
			n += scale_float32(counts + from, codes + from, reciprocals + from, size,
			    totals[i], (float)p->target_sum, kept + n, values + n);
		else
			n += scale_float64(counts + from, codes + from, reciprocals + from, size,
			    total, p->target_sum, kept + n, values + n);
		if (!are_finite(values + first, n - first))
			return refuse_total(p, b, i, total, e);
		offsets[i + 1] = (int32_t)n;
	}
	p->n_dropped += n_entries - n;
	*count = array_list(&b->arena, b->rows, offsets, array_fixed(n, values));
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
	free(p);
}
