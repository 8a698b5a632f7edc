/* 1. The genes of a cell
 * 2. The number of copies
 * 3. The genes of a copy
 * 4. Which copies there are
 * 5. Copies */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cell/perturbation.h"
#include "cell/token_cells.h"

/* 1. The genes of a cell */

struct cell {
	const int32_t *ids;
	size_t n, from, to;
	uint64_t *keys; /* [to - from] token and place of each gene, ascending */
};

static int
compare_keys(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct cell
cell_of(const struct perturbation_options *o, const int32_t *ids, size_t n)
{
	struct cell c = { .ids = ids, .n = n };

	token_cells_genes(ids, n, o->cls, o->eos, &c.from, &c.to);
	return c;
}

static void
sort_genes(struct cell *c, struct arena *a)
{
	size_t m = c->to - c->from;

	c->keys = arena_alloc(a, m, sizeof(*c->keys));
	for (size_t i = 0; i < m; i++)
		c->keys[i] = (uint64_t)(uint32_t)c->ids[c->from + i] << 32 | i;
	qsort(c->keys, m, sizeof(*c->keys), compare_keys);
}

/* How many places of the cell the gene has, and the first one. */
static size_t
find_gene(const struct cell *c, int32_t gene, size_t *ret_first)
{
	size_t m = c->to - c->from, low = 0, high = m, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->keys[middle] >> 32 < (uint32_t)gene)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < m && c->keys[low + n] >> 32 == (uint32_t)gene)
		n++;
	*ret_first = n ? (size_t)(uint32_t)c->keys[low] : m;
	return n;
}

/* 2. The number of copies */

/* Tuples of k out of n; false beyond 62 bits. */
static bool
binomial(size_t n, size_t k, size_t *ret)
{
	size_t product = 1;

	if (k > n) {
		*ret = 0;
		return true;
	}
	if (k > n - k)
		k = n - k;
	for (size_t i = 1; i <= k; i++) {
		/* product * up / i is whole, and so are both factors below. */
		size_t up = n - k + i, a = product, b = i, rest;

		while (b) {
			rest = a % b;
			a = b;
			b = rest;
		}
		if (!mem_mul(product / a, up / (i / a), &product) || product >> 62)
			return false;
	}
	*ret = product;
	return true;
}

/* Groups and tuples of G groups. */
static bool
count_copies(const struct perturbation_options *o, size_t n_groups, size_t *ret)
{
	size_t tuples = 0;

	if (o->combos > 1 && !binomial(n_groups, o->combos, &tuples))
		return false;
	return mem_add(n_groups, tuples, ret);
}

bool
perturbations_can_be_counted(const struct perturbation_options *o)
{
	size_t most = o->groups.n ? o->groups.n : o->max_length, n;

	/* The number of tuples grows with the groups up to any size, so the largest cell decides.
	 */
	return count_copies(o, most, &n);
}

/* An upper bound of the genes of a copy: the largest groups at once. */
static size_t
most_genes(const struct perturbation_options *o, const struct gene_groups *g)
{
	size_t largest = 0, most = o->combos;

	for (size_t i = 0; i < g->n; i++)
		if (g->cu[i + 1] - g->cu[i] > largest)
			largest = g->cu[i + 1] - g->cu[i];
	if (g->n)
		most = largest < g->cu[g->n] / o->combos ? largest * o->combos : g->cu[g->n];
	return most + (o->anchor >= 0);
}

size_t
perturbation_most(const struct perturbation_options *o, size_t n)
{
	size_t genes = most_genes(o, &o->groups), most = n;

	if (o->type != PERTURB_OVEREXPRESS)
		return n;
	most = n + genes < o->max_length ? n + genes : o->max_length;
	return most > genes ? most : genes;
}

/* 3. The genes of a copy */

/* The number that copy `which` has when those that are left out are counted as well. */
static size_t
number_of(const struct cell_perturbations *what, size_t which)
{
	size_t low = 0, high = what->n_left_out;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (what->left_out[middle] - middle <= which)
			low = middle + 1;
		else
			high = middle;
	}
	return which + low;
}

struct scored {
	double score;
	size_t which;
};

/* From the greatest to the least. */
static int
compare_scored(const void *x, const void *y)
{
	const struct scored *a = x, *b = y;

	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return (a->which > b->which) - (a->which < b->which);
}

