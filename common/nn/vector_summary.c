#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/spill.h"
#include "nn/vector_summary.h"

struct vector_summary {
	size_t size;
	bool is_median;
	size_t n_groups;
	struct buffer counts; /* uint64_t [n_groups] */
	struct buffer sums;   /* double * [n_groups], each [size], NULL before its first vector */

	/* For medians: row i belongs to group groups[i]; rows from n_spilled on are in memory. */
	struct buffer groups; /* uint32_t [n_rows] */
	struct buffer rows;   /* float [n_rows - n_spilled][size] */
	size_t n_rows, n_spilled, max_memory;
	struct spill spill;
};

struct vector_summary *
vector_summary_new(size_t size, bool is_median, size_t max_memory)
{
	struct vector_summary *v = mem_zero(1, sizeof(*v));

	v->size = size;
	v->is_median = is_median;
	v->max_memory = max_memory / 2; /* the rows, and what medians are found in */
	v->spill = spill_new();
	return v;
}

static uint64_t *
count_of(const struct vector_summary *v, size_t group)
{
	return (uint64_t *)(void *)v->counts.data + group;
}

static double **
sums_of(const struct vector_summary *v, size_t group)
{
	return (double **)(void *)v->sums.data + group;
}

static void
add_groups(struct vector_summary *v, size_t group)
{
	static double *const none;

	for (; v->n_groups <= group; v->n_groups++) {
		memset(buffer_grow(&v->counts, sizeof(uint64_t)), 0, sizeof(uint64_t));
		buffer_add(&v->sums, &none, sizeof(none));
	}
}

static void
add_to_sums(struct vector_summary *v, size_t group, const float *vector)
{
	double **sums = sums_of(v, group);

	if (!*sums)
		*sums = mem_zero(v->size, sizeof(**sums));
	for (size_t i = 0; i < v->size; i++)
		(*sums)[i] += (double)vector[i];
}

static int
spill_rows(struct vector_summary *v, struct err *e)
{
	if (spill_append(&v->spill, v->rows.data, v->rows.size, e))
		return -1;
	v->n_spilled = v->n_rows;
	v->rows.size = 0;
	return 0;
}

int
vector_summary_add(struct vector_summary *v, size_t group, const float *vector, struct err *e)
{
	uint32_t number = (uint32_t)group;

	add_groups(v, group);
	++*count_of(v, group);
	if (!v->is_median) {
		add_to_sums(v, group, vector);
		return 0;
	}
	buffer_add(&v->groups, &number, sizeof(number));
	buffer_add(&v->rows, vector, v->size * sizeof(*vector));
	v->n_rows++;
	return v->rows.size >= v->max_memory ? spill_rows(v, e) : 0;
}

size_t
vector_summary_groups(const struct vector_summary *v)
{
	return v->n_groups;
}

uint64_t
vector_summary_count(const struct vector_summary *v, size_t group)
{
	return *count_of(v, group);
}

/* Dimensions from..from+n of row i. */
static int
read_part(const struct vector_summary *v, size_t row, size_t from, size_t n, float *ret_part,
    struct err *e)
{
	size_t of_row = row < v->n_spilled ? row : row - v->n_spilled;
	size_t at = (of_row * v->size + from) * sizeof(float);

	if (row < v->n_spilled)
		return spill_read(&v->spill, at, ret_part, n * sizeof(float), e);
	memcpy(ret_part, v->rows.data + at, n * sizeof(float));
	return 0;
}

static int
compare_floats(const void *x, const void *y)
{
	float a = *(const float *)x, b = *(const float *)y;

	return (a > b) - (a < b);
}

static float
median_of(float *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_floats);
	if (n % 2)
		return values[n / 2];
	return (float)(((double)values[n / 2 - 1] + (double)values[n / 2]) / 2);
}

/* As many dimensions at once as fit the memory: values are gathered as [dimension][row]. */
static int
find_medians(struct vector_summary *v, size_t group, float *ret_vector, struct err *e)
{
	size_t n = (size_t)*count_of(v, group), width = v->max_memory / (n * sizeof(float));
	float *values, *part;

	width = width < 1 ? 1 : width > v->size ? v->size : width;
	values = mem_alloc(n * width, sizeof(*values));
	part = mem_alloc(width, sizeof(*part));
	for (size_t from = 0; from < v->size && !e->is_set; from += width) {
		size_t w = v->size - from < width ? v->size - from : width, k = 0;

		for (size_t row = 0; row < v->n_rows && !e->is_set; row++) {
			if (((uint32_t *)(void *)v->groups.data)[row] != group)
				continue;
			read_part(v, row, from, w, part, e);
			for (size_t d = 0; d < w; d++)
				values[d * n + k] = part[d];
			k++;
		}
		for (size_t d = 0; d < w && !e->is_set; d++)
			ret_vector[from + d] = median_of(values + d * n, n);
	}
	free(values);
	free(part);
	return e->is_set ? -1 : 0;
}

int
vector_summary_get(struct vector_summary *v, size_t group, float *ret_vector, struct err *e)
{
	uint64_t n = *count_of(v, group);

	assert(n > 0);
	if (v->is_median)
		return find_medians(v, group, ret_vector, e);
	for (size_t i = 0; i < v->size; i++)
		ret_vector[i] = (float)((*sums_of(v, group))[i] / (double)n);
	return 0;
}

void
vector_summary_free(struct vector_summary *v)
{
	if (!v)
		return;
	spill_close(&v->spill);
	for (size_t g = 0; g < v->n_groups; g++)
		free(*sums_of(v, g));
	buffer_free(&v->counts);
	buffer_free(&v->sums);
	buffer_free(&v->groups);
	buffer_free(&v->rows);
	free(v);
}
