/* training_run.h - learning, from the first step to the last: what all programs that learn share.
 *
 * A step takes cells from the corpus up to batch_tokens tokens, and ends with the epoch at the
 * latest. Its cells are cut into parts of about PART_TOKENS tokens, balanced by what they cost (a
 * cell costs its tokens and, for attention, their square), without padding; the cut does not depend
 * on threads, so neither does any bit of the result. The mean over the labels of the whole step is
 * learned from.
 *
 * Several processes (ranks.h) share a step: its parts are dealt to lanes (learner.h), and each
 * process computes lanes of its own. The result is the same to the last bit for 1 to LEARNER_LANES
 * processes; of more, each number of them has its own roundings, and its checkpoints are its own.
 * Everything else each process does by itself, alike: it reads the cells, fills all parts, draws
 * chance by the example, moves its copy of the weights, judges evaluations. Only rank 0 reads and
 * writes the folder and the metrics.
 *
 * Which labels there are is the task's: a function that fills a part (struct training_part).
 *
 * Metrics. JSON lines, flushed one by one; no times in them, so the same run gives the same bytes:
 *	{"step": 100, "tokens": 306712, "loss": 8.1, "learning_rate": 0.001, "gradient_norm": 0.7}
 *	{"step": 100, "tokens": 306712, "eval_loss": 8.0, "eval_accuracy": 0.02}
 * step: updates made; tokens: of all steps so far; loss: the mean over the steps since the last
 * line; learning_rate, gradient_norm (before clipping): of the last step. The task may add keys to
 * the lines of evaluations.
 *
 * Checkpoints. The folder is at every checkpoint a whole model folder, as the task writes it, and
 * has training.safetensors beside the model: weights, moments, counters, the place in the corpus,
 * the settings. It is exchanged for the next one when that is complete (output_folder.h); at the
 * end for one without training.safetensors. With is_resumed a run goes on there, and ends with the
 * same bytes as one that was never interrupted, metrics file included, on any number of threads.
 * Settings that differ are an error that names the first of them; so is another corpus.
 *
 * SIGTERM and SIGINT, of any process: the step at hand is finished, a checkpoint written, and the
 * run ends with is_interrupted. A second one ends the program at once. A loss or gradient norm that
 * is not a number ends the run with an error that says which step and which cells; the last
 * checkpoint stays. */

#ifndef NN_TRAINING_RUN_H
#define NN_TRAINING_RUN_H

#include <jansson.h>

#include "base/cli.h"
#include "base/output_folder.h"
#include "nn/learner.h"
#include "nn/token_corpus.h"

enum { TRAINING_PART_TOKENS = 1024, TRAINING_MAX_HEADS = 64 };

/* A part of a step that is being made. It comes with some cells and no labels; the task adds these,
 * and may put other ids in the place of those that came (in the arena). What it points at must stay
 * until the step is over: the arena does. */
struct training_part {
	struct forward_cells cells; /* n, ids, offsets; the task adds positions, from, to */
	const int32_t *labels;      /* as struct backward_part has them */
	const float *const *weights;
	/* [heads], comes as 0: the sum of the weights of the labels that are used (1 each without
	 * weights). A part without any is left out. */
	double *totals;

	const uint64_t *rows;     /* [cells.n] numbers in the corpus */
	const uint64_t *examples; /* [cells.n] of rows in this epoch (chance.h), for chance */
	bool is_evaluation;       /* its chance must not depend on the epoch */
	struct arena *arena;
};

struct training_evaluation {
	uint64_t step;
	double loss; /* mean over the labels; of several heads the sum of these, scaled */
	double
	    accuracy; /* of the first head: the share of labels that were the most likely class */
};

/* What an evaluation leads to; may be added up. */
enum training_verdict {
	TRAINING_GO_ON = 0,
	TRAINING_KEEP = 1, /* the weights as they are now are those written at the end */
	TRAINING_STOP = 2  /* enough: the run is over */
};

