/* key_sort.h - any number of records in the order of a 64-bit key, in bounded memory.
 *
 * Records gather in memory; when that is full they are sorted and written as a run to a temporary
 * file (spill.h), and at the end all runs are merged. Records of the same key keep the order in
 * which they were added, so what comes out does not depend on the memory. Sorting is by counting
 * the key's bytes, from the lowest; bytes that are the same in all keys cost nothing. */

#ifndef STAT_KEY_SORT_H
#define STAT_KEY_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct key_sort;

/* For keys with `payload` bytes each (0 is fine), in about max_memory bytes; each run on the file
 * is read through 4 KiB at least. Freed by key_sort_free. */
struct key_sort *key_sort_new(size_t payload, size_t max_memory);

/* Adds a key and its payload. -1 where the file cannot be written. */
int key_sort_add(struct key_sort *s, uint64_t key, const void *payload, struct err *e);

/* Records added. */
uint64_t key_sort_count(const struct key_sort *s);

/* Ends the adding: the next record is the first one. -1 where the file cannot be written or read.
 */
int key_sort_start(struct key_sort *s, struct err *e);

/* The next record: 1, 0 after the last one, -1 where the file cannot be read. The payload (without
 * alignment, to be copied) is valid until the next call. */
int key_sort_next(struct key_sort *s, uint64_t *ret_key, const void **ret_payload, struct err *e);

/* True where records did not fit into memory. */
bool key_sort_spilled(const struct key_sort *s);

/* NULL is fine. */
void key_sort_free(struct key_sort *s);

/* Keys in the order of numbers (not NaN); -0 and 0 are the same. */
uint32_t key_of_float(float x);
float key_to_float(uint32_t key);
uint64_t key_of_double(double x);
double key_to_double(uint64_t key);

#endif
