/* tickets.h - a few numbered things for many threads: each waits until one is free. */

#ifndef BASE_TICKETS_H
#define BASE_TICKETS_H

#include <stddef.h>

struct tickets;

/* Numbers 0 .. n - 1, all free. */
struct tickets *tickets_create(size_t n);
/* NULL is allowed. */
void tickets_free(struct tickets *t);

/* The number that was given back last, or the lowest that was never taken. Waits where none is
 * free. */
size_t tickets_take(struct tickets *t);
void tickets_give(struct tickets *t, size_t number);

#endif
