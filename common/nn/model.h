/* model.h - a BERT model folder in memory: its configuration and pointers to its tensors.
 *
 * Owns what config.json says, the mapping of the weight files, and the names of the labels and of
 * the vocabulary. A model is read-only once it is open and may be shared by any number of threads.
 *
 * Tensors are always presented as float32 (a float16 or bfloat16 file is converted while it is
 * opened), row-major, linear weights as [out][in], 4-byte aligned at least; a float32 file is
 * mapped and not copied, so a page of it is read when it is first touched. A tensor that the folder
 * does not have is NULL; the embeddings and all encoder layers are always there, with the shapes
 * below. Names and shapes: transformers' BertModel, BertForMaskedLM, BertForSequenceClassification,
 * BertForTokenClassification; Geneformer's multi-task classifier. */

#ifndef NN_MODEL_H
#define NN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum model_class {
	MODEL_BASE,      /* BertModel: embeddings and encoder, maybe a pooler, no head */
	MODEL_MLM,       /* BertForMaskedLM */
	MODEL_SEQUENCE,  /* BertForSequenceClassification: one row of logits a cell */
	MODEL_TOKEN,     /* BertForTokenClassification: one row of logits a token */
	MODEL_MULTITASK, /* several sequence heads on the (attention-)pooled cell */
};

/* hidden_act, by the names of transformers: relu; gelu (with erf); gelu_new, gelu_fast,
 * gelu_pytorch_tanh, gelu_python's tanh form; silu, swish; tanh. */
enum activation {
	ACTIVATION_NONE,
	ACTIVATION_RELU,
	ACTIVATION_GELU,
	ACTIVATION_GELU_TANH,
	ACTIVATION_SILU,
	ACTIVATION_TANH,
};

/* Sizes are checked by model_open: all above 0 but n_labels, hidden a multiple of heads. */
struct model_config {
	enum model_class class;
	size_t layers;
	size_t hidden;
	size_t heads;
	size_t ffn;        /* intermediate_size */
	size_t vocab;      /* vocab_size */
	size_t positions;  /* max_position_embeddings: the longest cell */
	size_t type_vocab; /* type_vocab_size; row 0 is the one used */
	enum activation activation;
	float layer_norm_eps;
	int32_t pad_id;
	float hidden_dropout;     /* used in training only */
	float attention_dropout;  /* used in training only */
	float classifier_dropout; /* hidden_dropout where the config has none or null */
	float initializer_range;
	size_t n_labels; /* SEQUENCE, TOKEN: rows of the classifier; else 0 */
	char **labels;   /* [n_labels], from id2label; "LABEL_0" ... where it is missing */
};

/* One encoder layer. H = hidden, I = ffn. */
struct model_layer {
	const float *query_weight;            /* [H][H] */
	const float *query_bias;              /* [H] */
	const float *key_weight;              /* [H][H] */
	const float *key_bias;                /* [H] */
	const float *value_weight;            /* [H][H] */
	const float *value_bias;              /* [H] */
	const float *attention_output_weight; /* [H][H] */
	const float *attention_output_bias;   /* [H] */
	const float *attention_norm_weight;   /* [H] */
	const float *attention_norm_bias;     /* [H] */
	const float *ffn_weight;              /* [I][H], intermediate.dense */
	const float *ffn_bias;                /* [I] */
	const float *ffn_output_weight;       /* [H][I], output.dense */
	const float *ffn_output_bias;         /* [H] */
	const float *ffn_norm_weight;         /* [H] */
	const float *ffn_norm_bias;           /* [H] */
};

/* One classifier: the sequence or token classifier, or a task of a multi-task model. Stored as
 * NAME.weight and NAME.bias, or, where it is a perceptron with a hidden layer, as
 * NAME.dense.weight, NAME.dense.bias, NAME.out_proj.weight and NAME.out_proj.bias (transformers'
 * RobertaClassificationHead): out_proj(tanh(dense(x))). NAME is "classifier", or
 * "classification_heads.T" for task T. */
struct model_head {
	const float *weight; /* [n_labels][n_hidden or H] */
	const float *bias;   /* [n_labels] */
	size_t n_labels;
	const float *dense_weight; /* [n_hidden][H], or NULL */
	const float *dense_bias;   /* [n_hidden], or NULL */
	size_t n_hidden;           /* 0: no hidden layer */
};

struct model {
	struct model_config config;

	const float *word_embeddings;       /* [vocab][H] */
	const float *position_embeddings;   /* [positions][H] */
	const float *type_embeddings;       /* [type_vocab][H] */
	const float *embedding_norm_weight; /* [H] */
	const float *embedding_norm_bias;   /* [H] */
	struct model_layer *layer;          /* [layers] */

	const float *pooler_weight; /* [H][H], or NULL */
	const float *pooler_bias;   /* [H], or NULL */

	/* MLM: all five or none. The decoder is the word embedding where the file has none of its
	 * own. */
	const float *mlm_dense_weight; /* [H][H] */
	const float *mlm_dense_bias;   /* [H] */
	const float *mlm_norm_weight;  /* [H] */
	const float *mlm_norm_bias;    /* [H] */
	const float *decoder_weight;   /* [vocab][H] */
	const float *decoder_bias;     /* [vocab] */

	/* SEQUENCE and TOKEN have one head, MULTITASK one a task, the others none. */
	struct model_head *head;
	size_t n_heads_out;
	/* SEQUENCE and MULTITASK, or NULL: "attention_pool.attention_weights", [H] (stored as
	 * [H][1]). The heads then see the sum of all hidden states of the cell, each times its
	 * share in the softmax of their products with this vector. */
	const float *attention_pool;

	/* The names of the tokens by id, where the folder has a genes.cells; else NULL. */
	char **vocabulary; /* [config.vocab]; an entry without a name is NULL */

	char *path;                /* of the folder, as opened */
	struct model_files *files; /* mappings and converted tensors; private to model.c */
	float *own;                /* the tensors of a model that was not opened but made */
};

/* In the metadata of a file of adapters: the names of the classes, one a line. */
#define MODEL_CLASSES_KEY "cellpipe:classes"

/* Opens the folder `name`, or, where there is no such folder and the name has no slash, the folder
 * of that name or of "Geneformer-" + name under $GENEFORMER_DIR. Reads config.json and maps
 * model.safetensors, the shards of model.safetensors.index.json, or pytorch_model.bin (read, never
 * executed). Checks every shape against the configuration. A folder of peft's is opened as
 * model_open_on opens it. NULL with *e set on failure. */
struct model *model_open(const char *name, struct err *e);

/* The same; where the folder has adapters of peft's (adapter_config.json), they are added to the
 * model that they were made for: `base`, named as above, or where it is NULL the one that the
 * folder names. Its config.json and genes.cells, where it has them, go before those of that model.
 * base is of no use to other folders. */
struct model *model_open_on(const char *name, const char *base, struct err *e);

/* Frees everything, the mapped tensors too; NULL is allowed. */
void model_close(struct model *m);

/* Whether the head sees the first hidden state through the pooler (tanh of a dense layer), as in
 * transformers: a SEQUENCE classifier that is one linear layer, without an attention pool. All
 * others see the hidden states as they are. */
bool model_has_pooled_head(const struct model *m);

/* XXH3-128 of the model's tensors as 32 hexadecimal digits and a NUL: of name, count and float32
 * numbers of all tensors named in this header that are there, in the order of this header (a
 * decoder tied to the word embedding counts once), so that it does not depend on how the weights
 * are stored or split over files. Reads every weight: about 0.1 s for 400 MB in memory. */
void model_hash(const struct model *m, char ret_hex[33]);

#endif
