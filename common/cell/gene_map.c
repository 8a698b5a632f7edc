#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cell/gene_map.h"
#include "cell/string_set.h"

struct gene_map {
	const struct schema *in;
	const struct genes *genes;
	size_t gene, count; /* columns */
	struct gene_lookup lookup;
	int32_t *codes;    /* [genes->n] place in the output's dictionary, -1: not there */
	size_t *code_rows; /* [n_codes] */
	size_t n_codes;
	int32_t *targets; /* [lookup.names->n] what becomes of each name, see below */
	atomic_uint_least64_t n_entries, n_dropped, n_summed;
	pthread_mutex_t mutex;          /* of the two below */
	struct string_set unmapped;     /* names that are not known */
	struct buffer unmapped_entries; /* uint64_t [unmapped.n] */
};

/* What becomes of an entry: its code in the output, with MAY_RECUR where another entry of a cell
 * may become the same, or, where its name is not known, ~ the name's number among the unmapped. */
enum { MAY_RECUR = 1 << 30 };

static size_t
count_unmapped(struct gene_map *m, const char *name, size_t size, uint64_t n)
{
	size_t i = string_set_add(&m->unmapped, name, size);

	while (m->unmapped_entries.size <= i * sizeof(n))
		memset(buffer_grow(&m->unmapped_entries, sizeof(n)), 0, sizeof(n));
	((uint64_t *)(void *)m->unmapped_entries.data)[i] += n;
	return i;
}

/* Codes of the output in order of first appearance among the input's names; all genes where those
 * are not known beforehand. */
static void
number_codes(struct gene_map *m)
{
	const struct strings *names = m->lookup.names;
	size_t n = names ? names->n : m->genes->n;

	m->codes = mem_alloc(m->genes->n, sizeof(*m->codes));
	m->code_rows = mem_alloc(m->genes->n, sizeof(*m->code_rows));
	memset(m->codes, 0xff, m->genes->n * sizeof(*m->codes));
	for (size_t i = 0; i < n; i++) {
		ptrdiff_t row = names                           ? m->lookup.rows[i]
				: genes_is_special(m->genes, i) ? -1
								: (ptrdiff_t)i;

		if (row >= 0 && m->codes[row] < 0) {
			m->codes[row] = (int32_t)m->n_codes;
			m->code_rows[m->n_codes++] = (size_t)row;
		}
	}
}

/* The target of each name of the input's dictionary. */
static void
find_targets(struct gene_map *m)
{
	const struct strings *names = m->lookup.names;
	uint32_t *n_names = mem_zero(m->n_codes, sizeof(*n_names));
	size_t size;

	m->targets = mem_alloc(names->n, sizeof(*m->targets));
	for (size_t i = 0; i < names->n; i++)
		if (m->lookup.rows[i] >= 0)
			n_names[m->codes[m->lookup.rows[i]]]++;
	for (size_t i = 0; i < names->n; i++) {
		const char *name = strings_get(names, i, &size);
		int32_t row = m->lookup.rows[i], code = row < 0 ? -1 : m->codes[row];

		m->targets[i] = code < 0             ? ~(int32_t)count_unmapped(m, name, size, 0)
				: n_names[code] == 1 ? code
						     : code | MAY_RECUR;
	}
	free(n_names);
}

struct gene_map *
gene_map_plan(const struct schema *in, const struct genes *genes, enum lookup mode, struct err *e)
{
	struct gene_map *m;
	double share;

	if (e->is_set)
		return NULL;
	m = mem_zero(1, sizeof(*m));
	m->in = in;
	m->genes = genes;
	m->gene = (size_t)schema_find(in, "gene");
	m->count = (size_t)schema_find(in, "count");
	pthread_mutex_init(&m->mutex, NULL);
	gene_lookup_init(&m->lookup, &in->fields[m->gene], genes, mode);
	number_codes(m);
	if (m->lookup.names)
		find_targets(m);
	if (gene_map_check(m, &share, e)) {
		gene_map_free(m);
		return NULL;
	}
	return m;
}

