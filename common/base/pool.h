/* pool.h - read, work, write: three stages over a ring of items, on any number of threads.
 *
 * Reading and writing are done by one thread at a time and in order, working by all: each thread
 * does what is due, so n workers are n threads and no more, the calling one among them. Items come
 * out in the order in which they went in, as soon as they are done. With one worker there are no
 * threads at all; where the system has no more threads to give, fewer workers do the work. No
 * thread spins: a pipe's other programs need the CPUs. */

#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/err.h"

struct pool_stages {
	/* Fills the item: 1, 0 at the end, -1 with e set. */
	int (*read)(void *context, void *item, struct err *e);
	/* Works on the item in any thread; worker is 0..n_workers-1. 0, or -1 with e set. */
	int (*work)(void *context, size_t worker, void *item, struct err *e);
	/* Uses the item, in order. 0, or -1 with e set. */
	int (*write)(void *context, void *item, struct err *e);
};

/* Runs the stages until read says the end or something fails; then waits for all threads. `items`
 * are the ring: pointers to whatever the stages understand, at least n_workers; with more of them
 * the workers need not wait for a slow item to be written. 0, or -1 with the first error in e;
 * after an error of read or work, the items before the failed one have been written. */
int pool_run(const struct pool_stages *stages, void *context, void **items, size_t n_items,
    size_t n_workers, struct err *e);

#endif
