/* gftrain.c - fine-tuning: a model learns the classes of cells or genes.
 *
 * In: tokens with labels, any number of files. Out: a model folder, which gfclassify and
 * transformers read, or adapters, which peft reads. Reference: Theodoris et al. 2023, Classifier
 * and MTLClassifier, whose faults the manual lists. */

#include <stdlib.h>
#include <string.h>

#include "base/name_list.h"
#include "nn/fine_tuning.h"
#include "nn/model_config.h"
#include "nn/model_start.h"
#include "nn/training_log.h"
#include "stat/classification.h"

enum { BATCH_CELLS = 12 };

struct options {
	struct cli common;
	const char *model, *dictionary, *label, *gene_labels;
	const char *eval, *split, *split_by;
	double valid, test;
	const char *head;
	size_t freeze;
	const char *class_weights, *keep;
	size_t patience, lora;
	double lora_alpha;
	const char *lora_targets;
	size_t layers, hidden, heads, ffn, positions;
	const char *activation;
	double epochs;
	size_t steps, batch, batch_tokens;
	double rate, warmup;
	const char *schedule;
	double decay, dropout, clip;
	size_t eval_every, save_every, log_every;
	const char *metrics, *predictions;
	bool strict, truncate, resume, merge, no_positions;
	const char *storage;
	size_t max_memory;
};

static const struct cli_option table[] = {
	CLI_STRING('m', "model", "MODEL", struct options, model,
	    "the pretrained model: a folder, or the name of one under $GENEFORMER_DIR"),
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "gene tokens, for cells without a vocabulary: a genes file, a folder, V1 or V2"),
	CLI_STRING_H('c', "label", "COLUMN,...", struct options, label,
	    "columns with classes of cells; several are tasks that are learned together"),
	CLI_STRING('g', "gene-labels", "FILE", struct options, gene_labels,
	    "a table of genes and their classes, which are learned instead"),
	CLI_STRING(0, "eval", "FILE", struct options, eval, "more cells, for validation"),
	CLI_STRING_H(
	    0, "split", "COLUMN", struct options, split, "a column that says train, valid or test"),
	CLI_STRING_H(0, "split-by", "COLUMN", struct options, split_by,
	    "a column of donors: all cells of one are in one set"),
	CLI_DOUBLE_H(0, "valid", "P", struct options, valid, 0, 0.9, "share for validation (0)"),
	CLI_DOUBLE_H(0, "test", "P", struct options, test, 0, 0.9, "share for the test (0)"),
	CLI_CHOICE_H(0, "head", "auto|pooler|mlp|attention", struct options, head,
	    "how classes are found from the hidden states (auto: see gftrain(1))"),
	CLI_SIZE_H(0, "freeze", "N", struct options, freeze, 0, 10000,
	    "the first N layers do not learn (0)"),
	CLI_CHOICE_H(0, "class-weights", "none|balanced", struct options, class_weights,
	    "balanced lets rare classes count as much as frequent ones (none)"),
	CLI_CHOICE_H(0, "keep", "loss|accuracy|last", struct options, keep,
	    "the model of which evaluation is kept (loss)"),
	CLI_SIZE_H(0, "patience", "N", struct options, patience, 0, 1000000,
	    "stop after N evaluations in a row that are no better; 0: never (0)"),
	CLI_SIZE_H(0, "lora", "RANK", struct options, lora, 1, 4096,
	    "learn adapters of this rank, and the head"),
	CLI_DOUBLE_H(0, "lora-alpha", "A", struct options, lora_alpha, 1e-6, 1e6,
	    "adapters count A / RANK times (twice the rank)"),
	CLI_STRING_H(0, "lora-targets", "attention,ffn", struct options, lora_targets,
	    "which matrices get adapters (attention,ffn)"),
	CLI_FLAG_H(0, "merge", struct options, merge,
	    "write a model with its adapters added, not a folder for peft"),
	CLI_SIZE_H(0, "layers", "N", struct options, layers, 1, 1000, "of a new model (6)"),
	CLI_SIZE_H(0, "hidden", "N", struct options, hidden, 1, 65536, "hidden size (256)"),
	CLI_SIZE_H(0, "heads", "N", struct options, heads, 1, 65536, "of the attention (4)"),
	CLI_SIZE_H(0, "ffn", "N", struct options, ffn, 1, 1 << 20,
	    "inner size of the feed-forward layers (twice the hidden size)"),
	CLI_SIZE_H(0, "positions", "N", struct options, positions, 1, 1 << 20,
	    "the longest cell, in tokens (2048)"),
	CLI_CHOICE_H(0, "activation", "relu|gelu|gelu_new|silu|tanh", struct options, activation,
	    "of the feed-forward layers (relu)"),
	CLI_FLAG_H(0, "no-positions", struct options, no_positions,
	    "a new model that does not know where a token stands"),
	CLI_DOUBLE_H('e', "epochs", "N", struct options, epochs, 1e-6, 1e6,
	    "times through the cells (10; of genes 1)"),
	CLI_SIZE_H(0, "steps", "N", struct options, steps, 1, 1e12, "updates, instead of epochs"),
	CLI_SIZE_H('b', "batch", "N", struct options, batch, 1, 1 << 30,
	    "cells a step (12, where --batch-tokens is not given)"),
	CLI_SIZE_H(0, "batch-tokens", "N", struct options, batch_tokens, 1, 1 << 30,
	    "tokens a step, at most"),
	CLI_DOUBLE_H(0, "rate", "R", struct options, rate, 0, 10, "peak learning rate (5e-5)"),
	CLI_DOUBLE_H(0, "warmup", "N", struct options, warmup, 0, 1e9,
	    "steps of rising rate; below 1: that share of all (0.1)"),
	CLI_CHOICE_H(0, "schedule", "linear|cosine|constant", struct options, schedule,
	    "of the rate after that (linear)"),
	CLI_DOUBLE_H(0, "decay", "W", struct options, decay, 0, 10, "of the weights (0.001)"),
	CLI_DOUBLE_H(0, "dropout", "P", struct options, dropout, 0, 0.99,
	    "of all sorts (that of the model; of a new one 0.02)"),
	CLI_DOUBLE_H(0, "clip", "X", struct options, clip, 0, 1e9,
	    "greatest norm of the gradient; 0: any (1)"),
	CLI_SIZE(0, "eval-every", "N", struct options, eval_every, 0, 1e12,
	    "steps between evaluations; 0: an epoch (0)"),
	CLI_SIZE(0, "save-every", "N", struct options, save_every, 0, 1e12,
	    "steps between checkpoints; 0: at the end only (1000)"),
	CLI_SIZE(0, "log-every", "N", struct options, log_every, 0, 1e12,
	    "steps to a line of metrics (10)"),
	CLI_STRING(0, "metrics", "FILE", struct options, metrics, "JSON lines; - : stdout"),
	CLI_STRING(0, "predictions", "FILE", struct options, predictions,
	    "a stream of predictions of the test cells, else of those for validation"),
	CLI_FLAG_H(0, "strict", struct options, strict,
	    "a cell without a label, set or donor is an error"),
	CLI_FLAG_H(0, "truncate", struct options, truncate,
	    "cut cells that are longer than the model's positions"),
	CLI_CHOICE_H(0, "storage", "f32|bf16", struct options, storage,
	    "of the weights in the model folder (f32)"),
	CLI_FLAG(0, "resume", struct options, resume, "go on from the checkpoint in the folder"),
	CLI_SIZE(0, "max-memory", "BYTES", struct options, max_memory, 0, 1e15,
	    "of the tokens; beyond it they go to a file in $TMPDIR (1G)"),
	CLI_END
};

