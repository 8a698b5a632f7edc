#include <stdlib.h>
#include <string.h>

#include "cell/gene_variance.h"

/* Of the numbers that are not 0: how many, their mean, the sum of squared differences to it
 * (Welford 1962). */
struct gene_total {
	double n, mean, squares;
};

void
gene_variance_add(struct gene_variance *v, const struct gene_features *x, size_t from, size_t to)
{
	v->n++;
	for (size_t k = from; k < to; k++) {
		size_t room = v->totals.size / sizeof(struct gene_total);
		size_t more = x->genes[k] >= room ? x->genes[k] + 1 - room : 0;
		struct gene_total *t;
		double value = (double)x->values[k], difference;

		if (more) {
			size_t bytes = more * sizeof(*t);

			memset(buffer_grow(&v->totals, bytes), 0, bytes);
		}
		t = (struct gene_total *)(void *)v->totals.data + x->genes[k];
		difference = value - t->mean;
		t->mean += difference / ++t->n;
		t->squares += difference * (value - t->mean);
	}
}

double
gene_variance_of(const struct gene_variance *v, uint32_t gene)
{
	const struct gene_total *t = (const struct gene_total *)(const void *)v->totals.data;
	double n = (double)v->n;

	if (gene >= v->totals.size / sizeof(*t) || v->n < 2)
		return 0;
	t += gene;
	return (t->squares + t->n * (n - t->n) / n * t->mean * t->mean) / (n - 1);
}

size_t
gene_variance_count(const struct gene_variance *v, uint32_t gene)
{
	const struct gene_total *t = (const struct gene_total *)(const void *)v->totals.data;

	return gene < v->totals.size / sizeof(*t) ? (size_t)t[gene].n : 0;
}

struct candidate {
	double variance;
	const char *name;
	size_t size;
	uint32_t number;
};

static int
compare_names(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;
	int order = memcmp(a->name, b->name, a->size < b->size ? a->size : b->size);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int
compare_variances(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;

	if (a->variance != b->variance)
		return a->variance > b->variance ? -1 : 1;
	return compare_names(a, b);
}

uint32_t *
gene_variance_top(
    const struct gene_variance *v, const struct strings *names, size_t most, size_t *ret_n)
{
	struct candidate *all = mem_alloc(names->n, sizeof(*all));
	uint32_t *top;
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		struct candidate *c = &all[n];

		c->number = (uint32_t)i;
		c->variance = gene_variance_of(v, c->number);
		c->name = strings_get(names, i, &c->size);
		n += c->variance > 0;
	}
	if (n)
		qsort(all, n, sizeof(*all), compare_variances);
	n = n < most ? n : most;
	if (n)
		qsort(all, n, sizeof(*all), compare_names);
	top = mem_alloc(n, sizeof(*top));
	for (size_t i = 0; i < n; i++)
		top[i] = all[i].number;
	free(all);
	*ret_n = n;
	return top;
}

void
gene_variance_free(struct gene_variance *v)
{
	buffer_free(&v->totals);
	*v = (struct gene_variance){ 0 };
}
