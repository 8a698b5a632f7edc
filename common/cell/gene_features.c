/* 1. Numbers of genes
 * 2. Features
 * 3. Batches */

#include <math.h>
#include <stdlib.h>

#include "cell/gene_features.h"
#include "cell/token_cells.h"

#define TARGET_SUM 10000.0

/* 1. Numbers of genes */

static bool
is_of_tokens(const struct gene_source *s)
{
	return s->feature == FEATURE_RANK || s->feature == FEATURE_PRESENCE;
}

static void
start(struct gene_source *s, enum gene_feature feature, const struct schema *schema,
    const struct genes *vocabulary)
{
	static const char *const lists[] = { "count", "value", "input_ids", "input_ids" };

	gene_source_free(s);
	s->feature = feature;
	s->schema = schema;
	s->vocabulary = vocabulary;
	s->list = (size_t)schema_find(schema, lists[feature]);
	if (!is_of_tokens(s))
		s->gene = (size_t)schema_find(schema, "gene");
	if (feature == FEATURE_COUNTS)
		s->depth = depth_columns_find(schema);
}

/* The number of a gene when only known ones are wanted. */
static uint32_t
known_number(const struct gene_source *s, const char *name, size_t size)
{
	ptrdiff_t i = size ? string_index_find(&s->known, name, size) : -1;

	return i < 0 ? (uint32_t)s->n_numbers - 1 : (uint32_t)i;
}

/* Numbers for all tokens: `number` is the one of a gene's name. */
static void
number_tokens(struct gene_source *s)
{
	const struct genes *v = s->vocabulary;

	s->numbers = mem_alloc(v->n_tokens, sizeof(*s->numbers));
	for (size_t t = 0; t < v->n_tokens; t++) {
		size_t size;
		const char *name = genes_token_name(v, (int32_t)t, &size);

		if (genes_is_special(v, (size_t)v->token_rows[t]))
			s->numbers[t] = NO_NUMBER;
		else
			s->numbers[t] = s->added
					    ? (uint32_t)string_set_add(&s->added->names, name, size)
					    : known_number(s, name, size);
	}
}

void
gene_source_add(struct gene_source *s, enum gene_feature feature, const struct schema *schema,
    const struct genes *vocabulary, struct gene_numbers *numbers)
{
	start(s, feature, schema, vocabulary);
	s->added = numbers;
	if (is_of_tokens(s))
		number_tokens(s);
	else
		gene_numbers_start(numbers, &schema->fields[s->gene]);
}

static void
number_dictionary(struct gene_source *s, const struct strings *dictionary)
{
	s->numbers = mem_alloc(dictionary->n, sizeof(*s->numbers));
	for (size_t i = 0; i < dictionary->n; i++) {
		size_t size;
		const char *name = strings_get(dictionary, i, &size);

		s->numbers[i] = known_number(s, name, size);
	}
}

/* How many of the known genes have a number among n. */
static ptrdiff_t
count_found(const struct gene_source *s, size_t n)
{
	bool *is_found = mem_zero(s->n_numbers, sizeof(*is_found));
	ptrdiff_t n_found = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t number = s->numbers[i];

		if (number == NO_NUMBER || number == s->n_numbers - 1 || is_found[number])
			continue;
		is_found[number] = true;
		n_found++;
	}
	free(is_found);
	return n_found;
}

void
gene_source_find(struct gene_source *s, enum gene_feature feature, const struct schema *schema,
    const struct genes *vocabulary, const struct strings *names, ptrdiff_t *ret_n_found)
{
	const struct strings *dictionary;

	start(s, feature, schema, vocabulary);
	string_index_build(&s->known, names);
	s->n_numbers = names->n + 1;
	*ret_n_found = -1;
	if (is_of_tokens(s)) {
		number_tokens(s);
		*ret_n_found = count_found(s, vocabulary->n_tokens);
		return;
	}
	dictionary = schema->fields[s->gene].children[0].dictionary;
	if (!dictionary || dictionary->n == 0)
		return;
	number_dictionary(s, dictionary);
	*ret_n_found = count_found(s, dictionary->n);
}

/* The number of each entry's gene. */
static const uint32_t *
entry_numbers(struct gene_source *s, struct batch *b)
{
	const struct array *names = &b->columns[s->gene].children[0];
	const struct field plain = field_utf8("item");
	uint32_t *numbers;

	if (s->added)
		return gene_numbers_of(s->added, b, s->gene);
	numbers = arena_alloc(&b->arena, names->length, sizeof(*numbers));
	for (size_t k = 0; k < names->length; k++) {
		size_t size = 0;
		const char *name = s->numbers ? NULL : array_text(&plain, names, k, &size);

		numbers[k] = s->numbers ? s->numbers[((const int32_t *)names->values)[k]]
					: known_number(s, name, size);
	}
	return numbers;
}

/* 2. Features */

/* What the features of a batch are found with; values in double precision first. */
struct finder {
	size_t n, *offsets;
	uint32_t *genes;
	double *values;
	size_t *places; /* [numbers] where the gene stands, if it is in the cell at hand */
};

