/* first_layer.h - what nearly equal cells have in common in the first layer, computed once.
 *
 * Below the first layer a token is its embedding, which depends on (token, position) only, and so
 * do its query, key and value. The perturbed copies of a cell have nearly all of these in common
 * (single deletions: the original's, and each gene moved up by one), so they are kept by (token,
 * position): the same bits as computed anew. Where cells also have most of their keys in common,
 * the attention to these is computed once for each different query, and joined with the attention
 * to the few further keys of each cell. One thread's. */

#ifndef NN_FIRST_LAYER_H
#define NN_FIRST_LAYER_H

#include "nn/network.h"

struct first_layer;

/* For a network of at least one layer. It grows with the cells that it meets, to two rows for each
 * of the model's positions (12 * hidden bytes a row) and some more; what is full starts anew. */
struct first_layer *first_layer_create(const struct network *net, struct workspace *ws);
void first_layer_free(struct first_layer *f);

/* Takes n tokens, and computes what is not there of them. x, y: to work with. */
void first_layer_find(struct first_layer *f, const int32_t *ids, const int32_t *positions, size_t n,
    struct activations *x, struct activations *y);

/* Queries, keys and values of these tokens, into activations that are given n rows. */
void first_layer_take(
    struct first_layer *f, struct activations *q, struct activations *k, struct activations *v);

/* context = attention of these tokens, which are the cells end to end, for cells that have the same
 * token at the positions where is_common [n_positions] is true (once at least) and all have further
 * ones. q, k, v: to work with. */
void first_layer_attend(struct first_layer *f, const struct packing *cells, const bool *is_common,
    size_t n_positions, struct activations *q, struct activations *k, struct activations *v,
    struct activations *context);

#endif
