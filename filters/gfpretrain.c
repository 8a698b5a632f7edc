/* gfpretrain.c - masked-language modelling: a model learns which genes stand where in a cell.
 *
 * In: tokens, any number of files. Out: a model folder (transformers' BertForMaskedLM). Reference:
 * Theodoris et al. 2023, pretraining; Devlin et al. 2019. */

#include <string.h>

#include "nn/model_config.h"
#include "nn/model_start.h"
#include "nn/pretraining.h"
#include "nn/training_log.h"

struct options {
	struct cli common;
	const char *model, *config, *dictionary;
	size_t layers, hidden, heads, ffn, positions;
	const char *activation, *init;
	double mask;
	size_t steps;
	double epochs;
	size_t batch_tokens;
	double rate;
	int warmup;
	const char *schedule;
	double decay, dropout, clip;
	const char *eval;
	double hold_out;
	size_t eval_every, save_every, log_every;
	const char *metrics;
	bool truncate, resume;
	const char *storage;
	size_t max_memory;
};

static const struct cli_option table[] = {
	CLI_STRING('m', "model", "MODEL", struct options, model,
	    "go on from the weights of a model folder, or of one under $GENEFORMER_DIR"),
	CLI_STRING(0, "config", "FILE", struct options, config,
	    "shape of a new model: a config.json; else these options:"),
	CLI_SIZE_H(0, "layers", "N", struct options, layers, 1, 1000, "of the encoder (6)"),
	CLI_SIZE_H(0, "hidden", "N", struct options, hidden, 1, 65536, "hidden size (256)"),
	CLI_SIZE_H(0, "heads", "N", struct options, heads, 1, 65536, "of the attention (4)"),
	CLI_SIZE_H(0, "ffn", "N", struct options, ffn, 1, 1 << 20,
	    "inner size of the feed-forward layers (twice the hidden size)"),
	CLI_SIZE_H(0, "positions", "N", struct options, positions, 1, 1 << 20,
	    "the longest cell, in tokens (2048)"),
	CLI_CHOICE_H(0, "activation", "relu|gelu|gelu_new|silu|tanh", struct options, activation,
	    "of the feed-forward layers (relu)"),
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "gene tokens, for cells without a vocabulary: a genes file, a folder, V1 or V2"),
	CLI_CHOICE_H(0, "init", "random|coexpression", struct options, init,
	    "of a new model: chance, or which genes go together in these cells (random)"),
	CLI_DOUBLE_H(0, "mask", "P", struct options, mask, 0.001, 0.999,
	    "probability that a gene is to be guessed (0.15)"),
	CLI_SIZE_H(0, "steps", "N", struct options, steps, 1, 1e12, "updates of the weights"),
	CLI_DOUBLE_H('e', "epochs", "N", struct options, epochs, 1e-6, 1e6,
	    "times through the cells, where no --steps are given (3)"),
	CLI_SIZE_H('b', "batch-tokens", "N", struct options, batch_tokens, 1, 1 << 30,
	    "tokens a step, at most (16384)"),
	CLI_DOUBLE_H(0, "rate", "R", struct options, rate, 0, 10, "peak learning rate (0.001)"),
	CLI_INT_H(0, "warmup", "N", struct options, warmup, 0, 1000000000,
	    "steps of rising rate (a twentieth of all)"),
	CLI_CHOICE_H(0, "schedule", "linear|cosine|constant", struct options, schedule,
	    "of the rate after that (linear)"),
	CLI_DOUBLE_H(0, "decay", "W", struct options, decay, 0, 10, "of the weights (0.001)"),
	CLI_DOUBLE_H(0, "dropout", "P", struct options, dropout, 0, 0.99,
	    "of hidden states and attention (that of the model, or 0.02)"),
	CLI_DOUBLE_H(0, "clip", "X", struct options, clip, 0, 1e9,
	    "greatest norm of the gradient; 0: any (1)"),
	CLI_STRING(0, "eval", "FILE", struct options, eval, "cells to evaluate on"),
	CLI_DOUBLE_H(0, "hold-out", "P", struct options, hold_out, 0, 0.99,
	    "share of the cells that is not learned from but evaluated on (0)"),
	CLI_SIZE(0, "eval-every", "N", struct options, eval_every, 0, 1e12,
	    "steps; 0: at the end only (0)"),
	CLI_SIZE(0, "save-every", "N", struct options, save_every, 0, 1e12,
	    "steps; 0: at the end only (1000)"),
	CLI_SIZE(0, "log-every", "N", struct options, log_every, 0, 1e12,
	    "steps to a line of metrics (10)"),
	CLI_STRING(0, "metrics", "FILE", struct options, metrics, "JSON lines; - : stdout"),
	CLI_FLAG_H(0, "truncate", struct options, truncate,
	    "cut cells that are longer than the model's positions"),
	CLI_CHOICE_H(0, "storage", "f32|bf16", struct options, storage,
	    "of the weights in the model folder (f32)"),
	CLI_FLAG(0, "resume", struct options, resume, "go on from the checkpoint in the folder"),
	CLI_SIZE(0, "max-memory", "BYTES", struct options, max_memory, 0, 1e15,
	    "of the tokens; beyond it they go to a file in $TMPDIR (1G)"),
	CLI_END
};