static int
compare_sizes(const void *x, const void *y)
{
	size_t a = *(const size_t *)x, b = *(const size_t *)y;

	return (a > b) - (a < b);
}

void
perturbations_keep(struct cell_perturbations *what, const double *scores, size_t k, struct arena *a)
{
	size_t n = what->n, n_left_out = what->n_left_out, *left_out;
	struct scored *order;

	if (k >= n)
		return;
	order = arena_alloc(a, n, sizeof(*order));
	for (size_t i = 0; i < n; i++)
		order[i] = (struct scored){ scores[i], i };
	qsort(order, n, sizeof(*order), compare_scored);
	left_out = arena_alloc(a, n_left_out + n - k, sizeof(*left_out));
	if (n_left_out)
		memcpy(left_out, what->left_out, n_left_out * sizeof(*left_out));
	for (size_t i = k; i < n; i++)
		left_out[n_left_out++] = number_of(what, order[i].which);
	qsort(left_out, n_left_out, sizeof(*left_out), compare_sizes);
	what->left_out = left_out;
	what->n_left_out = n_left_out;
	what->n = k;
}

/* Adds a group to the list, but for what stands in it. */
static size_t
add_group(const struct gene_groups *g, size_t i, int32_t *genes, size_t n)
{
	for (size_t k = g->cu[i]; k < g->cu[i + 1]; k++) {
		size_t at = 0;

		while (at < n && genes[at] != g->tokens[k])
			at++;
		if (at == n)
			genes[n++] = g->tokens[k];
	}
	return n;
}

struct gene_list {
	const struct perturbation_options *options;
	const struct cell_perturbations *what;
	int32_t *genes;
	size_t n;
	bool has_anchor;
};

/* The anchor comes first with given groups, in between by rank with all genes. */
static void
list_group(struct gene_list *l, size_t i)
{
	if (!l->has_anchor && (l->options->groups.n || i >= l->what->anchor_at)) {
		l->genes[l->n++] = l->options->anchor;
		l->has_anchor = true;
	}
	l->n = add_group(&l->what->groups, i, l->genes, l->n);
}

/* The groups of tuple `number` in lexicographic order, one after the other. */
static void
list_tuple(struct gene_list *l, size_t number)
{
	size_t next = 0, with_next;

	for (size_t left = l->what->tuple; left > 0; left--) {
		for (;; next++) {
			bool ok = binomial(l->what->groups.n - next - 1, left - 1, &with_next);

			assert(ok);
			if (number < with_next)
				break;
			number -= with_next;
		}
		list_group(l, next++);
	}
}

/* The same, `number` counting those left out as well. */
static size_t
genes_of(const struct perturbation_options *o, const struct cell_perturbations *what, size_t number,
    int32_t *ret_genes)
{
	struct gene_list l = { o, what, ret_genes, 0, o->anchor < 0 };

	if (number < what->groups.n)
		list_group(&l, number);
	else
		list_tuple(&l, number - what->groups.n);
	if (!l.has_anchor)
		ret_genes[l.n++] = o->anchor;
	return l.n;
}

size_t
perturbation_genes(const struct perturbation_options *o, const struct cell_perturbations *what,
    size_t which, int32_t *ret_genes)
{
	assert(which < what->n);
	return genes_of(o, what, number_of(what, which), ret_genes);
}

/* 4. Which copies there are */

/* Every gene once, by rank, but the anchor. */
static void
list_all_genes(const struct perturbation_options *o, const struct cell *c,
    struct cell_perturbations *what, struct arena *a)
{
	size_t m = c->to - c->from, n = 0, first;
	int32_t *tokens = arena_alloc(a, m, sizeof(*tokens));
	size_t *cu = arena_alloc(a, m + 1, sizeof(*cu));

	for (size_t i = 0; i < m; i++) {
		int32_t gene = c->ids[c->from + i];

		find_gene(c, gene, &first);
		if (gene == o->anchor && first == i)
			what->anchor_at = n;
		else if (first == i)
			tokens[n++] = gene;
	}
	for (size_t i = 0; i <= n; i++)
		cu[i] = i;
	what->groups = (struct gene_groups){ n, tokens, cu };
}

