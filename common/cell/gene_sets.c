/* 1. Genes
 * 2. Sets
 * 3. Sets of the command line
 * 4. Order */

#include "cell/gene_sets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cell/gene_groups.h"

enum { FIRST_SLOTS = 1024 };

/* 1. Genes */

uint32_t
gene_sets_gene(struct gene_sets *s, const char *id, size_t size)
{
	return (uint32_t)string_set_add(&s->genes, id, size);
}

uint32_t *
gene_sets_dictionary(struct gene_sets *s, const struct field *list)
{
	const struct strings *names = list->children[0].dictionary;
	uint32_t *genes = names ? mem_alloc(names->n, sizeof(*genes)) : NULL;

	for (size_t i = 0; names && i < names->n; i++) {
		size_t size;
		const char *name = strings_get(names, i, &size);

		genes[i] = gene_sets_gene(s, name, size);
	}
	return genes;
}

uint32_t
gene_sets_entry(struct gene_sets *s, const uint32_t *dictionary, const struct field *list,
    const struct array *a, size_t i)
{
	size_t size;
	const char *name;

	if (dictionary)
		return dictionary[((const int32_t *)a->children[0].values)[i]];
	name = array_text(&list->children[0], &a->children[0], i, &size);
	return gene_sets_gene(s, name, size);
}

/* 2. Sets */

static size_t
offset_of(const struct gene_sets *s, size_t i)
{
	return ((const size_t *)(const void *)s->offsets.data)[i];
}

const uint32_t *
gene_sets_get(const struct gene_sets *s, uint32_t set, size_t *ret_n)
{
	*ret_n = offset_of(s, set + 1) - offset_of(s, set);
	return (const uint32_t *)(const void *)s->members.data + offset_of(s, set);
}

static uint32_t
append_set(struct gene_sets *s, const uint32_t *genes, size_t n)
{
	size_t zero = 0, end;

	if (!s->n)
		buffer_add(&s->offsets, &zero, sizeof(zero));
	if (s->n >= NO_SET)
		mem_give_up("more than 4,294,967,295 different perturbations");
	buffer_add(&s->members, genes, n * sizeof(*genes));
	end = s->members.size / sizeof(*genes);
	buffer_add(&s->offsets, &end, sizeof(end));
	return (uint32_t)s->n++;
}

static uint32_t
add_single(struct gene_sets *s, uint32_t gene)
{
	size_t room = s->n_singles ? s->n_singles : FIRST_SLOTS;

	while (room <= gene)
		room *= 2;
	if (room > s->n_singles) {
		s->singles = mem_resize(s->singles, s->n_singles, room, sizeof(*s->singles));
		for (size_t i = s->n_singles; i < room; i++)
			s->singles[i] = NO_SET;
		s->n_singles = room;
	}
	if (s->singles[gene] == NO_SET)
		s->singles[gene] = append_set(s, &gene, 1);
	return s->singles[gene];
}

static size_t
find_slot(const struct gene_sets *s, const uint32_t *genes, size_t n)
{
	size_t slot = hash_bytes(genes, n * sizeof(*genes)) & (s->n_slots - 1), n_other;

	for (; s->slots[slot]; slot = (slot + 1) & (s->n_slots - 1)) {
		const uint32_t *other = gene_sets_get(s, s->slots[slot] - 1, &n_other);

		if (n == n_other && memcmp(genes, other, n * sizeof(*genes)) == 0)
			break;
	}
	return slot;
}

static void
grow_slots(struct gene_sets *s)
{
	size_t n;

	free(s->slots);
	s->n_slots = s->n_slots ? 4 * s->n_slots : FIRST_SLOTS;
	s->slots = mem_zero(s->n_slots, sizeof(*s->slots));
	for (size_t i = 0; i < s->n; i++) {
		const uint32_t *genes = gene_sets_get(s, (uint32_t)i, &n);

		if (n > 1)
			s->slots[find_slot(s, genes, n)] = (uint32_t)i + 1;
	}
}

static int
by_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

uint32_t
gene_sets_add(struct gene_sets *s, uint32_t *genes, size_t n)
{
	size_t slot;

	assert(n);
	if (n == 1)
		return add_single(s, genes[0]);
	qsort(genes, n, sizeof(*genes), by_number);
	if (2 * s->n >= s->n_slots)
		grow_slots(s);
	slot = find_slot(s, genes, n);
	if (!s->slots[slot])
		s->slots[slot] = append_set(s, genes, n) + 1;
	return s->slots[slot] - 1;
}

