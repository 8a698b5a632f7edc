/* logreg.c - logistic regression of cell classes: the baseline of every fine-tuned model.
 *
 * With --label. In: counts, values, tokens or embeddings, of any number of files. Out: a model.
 * With -m MODEL. In: the same kind of cells. Out: predictions, as gfclassify writes them. */

#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/io.h"
#include "base/progress.h"
#include "formats/labelled_features.h"
#include "formats/logistic_file.h"
#include "nn/logistic_predictor.h"
#include "stat/logistic.h"

struct options {
	struct cli common;
	const char *label;
	const char *model;
	const char *genes;
	double cost;
	const char *class_weights;
	const char *token_feature;
	const char *dictionary;
	double tolerance;
	size_t max_iterations;
	bool is_strict;
	size_t max_memory;
};

static const struct cli_option table[] = {
	CLI_STRING('c', "label", "COLUMN", struct options, label,
	    "fit: the column with the class of a cell; -o names the model"),
	CLI_STRING('m', "model", "MODEL", struct options, model, "predict with this model"),
	CLI_STRING('g', "genes", "N|all|A,B|@FILE", struct options, genes,
	    "fit: to the N most variable genes, or to these (2000)"),
	{ 'C', "cost", "C", CLI_TYPE_DOUBLE, offsetof(struct options, cost), 1e-9, 1e9, false,
	    "fit: what errors cost against large coefficients (1)" },
	CLI_CHOICE('w', "class-weights", "none|balanced", struct options, class_weights,
	    "fit: balanced lets rare classes count as much as frequent ones (none)"),
	CLI_CHOICE(0, "token-feature", "presence|rank", struct options, token_feature,
	    "fit: what a token says of its gene (presence)"),
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "genes of tokens without a vocabulary: a genes file, a folder, V1 or V2"),
	{ 0, "tolerance", "X", CLI_TYPE_DOUBLE, offsetof(struct options, tolerance), 1e-12, 1e12,
	    false, "fit: until the coefficients are this near to the optimum (0.01)" },
	CLI_SIZE(0, "max-iterations", "N", struct options, max_iterations, 1, 1e9,
	    "fit: end with a warning after so many (1000)"),
	CLI_FLAG(
	    's', "strict", struct options, is_strict, "fit: a cell without a label is an error"),
	CLI_SIZE(0, "max-memory", "BYTES", struct options, max_memory, 1 << 16, 1e15,
	    "fit: what does not fit while genes are chosen goes to a file in TMPDIR (1G)"),
	CLI_END
};

static const struct cli_program program = { "logreg",
	"fit a logistic regression to cells, and classify cells with it", "FILE",
	CLI_THREADS | CLI_STREAM_OUT | CLI_MANY_INPUTS, table };

static void
check_usage(const struct options *opt)
{
	const struct cli *cli = &opt->common;
	bool of_fit = opt->genes || opt->cost > 0 || opt->class_weights || opt->token_feature ||
		      opt->tolerance > 0 || opt->max_iterations || opt->is_strict ||
		      opt->max_memory;

	if (!opt->label == !opt->model)
		cli_usage(
		    cli, "one of --label COLUMN (fit a model) and -m MODEL (predict) is required");
	if (opt->label && !cli->output)
		cli_usage(cli, "-o MODEL is required with --label");
	if (opt->model && of_fit)
		cli_usage(cli, "of the options only -d goes with -m; the others go with --label");
	if (opt->model && cli->n_inputs > 1)
		cli_usage(cli, "-m takes one FILE, not '%s' too", cli->inputs[1]);
}

/* Fitting */

static bool
is_word(const char *option, const char *word)
{
	return option && strcmp(option, word) == 0;
}

static void
show_iteration(void *context, size_t iteration, double gradient_norm)
{
	(void)iteration;
	(void)gradient_norm;
	progress_advance(context, 1, -1);
}