static bool
has_group(const struct cell *c, const struct gene_groups *g, size_t i)
{
	size_t first;

	for (size_t k = g->cu[i]; k < g->cu[i + 1]; k++)
		if (!find_gene(c, g->tokens[k], &first))
			return false;
	return true;
}

static void
list_given_groups(const struct perturbation_options *o, const struct cell *c,
    struct cell_perturbations *what, struct arena *a)
{
	const struct gene_groups *given = &o->groups;
	int32_t *tokens;
	size_t *cu, n = 0, end = 0;

	if (o->type == PERTURB_OVEREXPRESS) {
		what->groups = *given;
		return;
	}
	tokens = arena_alloc(a, given->cu[given->n], sizeof(*tokens));
	cu = arena_zero(a, given->n + 1, sizeof(*cu));
	for (size_t i = 0; i < given->n; i++) {
		size_t size = given->cu[i + 1] - given->cu[i];

		if (!has_group(c, given, i))
			continue;
		memcpy(tokens + end, given->tokens + given->cu[i], size * sizeof(*tokens));
		end += size;
		cu[++n] = end;
	}
	what->groups = (struct gene_groups){ n, tokens, cu };
	what->n_absent = given->n - n;
}

static size_t
count_genes(const struct cell *c)
{
	size_t m = c->to - c->from, n = 0;

	for (size_t i = 0; i < m; i++)
		n += i == 0 || c->keys[i] >> 32 != c->keys[i - 1] >> 32;
	return n;
}

/* Whether a gene remains to compare, when the k genes of the list are perturbed. */
static bool
leaves_genes(
    const struct perturbation_options *o, const struct cell *c, const int32_t *genes, size_t k)
{
	size_t rest = c->to - c->from, first;
	size_t special = c->from + (c->n - c->to);

	for (size_t i = 0; i < k; i++)
		rest -= find_gene(c, genes[i], &first);
	return rest > 0 && (o->type != PERTURB_OVEREXPRESS || k + special < o->max_length);
}

/* Whether the copy of a single gene would be the cell itself. */
static bool
stays(const struct perturbation_options *o, const struct cell *c, int32_t gene)
{
	size_t m = c->to - c->from, first, k = find_gene(c, gene, &first);

	switch (o->type) {
	case PERTURB_OVEREXPRESS:
		return first == 0 && k == 1;
	case PERTURB_INHIBIT:
		return first == m - k;
	case PERTURB_ACTIVATE:
		for (size_t p = 0; p < k; p++)
			if (c->ids[c->from + p] != gene)
				return false;
		return true;
	default:
		return false;
	}
}

/* Goes through the copies up to `end` and notes those that are not to be made. */
static void
leave_out(const struct perturbation_options *o, const struct cell *c,
    struct cell_perturbations *what, size_t end, struct arena *a)
{
	struct buffer list = { 0 };
	int32_t *genes = mem_alloc(perturbation_most(o, c->n), sizeof(*genes));

	for (size_t i = 0; i < end; i++) {
		size_t k = genes_of(o, what, i, genes);
		bool is_emptied = !leaves_genes(o, c, genes, k);

		what->n_emptied += is_emptied;
		if (is_emptied || (!o->groups.n && k == 1 && stays(o, c, genes[0])))
			buffer_add(&list, &i, sizeof(i));
	}
	what->n_left_out = list.size / sizeof(size_t);
	what->left_out = arena_copy(a, list.data, what->n_left_out, sizeof(size_t));
	buffer_free(&list);
	free(genes);
}

struct cell_perturbations
perturbations_find(
    const struct perturbation_options *o, const int32_t *ids, size_t n, struct arena *a)
{
	struct cell_perturbations what = { .tuple = o->combos };
	struct cell c = cell_of(o, ids, n);
	size_t total, most, first;
	bool ok;

	sort_genes(&c, a);
	if (o->anchor >= 0 && !find_gene(&c, o->anchor, &first)) {
		what.lacks_anchor = true;
		return what;
	}
	if (o->groups.n)
		list_given_groups(o, &c, &what, a);
	else
		list_all_genes(o, &c, &what, a);
	ok = count_copies(o, what.groups.n, &total);
	assert(ok); /* perturbations_can_be_counted */

	/* Tuples are looked at one by one only where one of them may leave no gene. */
	most = most_genes(o, &what.groups);
	if (most < count_genes(&c) && (o->type != PERTURB_OVEREXPRESS || most + 2 < o->max_length))
		leave_out(o, &c, &what, what.groups.n, a);
	else
		leave_out(o, &c, &what, total, a);
	what.n = total - what.n_left_out;
	return what;
}