static struct finder
start_finder(struct batch *b, size_t n_entries, size_t n_numbers)
{
	return (struct finder){ 0, arena_zero(&b->arena, b->rows + 1, sizeof(size_t)),
		arena_alloc(&b->arena, n_entries, sizeof(uint32_t)),
		arena_alloc(&b->arena, n_entries, sizeof(double)),
		arena_zero(&b->arena, n_numbers, sizeof(size_t)) };
}

/* The value of a gene of the cell that begins at `cell_start`; a new one is 0. */
static double *
value_of(struct finder *f, size_t cell_start, uint32_t gene)
{
	size_t place = f->places[gene];

	if (place >= cell_start && place < f->n && f->genes[place] == gene)
		return &f->values[place];
	f->places[gene] = f->n;
	f->genes[f->n] = gene;
	f->values[f->n] = 0;
	return &f->values[f->n++];
}

static int
refuse_value(
    const struct gene_source *s, const struct batch *b, size_t row, double x, struct err *e)
{
	ptrdiff_t cell = schema_find(s->schema, "cell");
	size_t size = 0;
	const char *name = array_text(&s->schema->fields[cell], &b->columns[cell], row, &size);

	return err_set(e, "cell %.*s: a value of %g has no log1p that could be used", (int)size,
	    name ? name : "", x);
}

static int
find_in_values(struct gene_source *s, struct batch *b, const uint32_t *numbers, size_t n_numbers,
    struct finder *ret_found, struct err *e)
{
	const struct array *list = &b->columns[s->list];
	const double *values = list->children[0].values;
	struct finder f = start_finder(b, list->children[0].length, n_numbers);

	for (size_t row = 0; row < b->rows; row++) {
		for (int32_t k = list->offsets[row]; k < list->offsets[row + 1]; k++) {
			if (!(values[k] >= 0) || isinf(values[k]))
				return refuse_value(s, b, row, values[k], e);
			if (values[k] > 0 && numbers[k] != NO_NUMBER)
				*value_of(&f, f.offsets[row], numbers[k]) += values[k];
		}
		f.offsets[row + 1] = f.n;
	}
	*ret_found = f;
	return 0;
}

static int
find_in_tokens(struct gene_source *s, struct batch *b, size_t n_numbers, struct finder *ret_found,
    struct err *e)
{
	const struct token_limits limits = { s->vocabulary->n_tokens, SIZE_MAX, false, NO_TOKEN };
	struct token_cells cells;
	struct finder f;

	if (token_cells_take(b, s->schema, &limits, &cells, e))
		return -1;
	f = start_finder(b, cells.offsets[cells.n], n_numbers);
	for (size_t row = 0; row < b->rows; row++) {
		size_t rank = 0, n = 0;

		for (size_t k = cells.offsets[row]; k < cells.offsets[row + 1]; k++)
			n += s->numbers[cells.ids[k]] != NO_NUMBER;
		for (size_t k = cells.offsets[row]; k < cells.offsets[row + 1]; k++) {
			uint32_t number = s->numbers[cells.ids[k]];
			double *value =
			    number == NO_NUMBER ? NULL : value_of(&f, f.offsets[row], number);

			if (value && *value == 0)
				*value = s->feature == FEATURE_PRESENCE
					     ? 1
					     : 1 - (double)rank / (double)n;
			rank += value != NULL;
		}
		f.offsets[row + 1] = f.n;
	}
	*ret_found = f;
	return 0;
}

/* 3. Batches */

/* Rounds, takes logarithms, and leaves out what is not wanted. */
static void
finish_features(const struct gene_source *s, struct batch *b, struct finder *f,
    struct gene_features *ret_features)
{
	float *values = arena_alloc(&b->arena, f->n, sizeof(*values));
	size_t n = 0, k = 0;

	for (size_t row = 0; row < b->rows; row++) {
		for (; k < f->offsets[row + 1]; k++) {
			if (!s->added && f->genes[k] == s->n_numbers - 1)
				continue;
			values[n] = (float)(is_of_tokens(s) ? f->values[k] : log1p(f->values[k]));
			f->genes[n++] = f->genes[k];
		}
		f->offsets[row + 1] = n;
	}
	*ret_features = (struct gene_features){ b->rows, f->offsets, f->genes, values };
}

int
gene_features_of(
    struct gene_source *s, struct batch *b, struct gene_features *ret_features, struct err *e)
{
	const uint32_t *numbers = is_of_tokens(s) ? NULL : entry_numbers(s, b);
	size_t n_numbers = s->added ? s->added->names.n : s->n_numbers;
	struct finder f = { 0 };
	struct depth_values d;
	int status;

	if (s->feature == FEATURE_COUNTS) {
		status = depth_values_find(b, &s->depth, numbers, n_numbers, TARGET_SUM, &d, e);
		if (!status)
			f = (struct finder){ d.n, d.offsets, d.genes, d.values, NULL };
	} else if (s->feature == FEATURE_VALUES)
		status = find_in_values(s, b, numbers, n_numbers, &f, e);
	else
		status = find_in_tokens(s, b, n_numbers, &f, e);
	if (!status)
		finish_features(s, b, &f, ret_features);
	return status;
}

void
gene_source_free(struct gene_source *s)
{
	string_index_free(&s->known);
	free(s->numbers);
	*s = (struct gene_source){ 0 };
}