struct schema *
gene_map_schema(const struct gene_map *m)
{
	struct schema *out;
	struct field item, gene;
	struct arena arena = { 0 };
	const char **ids;
	size_t size;

	if (!m)
		return NULL;
	out = schema_copy(m->in);
	ids = arena_alloc(&arena, m->n_codes, sizeof(*ids));
	for (size_t i = 0; i < m->n_codes; i++) {
		const char *id = strings_get(m->genes->ids, m->code_rows[i], &size);

		ids[i] = arena_printf(&arena, "%.*s", (int)size, id);
	}
	item = field_dictionary("item", strings_from(&arena, ids, m->n_codes));
	gene = field_list("gene", &item);
	gene.metadata = m->in->fields[m->gene].metadata;
	schema_replace(out, m->gene, &gene);
	arena_free(&arena);
	return out;
}

/* What one batch is worked on with: entries are written one after the other to codes and counts. */
struct merge {
	const int32_t *numbers; /* of an entry, in targets */
	const int32_t *targets;
	int32_t *codes;
	float *counts;
	size_t n;
	int32_t *unmapped; /* the numbers of names that are not known */
	size_t n_unmapped;
	size_t *places; /* [n_codes] where the code stands in this cell, if that is >= the cell's
			   start; only of codes that may recur */
	uint64_t n_summed;
};

/* Plain text is looked up entry by entry, and any of it may recur. */
static void
look_up_texts(struct gene_map *m, struct batch *b, struct merge *w)
{
	const struct array *gene = &b->columns[m->gene], *names = &gene->children[0];
	const struct field *item = &m->in->fields[m->gene].children[0];
	const int32_t *rows = gene_lookup_rows(&m->lookup, &b->arena, gene);
	int32_t *numbers = arena_alloc(&b->arena, names->length, sizeof(*numbers));
	int32_t *targets = arena_alloc(&b->arena, names->length, sizeof(*targets));

	pthread_mutex_lock(&m->mutex);
	for (size_t k = 0; k < names->length; k++) {
		size_t size;
		const char *name = array_text(item, names, k, &size);

		numbers[k] = (int32_t)k;
		targets[k] = rows[k] < 0 ? ~(int32_t)count_unmapped(m, name, size, 0)
					 : m->codes[rows[k]] | MAY_RECUR;
	}
	pthread_mutex_unlock(&m->mutex);
	w->numbers = numbers;
	w->targets = targets;
}

static void
add_entry(struct merge *w, size_t start, int32_t target, float count)
{
	int32_t code = target & ~MAY_RECUR;
	size_t place;

	if (target < 0) {
		w->unmapped[w->n_unmapped++] = ~target;
		return;
	}
	place = w->places[code];
	if (place >= start && place < w->n && w->codes[place] == code) {
		w->counts[place] += count;
		w->n_summed++;
		return;
	}
	w->places[code] = w->n;
	w->codes[w->n] = code;
	w->counts[w->n++] = count;
}

static bool
are_ascending(const int32_t *numbers, size_t n)
{
	bool found = true;

	for (size_t k = 1; k < n; k++)
		found &= numbers[k - 1] < numbers[k];
	return found;
}

/* A cell no name of which occurs twice: most entries go as they are, known or not, without a branch
 * that could not be foreseen. */
static void
map_ascending(struct merge *w, size_t from, size_t n, const float *counts)
{
	size_t start = w->n;

	for (size_t k = from; k < from + n; k++) {
		int32_t target = w->targets[w->numbers[k]];

		if (target >= MAY_RECUR) {
			add_entry(w, start, target, counts[k]);
			continue;
		}
		w->codes[w->n] = target;
		w->counts[w->n] = counts[k];
		w->unmapped[w->n_unmapped] = ~target;
		w->n += target >= 0;
		w->n_unmapped += target < 0;
	}
}

