#include "formats/h5ad_check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 100000, BLOCK = 64 };

/* Above 2^24 every float32 is whole. */
#define ALL_WHOLE 16777216.0f
#define EXACT 8388608.0f

static bool
is_wrong(float v, bool any_number)
{
	float small = v < ALL_WHOLE ? v : 0;

	if (!(v >= 0 && v <= FLT_MAX))
		return true;
	return !any_number && (float)(int32_t)small != small;
}

/* Whether all of a block are whole, or any numbers, from 0 to below EXACT, where adding it rounds
 * the others: without a branch, so that vectors do it. */
static bool
is_block_plain(const float *values, bool any_number)
{
	uint32_t bits = 0;
	int32_t n_odd = 0, n_broken = 0;

	for (size_t k = 0; k < BLOCK; k++) {
		uint32_t v;

		memcpy(&v, &values[k], sizeof(v));
		bits |= v;
		n_odd += !(values[k] < EXACT);
		n_broken += values[k] + EXACT - EXACT != values[k];
	}
	return !(bits >> 31) && n_odd == 0 && (any_number || n_broken == 0);
}

size_t
h5ad_check_f32(const float *values, size_t n, bool any_number)
{
	for (size_t i = 0; i < n; i += BLOCK) {
		size_t end = n - i < BLOCK ? n : i + BLOCK;

		if (end - i == BLOCK && is_block_plain(values + i, any_number))
			continue;
		for (size_t k = i; k < end; k++)
			if (is_wrong(values[k], any_number))
				return k;
	}
	return n;
}

size_t
h5ad_check_f64(const double *values, size_t n, bool any_number)
{
	for (size_t i = 0; i < n; i++) {
		double v = values[i];

		if (!(v >= 0 && v <= (double)FLT_MAX))
			return i;
		if (!any_number && (v != floor(v) || (double)(float)v != v))
			return i;
	}
	return n;
}

static bool
holds_counts(struct h5ad *a, const char *path, double *sample)
{
	struct err ignored = { 0 };
	struct h5ad_matrix *m = h5ad_matrix_open(a, path, SIZE_MAX, &ignored);
	size_t n = m ? h5ad_matrix_sample(m, sample, SAMPLE, &ignored) : 0;

	h5ad_matrix_close(m);
	return n > 0 && h5ad_check_f64(sample, n, false) == n;
}

const char *
h5ad_where_counts_are(struct h5ad *a, const char *path)
{
	size_t n;
	const char **paths = h5ad_matrices(a, &n), *text = "";
	double *sample = mem_alloc(SAMPLE, sizeof(*sample));
	struct err ignored = { 0 };

	hdf5_decoder_wait(a->decoder, &ignored); /* what was begun for the matrix at `path` */
	for (size_t i = 0; i < n; i++)
		if (strcmp(paths[i], path) != 0 && holds_counts(a, paths[i], sample))
			text = arena_printf(&a->arena, "%s%s%s (-x %s)", text,
			    *text ? ", " : "whole counts are in ", paths[i],
			    h5ad_matrix_name(paths[i]));
	free(sample);
	return *text ? text : "no other matrix of the file holds whole counts";
}