/* 3. Sets of the command line */

/* Sets while they are read. */
struct reading {
	struct gene_sets *sets;
	const struct genes *names; /* NULL: ids are taken as they are */
	struct buffer genes;       /* uint32_t: of the set at hand */
};

static int
take_gene(void *context, const char *name, size_t size, bool is_last, struct err *e)
{
	const struct name_rules rules = { true, true };
	struct reading *r = context;
	ptrdiff_t row = r->names ? genes_map(r->names, name, size, rules) : -1;
	uint32_t gene;

	(void)e;
	if (row >= 0)
		name = strings_get(r->names->ids, (size_t)row, &size);
	gene = gene_sets_gene(r->sets, name, size);
	buffer_add(&r->genes, &gene, sizeof(gene));
	if (is_last) {
		gene_sets_add(
		    r->sets, (uint32_t *)(void *)r->genes.data, r->genes.size / sizeof(gene));
		r->genes.size = 0;
	}
	return 0;
}

int
gene_sets_parse(struct gene_sets *s, const char *text, const struct genes *names, struct err *e)
{
	struct reading r = { .sets = s, .names = names };

	gene_groups_each(text, take_gene, &r, e);
	buffer_free(&r.genes);
	return e->is_set ? -1 : 0;
}

/* 4. Order */

static int
compare_texts(const struct strings *ids, size_t i, size_t k)
{
	size_t n, m;
	const char *x = strings_get(ids, i, &n), *y = strings_get(ids, k, &m);
	int order = memcmp(x, y, n < m ? n : m);

	return order ? order : (n > m) - (n < m);
}

struct placed {
	const struct strings *ids;
	const uint32_t *genes; /* of a set, as places, ascending */
	size_t n;
	uint32_t number;
};

static int
by_id(const void *x, const void *y)
{
	const struct placed *a = x, *b = y;

	return compare_texts(a->ids, a->number, b->number);
}

static int
by_genes(const void *x, const void *y)
{
	const struct placed *a = x, *b = y;

	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->genes[i] != b->genes[i])
			return a->genes[i] < b->genes[i] ? -1 : 1;
	return (a->n > b->n) - (a->n < b->n);
}

static uint32_t *
places_of(struct placed *items, size_t n, int (*compare)(const void *, const void *))
{
	uint32_t *places = mem_alloc(n, sizeof(*places));

	qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0; i < n; i++)
		places[items[i].number] = (uint32_t)i;
	free(items);
	return places;
}

uint32_t *
gene_sets_gene_places(const struct gene_sets *s)
{
	struct strings ids = string_set_strings(&s->genes);
	struct placed *items = mem_zero(ids.n, sizeof(*items));

	for (size_t i = 0; i < ids.n; i++) {
		items[i].ids = &ids;
		items[i].number = (uint32_t)i;
	}
	return places_of(items, ids.n, by_id);
}

uint32_t *
gene_sets_places(const struct gene_sets *s)
{
	uint32_t *all = mem_alloc(s->members.size / sizeof(*all), sizeof(*all));
	uint32_t *gene_places = gene_sets_gene_places(s), *places;
	struct placed *items = mem_zero(s->n, sizeof(*items));
	size_t n;

	for (uint32_t i = 0; i < s->n; i++) {
		const uint32_t *genes = gene_sets_get(s, i, &n);
		uint32_t *placed = all + offset_of(s, i);

		for (size_t k = 0; k < n; k++)
			placed[k] = gene_places[genes[k]];
		qsort(placed, n, sizeof(*placed), by_number);
		items[i].genes = placed;
		items[i].n = n;
		items[i].number = i;
	}
	places = places_of(items, s->n, by_genes);
	free(all);
	free(gene_places);
	return places;
}

void
gene_sets_sorted(const struct gene_sets *s, uint32_t set, uint32_t *ret_genes)
{
	struct strings ids = string_set_strings(&s->genes);
	size_t n;
	const uint32_t *genes = gene_sets_get(s, set, &n);

	for (size_t i = 0; i < n; i++) {
		size_t k = i;

		for (; k && compare_texts(&ids, ret_genes[k - 1], genes[i]) > 0; k--)
			ret_genes[k] = ret_genes[k - 1];
		ret_genes[k] = genes[i];
	}
}

void
gene_sets_free(struct gene_sets *s)
{
	string_set_free(&s->genes);
	buffer_free(&s->offsets);
	buffer_free(&s->members);
	free(s->singles);
	free(s->slots);
	*s = (struct gene_sets){ 0 };
}
