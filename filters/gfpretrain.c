/* gfpretrain.c - masked-language modelling: a model learns which genes stand where in a cell.
 *
 * In: tokens, any number of files. Out: a model folder (transformers' BertForMaskedLM). Reference:
 * Theodoris et al. 2023, pretraining; Devlin et al. 2019. */

#include <string.h>

#include "base/ranks.h"
#include "nn/pretraining.h"
#include "nn/training_cli.h"
#include "nn/training_log.h"

struct options {
	struct cli common;
	const char *model, *config, *dictionary, *init;
	double mask;
	size_t steps;
	double epochs;
	size_t batch_tokens;
	int warmup;
	const char *eval;
	double hold_out;
	struct training_cli training;
};

static const struct cli_option table[] = {
	CLI_STRING('m', "model", "MODEL", struct options, model,
	    "go on from the weights of a model folder, or of one under $GENEFORMER_DIR"),
	CLI_STRING(0, "config", "FILE", struct options, config,
	    "shape of a new model: a config.json; else these options:"),
	TRAINING_CLI_SHAPE(struct options, training),
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
	CLI_DOUBLE_H(
	    0, "rate", "R", struct options, training.rate, 0, 10, "peak learning rate (0.001)"),
	CLI_INT_H(0, "warmup", "N", struct options, warmup, 0, 1000000000,
	    "steps of rising rate (a twentieth of all)"),
	TRAINING_CLI_SCHEDULE(struct options, training),
	CLI_STRING(0, "eval", "FILE", struct options, eval, "cells to evaluate on"),
	CLI_DOUBLE_H(0, "hold-out", "P", struct options, hold_out, 0, 0.99,
	    "share of the cells that is not learned from but evaluated on (0)"),
	CLI_SIZE(0, "eval-every", "N", struct options, training.eval_every, 0, 1e12,
	    "steps; 0: at the end only (0)"),
	TRAINING_CLI_METRICS(struct options, training),
	TRAINING_CLI_FILES(struct options, training), CLI_END
};

static const struct cli_program program = { "gfpretrain",
	"pretrain Geneformer by masked-language modelling", "FILE",
	CLI_THREADS | CLI_FILE_OUT | CLI_MANY_INPUTS | CLI_SEED | CLI_PROGRESS | CLI_RANKS, table };

static void
check_usage(const struct options *opt)
{
	const struct cli *cli = &opt->common;
	bool has_shape = training_cli_has_shape(&opt->training);

	if (opt->model && (opt->config || has_shape))
		cli_usage(cli, "-m gives the shape of the model, so --config, --layers ... cannot");
	if (opt->config && has_shape)
		cli_usage(cli, "--config gives the shape of the model, so --layers ... cannot");
	if (opt->model && strcmp(opt->init, "random") != 0)
		cli_usage(cli, "--init is of a new model, so it does not go with -m");
}

static struct training_options
plan_training(const struct options *opt, struct err *e)
{
	struct training_options t = training_cli_plan(&opt->common, &opt->training, e);

	t.steps = opt->steps;
	t.epochs = opt->epochs;
	t.batch_tokens = opt->batch_tokens;
	t.warmup = opt->warmup < 0 ? 0 : (uint64_t)opt->warmup;
	t.warmup_ratio = opt->warmup < 0 ? 0.05 : 0;
	return t;
}

int
main(int argc, char **argv)
{
	struct options opt = { .init = "random",
		.mask = 0.15,
		.epochs = 3,
		.batch_tokens = 16384,
		.warmup = -1,
		.training = TRAINING_CLI_DEFAULTS };
	struct cli *cli = &opt.common;
	struct err e = { 0 };
	struct training_result result;

	opt.training.rate = 1e-3;
	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);

	struct model_config shape = training_cli_shape(cli, &opt.training);

	ranks_start(cli, &e);

	struct training_options training = plan_training(&opt, &e);
	struct pretraining_options what = { .cli = cli,
		.dictionary = opt.dictionary,
		.model = opt.model,
		.config = opt.config,
		.shape = shape,
		.is_coexpression = strcmp(opt.init, "coexpression") == 0,
		.dropout = opt.training.dropout,
		.mask = opt.mask,
		.eval = opt.eval,
		.hold_out = opt.hold_out,
		.is_truncating = opt.training.truncate,
		.is_bf16 = training_cli_is_bf16(&opt.training),
		.max_memory = opt.training.max_memory };

	if (pretraining_run(&what, &training, &result, &e) == 0)
		training_say_end(cli, &result);
	return ranks_end(cli, &e);
}
