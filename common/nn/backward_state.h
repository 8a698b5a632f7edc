/* backward_state.h - a thread's memory of a forward pass. Private to the backward*.c
 * files. */

#ifndef NN_BACKWARD_STATE_H
#define NN_BACKWARD_STATE_H

#include "nn/backward.h"
#include "nn/gradient.h"

/* Device memory that grows. */
struct room {
	float *p;
	size_t n;
};

/* What is kept of a layer; n tokens, m rows that the plan wants of it. */
struct kept {
	struct room wanted;      /* [m][H]: the rows of its input, in a narrow layer */
	struct room q, k, v;     /* [m], [n], [n][H] */
	struct room context;     /* [m][H] */
	struct room log_sum;     /* [m][heads] */
	struct room middle, end; /* [m][H]: the residual sums before the two norms */
	struct room inner;       /* [m][I]: before the activation function */
};

struct backward {
	struct backend *backend;
	const struct gradient_ops *op;
	const struct model *model;
	struct plan plan;
	struct backward_options options;
	struct gradient_workspace *ws;

	/* Of the batch; host. */
	const struct forward_cells *cells;
	const uint64_t *examples; /* NULL: no dropout */
	size_t tokens, rows;      /* rows: of the last layer */
	struct {
		int32_t *positions;
		uint64_t *examples;
		size_t room;
	} all, wanted; /* a row's place and example, for dropout */
	size_t *index; /* [rows]: of a narrow last layer, in the tokens */
	size_t *cu_q;  /* [cells + 1] */
	size_t index_room, cu_room;

	/* Device. */
	struct room embedded;  /* [n][H]: before the norm */
	struct room *in;       /* [layers + 1][n][H]: a layer's input; the last: what came out */
	struct kept *kept;     /* [layers]; frugal: one */
	size_t kept_layer;     /* frugal: whose it is */
	struct room d, d_next; /* [n][H]: gradients between layers */
	struct room d_q, d_k, d_v, d_context;
	struct room tile[6];      /* [GRADIENT_TILE][...] */
	struct room out, d_out;   /* [cells][H]: means; what the heads see */
	struct room gradient;     /* of a block */
	struct room decoder;      /* [vocab][H]: of a decoder tied to the word embedding */
	const float *gradient_of; /* the first weight of that block; NULL: none is wanted */
	float *key_effect;        /* [n], or NULL */
	struct room effects, replace_effects;
	float *replace_effect;  /* [n], or NULL */
	struct room *probe_in;  /* [layers + 1][n][H]: of the probes; NULL: there are none */
	struct kept probe_kept; /* of one layer */
	struct room shares;     /* [n]: of an attention pool */
};

/* Room for n floats, whose contents do not matter. */
float *backward_room(struct backward *w, struct room *r, size_t n);

/* Where the gradient of these weights goes; NULL where none is wanted. */
float *backward_gradient(struct backward *w, const float *weights);

/* Starts on a block: its gradient is 0. Does nothing without sums, or where it is frozen. */
void backward_begin_block(struct backward *w, const struct gradient_sums *s, size_t block);
/* Adds it to the sums in its turn. False where the step is given up. */
bool backward_end_block(struct backward *w, struct gradient_sums *s, size_t block, size_t part);

/* A layer norm over the hidden states. */
struct layer_norm backward_norm(const struct backward *w, const float *gain, const float *bias);

/* Runs a layer from in[layer] to in[layer + 1]; back: w->d, the gradient of what it gave, becomes
 * that of what went in. */
void backward_run_layer(struct backward *w, size_t layer);
void backward_layer_back(struct backward *w, size_t layer);
/* Runs the probes through a layer, whose `kept` must be there. */
void backward_probe_layer(struct backward *w, size_t layer);

/* The head: from the plan's rows of hidden states to the loss, and back to their gradient d, both
 * [forward_rows][H]. False where the step is given up. */
bool backward_head(struct backward *w, const struct backward_part *part, const float *in, float *d,
    struct backward_result *ret);

/* Dropout of all or of the wanted rows. */
enum { SITE_EMBEDDING, SITE_HEAD, SITE_HEAD_INNER, SITE_LAYERS };
enum { SITE_ATTENTION, SITE_ATTENTION_OUTPUT, SITE_FFN_OUTPUT, SITES_A_LAYER };
struct dropout backward_dropout(
    const struct backward *w, double rate, uint32_t site, bool is_wanted, size_t from);

#endif
