#include <assert.h>
#include <string.h>

#include "nn/perturb_copies.h"

static void
find_cut(const struct perturbation_options *o, const int32_t *ids, size_t n_ids,
    const struct cell_copy *copy, struct copies *copies, size_t i, struct arena *a)
{
	copies->cut_ids[i] = NULL;
	copies->cut_n[i] = 0;
	if (copy->n_cut == 0)
		return;
	copies->cut_ids[i] = arena_alloc(a, n_ids, sizeof(int32_t));
	copies->cut_n[i] = perturbation_original(o, ids, n_ids, copy, copies->cut_ids[i]);
}

struct copies
copies_make(const struct perturbation_options *o, const int32_t *ids, size_t n_ids,
    const struct cell_perturbations *what, size_t first, size_t n, struct arena *a)
{
	size_t most = perturbation_most(o, n_ids),
	       *numbers = arena_alloc(a, 4 * n + 1, sizeof(*numbers));
	struct copies copies = { .n = n,
		.ids = arena_alloc(a, n * most, sizeof(*copies.ids)),
		.sources = arena_alloc(a, n * most, sizeof(*copies.sources)),
		.offsets = numbers,
		.from = numbers + n + 1,
		.to = numbers + 2 * n + 1,
		.cut_ids = arena_alloc(a, n, sizeof(*copies.cut_ids)),
		.cut_n = numbers + 3 * n + 1 };
	int32_t *genes = arena_alloc(a, most, sizeof(*genes));

	copies.offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = copies.offsets[i];
		struct cell_copy copy = {
			.ids = copies.ids + at, .sources = copies.sources + at, .genes = genes
		};

		perturbation_apply(o, ids, n_ids, what, first + i, &copy);
		assert(copy.length > 0 && copy.length <= most);
		copies.offsets[i + 1] = at + copy.length;
		copies.from[i] = at + copy.from;
		copies.to[i] = at + copy.to;
		find_cut(o, ids, n_ids, &copy, &copies, i, a);
	}
	return copies;
}

void
copies_find_common(struct copies *c, struct arena *a)
{
	size_t n = SIZE_MAX, n_true = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->offsets[i + 1] - c->offsets[i] < n)
			n = c->offsets[i + 1] - c->offsets[i];
	c->is_common = arena_alloc(a, n, sizeof(*c->is_common));
	c->n_common = n;
	for (size_t k = 0; k < n; k++) {
		c->is_common[k] = true;
		for (size_t i = 1; i < c->n; i++)
			c->is_common[k] &= c->ids[c->offsets[i] + k] == c->ids[k];
		n_true += c->is_common[k];
	}
	if (n_true == n || 2 * n_true < n)
		c->is_common = NULL;
}

static bool
same_original(const struct copies *c, size_t i, size_t k)
{
	return c->cut_n[i] == c->cut_n[k] &&
	       (c->cut_n[i] == 0 ||
		   memcmp(c->cut_ids[i], c->cut_ids[k], c->cut_n[i] * sizeof(int32_t)) == 0);
}

struct copies
copies_take_run(const struct copies *all, size_t from, struct arena *a)
{
	struct copies run = *all;
	size_t base = all->offsets[from], *numbers;

	run.n = 1;
	while (from + run.n < all->n && same_original(all, from, from + run.n))
		run.n++;
	numbers = arena_alloc(a, 3 * run.n + 1, sizeof(*numbers));
	run.ids += base;
	run.sources += base;
	run.offsets = numbers;
	run.from = numbers + run.n + 1;
	run.to = numbers + 2 * run.n + 1;
	run.cut_ids += from;
	run.cut_n += from;
	for (size_t i = 0; i <= run.n; i++)
		run.offsets[i] = all->offsets[from + i] - base;
	for (size_t i = 0; i < run.n; i++) {
		run.from[i] = all->from[from + i] - base;
		run.to[i] = all->to[from + i] - base;
	}
	return run;
}
