#include "stat/combos.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/key_sort.h"

enum { FIRST_ROOM = 1024 };

struct item {
	uint32_t part; /* enum combo_part */
	float value;
};

struct combos {
	uint32_t anchor;        /* the gene */
	struct key_sort *items; /* the key: cell, 0 (the anchor) or gene + 1 */
	uint64_t key;           /* of the pair at hand */
	float alone;            /* the anchor in the cell at hand; NaN: not there */
	float gene, both;       /* of the pair at hand; NaN: not there */
	uint64_t n_incomplete;
	struct impacts *differences;
	double (*sums)[3]; /* [room] of the complete pairs of a gene */
	size_t room;
};

struct combo {
	uint32_t gene;
	float values[3]; /* anchor, gene, both */
};

struct combos *
combos_new(uint32_t anchor, size_t max_memory)
{
	struct combos *c = mem_zero(1, sizeof(*c));

	c->anchor = anchor;
	c->items = key_sort_new(sizeof(struct item), max_memory / 2);
	c->differences = impacts_new(max_memory / 2);
	c->alone = c->gene = c->both = NAN;
	return c;
}

int
combos_add_part(struct combos *c, uint32_t cell, uint32_t gene, enum combo_part part, float value,
    struct err *e)
{
	struct item item = { part, value };
	uint32_t low = part == COMBO_ANCHOR ? 0 : gene + 1;

	return key_sort_add(c->items, (uint64_t)cell << 32 | low, &item, e);
}

int
combos_add(
    struct combos *c, uint32_t cell, const uint32_t *genes, size_t n, float value, struct err *e)
{
	if (n == 1 && genes[0] == c->anchor)
		return combos_add_part(c, cell, 0, COMBO_ANCHOR, value, e);
	if (n == 1)
		return combos_add_part(c, cell, genes[0], COMBO_GENE, value, e);
	if (n != 2 || (genes[0] != c->anchor && genes[1] != c->anchor))
		return 0;
	return combos_add_part(c, cell, genes[genes[0] == c->anchor], COMBO_BOTH, value, e);
}

/* Ends the pair at hand: true where it has all three. */
static bool
finish_pair(struct combos *c, struct combo *ret)
{
	bool is_whole = !isnan(c->alone) && !isnan(c->gene) && !isnan(c->both);

	if (!isnan(c->both) && !is_whole)
		c->n_incomplete++;
	*ret = (struct combo){ (uint32_t)c->key - 1, { c->alone, c->gene, c->both } };
	c->gene = c->both = NAN;
	return is_whole;
}

static void
take_item(struct combos *c, uint64_t key, const struct item *item)
{
	if (key >> 32 != c->key >> 32)
		c->alone = NAN;
	c->key = key;
	if (item->part == COMBO_ANCHOR)
		c->alone = item->value;
	else if (item->part == COMBO_GENE)
		c->gene = item->value;
	else
		c->both = item->value;
}

/* The next pair that has all three: 1, 0 after the last one, -1 on failure. */
static int
next_pair(struct combos *c, struct combo *ret, struct err *e)
{
	struct item item;
	const void *payload;
	uint64_t key;
	int r;

	while ((r = key_sort_next(c->items, &key, &payload, e)) > 0) {
		bool is_whole = key != c->key && finish_pair(c, ret);

		memcpy(&item, payload, sizeof(item));
		take_item(c, key, &item);
		if (is_whole)
			return 1;
	}
	return r < 0 ? -1 : finish_pair(c, ret);
}

static int
add_triple(struct combos *c, uint32_t gene, const float values[3], struct err *e)
{
	size_t room = c->room ? c->room : FIRST_ROOM;
	double sum = (double)values[0] + (double)values[1] - 1;

	while (room <= gene)
		room *= 2;
	if (room > c->room) {
		c->sums = mem_resize(c->sums, c->room, room, sizeof(*c->sums));
		memset(c->sums + c->room, 0, (room - c->room) * sizeof(*c->sums));
		c->room = room;
	}
	for (int i = 0; i < 3; i++)
		c->sums[gene][i] += (double)values[i];
	return impacts_add(c->differences, gene, (float)((double)values[2] - sum), e);
}

int
combos_finish(struct combos *c, double (*ret_means)[3], struct impact_result *ret, size_t n,
    struct gaussian_mixture *ret_fit, uint64_t *ret_incomplete, struct err *e)
{
	struct combo pair;
	int r = key_sort_start(c->items, e);

	while (!r && (r = next_pair(c, &pair, e)) > 0)
		r = add_triple(c, pair.gene, pair.values, e);
	*ret_incomplete = c->n_incomplete;
	if (r || impacts_finish(c->differences, ret, n, ret_fit, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 3; k++)
			ret_means[i][k] = ret[i].n ? c->sums[i][k] / (double)ret[i].n : NAN;
	return 0;
}

void
combos_free(struct combos *c)
{
	if (!c)
		return;
	key_sort_free(c->items);
	impacts_free(c->differences);
	free(c->sums);
	free(c);
}