static const struct cli_program program = { "gftrain",
	"fine-tune Geneformer to classify cells or genes", "FILE",
	CLI_THREADS | CLI_FILE_OUT | CLI_MANY_INPUTS | CLI_SEED | CLI_PROGRESS, table };

static bool
is_word(const char *option, const char *word)
{
	return strcmp(option, word) == 0;
}

static void
check_usage(const struct options *opt)
{
	const struct cli *cli = &opt->common;
	bool has_shape = opt->layers || opt->hidden || opt->heads || opt->ffn || opt->positions ||
			 opt->activation || opt->no_positions;

	if (!opt->model == !has_shape)
		cli_usage(cli, "either -m MODEL or the shape of a new model (--layers ...) is "
			       "required");
	if (!opt->label == !opt->gene_labels)
		cli_usage(cli, "one of --label COLUMN and --gene-labels FILE is required");
	if (!opt->lora && (opt->lora_alpha > 0 || opt->lora_targets || opt->merge))
		cli_usage(cli, "--lora-alpha, --lora-targets and --merge go with --lora");
}

static struct training_options
plan_training(const struct options *opt, struct err *e)
{
	const struct cli *cli = &opt->common;
	bool is_share = opt->warmup < 1;
	size_t cells = opt->batch || opt->batch_tokens ? opt->batch : BATCH_CELLS;
	struct training_options t = { .steps = opt->steps,
		.epochs = opt->epochs > 0    ? opt->epochs
			  : opt->gene_labels ? 1
					     : 10,
		.batch_tokens = opt->batch_tokens ? opt->batch_tokens : 1 << 30,
		.batch_cells = cells,
		.adamw = { .rate = opt->rate, .decay = opt->decay, .clip = opt->clip },
		.warmup = is_share ? 0 : (uint64_t)opt->warmup,
		.warmup_ratio = is_share ? opt->warmup : 0,
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

/* What the options say, but for the columns of --label. */
static struct fine_tuning_options
plan_tuning(struct options *opt, struct err *e)
{
	struct model_sizes sizes = { opt->layers, opt->hidden, opt->heads, opt->ffn,
		opt->positions };
	struct fine_tuning_options o = { .cli = &opt->common,
		.dictionary = opt->dictionary,
		.model = opt->model,
		.shape = model_start_config(&sizes),
		.has_positions = !opt->no_positions,
		.gene_labels = opt->gene_labels,
		.split = opt->split,
		.group = opt->split_by,
		.valid = opt->valid,
		.test = opt->test,
		.eval = opt->eval,
		.head = head_kind_parse(opt->head),
		.n_frozen = opt->freeze,
		.is_balanced = is_word(opt->class_weights, "balanced"),
		.dropout = opt->dropout,
		.keep = model_keep_parse(opt->keep),
		.patience = opt->patience,
		.lora = { .rank = opt->lora,
		    .alpha = opt->lora_alpha > 0 ? opt->lora_alpha : 2 * (double)opt->lora,
		    .seed = opt->common.seed },
		.is_merged = opt->merge,
		.is_strict = opt->strict,
		.is_truncating = opt->truncate,
		.is_bf16 = is_word(opt->storage, "bf16"),
		.max_memory = opt->max_memory,
		.predictions = opt->predictions };

	model_activation_parse(opt->activation ? opt->activation : "relu", &o.shape.activation);
	if (lora_targets_parse(opt->lora_targets ? opt->lora_targets : "attention,ffn", &o.lora, e))
		cli_usage(&opt->common, "--lora-targets: %s", e->text);
	return o;
}

/* A line of metrics: how well the model that was written finds the classes of a task. */
static void
report(struct training_log *log, const struct fine_tuning *f, enum token_set set, size_t task,
    struct err *e)
{
	const struct class_test_task *t = &f->tests[set]->tasks[task];
	size_t n = f->names->tasks[task].names->n;
	uint64_t *matrix = mem_zero(n * n, sizeof(*matrix));
	struct classification c;
	json_t *line = json_pack("{s:s}", "set", set == TOKEN_SET_TEST ? "test" : "valid");

	confusion_add(matrix, n, (const uint32_t *)(const void *)t->truth.data,
	    (const uint32_t *)(const void *)t->predicted.data, t->n);
	classification_score(&c, matrix, n);
	if (f->names->tasks[task].name)
		json_object_set_new(line, "task", json_string(f->names->tasks[task].name));
	json_object_set_new(line, "rows", json_integer((json_int_t)t->n));
	json_object_set_new(line, "loss", json_real(t->loss));
	json_object_set_new(line, "accuracy", json_real(c.accuracy));
	json_object_set_new(line, "macro_f1", json_real(c.macro.f1));
	training_log_write(log, line, e);
	classification_free(&c);
	free(matrix);
}

static void
report_all(const struct options *opt, const struct fine_tuning *f, struct err *e)
{
	struct training_log *log;

	if (!f->tests[TOKEN_SET_EVAL] && !f->tests[TOKEN_SET_TEST])
		return;
	log = training_log_open(&opt->common, opt->metrics, f->run.step, true, e);
	for (int set = TOKEN_SET_EVAL; log && set <= TOKEN_SET_TEST; set++)
		for (size_t t = 0; f->tests[set] && t < f->tests[set]->n_tasks; t++)
			if (f->tests[set]->tasks[t].n)
				report(log, f, (enum token_set)set, t, e);
	training_log_close(log, e);
}

int
main(int argc, char **argv)
{
	struct options opt = { .head = "auto",
		.class_weights = "none",
		.keep = "loss",
		.rate = 5e-5,
		.warmup = 0.1,
		.schedule = "linear",
		.decay = 0.001,
		.dropout = -1,
		.clip = 1,
		.save_every = 1000,
		.log_every = 10,
		.storage = "f32",
		.max_memory = (size_t)1 << 30 };
	struct err e = { 0 };
	struct fine_tuning result;
	char **columns = NULL;
	size_t n_columns = 0;

	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);

	struct training_options training = plan_training(&opt, &e);
	struct fine_tuning_options what = plan_tuning(&opt, &e);

	name_list_split(opt.label, &columns, &n_columns, &e);
	what.labels = (const char *const *)columns;
	what.n_labels = n_columns;
	if (!e.is_set && fine_tuning_fault(&what))
		cli_usage(&opt.common, "%s", fine_tuning_fault(&what));
	if (fine_tuning_run(&what, &training, &result, &e) == 0) {
		report_all(&opt, &result, &e);
		training_say_end(&opt.common, &result.run);
	}
	fine_tuning_free(&result);
	name_list_free(columns, n_columns);
	return cli_status(&opt.common, &e);
}
