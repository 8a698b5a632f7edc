/* pool.h - read, work, write: three stages over a ring of items, with any number of workers in the
 * middle.
 *
 * The calling thread reads, one further thread writes, the workers work; items come out in the
 * order in which they went in, as soon as they are done. With one worker there are no threads at
 * all; where the system has no more threads to give, fewer workers do the work. No thread spins: a
 * pipe's other programs need the CPUs. */

#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/err.h"

struct pool_stages {
	/* Fills the item: 1, 0 at the end, -1 with e set. NULL stands for "1" and is not useful. */
	int (*read)(void *context, void *item, struct err *e);
	/* Works on the item in any thread; worker is 0..n_workers-1. 0, or -1 with e set. */
	int (*work)(void *context, size_t worker, void *item, struct err *e);
	/* Uses the item, in order. 0, or -1 with e set. */
	int (*write)(void *context, void *item, struct err *e);
};

/* Runs the stages until read says the end or something fails; then waits for all threads. `items`
 * are the ring: at least n_workers + 2 pointers to whatever the stages understand. 0, or -1 with
 * the first error in e; after an error of read or work, the items before the failed one have been
 * written. */
int pool_run(const struct pool_stages *stages, void *context, void **items, size_t n_items,
    size_t n_workers, struct err *e);

#endif
