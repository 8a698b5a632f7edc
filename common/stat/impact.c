#include "stat/impact.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/key_sort.h"

/* What is added to the variances: 1e-6 in the reference, which is the square of an effect of 0.001;
 * less where all effects are small. */
static const double MOST_REGULARIZATION = 1e-6, REGULARIZATION = 1e-3, TOLERANCE = 1e-10;
enum { MAX_ITERATIONS = 1000 };

struct impacts {
	struct key_sort *values; /* the key: group, value */
	double *sums;
	uint64_t *counts;
	size_t room; /* of both */
};

struct impacts *
impacts_new(size_t max_memory)
{
	struct impacts *m = mem_zero(1, sizeof(*m));

	m->values = key_sort_new(0, max_memory);
	return m;
}

static void
reach_group(struct impacts *m, size_t group)
{
	size_t room = m->room ? m->room : 1024;

	if (group < m->room)
		return;
	while (room <= group)
		room *= 2;
	m->sums = mem_resize(m->sums, m->room, room, sizeof(*m->sums));
	m->counts = mem_resize(m->counts, m->room, room, sizeof(*m->counts));
	memset(m->sums + m->room, 0, (room - m->room) * sizeof(*m->sums));
	memset(m->counts + m->room, 0, (room - m->room) * sizeof(*m->counts));
	m->room = room;
}

int
impacts_add(struct impacts *m, uint32_t group, float value, struct err *e)
{
	assert(!isnan(value));
	reach_group(m, group);
	m->sums[group] += (double)value;
	m->counts[group]++;
	return key_sort_add(m->values, (uint64_t)group << 32 | key_of_float(value), NULL, e);
}

static bool
is_impact(const struct gaussian_mixture *fit, double x)
{
	if (x < fit->means[0])
		return true;
	return x <= fit->means[1] && gaussian_mixture_lower(fit, x) > 0.5;
}

static int
fit_means(const double *means, size_t n, struct gaussian_mixture *ret, struct err *e)
{
	double sum = 0, squares = 0, variance, regularization;

	for (size_t i = 0; i < n; i++) {
		sum += means[i] - means[0];
		squares += (means[i] - means[0]) * (means[i] - means[0]);
	}
	if (squares <= 0)
		return err_set(e,
		    "a mixture needs perturbations of two different effects at least (%zu "
		    "perturbations, all of the same mean)",
		    n);
	variance = (squares - sum * sum / (double)n) / (double)n;
	regularization = REGULARIZATION * variance;
	if (regularization > MOST_REGULARIZATION)
		regularization = MOST_REGULARIZATION;
	gaussian_mixture_fit(means, n, regularization, TOLERANCE, MAX_ITERATIONS, ret);
	return 0;
}

/* Counts into share the values of each group that are of the impact component. */
static int
judge_values(struct impacts *m, struct impact_result *ret, size_t n,
    const struct gaussian_mixture *fit, struct err *e)
{
	uint64_t key;
	const void *payload;
	int r = key_sort_start(m->values, e);

	while (!r && (r = key_sort_next(m->values, &key, &payload, e)) > 0) {
		if (key >> 32 < n)
			ret[key >> 32].share += is_impact(fit, (double)key_to_float((uint32_t)key));
		r = 0;
	}
	for (size_t i = 0; i < n; i++)
		ret[i].share /= (double)ret[i].n;
	return r;
}

int
impacts_finish(struct impacts *m, struct impact_result *ret, size_t n,
    struct gaussian_mixture *ret_fit, struct err *e)
{
	double *means = mem_alloc(n, sizeof(*means));
	size_t n_means = 0;

	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct impact_result){ .mean = NAN };
		if (i >= m->room || !m->counts[i])
			continue;
		ret[i].n = m->counts[i];
		ret[i].mean = means[n_means++] = m->sums[i] / (double)m->counts[i];
	}
	if (!fit_means(means, n_means, ret_fit, e))
		judge_values(m, ret, n, ret_fit, e);
	for (size_t i = 0; i < n && !e->is_set; i++)
		ret[i].is_impact = ret[i].n && is_impact(ret_fit, ret[i].mean);
	free(means);
	return e->is_set ? -1 : 0;
}

bool
impacts_spilled(const struct impacts *m)
{
	return key_sort_spilled(m->values);
}

void
impacts_free(struct impacts *m)
{
	if (!m)
		return;
	key_sort_free(m->values);
	free(m->sums);
	free(m->counts);
	free(m);
}
