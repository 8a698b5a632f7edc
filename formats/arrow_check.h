/* arrow_check.h - the tests that what a stream holds must pass: plain loops that run at memory
 * speed.
 *
 * Each tells whether all is well; only when it is not, the caller looks for the row, to name it. */

#ifndef FORMATS_ARROW_CHECK_H
#define FORMATS_ARROW_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* How many of the n bits are 0. */
size_t check_count_zeros(const uint8_t *bits, size_t n);

/* True where offsets[0..n] start at 0 or above and never go back. */
bool check_offsets32(const int32_t *offsets, size_t n);
bool check_offsets64(const int64_t *offsets, size_t n);
/* Says where they do not. -1. */
int check_offsets32_fail(const int32_t *offsets, size_t n, struct err *e);
int check_offsets64_fail(const int64_t *offsets, size_t n, struct err *e);

/* True where all indices lie in 0..limit-1. */
bool check_indices(const int32_t *indices, size_t n, size_t limit);

/* True where each of the n texts is UTF-8; the bytes between the first and the last offset are
 * looked at. */
bool check_texts(const char *bytes, const int32_t *offsets, size_t n);

#endif
