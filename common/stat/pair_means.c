#include "stat/pair_means.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/key_sort.h"

struct pair_means {
	size_t max_memory;
	struct key_sort *values;   /* the key: group, affected; float */
	struct key_sort *pairs[2]; /* of cells, of genes; the key: mean; struct pair_mean. NULL: not
				      yet */
	int at;                    /* which of them */
};

struct pair_means *
pair_means_new(size_t max_memory)
{
	struct pair_means *m = mem_zero(1, sizeof(*m));

	m->max_memory = max_memory;
	m->values = key_sort_new(sizeof(float), max_memory / 2);
	return m;
}

int
pair_means_add(struct pair_means *m, uint32_t group, uint32_t affected, float value, struct err *e)
{
	assert(!isnan(value));
	return key_sort_add(m->values, (uint64_t)group << 32 | affected, &value, e);
}

/* Adds a value to the mean, deviation being the sum of squared deviations meanwhile (Welford 1962).
 */
static void
advance(struct pair_mean *p, double value)
{
	double before = value - p->mean;

	p->n++;
	p->mean += before / (double)p->n;
	p->deviation += before * (value - p->mean);
}

static int
store_pair(struct pair_means *m, struct pair_mean *p, struct err *e)
{
	if (!p->n)
		return 0;
	p->deviation = sqrt(p->deviation / (double)p->n);
	return key_sort_add(m->pairs[p->affected != PAIR_CELL], key_of_double(p->mean), p, e);
}

/* From values to pairs. */
static int
reduce(struct pair_means *m, struct err *e)
{
	struct pair_mean p = { 0 };
	uint64_t key;
	const void *payload;
	float value;
	int r = key_sort_start(m->values, e);

	for (int i = 0; i < 2; i++)
		m->pairs[i] = key_sort_new(sizeof(p), m->max_memory / 4);
	while (!r && (r = key_sort_next(m->values, &key, &payload, e)) > 0) {
		memcpy(&value, payload, sizeof(value));
		r = 0;
		if (key >> 32 != p.group || (uint32_t)key != p.affected) {
			r = store_pair(m, &p, e);
			p = (struct pair_mean){ (uint32_t)(key >> 32), (uint32_t)key, 0, 0, 0 };
		}
		advance(&p, (double)value);
	}
	if (r || store_pair(m, &p, e))
		return -1;
	key_sort_free(m->values);
	m->values = NULL;
	return key_sort_start(m->pairs[0], e) || key_sort_start(m->pairs[1], e) ? -1 : 0;
}

int
pair_means_next(struct pair_means *m, struct pair_mean *ret, struct err *e)
{
	uint64_t key;
	const void *payload;
	int r;

	if (!m->pairs[0] && reduce(m, e))
		return -1;
	r = key_sort_next(m->pairs[m->at], &key, &payload, e);
	if (r == 0 && m->at == 0) {
		m->at = 1;
		r = key_sort_next(m->pairs[1], &key, &payload, e);
	}
	if (r > 0)
		memcpy(ret, payload, sizeof(*ret));
	return r;
}

void
pair_means_free(struct pair_means *m)
{
	if (!m)
		return;
	key_sort_free(m->values);
	key_sort_free(m->pairs[0]);
	key_sort_free(m->pairs[1]);
	free(m);
}
