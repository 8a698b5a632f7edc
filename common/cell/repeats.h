/* repeats.h - whether a name occurs twice among many, in two bytes a name.
 *
 * Two passes over the names. The first sets bits of a Bloom filter (Bloom 1970) and keeps the hash
 * of each name whose bits were all set before; about one in a thousand is kept without cause. The
 * second, needed only where any were kept, says which of them does occur twice. Names count as
 * equal where their 64-bit hashes are. */

#ifndef CELL_REPEATS_H
#define CELL_REPEATS_H

#include <stdbool.h>
#include <stddef.h>

struct repeats;

/* For about n names; above 2^27 more and more suspects are kept. */
struct repeats *repeats_new(size_t n);
void repeats_free(struct repeats *r);

/* The first pass. */
void repeats_add(struct repeats *r, const char *name, size_t size);
/* Whether there has to be a second one. Ends the first. */
bool repeats_has_suspects(struct repeats *r);
/* The second pass: true where this name has been met in it before. */
bool repeats_meet(struct repeats *r, const char *name, size_t size);

#endif
