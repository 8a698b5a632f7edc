/* gftrain.c - fine-tuning: a model learns the classes of cells or genes.
 *
 * In: tokens with labels, any number of files. Out: a model folder, which gfclassify and
 * transformers read, or adapters, which peft reads. Reference: Theodoris et al. 2023, Classifier
 * and MTLClassifier, whose faults the manual lists. */

#include <stdlib.h>
#include <string.h>

#include "base/name_list.h"
#include "base/ranks.h"
#include "nn/fine_tuning.h"
#include "nn/training_cli.h"
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
	double epochs;
	size_t steps, batch, batch_tokens;
	double warmup;
	const char *predictions;
	bool strict, merge, no_positions;
	struct training_cli training;
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
	CLI_CHOICE_H(0, "keep", "loss|accuracy|macro_f1|last", struct options, keep,
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
	TRAINING_CLI_SHAPE(struct options, training),
	CLI_FLAG_H(0, "no-positions", struct options, no_positions,
	    "a new model that does not know where a token stands"),
	CLI_DOUBLE_H('e', "epochs", "N", struct options, epochs, 1e-6, 1e6,
	    "times through the cells (10; of genes 1)"),
	CLI_SIZE_H(0, "steps", "N", struct options, steps, 1, 1e12, "updates, instead of epochs"),
	CLI_SIZE_H('b', "batch", "N", struct options, batch, 1, 1 << 30,
	    "cells a step (12, where --batch-tokens is not given)"),
	CLI_SIZE_H(0, "batch-tokens", "N", struct options, batch_tokens, 1, 1 << 30,
	    "tokens a step, at most"),
	CLI_DOUBLE_H(
	    0, "rate", "R", struct options, training.rate, 0, 10, "peak learning rate (5e-5)"),
	CLI_DOUBLE_H(0, "warmup", "N", struct options, warmup, 0, 1e9,
	    "steps of rising rate; below 1: that share of all (0.1)"),
	TRAINING_CLI_SCHEDULE(struct options, training),
	CLI_SIZE(0, "eval-every", "N", struct options, training.eval_every, 0, 1e12,
	    "steps between evaluations; 0: an epoch (0)"),
	TRAINING_CLI_METRICS(struct options, training),
	CLI_STRING(0, "predictions", "FILE", struct options, predictions,
	    "a stream of predictions of the test cells, else of those for validation"),
	CLI_FLAG_H(0, "strict", struct options, strict,
	    "a cell without a label, set or donor is an error"),
	TRAINING_CLI_FILES(struct options, training), CLI_END
};

static const struct cli_program program = { "gftrain",
	"fine-tune Geneformer to classify cells or genes", "FILE",
	CLI_THREADS | CLI_FILE_OUT | CLI_MANY_INPUTS | CLI_SEED | CLI_PROGRESS | CLI_RANKS, table };

static bool
is_word(const char *option, const char *word)
{
	return strcmp(option, word) == 0;
}

static void
check_usage(const struct options *opt)
{
	const struct cli *cli = &opt->common;
	bool has_shape = training_cli_has_shape(&opt->training) || opt->no_positions;

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
	bool is_share = opt->warmup < 1;
	struct training_options t = training_cli_plan(&opt->common, &opt->training, e);

	t.steps = opt->steps;
	t.epochs = opt->epochs > 0 ? opt->epochs : opt->gene_labels ? 1 : 10;
	t.batch_tokens = opt->batch_tokens ? opt->batch_tokens : 1 << 30;
	t.batch_cells = opt->batch || opt->batch_tokens ? opt->batch : BATCH_CELLS;
	t.warmup = is_share ? 0 : (uint64_t)opt->warmup;
	t.warmup_ratio = is_share ? opt->warmup : 0;
	return t;
}

static struct class_score
score(const uint64_t *matrix, size_t n_classes)
{
	struct classification c;
	struct class_score ret;

	classification_score(&c, matrix, n_classes);
	ret = (struct class_score){ c.n, c.accuracy, c.macro.f1 };
	classification_free(&c);
	return ret;
}

/* What the options say, but for the columns of --label. */
static struct fine_tuning_options
plan_tuning(struct options *opt, struct err *e)
{
	const struct training_cli *t = &opt->training;
	struct fine_tuning_options o = { .cli = &opt->common,
		.dictionary = opt->dictionary,
		.model = opt->model,
		.shape = training_cli_shape(&opt->common, t),
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
		.dropout = t->dropout,
		.score = score,
		.keep = model_keep_parse(opt->keep),
		.patience = opt->patience,
		.lora = { .rank = opt->lora,
		    .alpha = opt->lora_alpha > 0 ? opt->lora_alpha : 2 * (double)opt->lora,
		    .seed = opt->common.seed },
		.is_merged = opt->merge,
		.is_strict = opt->strict,
		.is_truncating = t->truncate,
		.is_bf16 = training_cli_is_bf16(t),
		.max_memory = t->max_memory,
		.predictions = opt->predictions };

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
	struct class_score got;
	json_t *line = json_pack("{s:s}", "set", set == TOKEN_SET_TEST ? "test" : "valid");

	confusion_add(matrix, n, (const uint32_t *)(const void *)t->truth.data,
	    (const uint32_t *)(const void *)t->predicted.data, t->n);
	got = score(matrix, n);
	if (f->names->tasks[task].name)
		json_object_set_new(line, "task", json_string(f->names->tasks[task].name));
	json_object_set_new(line, "rows", json_integer((json_int_t)t->n));
	json_object_set_new(line, "loss", json_real(t->loss));
	json_object_set_new(line, "accuracy", json_real(got.accuracy));
	json_object_set_new(line, "macro_f1", json_real(got.macro_f1));
	training_log_write(log, line, e);
	free(matrix);
}

static void
report_all(const struct options *opt, const struct fine_tuning *f, struct err *e)
{
	struct training_log *log;

	if (!f->tests[TOKEN_SET_EVAL] && !f->tests[TOKEN_SET_TEST])
		return;
	log = training_log_open(&opt->common, opt->training.metrics, f->run.step, true, e);
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
		.warmup = 0.1,
		.training = TRAINING_CLI_DEFAULTS };
	struct err e = { 0 };
	struct fine_tuning result;
	char **columns = NULL;
	size_t n_columns = 0;

	opt.training.rate = 5e-5;
	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);

	struct fine_tuning_options what = plan_tuning(&opt, &e);

	name_list_split(opt.label, &columns, &n_columns, &e);
	what.labels = (const char *const *)columns;
	what.n_labels = n_columns;
	if (!e.is_set && fine_tuning_fault(&what))
		cli_usage(&opt.common, "%s", fine_tuning_fault(&what));
	ranks_start(&opt.common, &e);

	struct training_options training = plan_training(&opt, &e);

	if (fine_tuning_run(&what, &training, &result, &e) == 0) {
		report_all(&opt, &result, &e);
		training_say_end(&opt.common, &result.run);
	}
	fine_tuning_free(&result);
	name_list_free(columns, n_columns);
	return ranks_end(&opt.common, &e);
}