static void
map_cell(struct merge *w, size_t from, size_t n, const float *counts)
{
	size_t start = w->n;

	if (are_ascending(w->numbers + from, n)) {
		map_ascending(w, from, n, counts);
		return;
	}
	for (size_t k = from; k < from + n; k++)
		add_entry(w, start, w->targets[w->numbers[k]], counts[k]);
}

static void
report(struct gene_map *m, const struct merge *w, size_t n_entries)
{
	uint64_t *entries;

	m->n_entries += n_entries;
	m->n_summed += w->n_summed;
	m->n_dropped += w->n_unmapped;
	if (w->n_unmapped == 0)
		return;
	pthread_mutex_lock(&m->mutex);
	entries = (uint64_t *)(void *)m->unmapped_entries.data;
	for (size_t k = 0; k < w->n_unmapped; k++)
		entries[w->unmapped[k]]++;
	pthread_mutex_unlock(&m->mutex);
}

int
gene_map_batch(struct batch *b, void *gene_map, struct err *e)
{
	struct gene_map *m = gene_map;
	struct array *gene = &b->columns[m->gene], *count = &b->columns[m->count];
	const float *counts = count->children[0].values;
	size_t n_entries = gene->children[0].length;
	int32_t *offsets = arena_alloc(&b->arena, b->rows + 1, sizeof(*offsets));
	struct merge w = { .numbers = gene->children[0].values,
		.targets = m->targets,
		.codes = arena_alloc(&b->arena, n_entries, sizeof(*w.codes)),
		.counts = arena_alloc(&b->arena, n_entries, sizeof(*w.counts)),
		.unmapped = arena_alloc(&b->arena, n_entries, sizeof(*w.unmapped)),
		.places = arena_zero(&b->arena, m->n_codes, sizeof(*w.places)) };

	(void)e;
	if (!m->targets)
		look_up_texts(m, b, &w);
	offsets[0] = 0;
	for (size_t i = 0; i < b->rows; i++) {
		size_t from = (size_t)gene->offsets[i];

		map_cell(&w, from, (size_t)gene->offsets[i + 1] - from, counts);
		offsets[i + 1] = (int32_t)w.n;
	}
	report(m, &w, n_entries);
	*gene = array_list(&b->arena, b->rows, offsets, array_fixed(w.n, w.codes));
	*count = array_list(&b->arena, b->rows, offsets, array_fixed(w.n, w.counts));
	return 0;
}

int
gene_map_check(const struct gene_map *m, double *ret_share, struct err *e)
{
	return gene_lookup_check(&m->lookup, ret_share, e);
}

struct gene_map_totals
gene_map_totals(const struct gene_map *m)
{
	return (struct gene_map_totals){ m->n_entries, m->n_dropped, m->n_summed, m->unmapped.n };
}

static int
compare_names(const void *x, const void *y)
{
	const struct unmapped_gene *a = x, *b = y;
	int order = memcmp(a->name, b->name, a->size < b->size ? a->size : b->size);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

struct unmapped_gene *
gene_map_unmapped(const struct gene_map *m)
{
	struct unmapped_gene *list = mem_alloc(m->unmapped.n, sizeof(*list));
	struct strings names = string_set_strings(&m->unmapped);

	for (size_t i = 0; i < names.n; i++) {
		list[i].name = strings_get(&names, i, &list[i].size);
		list[i].n_entries = ((const uint64_t *)(const void *)m->unmapped_entries.data)[i];
	}
	qsort(list, names.n, sizeof(*list), compare_names);
	return list;
}

void
gene_map_free(struct gene_map *m)
{
	if (!m)
		return;
	gene_lookup_free(&m->lookup);
	string_set_free(&m->unmapped);
	buffer_free(&m->unmapped_entries);
	pthread_mutex_destroy(&m->mutex);
	free(m->codes);
	free(m->code_rows);
	free(m->targets);
	free(m);
}
