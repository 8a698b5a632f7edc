/* first_layer.h - the queries, keys and values of the first layer, computed once.
 *
 * Below the first layer a token is its embedding, which depends on (token, position) only. The
 * perturbed copies of a cell have nearly all of these in common (single deletions: the original's,
 * and each gene moved up by one), so their rows are kept by (token, position) and copied. The rows
 * are the same as those computed anew, bit for bit. One thread's. */

#ifndef NN_FIRST_LAYER_H
#define NN_FIRST_LAYER_H

#include "nn/network.h"

struct first_layer;

/* For a network of at least one layer. It grows with the cells that it meets, to two rows for each
 * of the model's positions (12 * hidden bytes a row) and some more; what is full starts anew. */
struct first_layer *first_layer_create(const struct network *net, struct workspace *ws);
void first_layer_free(struct first_layer *f);

/* q, k and v of n tokens, into activations of n rows. x, y: [n][hidden] to work with, which may be
 * q, k or v. */
void first_layer_run(struct first_layer *f, const int32_t *ids, const int32_t *positions, size_t n,
    struct activations *x, struct activations *y, struct activations *q, struct activations *k,
    struct activations *v);

#endif