static void
fit(const struct options *opt, const struct labelled_features *l, struct logistic *m, struct err *e)
{
	struct logistic_rows rows = { l->n, l->n_features, l->dense, l->offsets, l->columns,
		l->values };
	bool is_balanced = is_word(opt->class_weights, "balanced");
	double *weights = is_balanced ? logistic_balance(l->labels, l->n, l->n_classes) : NULL;
	struct progress progress;
	struct logistic_options how = { .cost = opt->cost > 0 ? opt->cost : 1,
		.class_weights = weights,
		.tolerance = opt->tolerance > 0 ? opt->tolerance : 0.01,
		.max_iterations = opt->max_iterations ? opt->max_iterations : 1000,
		.threads = (size_t)opt->common.threads,
		.progress = show_iteration,
		.context = &progress };

	progress_start(&progress, &opt->common, "iterations");
	logistic_fit(m, &rows, l->labels, l->n_classes, &how, e);
	progress_end(&progress);
	free(weights);
	if (!e->is_set && !m->is_converged)
		cli_warn(&opt->common,
		    "not converged after %zu iterations: the norm of the gradient is %.3g, not "
		    "%.3g",
		    m->n_iterations, m->gradient_norm, how.tolerance);
}

static void
write_model(const struct options *opt, const struct labelled_features *l, const struct logistic *m,
    struct err *e)
{
	struct logistic_file file = { .kind = l->kind,
		.feature = l->feature,
		.n_classes = m->n_classes,
		.n_features = m->n_features,
		.classes = l->classes,
		.genes = l->genes,
		.weights = m->weights,
		.intercepts = m->intercepts };
	json_t *about = json_pack("{s:s, s:s, s:f, s:s, s:I, s:I, s:I, s:f, s:f}", "version",
	    CELLPIPE_VERSION, "label", opt->label, "cost", opt->cost > 0 ? opt->cost : 1,
	    "class_weights", opt->class_weights ? opt->class_weights : "none", "cells",
	    (json_int_t)l->n, "cells_left_out", (json_int_t)l->n_left_out, "iterations",
	    (json_int_t)m->n_iterations, "objective", m->objective, "gradient_norm",
	    m->gradient_norm);

	logistic_file_write(opt->common.output, &file, about, e);
	json_decref(about);
}

static int
make_model(struct options *opt, struct err *e)
{
	struct cli *cli = &opt->common;
	struct labelled_features_options options = { .label = opt->label,
		.genes = opt->genes,
		.dictionary = opt->dictionary,
		.is_rank = is_word(opt->token_feature, "rank"),
		.is_strict = opt->is_strict,
		.max_memory = opt->max_memory ? opt->max_memory : (size_t)1 << 30 };
	struct labelled_features *l = NULL;
	struct logistic m = { 0 };

	/* That it cannot be written is better known before the work than after it. */
	output_abort(output_create(cli->output, true, cli->force, e));
	if (!e->is_set)
		l = labelled_features_read(cli, &options, e);
	if (l && l->n_left_out)
		cli_warn(cli, "%zu cells without a label left out", l->n_left_out);
	if (l && l->n_absent)
		cli_warn(cli, "%zu genes of --genes are in no cell", l->n_absent);
	if (!e->is_set)
		fit(opt, l, &m, e);
	if (!e->is_set) {
		cli_inform(cli,
		    "%zu cells, %zu classes, %zu features: objective %.9g after %zu iterations, "
		    "norm of the gradient %.3g",
		    l->n, m.n_classes, m.n_features, m.objective, m.n_iterations, m.gradient_norm);
		write_model(opt, l, &m, e);
	}
	logistic_free(&m);
	labelled_features_free(l);
	return cli_status(cli, e);
}

/* Predicting */

static int
predict(struct options *opt, struct err *e)
{
	struct cli *cli = &opt->common;
	struct logistic_file *file = logistic_file_open(opt->model, e);
	struct cells_reader *in = file ? cells_open(cli, cli->input, file->kind, e) : NULL;
	struct genes *vocabulary = NULL;
	struct class_names *names = NULL;

	if (in)
		names = class_names_from(file->classes, file->n_classes, opt->model, e);
	if (names && file->kind == KIND_TOKENS)
		vocabulary = token_vocabulary(cli, opt->dictionary, in, e);
	if (file)
		cli_note(cli, "model", file->hash);

	struct logistic_predictor *p = logistic_predictor_new(cli, file, names, in, vocabulary, e);
	struct cells_writer *out =
	    p ? cells_create(cli, KIND_PREDICTIONS, logistic_predictor_schema(p), e) : NULL;

	cells_map(cli, in, out, logistic_predictor_work, p, e);
	logistic_predictor_check(p, e);

	int status = cells_finish(cli, in, out, e);

	logistic_predictor_free(p);
	genes_free(vocabulary);
	class_names_free(names);
	logistic_file_free(file);
	return status;
}

int
main(int argc, char **argv)
{
	struct options opt = { 0 };
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);
	return opt.label ? make_model(&opt, &e) : predict(&opt, &e);
}
