/* model_start.h - a model that has learned nothing yet.
 *
 * Weights as transformers starts them (BertPreTrainedModel._init_weights): matrices and embeddings
 * normal with standard deviation initializer_range, the row of pad_id of the word embeddings 0,
 * biases 0, gains of norms 1. Each tensor's chance is a stream of its own (chance.h), so a model
 * depends on its configuration and the seed alone. */

#ifndef NN_MODEL_START_H
#define NN_MODEL_START_H

#include "nn/model.h"

/* The configuration of a new model, as Geneformer's are but for these sizes; sizes of 0 are those
 * of V1-10M (6 layers of 256, 4 heads; ffn: twice the hidden size). Without class, vocabulary,
 * labels.
 */
struct model_sizes {
	size_t layers, hidden, heads, ffn, positions;
};
struct model_config model_start_config(const struct model_sizes *s);

/* A model of c's class: MLM (tied decoder), SEQUENCE (with a pooler), TOKEN, both with one linear
 * layer of c->n_labels, or BASE (no pooler). c's labels are copied. The vocabulary has no names.
 * Freed by model_close. */
struct model *model_start(const struct model_config *c, uint64_t seed);

/* The weights of a tensor: n values, normal with standard deviation sd. `tensor` numbers the
 * stream: tensors of the same number and seed are alike. For heads that are put onto a model. */
void model_start_normal(float *ret_values, size_t n, double sd, uint64_t seed, uint64_t tensor);

#endif
