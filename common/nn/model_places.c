#include <string.h>

#include "nn/model_places.h"

#define OF_MODEL(field) offsetof(struct model, field)
#define OF_LAYER(field) offsetof(struct model_layer, field)

const struct model_place model_embedding_places[] = {
	{ OF_MODEL(word_embeddings), "embeddings.word_embeddings.weight", 'V', 'H' },
	{ OF_MODEL(position_embeddings), "embeddings.position_embeddings.weight", 'P', 'H' },
	{ OF_MODEL(type_embeddings), "embeddings.token_type_embeddings.weight", 'T', 'H' },
	{ OF_MODEL(embedding_norm_weight), "embeddings.LayerNorm.weight", 'H', 0 },
	{ OF_MODEL(embedding_norm_bias), "embeddings.LayerNorm.bias", 'H', 0 },
};

const struct model_place model_layer_places[] = {
	{ OF_LAYER(query_weight), "attention.self.query.weight", 'H', 'H' },
	{ OF_LAYER(query_bias), "attention.self.query.bias", 'H', 0 },
	{ OF_LAYER(key_weight), "attention.self.key.weight", 'H', 'H' },
	{ OF_LAYER(key_bias), "attention.self.key.bias", 'H', 0 },
	{ OF_LAYER(value_weight), "attention.self.value.weight", 'H', 'H' },
	{ OF_LAYER(value_bias), "attention.self.value.bias", 'H', 0 },
	{ OF_LAYER(attention_output_weight), "attention.output.dense.weight", 'H', 'H' },
	{ OF_LAYER(attention_output_bias), "attention.output.dense.bias", 'H', 0 },
	{ OF_LAYER(attention_norm_weight), "attention.output.LayerNorm.weight", 'H', 0 },
	{ OF_LAYER(attention_norm_bias), "attention.output.LayerNorm.bias", 'H', 0 },
	{ OF_LAYER(ffn_weight), "intermediate.dense.weight", 'I', 'H' },
	{ OF_LAYER(ffn_bias), "intermediate.dense.bias", 'I', 0 },
	{ OF_LAYER(ffn_output_weight), "output.dense.weight", 'H', 'I' },
	{ OF_LAYER(ffn_output_bias), "output.dense.bias", 'H', 0 },
	{ OF_LAYER(ffn_norm_weight), "output.LayerNorm.weight", 'H', 0 },
	{ OF_LAYER(ffn_norm_bias), "output.LayerNorm.bias", 'H', 0 },
};

const struct model_place model_pooler_places[] = {
	{ OF_MODEL(pooler_weight), "pooler.dense.weight", 'H', 'H' },
	{ OF_MODEL(pooler_bias), "pooler.dense.bias", 'H', 0 },
};

const struct model_place model_mlm_places[] = {
	{ OF_MODEL(mlm_dense_weight), "cls.predictions.transform.dense.weight", 'H', 'H' },
	{ OF_MODEL(mlm_dense_bias), "cls.predictions.transform.dense.bias", 'H', 0 },
	{ OF_MODEL(mlm_norm_weight), "cls.predictions.transform.LayerNorm.weight", 'H', 0 },
	{ OF_MODEL(mlm_norm_bias), "cls.predictions.transform.LayerNorm.bias", 'H', 0 },
};

const struct model_place model_decoder_weight_place = { OF_MODEL(decoder_weight),
	"cls.predictions.decoder.weight", 'V', 'H' };
const struct model_place model_decoder_bias_places[] = {
	{ OF_MODEL(decoder_bias), "cls.predictions.bias", 'V', 0 },
	{ OF_MODEL(decoder_bias), "cls.predictions.decoder.bias", 'V', 0 },
};

size_t
model_place_size(const struct model_config *c, char letter)
{
	switch (letter) {
	case 'H':
		return c->hidden;
	case 'I':
		return c->ffn;
	case 'V':
		return c->vocab;
	case 'P':
		return c->positions;
	case 'T':
		return c->type_vocab;
	default:
		return 1;
	}
}

const float *
model_place_get(const void *object, const struct model_place *p)
{
	const float *data;

	memcpy(&data, (const char *)object + p->offset, sizeof(data));
	return data;
}

void
model_place_set(void *object, const struct model_place *p, const float *data)
{
	memcpy((char *)object + p->offset, &data, sizeof(data));
}