struct training_task {
	void *context;
	const struct token_corpus *corpus; /* learns from TRAIN, evaluates on EVAL */
	struct parameters *parameters;
	const struct plan *plan;
	size_t n_heads;           /* 1, but for several tasks at once */
	const double *head_scale; /* [n_heads], of their means in the loss; NULL: all 1 */

	/* Fills a part. 0 or -1. One thread. */
	int (*fill)(void *context, struct training_part *part, struct err *e);
	/* Writes the model's files. metadata is for model_write_options. */
	int (*write)(
	    void *context, struct output_folder *f, const char *const *metadata, struct err *e);
	/* What an evaluation finds beside its loss: adds to `counts` for a part, whose predicted
	 * classes are there. They are 0 before the first part, and of all parts in judge. NULL:
	 * nothing. One thread. */
	void (*count)(void *context, const struct backward_part *part);
	uint64_t *counts; /* [n_counts], the task's own; with `count` only */
	size_t n_counts;
	/* After an evaluation: adds to the line of metrics what it likes, and may say of several
	 * heads what their accuracy is. NULL: go on. 0 or -1. */
	int (*judge)(void *context, struct training_evaluation *v, json_t *line,
	    enum training_verdict *ret, struct err *e);
	/* For weights that are made of others (LoRA), which `parameters` lists, too; NULL: none.
	 * project: after learner_gradient, before learner_update, to change the gradient
	 * [n_values]. settle: after learner_update, and wherever weights were read back (a
	 * checkpoint, those of TRAINING_KEEP), to make the weights anew. */
	void (*project)(void *context, float *gradient);
	void (*settle)(void *context);

	/* An object that checkpoints keep for the task (how often nothing got better ...), brought
	 * back by a resumed run before the first step; or NULL. The task's own. */
	json_t *memory;
	/* An object of everything besides training_options that determines the result, to be
	 * compared by a resumed run. The task's own. */
	const json_t *settings;
};

struct training_options {
	uint64_t steps;             /* updates; 0: `epochs` of them */
	double epochs;              /* a part of an epoch is that part of its steps, rounded up */
	size_t batch_tokens;        /* of a step, at most; one longer cell is a step by itself */
	size_t batch_cells;         /* of a step, at most (token_order_limit); 0: any number */
	struct adamw_options adamw; /* adamw.rate is the peak of the schedule */
	struct backward_options backward;
	enum schedule schedule;
	uint64_t warmup; /* steps; or, where it is 0, this part of all steps, rounded up: */
	double warmup_ratio;
	uint64_t log_every;  /* steps; 0: no lines but those of evaluations */
	uint64_t eval_every; /* steps; 0: at the end only. And never without rows in EVAL */
	uint64_t save_every; /* steps; 0: at the end, and when interrupted */
	uint64_t seed;       /* of the order; dropout's is in `backward` */
	size_t threads;
	enum precision precision; /* for who opens the backend; the run has its task's */
	const char *folder;       /* of the model */
	const char *metrics;      /* file; NULL: none */
	bool is_resumed;          /* goes on from the checkpoint in `folder`, where there is one */
};

struct training_result {
	uint64_t step, steps, tokens;
	bool is_interrupted;   /* a checkpoint was written, and --resume goes on */
	bool was_complete;     /* is_resumed, and the folder holds the end of this run */
	bool is_evaluated;     /* then: */
	double loss, accuracy; /* of the last evaluation */
};

/* Whether a run with is_resumed would go on from a checkpoint there: then the parameters' first
 * weights do not matter. */
bool training_has_checkpoint(const char *folder);

/* Learns. Refuses to start where `folder` exists, unless resumed, and an empty TRAIN. Without
 * is_resumed a metrics file of the name is replaced. 0 with *ret, or -1 with e set. */
int training_run(const struct cli *cli, const struct training_task *task,
    const struct training_options *o, struct training_result *ret, struct err *e);

#endif
