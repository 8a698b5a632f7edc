/* lora.h - low-rank adapters: of the encoder's matrices only a change of small rank is learned.
 *
 * Hu et al. 2021. A matrix W [out][in] becomes W + s B A, with A [rank][in], B [out][rank] and
 * s = alpha / rank. A starts uniform in +-1/sqrt(in), B as 0, so that the model starts as it was
 * (peft's defaults; no dropout before A). A and B are parameters behind those of the model
 * (parameters.h), named as peft names them; the model's matrices always hold the sum, so the
 * network needs to know nothing. Gradients are exact: with G that of the sum, A's is s B' G, B's s
 * G A'. All else of the encoder stays; the head (pooler, classifier) is learned whole. */

#ifndef NN_LORA_H
#define NN_LORA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/output_folder.h"
#include "nn/parameters.h"

struct lora;

struct lora_options {
	size_t rank; /* 1 or more */
	double alpha;
	bool is_on_attention; /* query, key, value and the output of attention */
	bool is_on_ffn;       /* both layers of the feed-forward network */
	uint64_t seed;
};

/* "attention", "ffn" or "attention,ffn"; -1 and *e for others. */
int lora_targets_parse(const char *word, struct lora_options *ret, struct err *e);

/* Adapters for the model m, of which there must be some; m must outlive them. */
struct lora *lora_create(const struct model *m, const struct lora_options *o);
void lora_free(struct lora *l);

/* The parameters of the model with these adapters; what is not to be learned is frozen. Freed by
 * parameters_free. */
struct parameters *lora_parameters(struct lora *l, struct backend *b);

/* For training_task: takes the gradient of the sums apart; makes the sums anew. */
void lora_project(struct lora *l, float *gradient);
void lora_settle(struct lora *l);

/* What adapters do: adds scale B A to a matrix, [out][in]. */
void lora_add(
    float *matrix, size_t out, size_t in, const float *a, const float *b, size_t rank, float scale);

/* peft's folder: adapter_config.json and adapter_model.safetensors, which holds the adapters and
 * the head. base: the model that they belong to, as the user names it. For heads that transformers
 * knows. metadata: of the weights, as in model_write_options. 0 or -1. */
int lora_write(const struct lora *l, struct output_folder *f, const char *base,
    const char *const *metadata, struct err *e);

#endif
