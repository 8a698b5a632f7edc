/* string_set.h - texts that are met one after the other, each numbered when it comes first. */

#ifndef CELL_STRING_SET_H
#define CELL_STRING_SET_H

#include "cell/schema.h"

/* Zero-initialise to start. */
struct string_set {
	size_t n;
	struct buffer offsets; /* int32_t [n + 1] */
	struct buffer bytes;
	uint32_t *slots; /* [n_slots] number + 1, 0: empty */
	size_t n_slots;
};

/* The number of the text, which is added if it is new. Beyond 2^31 - 1 bytes in all the program
 * ends (mem_give_up). */
size_t string_set_add(struct string_set *s, const char *text, size_t size);

/* The texts, in the order of their numbers; valid until the next add. */
struct strings string_set_strings(const struct string_set *s);
void string_set_free(struct string_set *s);

#endif
