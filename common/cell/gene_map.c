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
	atomic_uint_least64_t n_entries, n_dropped, n_summed;
	pthread_mutex_t mutex;          /* of the two below */
	struct string_set unmapped;     /* names that are not known */
	struct buffer unmapped_entries; /* uint64_t [unmapped.n] */
};

static void
count_unmapped(struct gene_map *m, const char *name, size_t size, uint64_t n)
{
	size_t i = string_set_add(&m->unmapped, name, size);

	while (m->unmapped_entries.size <= i * sizeof(n))
		memset(buffer_grow(&m->unmapped_entries, sizeof(n)), 0, sizeof(n));
	((uint64_t *)(void *)m->unmapped_entries.data)[i] += n;
}

/* Codes of the output in order of first appearance among the input's names; all genes where those
 * are not known beforehand. */
static void
number_codes(struct gene_map *m)
{
	const struct strings *names = m->lookup.names;
	size_t n = names ? names->n : m->genes->n, size;

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
		} else if (row < 0 && names) {
			const char *name = strings_get(names, i, &size);

			count_unmapped(m, name, size, 0);
		}
	}
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

static void
report_unmapped(struct gene_map *m, const struct array *names, const int32_t *rows)
{
	const struct field *item = &m->in->fields[m->gene].children[0];

	pthread_mutex_lock(&m->mutex);
	for (size_t k = 0; k < names->length; k++) {
		size_t size;

		if (rows[k] < 0) {
			const char *name = array_text(item, names, k, &size);

			count_unmapped(m, name, size, 1);
		}
	}
	pthread_mutex_unlock(&m->mutex);
}

/* What one batch is worked on with: entries are written one after the other to codes and counts. */
struct merge {
	int32_t *codes;
	float *counts;
	size_t n;
	size_t *places; /* [n_codes] where the code stands in this cell, if that is >= the cell's
			   start */
	uint64_t n_summed;
};

static void
add_entry(struct merge *w, size_t start, int32_t code, float count)
{
	size_t place = w->places[code];

	if (place >= start && place < w->n && w->codes[place] == code) {
		w->counts[place] += count;
		w->n_summed++;
		return;
	}
	w->places[code] = w->n;
	w->codes[w->n] = code;
	w->counts[w->n++] = count;
}

int
gene_map_batch(struct batch *b, void *gene_map, struct err *e)
{
	struct gene_map *m = gene_map;
	struct array *gene = &b->columns[m->gene], *count = &b->columns[m->count];
	const float *counts = count->children[0].values;
	const int32_t *rows = gene_lookup_rows(&m->lookup, &b->arena, gene);
	size_t n_entries = gene->children[0].length;
	int32_t *offsets = arena_alloc(&b->arena, b->rows + 1, sizeof(*offsets));
	struct merge w = { arena_alloc(&b->arena, n_entries, sizeof(*w.codes)),
		arena_alloc(&b->arena, n_entries, sizeof(*w.counts)), 0,
		arena_zero(&b->arena, m->n_codes, sizeof(*w.places)), 0 };

	(void)e;
	offsets[0] = 0;
	for (size_t i = 0; i < b->rows; i++) {
		size_t start = w.n;

		for (int32_t k = gene->offsets[i]; k < gene->offsets[i + 1]; k++)
			if (rows[k] >= 0)
				add_entry(&w, start, m->codes[rows[k]], counts[k]);
		offsets[i + 1] = (int32_t)w.n;
	}
	m->n_entries += n_entries;
	m->n_summed += w.n_summed;
	m->n_dropped += n_entries - w.n_summed - w.n;
	if (n_entries > w.n_summed + w.n)
		report_unmapped(m, &gene->children[0], rows);
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
	free(m);
}
