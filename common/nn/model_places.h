/* model_places.h - the names and shapes of a model's tensors, and where struct model has them.
 *
 * Names are those of transformers. The encoder's are without the prefix "bert.", which all files
 * but those of a bare BertModel have; a layer's are without "encoder.layer.N.", too. For what reads
 * models, writes them, or changes their weights. */

#ifndef NN_MODEL_PLACES_H
#define NN_MODEL_PLACES_H

#include <stddef.h>

#include "nn/model.h"

/* A size by its letter: H hidden, I ffn, V vocab, P positions, T type_vocab. */
struct model_place {
	size_t offset; /* of the pointer in struct model or struct model_layer */
	const char *name;
	char rows;
	char columns; /* 0: a vector */
};

enum { N_EMBEDDING_PLACES = 5, N_LAYER_PLACES = 16, N_POOLER_PLACES = 2, N_MLM_PLACES = 4 };

extern const struct model_place model_embedding_places[N_EMBEDDING_PLACES];
extern const struct model_place model_layer_places[N_LAYER_PLACES]; /* of struct model_layer */
extern const struct model_place model_pooler_places[N_POOLER_PLACES];
extern const struct model_place model_mlm_places[N_MLM_PLACES];
extern const struct model_place model_decoder_weight_place;
extern const struct model_place model_decoder_bias_places[2]; /* two names of one tensor */

/* The size that a letter stands for; 1 for others. */
size_t model_place_size(const struct model_config *c, char letter);

/* The pointer in a struct model or model_layer. */
const float *model_place_get(const void *object, const struct model_place *p);
void model_place_set(void *object, const struct model_place *p, const float *data);

#endif
