/* parameters.h - a model whose weights change: all of them in one run of float32, with names.
 *
 * Made from any struct model, opened or put together; what it learns is seen through `model`, which
 * inference (network.h), hashing and writing take like any other. The run is cut into blocks, whose
 * gradients are finished together: the embeddings, each encoder layer, the head. Gradients and the
 * optimiser's moments are runs of the same shape. */

#ifndef NN_PARAMETERS_H
#define NN_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/backend.h"
#include "nn/model.h"

struct parameter {
	char *name; /* transformers' */
	size_t from, n;
	size_t rows, columns; /* columns of 0: a vector */
	bool is_decayed;      /* weights are, biases and norms are not */
	bool is_frozen;
};

struct parameters {
	struct model model; /* its tensors are in `values`; not for model_close */
	struct backend *backend;
	float *values;
	size_t n_values;
	struct parameter *list; /* in the order of `values` */
	size_t n;
	size_t n_of_model; /* the first of them; those behind are adapters (lora.h) */
	/* Block b is the values block_from[b] .. block_from[b + 1] - 1: embeddings, layers, head.
	 */
	size_t *block_from; /* [n_blocks + 1]; adapters are in no block */
	size_t n_blocks;    /* 2 + layers */
};

/* Copies the tensors that m has; m may go afterwards, but for its configuration's labels and its
 * vocabulary, which stay m's. A decoder that is the word embedding stays so. The backend must be
 * able to learn, and must outlive it. */
struct parameters *parameters_create(struct backend *b, const struct model *m);
/* The same with adapters behind what the model has: of each, name, rows and columns are taken; all
 * values are 0. */
struct parameters *parameters_create_adapted(
    struct backend *b, const struct model *m, const struct parameter *adapters, size_t n_adapters);
void parameters_free(struct parameters *p);

/* The parameter of this name, or NULL. */
struct parameter *parameters_find(const struct parameters *p, const char *name);

/* Freezes the encoder layers 0 .. n - 1. */
void parameters_freeze_layers(struct parameters *p, size_t n);
/* Freezes all parameters whose names begin so. Returns how many. */
size_t parameters_freeze(struct parameters *p, const char *prefix);
/* Is there nothing to learn in block b? */
bool parameters_is_frozen(const struct parameters *p, size_t b);

#endif
