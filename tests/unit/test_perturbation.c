/* Perturbed copies against a plain reading of what the header says: lists of genes, moved one by
 * one; all tuples written out by counting through all subsets. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cell/perturbation.h"

enum { CLS = 2, EOS = 3, MOST = 64, MAX_COPIES = 5000 };

/* A copy as the plain reading makes it. */
struct expected {
	size_t n, n_genes;
	int32_t ids[2 * MOST], sources[2 * MOST], genes[2 * MOST];
};

struct given {
	const int32_t *ids;
	size_t n, from, to;
};

static bool
is_among(const int32_t *list, size_t n, int32_t x)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == x)
			return true;
	return false;
}

static struct given
given_cell(const struct perturbation_options *o, const int32_t *ids, size_t n)
{
	struct given g = { ids, n, 0, n };

	if (o->cls >= 0 && ids[0] == o->cls)
		g.from = 1;
	if (o->eos >= 0 && n > g.from && ids[n - 1] == o->eos)
		g.to = n - 1;
	return g;
}

/* Perturbed genes go one by one to the place they may reach, the first ones first. */
static void
move_genes(const struct perturbation_options *o, const struct given *g, struct expected *x)
{
	size_t m = g->to - g->from, k = 0, seen = 0;
	long at[MOST], d = (long)((double)o->quartiles * (double)m / 4 + 0.5);

	memset(at, -1, sizeof(at));
	for (size_t p = 0; p < m; p++)
		k += is_among(x->genes, x->n_genes, g->ids[g->from + p]);
	for (size_t p = 0; p < m; p++) {
		long to = (long)p + (o->type == PERTURB_INHIBIT ? d : -d);

		if (!is_among(x->genes, x->n_genes, g->ids[g->from + p]))
			continue;
		if (to < (long)seen)
			to = (long)seen;
		if (to > (long)(m - k + seen))
			to = (long)(m - k + seen);
		at[to] = (long)p;
		seen++;
	}
	for (size_t p = 0, to = 0; p < m; p++) {
		if (is_among(x->genes, x->n_genes, g->ids[g->from + p]))
			continue;
		while (at[to] >= 0)
			to++;
		at[to++] = (long)p;
	}
	for (size_t to = 0; to < m; to++) {
		int32_t id = g->ids[(long)g->from + at[to]];

		x->ids[x->n] = id;
		x->sources[x->n++] =
		    is_among(x->genes, x->n_genes, id) ? -1 : (int32_t)((long)g->from + at[to]);
	}
}

static void
add_expected(struct expected *x, int32_t id, long source)
{
	x->ids[x->n] = id;
	x->sources[x->n++] = (int32_t)source;
}

static void
make_expected(const struct perturbation_options *o, const struct given *g, struct expected *x)
{
	x->n = 0;
	if (g->from)
		add_expected(x, CLS, -1);
	if (o->type == PERTURB_OVEREXPRESS)
		for (size_t i = 0; i < x->n_genes; i++)
			add_expected(x, x->genes[i], -1);
	if (o->type == PERTURB_OVEREXPRESS || o->type == PERTURB_DELETE) {
		for (size_t p = g->from; p < g->to; p++)
			if (!is_among(x->genes, x->n_genes, g->ids[p]))
				add_expected(x, g->ids[p], (long)p);
	} else
		move_genes(o, g, x);
	if (g->to < g->n) {
		add_expected(x, EOS, -1);
		if (x->n > o->max_length) {
			x->ids[o->max_length - 1] = EOS;
			x->sources[o->max_length - 1] = -1;
		}
	}
	if (x->n > o->max_length)
		x->n = o->max_length;
}

static bool
compares_nothing(const struct expected *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->sources[i] >= 0)
			return false;
	return true;
}

/* Genes of some groups: by rank where they are the cell's own, else the anchor and then each as
 * given. */
