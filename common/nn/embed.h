/* embed.h - from cells of tokens to their embeddings or classes: what the network programs call.
 *
 * A thin layer over plan, forward and backend. The threads are the caller's (base/pool.h): each is
 * one worker with activations of its own, the weights are shared. A cell's result does not depend
 * on the worker, on the cells beside it in the batch, or on how the cells are split into batches.
 */

#ifndef NN_EMBED_H
#define NN_EMBED_H

#include "base/cli.h"
#include "nn/model.h"
#include "nn/plan.h"

enum embed_pool {
	EMBED_FIRST, /* the hidden state of the first token (cls) */
	EMBED_MEAN,  /* the mean over tokens from..to of the cell */
	EMBED_TOKENS /* the hidden states of all tokens */
};

struct embed_options {
	enum embed_pool pool;
	int layer; /* as the reference counts: 0 the last layer, -1 the one before it, ... -layers
		      the embedding output */
	const char *device;    /* "auto", "cpu", "cuda" */
	const char *precision; /* "auto", "f32", "bf16", "fp16", "int8" */
	size_t workers;        /* threads that will call embedder_run at once, 1 or more */
};

/* Cells end to end: cell i is ids[offsets[i]] up to ids[offsets[i + 1]], at least one token and at
 * most the model's positions, every id below its vocabulary (checked by the caller, asserted here).
 * from, to: for the mean the part of each cell to average, counted from its first token, from[i]
 * < to[i]; else NULL. */
struct embed_cells {
	size_t n;
	const int32_t *ids;
	const size_t *offsets; /* [n + 1] */
	const size_t *from;    /* [n] */
	const size_t *to;      /* [n] */
};

struct embedder;

/* Prepares the backend and the weights that are needed (in parallel, with options->workers
 * threads). The model must outlive it. NULL with e set: a layer that is not there, a device or
 * precision that this machine or build does not have. */
struct embedder *embedder_open(
    const struct model *m, const struct embed_options *options, struct err *e);

/* The same for any plan over whole cells (rows of FIRST, MEAN, ALL or POOLED), which is copied. */
struct embedder *embedder_open_plan(const struct model *m, const struct plan *plan,
    const char *device, const char *precision, size_t workers, struct err *e);

const struct plan *embedder_plan(const struct embedder *m);

/* What was chosen, for messages and the history: "cpu", "f32". */
const char *embedder_device(const struct embedder *m);
const char *embedder_precision(const struct embedder *m);

/* Puts the hash of the model and the precision into the history, and says with -v where it runs. */
void embedder_note(const struct embedder *m, const struct model *model, struct cli *cli);

/* How many tokens a call should have at most for best speed and bounded memory (a single longer
 * cell is fine). */
size_t embedder_batch_tokens(const struct embedder *m);

/* Embeds the cells in the calling thread, which is worker 0..workers-1. ret_rows: [n][width], or
 * for rows of ALL [offsets[n]][width], as the plan has it: hidden, or that of the logits. 0, or -1
 * with e set. */
int embedder_run(struct embedder *m, size_t worker, const struct embed_cells *cells,
    float *ret_rows, struct err *e);

void embedder_close(struct embedder *m);

#endif