static const struct cli_program program = { "gfpretrain",
	"pretrain Geneformer by masked-language modelling", "FILE",
	CLI_THREADS | CLI_FILE_OUT | CLI_MANY_INPUTS | CLI_SEED | CLI_PROGRESS, table };

static bool
has_shape(const struct options *opt)
{
	return opt->layers || opt->hidden || opt->heads || opt->ffn || opt->positions ||
	       opt->activation;
}

static void
check_usage(const struct options *opt, const struct model_config *shape)
{
	const struct cli *cli = &opt->common;

	if (opt->model && (opt->config || has_shape(opt)))
		cli_usage(cli, "-m gives the shape of the model, so --config, --layers ... cannot");
	if (opt->config && has_shape(opt))
		cli_usage(cli, "--config gives the shape of the model, so --layers ... cannot");
	if (opt->model && strcmp(opt->init, "random") != 0)
		cli_usage(cli, "--init is of a new model, so it does not go with -m");
	if (shape->hidden % shape->heads)
		cli_usage(cli, "--hidden must be a multiple of --heads");
}

static struct model_config
shape_model(const struct options *opt)
{
	struct model_sizes sizes = { opt->layers, opt->hidden, opt->heads, opt->ffn,
		opt->positions };
	struct model_config c = model_start_config(&sizes);

	model_activation_parse(opt->activation ? opt->activation : "relu", &c.activation);
	return c;
}

static struct training_options
plan_training(const struct options *opt, struct err *e)
{
	const struct cli *cli = &opt->common;
	struct training_options t = { .steps = opt->steps,
		.epochs = opt->epochs,
		.batch_tokens = opt->batch_tokens,
		.adamw = { .rate = opt->rate, .decay = opt->decay, .clip = opt->clip },
		.warmup = opt->warmup < 0 ? 0 : (uint64_t)opt->warmup,
		.warmup_ratio = opt->warmup < 0 ? 0.05 : 0,
		.log_every = opt->log_every,
		.eval_every = opt->eval_every,
		.save_every = opt->save_every,
		.seed = cli->seed,
		.threads = (size_t)cli->threads,
		.folder = cli->output,
		.metrics = opt->metrics,
		.is_resumed = opt->resume };

	schedule_parse(opt->schedule, &t.schedule, e);
	return t;
}

int
main(int argc, char **argv)
{
	struct options opt = { .init = "random",
		.mask = 0.15,
		.epochs = 3,
		.batch_tokens = 16384,
		.rate = 1e-3,
		.warmup = -1,
		.schedule = "linear",
		.decay = 0.001,
		.dropout = -1,
		.clip = 1,
		.save_every = 1000,
		.log_every = 10,
		.storage = "f32",
		.max_memory = (size_t)1 << 30 };
	struct cli *cli = &opt.common;
	struct err e = { 0 };
	struct training_result result;

	cli_parse(&opt, argc, argv, &program);

	struct model_config shape = shape_model(&opt);

	check_usage(&opt, &shape);

	struct training_options training = plan_training(&opt, &e);
	struct pretraining_options what = { .cli = cli,
		.dictionary = opt.dictionary,
		.model = opt.model,
		.config = opt.config,
		.shape = shape,
		.is_coexpression = strcmp(opt.init, "coexpression") == 0,
		.dropout = opt.dropout,
		.mask = opt.mask,
		.eval = opt.eval,
		.hold_out = opt.hold_out,
		.is_truncating = opt.truncate,
		.is_bf16 = strcmp(opt.storage, "bf16") == 0,
		.max_memory = opt.max_memory };

	if (pretraining_run(&what, &training, &result, &e) == 0)
		training_say_end(cli, &result);
	return cli_status(cli, &e);
}
