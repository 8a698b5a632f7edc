/* training_cli.h - the options that gfpretrain and gftrain share: the shape of a new model, the
 * steps, the files.
 *
 *	struct options { struct cli common; struct training_cli training; ... };
 *	static const struct cli_option table[] = { TRAINING_CLI_SHAPE(struct options, training), ...
 *}; struct options opt = { .training = TRAINING_CLI_DEFAULTS, ... };
 */

#ifndef NN_TRAINING_CLI_H
#define NN_TRAINING_CLI_H

#include "base/cli.h"
#include "nn/model.h"
#include "nn/training_run.h"

struct training_cli {
	size_t layers, hidden, heads, ffn, positions;
	const char *activation;
	double rate;
	const char *schedule;
	double decay, dropout, clip;
	size_t eval_every, save_every, log_every;
	const char *metrics;
	const char *precision;
	bool truncate, resume;
	const char *storage;
	size_t max_memory;
};

/* rate is the program's. */
#define TRAINING_CLI_DEFAULTS                                                               \
	{                                                                                   \
		.schedule = "linear", .decay = 0.001, .dropout = -1, .clip = 1,             \
		.save_every = 1000, .log_every = 10, .storage = "f32", .precision = "auto", \
		.max_memory = (size_t)1 << 30                                               \
	}

#define TRAINING_CLI_SHAPE(s, m)                                                           \
	CLI_SIZE_H(0, "layers", "N", s, m.layers, 1, 1000, "of a new model (6)"),          \
	    CLI_SIZE_H(0, "hidden", "N", s, m.hidden, 1, 65536, "hidden size (256)"),      \
	    CLI_SIZE_H(0, "heads", "N", s, m.heads, 1, 65536, "of the attention (4)"),     \
	    CLI_SIZE_H(0, "ffn", "N", s, m.ffn, 1, 1 << 20,                                \
		"inner size of the feed-forward layers (twice the hidden size)"),          \
	    CLI_SIZE_H(0, "positions", "N", s, m.positions, 1, 1 << 20,                    \
		"the longest cell, in tokens (2048)"),                                     \
	    CLI_CHOICE_H(0, "activation", "relu|gelu|gelu_new|silu|tanh", s, m.activation, \
		"of the feed-forward layers (relu)")

#define TRAINING_CLI_SCHEDULE(s, m)                                                     \
	CLI_CHOICE_H(0, "schedule", "linear|cosine|constant", s, m.schedule,            \
	    "of the rate after that (linear)"),                                         \
	    CLI_DOUBLE_H(0, "decay", "W", s, m.decay, 0, 10, "of the weights (0.001)"), \
	    CLI_DOUBLE_H(0, "dropout", "P", s, m.dropout, 0, 0.99,                      \
		"of all sorts (that of the model; of a new one 0.02)"),                 \
	    CLI_DOUBLE_H(                                                               \
		0, "clip", "X", s, m.clip, 0, 1e9, "greatest norm of the gradient; 0: any (1)")

#define TRAINING_CLI_METRICS(s, m)                                                                \
	CLI_SIZE(0, "save-every", "N", s, m.save_every, 0, 1e12,                                  \
	    "steps between checkpoints; 0: at the end only (1000)"),                              \
	    CLI_SIZE(                                                                             \
		0, "log-every", "N", s, m.log_every, 0, 1e12, "steps to a line of metrics (10)"), \
	    CLI_STRING(0, "metrics", "FILE", s, m.metrics, "JSON lines; - : stdout")

#define TRAINING_CLI_FILES(s, m)                                                           \
	CLI_CHOICE_H(0, "precision", "auto|f32|bf16", s, m.precision,                      \
	    "of the matrix products; weights stay float32 (auto: bf16 where it is fast)"), \
	    CLI_FLAG_H(0, "truncate", s, m.truncate,                                       \
		"cut cells that are longer than the model's positions"),                   \
	    CLI_CHOICE_H(0, "storage", "f32|bf16", s, m.storage,                           \
		"of the weights in the model folder (f32)"),                               \
	    CLI_FLAG(0, "resume", s, m.resume, "go on from the checkpoint in the folder"), \
	    CLI_SIZE(0, "max-memory", "BYTES", s, m.max_memory, 0, 1e15,                   \
		"of the tokens; beyond it they go to a file in $TMPDIR (1G)")

/* Is any option of TRAINING_CLI_SHAPE given? */
bool training_cli_has_shape(const struct training_cli *t);

/* The configuration of a new model (model_start_config). Heads that do not divide the hidden size
 * end the program (cli_usage). */
struct model_config training_cli_shape(const struct cli *cli, const struct training_cli *t);

bool training_cli_is_bf16(const struct training_cli *t);

/* What these options say, and cli's threads, seed and output; the rest is 0: the number and size
 * of the steps, the warm-up, rates of dropout. */
struct training_options training_cli_plan(
    const struct cli *cli, const struct training_cli *t, struct err *e);

#endif
