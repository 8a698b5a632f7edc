/* plan.h - what a caller wants of the network, and so what has to be computed.
 *
 * The encoder stops after the layer that is asked for. In that layer, where only some rows of a
 * cell are wanted (cls, masked positions), only they are computed: keys and values need all rows,
 * everything else does not. A head is computed where it is asked for, on the wanted rows. */

#ifndef NN_PLAN_H
#define NN_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "nn/model.h"

/* The rows of hidden states that are wanted of each cell. */
enum plan_rows {
	PLAN_FIRST,     /* that of its first token: one row */
	PLAN_MEAN,      /* the mean over a run of its tokens: one row */
	PLAN_POSITIONS, /* those at positions that come with the cell */
	PLAN_ALL,       /* those of all tokens */
	PLAN_POOLED,    /* their sum by the model's attention pool: one row */
};

/* What is computed from the wanted rows. */
enum plan_head {
	PLAN_HIDDEN,   /* nothing more: [hidden] */
	PLAN_MLM,      /* a logit for each token of the vocabulary: [vocab] */
	PLAN_SEQUENCE, /* the logits of the sequence classifier or of all tasks, head after head:
			  [n_labels of each] */
	PLAN_TOKEN,    /* the token classifier's logits: [n_labels] */
};

struct plan {
	enum plan_rows rows;
	enum plan_head head;
	size_t layers;       /* encoder layers to compute, from the first */
	bool is_last_narrow; /* the last of them for the wanted rows only */
	bool has_vectors;    /* behind the logits stands the vector that the heads saw: [hidden] */
	size_t width;        /* values in a row of output */
};

/* layer counts as the reference does: 0 the last, -1 the one before, ... -layers the embeddings; a
 * head needs 0. SEQUENCE goes with FIRST or POOLED, as the model has it. 0, or -1 with *e set where
 * the model does not have the layer or the head. */
int plan_make(struct plan *ret, const struct model *m, enum plan_rows rows, enum plan_head head,
    int layer, struct err *e);

/* What a model of class SEQUENCE, TOKEN or MULTITASK classifies, with or without the vectors: a row
 * a cell, or with rows of PLAN_ALL a row a token. -1 with *e set for other models. */
int plan_make_classes(struct plan *ret, const struct model *m, bool has_vectors, struct err *e);

#endif