static void
list_expected(const struct perturbation_options *o, const struct given *g,
    const struct gene_groups *groups, const size_t *members, size_t n, struct expected *x)
{
	int32_t all[2 * MOST];
	size_t n_all = 0;

	if (o->anchor >= 0)
		all[n_all++] = o->anchor;
	for (size_t i = 0; i < n; i++)
		for (size_t k = groups->cu[members[i]]; k < groups->cu[members[i] + 1]; k++)
			if (!is_among(all, n_all, groups->tokens[k]))
				all[n_all++] = groups->tokens[k];
	x->n_genes = 0;
	for (size_t p = g->from; !o->groups.n && p < g->to; p++)
		if (is_among(all, n_all, g->ids[p]) && !is_among(x->genes, x->n_genes, g->ids[p]))
			x->genes[x->n_genes++] = g->ids[p];
	if (o->groups.n) {
		memcpy(x->genes, all, n_all * sizeof(*all));
		x->n_genes = n_all;
	}
}

struct tally {
	size_t n, n_emptied;
};

/* Adds the copy of these groups to the list, unless it is one that is not made. */
static void
expect_copy(const struct perturbation_options *o, const struct given *g,
    const struct gene_groups *groups, const size_t *members, size_t n, struct expected *list,
    struct tally *t)
{
	struct expected *x = &list[t->n];

	list_expected(o, g, groups, members, n, x);
	make_expected(o, g, x);
	if (compares_nothing(x))
		t->n_emptied++;
	else if (!o->groups.n && n == 1 && x->n_genes == 1 && o->type != PERTURB_DELETE &&
		 x->n == g->n && memcmp(x->ids, g->ids, g->n * sizeof(*g->ids)) == 0)
		return;
	else
		t->n++;
	assert_true(t->n < MAX_COPIES);
}

static size_t
own_groups(const struct perturbation_options *o, const struct given *g, int32_t *tokens, size_t *cu)
{
	size_t n = 0, end = 0;

	cu[0] = 0;
	for (size_t p = g->from; !o->groups.n && p < g->to; p++)
		if (g->ids[p] != o->anchor && !is_among(tokens, n, g->ids[p])) {
			tokens[n++] = g->ids[p];
			cu[n] = n;
		}
	for (size_t i = 0; i < o->groups.n; i++) {
		const int32_t *group = o->groups.tokens + o->groups.cu[i];
		size_t k = o->groups.cu[i + 1] - o->groups.cu[i], n_has = 0;

		for (size_t j = 0; j < k; j++)
			n_has += is_among(g->ids + g->from, g->to - g->from, group[j]);
		if (n_has < k && o->type != PERTURB_OVEREXPRESS)
			continue;
		memcpy(tokens + end, group, k * sizeof(*group));
		end += k;
		cu[++n] = end;
	}
	return n;
}

static size_t
expect_all(const struct perturbation_options *o, const int32_t *ids, size_t n,
    struct expected *list, struct tally *t, struct gene_groups *groups, int32_t *tokens, size_t *cu)
{
	struct given g = given_cell(o, ids, n);
	size_t members[8];

	*t = (struct tally){ 0 };
	if (o->anchor >= 0 && !is_among(ids + g.from, g.to - g.from, o->anchor))
		return 0;
	*groups = (struct gene_groups){ own_groups(o, &g, tokens, cu), tokens, cu };
	for (size_t i = 0; i < groups->n; i++)
		expect_copy(o, &g, groups, &i, 1, list, t);
	for (size_t i = 0; o->combos == 2 && i < groups->n; i++)
		for (size_t j = i + 1; j < groups->n; j++) {
			members[0] = i;
			members[1] = j;
			expect_copy(o, &g, groups, members, 2, list, t);
		}
	for (size_t i = 0; o->combos == 3 && i < groups->n; i++)
		for (size_t j = i + 1; j < groups->n; j++)
			for (size_t k = j + 1; k < groups->n; k++) {
				members[0] = i;
				members[1] = j;
				members[2] = k;
				expect_copy(o, &g, groups, members, 3, list, t);
			}
	return groups->n;
}