/* 5. Copies */

static bool
is_perturbed(const struct cell_copy *copy, int32_t gene)
{
	for (size_t i = 0; i < copy->n_genes; i++)
		if (copy->genes[i] == gene)
			return true;
	return false;
}

static void
put(struct cell_copy *copy, int32_t id, ptrdiff_t source)
{
	copy->ids[copy->length] = id;
	copy->sources[copy->length++] = (int32_t)source;
}

/* The genes that are not perturbed, while there is room. */
static void
put_others(struct cell_copy *copy, const struct cell *c, size_t most)
{
	for (size_t p = c->from; p < c->to; p++) {
		if (is_perturbed(copy, c->ids[p]))
			continue;
		if (copy->length < most)
			put(copy, c->ids[p], (ptrdiff_t)p);
		else
			copy->n_cut++;
	}
}

/* How far genes move: quarters of m, rounded, halves up. */
static size_t
distance(const struct perturbation_options *o, size_t m)
{
	return (o->quartiles * m + 2) / 4;
}

/* Where the i-th of k perturbed genes, now at place p of m, comes to. */
static size_t
target(const struct perturbation_options *o, size_t p, size_t i, size_t k, size_t m)
{
	size_t d = distance(o, m);

	if (o->type == PERTURB_ACTIVATE)
		return p < d + i ? i : p - d;
	return p + d > m - k + i ? m - k + i : p + d;
}

static size_t
next_gene(const struct cell_copy *copy, const struct cell *c, size_t p, bool perturbed)
{
	while (p < c->to && is_perturbed(copy, c->ids[p]) != perturbed)
		p++;
	return p;
}

/* Two cursors run over the genes: one over those that move, one over the others. */
static void
put_moved(const struct perturbation_options *o, struct cell_copy *copy, const struct cell *c)
{
	size_t m = c->to - c->from, k = 0, i = 0;
	size_t moved = next_gene(copy, c, c->from, true);
	size_t other = next_gene(copy, c, c->from, false);

	for (size_t p = c->from; p < c->to; p++)
		k += is_perturbed(copy, c->ids[p]);
	for (size_t place = 0; place < m; place++) {
		if (moved < c->to && target(o, moved - c->from, i, k, m) == place) {
			put(copy, c->ids[moved], -1);
			moved = next_gene(copy, c, moved + 1, true);
			i++;
		} else {
			put(copy, c->ids[other], (ptrdiff_t)other);
			other = next_gene(copy, c, other + 1, false);
		}
	}
}

void
perturbation_apply(const struct perturbation_options *o, const int32_t *ids, size_t n,
    const struct cell_perturbations *what, size_t which, struct cell_copy *ret)
{
	struct cell c = cell_of(o, ids, n);
	size_t n_after = n - c.to;

	ret->n_genes = perturbation_genes(o, what, which, ret->genes);
	ret->length = ret->n_cut = 0;
	if (c.from)
		put(ret, ids[0], -1);
	ret->from = ret->length;
	if (o->type == PERTURB_INHIBIT || o->type == PERTURB_ACTIVATE)
		put_moved(o, ret, &c);
	else {
		for (size_t i = 0; o->type == PERTURB_OVEREXPRESS && i < ret->n_genes; i++)
			put(ret, ret->genes[i], -1);
		put_others(ret, &c, o->max_length - n_after);
	}
	ret->to = ret->length;
	if (n_after)
		put(ret, ids[n - 1], -1);
}

size_t
perturbation_original(const struct perturbation_options *o, const int32_t *ids, size_t n,
    const struct cell_copy *copy, int32_t *ret_ids)
{
	struct cell c = cell_of(o, ids, n);
	size_t left = copy->n_cut, p = n, end = 0;

	while (left > 0)
		left -= --p < c.to && !is_perturbed(copy, ids[p]);
	for (size_t i = 0; i < n; i++)
		if (i < p || i >= c.to || is_perturbed(copy, ids[i]))
			ret_ids[end++] = ids[i];
	return end;
}
