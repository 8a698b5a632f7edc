/* vector_summary.h - the mean or the median vector of each group of vectors, exactly.
 *
 * Means are summed in double in the order of the rows. A median is the middle value of each
 * dimension, or the mean of the two middle ones; all rows are kept for it, in memory up to a limit
 * and in an unnamed file beyond. */

#ifndef NN_VECTOR_SUMMARY_H
#define NN_VECTOR_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct vector_summary;

/* For vectors of `size` floats; max_memory: bytes that medians may take, the rows kept in memory
 * among them. */
struct vector_summary *vector_summary_new(size_t size, bool is_median, size_t max_memory);

/* Adds a vector to group 0, 1, 2 ... (a group exists from its first vector on, and so do those
 * before it). -1 where the file cannot be written. */
int vector_summary_add(struct vector_summary *v, size_t group, const float *vector, struct err *e);

size_t vector_summary_groups(const struct vector_summary *v);
uint64_t vector_summary_count(const struct vector_summary *v, size_t group);

/* The mean or median of a group that has vectors, [size]. After the last add. -1 where the file
 * cannot be read. */
int vector_summary_get(struct vector_summary *v, size_t group, float *ret_vector, struct err *e);
void vector_summary_free(struct vector_summary *v);

#endif