/* The genes of the cell that are perturbed, or in the copy, by rank. */
static void
expect_original(const struct perturbation_options *o, const struct given *g,
    const struct cell_copy *c, const struct expected *x)
{
	int32_t ids[2 * MOST], original[2 * MOST];
	size_t n = 0, n_out = 0;

	for (size_t p = 0; p < g->n; p++) {
		bool stays = p < g->from || p >= g->to || is_among(x->genes, x->n_genes, g->ids[p]);

		for (size_t k = 0; k < x->n; k++)
			stays |= x->sources[k] == (int32_t)p;
		if (stays)
			ids[n++] = g->ids[p];
		else if (o->type == PERTURB_OVEREXPRESS)
			n_out++;
		else
			fail();
	}
	assert_int_equal(c->n_cut, n_out);
	assert_int_equal(perturbation_original(o, g->ids, g->n, c, original), n);
	assert_memory_equal(original, ids, n * sizeof(*ids));
	for (size_t k = 0; k < x->n; k++)
		if (x->sources[k] >= 0)
			assert_int_equal(original[x->sources[k]], x->ids[k]);
}

static void
expect_same(const struct perturbation_options *o, const int32_t *ids, size_t n,
    const struct cell_perturbations *what, size_t which, const struct expected *x)
{
	size_t most = perturbation_most(o, n);
	struct cell_copy c = { .ids = mem_alloc(most, sizeof(int32_t)),
		.sources = mem_alloc(most, sizeof(int32_t)),
		.genes = mem_alloc(most, sizeof(int32_t)) };
	struct given g = given_cell(o, ids, n);

	perturbation_apply(o, ids, n, what, which, &c);
	assert_int_equal(c.length, x->n);
	assert_memory_equal(c.ids, x->ids, x->n * sizeof(*x->ids));
	assert_memory_equal(c.sources, x->sources, x->n * sizeof(*x->sources));
	assert_int_equal(c.n_genes, x->n_genes);
	assert_memory_equal(c.genes, x->genes, x->n_genes * sizeof(*x->genes));
	assert_int_equal(c.from, g.from);
	assert_int_equal(c.to, x->n - (g.n - g.to));
	expect_original(o, &g, &c, x);
	free(c.ids);
	free(c.sources);
	free(c.genes);
}

static void
check_cell(const struct perturbation_options *o, const int32_t *ids, size_t n)
{
	static struct expected list[MAX_COPIES];
	struct arena a = { 0 };
	struct gene_groups groups;
	int32_t tokens[2 * MOST];
	size_t cu[MOST + 1], n_groups;
	struct tally t;
	struct cell_perturbations what = perturbations_find(o, ids, n, &a);

	n_groups = expect_all(o, ids, n, list, &t, &groups, tokens, cu);
	assert_int_equal(what.n, t.n);
	assert_int_equal(what.n_emptied, t.n_emptied);
	if (!what.lacks_anchor && o->groups.n)
		assert_int_equal(what.n_absent, o->groups.n - n_groups);
	for (size_t i = 0; i < t.n; i++)
		expect_same(o, ids, n, &what, i, &list[i]);
	arena_free(&a);
}

/* A random cell: m genes of 10 .. 10 + kinds, some of them twice where is_foreign. */
static size_t
random_cell(int32_t *ids, size_t m, int kinds, bool special, bool is_foreign)
{
	size_t n = 0;

	if (special)
		ids[n++] = CLS;
	for (size_t tries = 0; n < m + special && tries < 10000; tries++) {
		int32_t gene = 10 + rand() % kinds;

		if (is_foreign || !is_among(ids, n, gene))
			ids[n++] = gene;
	}
	if (special)
		ids[n++] = EOS;
	return n;
}

