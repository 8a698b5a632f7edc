/* new_head.h - a pretrained model with a head for classes that it is to learn.
 *
 * The encoder's tensors are those of the model that was opened or started; a masked-LM head goes.
 * Where that model has the head already, for these very classes, it is kept. Else weights are
 * normal with the model's initializer_range and biases 0, as transformers starts a head. */

#ifndef NN_NEW_HEAD_H
#define NN_NEW_HEAD_H

#include "nn/class_names.h"
#include "nn/model.h"

/* As gfclassify(1), "Models", describes them. */
enum head_kind {
	HEAD_AUTO,      /* the one that there is; else POOLER, of tokens and several tasks LINEAR */
	HEAD_LINEAR,    /* a layer on the first hidden state, or on that of each token */
	HEAD_POOLER,    /* a layer on the pooler's output */
	HEAD_MLP,       /* a perceptron on the first hidden state, or on that of each token */
	HEAD_ATTENTION, /* a layer on the attention-pooled cell */
};

struct new_head_options {
	enum model_class class;          /* SEQUENCE, TOKEN or MULTITASK */
	enum head_kind kind;             /* LINEAR is not for SEQUENCE, POOLER is only for it,
					    ATTENTION is not for TOKEN (asserted) */
	const struct class_names *names; /* a task a head */
	bool is_same_classes;            /* they are those of the model's own head */
	uint64_t seed;
};

struct new_head {
	struct model model; /* for parameters_create, not for model_close */
	bool is_kept;
	bool has_positions; /* false: the table of positions is all 0, and is to stay so */
	/* The head's own memory. */
	float *values;
	size_t n_values;
	char **labels;
};

/* "auto", "pooler", "mlp", "attention"; asserted. */
enum head_kind head_kind_parse(const char *word);

/* `from` must outlive it. */
struct new_head *new_head_create(const struct model *from, const struct new_head_options *o);
/* NULL is fine. */
void new_head_free(struct new_head *h);

#endif
