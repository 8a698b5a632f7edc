/* network.h - the part of a model that a plan needs, as weights on a device.
 *
 * All threads share it. forward.c (inference) and what else walks through the layers read its
 * members; only network.c makes them. */

#ifndef NN_NETWORK_H
#define NN_NETWORK_H

#include <stddef.h>

#include "base/err.h"
#include "nn/backend.h"
#include "nn/model.h"
#include "nn/plan.h"

/* An encoder layer, as in model.h's model_layer. */
struct layer {
	struct linear *query, *key, *value, *attention_output, *ffn, *ffn_output;
	struct norm *attention_norm, *ffn_norm;
};

/* One classifier, as model.h's model_head; or the decoder of the masked-LM head. */
struct network_head {
	struct linear *dense; /* its hidden layer, or NULL */
	struct linear *logits;
	size_t n_hidden, n_labels;
};

struct network {
	struct backend *backend;
	struct model_config config;
	struct plan plan;
	struct embedding *embedding;
	struct layer *layers; /* [plan.layers] */
	/* The same layers in float32, without keys and values, for the rows that are wanted in the
	 * end; NULL where these go with the others. Not the last one, where it is narrow. */
	struct layer *exact;
	/* The head's, as far as the plan has one: */
	struct pooling *pooling; /* POOLED */
	struct linear *dense;    /* MLM: transform; SEQUENCE: pooler, or NULL */
	struct norm *norm;       /* MLM */
	struct network_head *heads;
	size_t n_heads;
	/* All linear layers in the order of their use. */
	struct linear **linears;
	size_t n_linears;
};

/* What the plan needs of the model, on the backend. Model and backend must outlive it. */
struct network *network_create(struct backend *b, const struct model *m, const struct plan *plan);
void network_free(struct network *net);

/* Brings the weights to the device, with this many threads; once, before the first forward_run. 0
 * or -1. */
int network_prepare(struct network *net, size_t threads, struct err *e);

#endif