static void
agrees_with_a_plain_reading(void **state)
{
	static const int32_t tokens[] = { 12, 15, 11, 12, 18, 40, 17, 16, 13 };
	static const size_t cu[] = { 0, 1, 3, 5, 6, 9 };
	int32_t ids[MOST];

	(void)state;
	srand(5);
	for (int round = 0; round < 6000; round++) {
		bool special = rand() % 3 > 0;
		size_t m = (size_t)(1 + rand() % 12);
		struct perturbation_options o = { .type = (enum perturbation_type)(rand() % 4),
			.combos = (size_t)(1 + rand() % 3),
			.anchor = rand() % 3 ? -1 : 11,
			.quartiles = (size_t)(1 + rand() % 3),
			.cls = rand() % 4 ? CLS : -1,
			.eos = rand() % 4 ? EOS : -1 };
		size_t n;

		if (rand() % 2)
			o.groups = (struct gene_groups){ (size_t)(1 + rand() % 5), tokens, cu };
		n = random_cell(ids, m, 12, special, rand() % 4 == 0);
		o.max_length = n + (size_t)(rand() % 4);
		check_cell(&o, ids, n);
	}
}

/* The ones that a hand can follow. */
static void
moves_by_quarters(void **state)
{
	/* Ten genes: quarters of 2.5, so 3 places (halves up), 5, and 7.5 -> 8. */
	static const int32_t ids[] = { CLS, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, EOS };
	static const int32_t down[] = { CLS, 11, 12, 13, 10, 14, 15, 16, 17, 18, 19, EOS };
	static const int32_t both[] = { CLS, 11, 12, 10, 13, 14, 15, 16, 17, 18, 19, EOS };
	static const int32_t gene[] = { 10, 18, 12, 11 };
	static const size_t cu[] = { 0, 1 }, last[] = { 0, 2 };
	int32_t room[3][12];
	struct cell_copy c = { .ids = room[0], .sources = room[1], .genes = room[2] };
	struct perturbation_options o = { PERTURB_INHIBIT, { 1, gene, cu }, 1, -1, 1, 12, CLS,
		EOS };
	struct arena a = { 0 };
	struct cell_perturbations what = perturbations_find(&o, ids, 12, &a);

	(void)state;
	perturbation_apply(&o, ids, 12, &what, 0, &c);
	assert_memory_equal(c.ids, down, sizeof(down));
	assert_int_equal(c.sources[4], -1);
	assert_int_equal(c.sources[3], 4);

	o = (struct perturbation_options){ PERTURB_ACTIVATE, { 1, gene + 1, cu }, 1, -1, 3, 12, CLS,
		EOS };
	what = perturbations_find(&o, ids, 12, &a);
	perturbation_apply(&o, ids, 12, &what, 0, &c);
	assert_int_equal(c.ids[1], 18); /* from place 8 by 8 */
	o.quartiles = 2;
	what = perturbations_find(&o, ids, 12, &a);
	perturbation_apply(&o, ids, 12, &what, 0, &c);
	assert_int_equal(c.ids[4], 18); /* by 5 */

	/* 11 and 12, from places 1 and 2 by 3: they keep their order at the top. */
	o = (struct perturbation_options){ PERTURB_ACTIVATE, { 1, gene + 2, last }, 1, -1, 1, 12,
		CLS, EOS };
	what = perturbations_find(&o, ids, 12, &a);
	perturbation_apply(&o, ids, 12, &what, 0, &c);
	assert_memory_equal(c.ids, both, sizeof(both));
	arena_free(&a);
}

