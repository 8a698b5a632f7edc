/* gradient_sums.h - the gradient of a step, added up from its parts in a fixed order.
 *
 * A step's cells are cut into parts, 0 .. n - 1, whatever the number of threads; each is one
 * thread's, and later parts begin later. The gradient of a block of parameters (parameters.h) is
 * added when its turn has come: after that of the parts before. So the sums have the same bits for
 * any number of threads, and one gradient is enough for all of them. */

#ifndef NN_GRADIENT_SUMS_H
#define NN_GRADIENT_SUMS_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/parameters.h"

struct gradient_sums;

struct gradient_sums *gradient_sums_create(const struct parameters *p);
void gradient_sums_free(struct gradient_sums *s);

const struct parameters *gradient_sums_parameters(const struct gradient_sums *s);

/* Starts a step: all sums 0. Not while a part is at work. */
void gradient_sums_start(struct gradient_sums *s);

/* Waits until all parts before `part` have passed this block. False when the step is given up. Then
 * the caller may add to the block's sums, until it passes the block on; it must do so once for each
 * block, in any order. */
bool gradient_sums_wait(struct gradient_sums *s, size_t block, size_t part);
void gradient_sums_pass(struct gradient_sums *s, size_t block);

/* Where the gradients are: [n_values], as the parameters. */
float *gradient_sums_values(struct gradient_sums *s);
/* That of a decoder tied to the word embedding, [vocab][hidden], the head's block; NULL where none
 * is tied. */
float *gradient_sums_decoder(struct gradient_sums *s);

/* When all parts are done: the tied decoder's sums join those of the word embedding, and those of
 * frozen parameters become 0. */
void gradient_sums_finish(struct gradient_sums *s);

/* Wakes up all who wait: a part has failed. */
void gradient_sums_give_up(struct gradient_sums *s);

#endif
