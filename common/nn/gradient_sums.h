/* gradient_sums.h - the gradient of a step, added up from its parts in a fixed order.
 *
 * A step's cells are cut into parts, 0 .. n - 1, whatever the number of threads; each is one
 * thread's, and later parts begin later. The gradient of a block of parameters (parameters.h) is
 * added when its turn has come: after that of the parts before. So the sums have the same bits for
 * any number of threads, and one gradient is enough for all of them.
 *
 * Parts may lie in lanes, which are added up each by itself and then joined, in their order: lane
 * 0, 1 ... What other ranks (ranks.h) compute are whole lanes. So the sums have the same bits for
 * any number of ranks that share the same lanes: the first rank joins its own as they end, block by
 * block, and the others keep theirs apart, two of them at most, for the ranks to add. A second lane
 * needs memory for a second gradient; without one there is none. */

#ifndef NN_GRADIENT_SUMS_H
#define NN_GRADIENT_SUMS_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/parameters.h"

struct gradient_sums;
struct gradient_workspace;

struct gradient_sums *gradient_sums_create(const struct parameters *p);
void gradient_sums_free(struct gradient_sums *s);

const struct parameters *gradient_sums_parameters(const struct gradient_sums *s);

/* Starts a step: all sums 0. Not while a part is at work. lane_of: [n] of the parts, never less
 * than that of the part before; it must stay until the step is over. first: this rank's first lane.
 */
void gradient_sums_start(struct gradient_sums *s, const size_t *lane_of, size_t n, size_t first);

/* Waits until all parts before `part` have passed this block. False when the step is given up. Then
 * the caller may add to the block's sums, until it passes the block on; it must do so once for each
 * block, in any order. ws: the thread's. */
bool gradient_sums_wait(struct gradient_sums *s, size_t block, size_t part);
void gradient_sums_pass(struct gradient_sums *s, struct gradient_workspace *ws, size_t block);

/* Where the part adds to: [n_values], as the parameters. */
float *gradient_sums_of(struct gradient_sums *s, size_t part);
/* The same for a decoder tied to the word embedding, [vocab][hidden], of the head's block; NULL
 * where none is tied. */
float *gradient_sums_decoder_of(struct gradient_sums *s, size_t part);

/* When all parts are done: n values of joined lanes and, with has_lane, of the one kept apart (else
 * NULL), for the sums of all ranks to be put into the first; 0: the parameters', 1: the decoder's.
 */
struct gradient_exchange {
	float *sums, *lane; /* [n] */
	size_t n;
};
void gradient_sums_exchange(
    struct gradient_sums *s, bool has_lane, struct gradient_exchange ret[2]);

/* At the end: the tied decoder's sums join those of the word embedding, and those of frozen
 * parameters become 0. */
void gradient_sums_finish(struct gradient_sums *s);

/* Then: the gradient, [n_values]. */
float *gradient_sums_values(struct gradient_sums *s);

/* Wakes up all who wait: a part has failed. */
void gradient_sums_give_up(struct gradient_sums *s);

#endif