static void
puts_genes_first_and_keeps_the_end(void **state)
{
	static const int32_t ids[] = { CLS, 10, 11, 12, 13, EOS };
	static const int32_t expected[] = { CLS, 20, 12, 10, 11, EOS };
	static const int32_t sources[] = { -1, -1, -1, 1, 2, -1 };
	static const int32_t genes[] = { 20, 12 };
	static const size_t cu[] = { 0, 2 };
	int32_t room[3][8];
	struct cell_copy c = { .ids = room[0], .sources = room[1], .genes = room[2] };
	struct perturbation_options o = { PERTURB_OVEREXPRESS, { 1, genes, cu }, 1, -1, 1, 6, CLS,
		EOS };
	struct arena a = { 0 };
	struct cell_perturbations what = perturbations_find(&o, ids, 6, &a);

	(void)state;
	assert_int_equal(what.n, 1);
	perturbation_apply(&o, ids, 6, &what, 0, &c);
	assert_int_equal(c.length, 6);
	assert_memory_equal(c.ids, expected, sizeof(expected));
	assert_memory_equal(c.sources, sources, sizeof(sources));
	arena_free(&a);
}

/* 4,000 genes: all pairs are counted out, not listed, and the last one is found at once. */
static void
counts_millions_of_pairs(void **state)
{
	enum { N = 4000 };
	int32_t *ids = mem_alloc(N, sizeof(*ids)), genes[2];
	struct perturbation_options o = { .type = PERTURB_DELETE,
		.combos = 2,
		.anchor = -1,
		.max_length = N,
		.cls = -1,
		.eos = -1 };
	struct arena a = { 0 };
	struct cell_perturbations what;

	(void)state;
	for (int32_t i = 0; i < N; i++)
		ids[i] = 100 + i;
	what = perturbations_find(&o, ids, N, &a);
	assert_int_equal(what.n, 4000 + 7998000);
	assert_int_equal(perturbation_genes(&o, &what, what.n - 1, genes), 2);
	assert_int_equal(genes[0], 100 + 3998);
	assert_int_equal(genes[1], 100 + 3999);
	/* Pairs of the first gene are 4000 .. 7998, then comes the second with the third. */
	perturbation_genes(&o, &what, 7999, genes);
	assert_int_equal(genes[0], 101);
	assert_int_equal(genes[1], 102);

	assert_true(perturbations_can_be_counted(&o));
	o.combos = 5; /* 4000^5 / 120 = 8.5e15 */
	assert_true(perturbations_can_be_counted(&o));
	o.combos = 7; /* 4000^7 / 5040 = 3.2e21 */
	assert_false(perturbations_can_be_counted(&o));
	arena_free(&a);
	free(ids);
}

/* Of the copies that are made, those of the greatest scores stay, in their order. */
static void
keeps_the_best(void **state)
{
	static const int32_t ids[] = { 2, 10, 11, 12, 13, 14, 3 };
	static const double scores[] = { 0.5, -1, 7, 0.5 }; /* of 11 .. 14: 10 is first already */
	struct perturbation_options o = { PERTURB_OVEREXPRESS, .combos = 1, .anchor = -1,
		.max_length = 100, .cls = 2, .eos = 3 };
	struct arena a = { 0 };
	struct cell_perturbations what = perturbations_find(&o, ids, 7, &a);
	int32_t genes[8];

	(void)state;
	assert_int_equal(what.n, 4);
	perturbations_keep(&what, scores, 4, &a);
	assert_int_equal(what.n, 4);
	perturbations_keep(&what, scores, 2, &a);
	assert_int_equal(what.n, 2);
	assert_int_equal(perturbation_genes(&o, &what, 0, genes), 1);
	assert_int_equal(genes[0], 11);
	perturbation_genes(&o, &what, 1, genes);
	assert_int_equal(genes[0], 13);
	perturbations_keep(&what, scores, 0, &a);
	assert_int_equal(what.n, 0);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_plain_reading),
		cmocka_unit_test(moves_by_quarters),
		cmocka_unit_test(puts_genes_first_and_keeps_the_end),
		cmocka_unit_test(counts_millions_of_pairs),
		cmocka_unit_test(keeps_the_best),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
