/* gfeval.c - how good predictions are, and how well embeddings keep labels apart and batches
 * together.
 *
 * In: predictions, with the truth in a column or a table of genes; several files, or a column, are
 * the folds of a cross-validation. Or embeddings with labels, and batches. Out: a report as text or
 * JSON. Reference: evaluation_utils of Geneformer; scikit-learn. */

#include <string.h>

#include "base/cli.h"
#include "formats/labelled_vectors.h"
#include "formats/predictions.h"
#include "stat/score_report.h"

struct options {
	struct cli common;
	const char *truth;
	const char *gene_truth;
	const char *task;
	const char *fold;
	bool no_curves;
	const char *labels;
	const char *batch;
	size_t neighbours;
	const char *metric;
	size_t clusters;
	bool is_strict;
	const char *report;
	size_t max_memory;
};

static const struct cli_option table[] = { CLI_STRING('c', "truth", "COLUMN", struct options, truth,
					       "predictions: the column with the true class"),
	CLI_STRING('g', "gene-truth", "FILE", struct options, gene_truth,
	    "predictions of genes: a CSV or TSV file of gene and true class"),
	CLI_STRING('k', "task", "NAME", struct options, task,
	    "which task, where a row has predictions of several"),
	CLI_STRING(0, "fold", "COLUMN", struct options, fold,
	    "the column with the fold of a row (else each of several FILEs is a fold)"),
	CLI_FLAG(0, "no-curves", struct options, no_curves,
	    "leave the probabilities alone: no curves, no log loss; 12 bytes a row"),
	CLI_STRING('e', "labels", "COLUMN", struct options, labels,
	    "embeddings: the column with labels that are to lie apart"),
	CLI_STRING('b', "batch", "COLUMN", struct options, batch,
	    "embeddings: the column with batches that are to be mixed"),
	CLI_SIZE('n', "neighbours", "N", struct options, neighbours, 1, 1000000,
	    "nearest neighbours that are looked at (15)"),
	CLI_CHOICE(0, "metric", "euclidean|cosine", struct options, metric,
	    "distance of the neighbours (euclidean)"),
	CLI_SIZE(0, "clusters", "N", struct options, clusters, 1, 1000000,
	    "clusters that are compared with the labels (as many as labels)"),
	CLI_FLAG(0, "strict", struct options, is_strict, "rows that would be left out are errors"),
	CLI_CHOICE('r', "report", "text|json", struct options, report, "the form (text)"),
	CLI_SIZE(0, "max-memory", "BYTES", struct options, max_memory, 1 << 16, 1e15,
	    "end with an error where the rows need more (4G)"),
	CLI_END };

static const struct cli_program program = { "gfeval", "evaluate predictions and embeddings", "FILE",
	CLI_THREADS | CLI_SEED | CLI_TEXT_OUT | CLI_MANY_INPUTS, table };

static void
check_usage(const struct options *opt)
{
	const struct cli *cli = &opt->common;
	bool of_vectors = opt->batch || opt->neighbours || opt->metric || opt->clusters;

	if (!!opt->truth + !!opt->gene_truth + !!opt->labels != 1)
		cli_usage(cli, "one of --truth COLUMN, --gene-truth FILE (predictions) and "
			       "--labels COLUMN (embeddings) is required");
	if (opt->labels && (opt->task || opt->fold || opt->no_curves))
		cli_usage(cli, "--task, --fold and --no-curves are of predictions, not of "
			       "--labels");
	if (!opt->labels && of_vectors)
		cli_usage(cli, "--batch, --neighbours, --metric and --clusters go with --labels");
	if (opt->labels && cli->n_inputs > 1)
		cli_usage(cli, "--labels takes one FILE; cellcat makes one of several");
}

static bool
is_json(const struct options *opt)
{
	return opt->report && strcmp(opt->report, "json") == 0;
}

static int
finish(const struct options *opt, struct output *out, struct err *e)
{
	if (out)
		output_commit(out, e);
	return cli_status(&opt->common, e);
}

/* Every FILE, or standard input. */
static void
read_predictions(const struct options *opt, struct predictions *p, struct err *e)
{
	const struct cli *cli = &opt->common;
	size_t n = cli->n_inputs ? cli->n_inputs : 1;

	for (size_t i = 0; i < n && !e->is_set; i++) {
		const char *path = cli->n_inputs ? cli->inputs[i] : "-";
		struct cells_reader *in = cells_open(cli, path, KIND_PREDICTIONS, e);

		predictions_read(p, in, in ? cells_name(in) : path, e);
		cells_close(in);
	}
	predictions_finish(p, e);
	if (!e->is_set && !opt->fold && p->folds.n != n)
		err_set(e, "a file that stands twice is no fold of its own");
}

/* A ROC curve needs rows of the class and others. */
static int
check_truth(const struct predictions *p, const struct evaluation_rows *rows, struct err *e)
{
	bool is_one = true;

	for (size_t i = 1; i < rows->n; i++)
		is_one &= rows->truth[i] == rows->truth[0];
	if (!is_one || rows->n_scored == 0)
		return 0;
	return err_set(e,
	    "all %zu rows have the true class %s, and one class has no ROC curve; --no-curves "
	    "reports the rest",
	    p->n, rows->classes[rows->truth[0]]);
}

static void
report_predictions(
    const struct options *opt, struct predictions *p, struct output *out, struct err *e)
{
	struct evaluation_rows rows = { .n = p->n,
		.n_classes = p->classes.n,
		.n_folds = p->folds.n,
		.n_scored = p->n_scored,
		.truth = (const uint32_t *)(const void *)p->truth.data,
		.predicted = (const uint32_t *)(const void *)p->predicted.data,
		.fold = (const uint32_t *)(const void *)p->fold.data,
		.scores = (const float *)(const void *)p->scores.data,
		.classes = p->class_names,
		.folds = p->fold_names };
	struct report_source source = { .task = p->task,
		.truth = opt->truth ? opt->truth : "gene",
		.n_without_truth = p->n_without_truth,
		.n_without_prediction = p->n_without_prediction };
	struct evaluation v;

	if (p->options.gene_truth) {
		source.has_genes = true;
		source.n_genes = p->options.gene_truth->genes.n;
		source.n_genes_met = p->n_genes_met;
	}
	if (check_truth(p, &rows, e))
		return;
	evaluation_find(&v, &rows);
	if (is_json(opt))
		evaluation_json(out, &v, &source, e);
	else
		evaluation_text(out, &v, &source, e);
	evaluation_free(&v);
}

static int
evaluate_predictions(struct options *opt, struct err *e)
{
	struct gene_classes *genes = opt->gene_truth ? gene_classes_open(opt->gene_truth, e) : NULL;
	struct predictions_options options = { .task = opt->task,
		.truth = opt->truth,
		.gene_truth = genes,
		.fold = opt->fold,
		.is_strict = opt->is_strict,
		.has_scores = !opt->no_curves,
		.max_memory = opt->max_memory };
	struct predictions *p = predictions_new(&options);
	struct output *out;

	if (!e->is_set)
		read_predictions(opt, p, e);
	out = output_create(opt->common.output, false, opt->common.force, e);
	if (out && !e->is_set)
		report_predictions(opt, p, out, e);
	predictions_free(p);
	gene_classes_free(genes);
	return finish(opt, out, e);
}

static void
report_vectors(
    struct options *opt, const struct labelled_vectors *l, struct output *out, struct err *e)
{
	struct integration_rows rows = {
		.vectors = { .n = l->n, .d = l->d, .f32 = (const float *)(const void *)l->x.data },
		.n_labels = l->label_set.n,
		.n_batches = l->batch_set.n,
		.labels = (const uint32_t *)(const void *)l->labels.data,
		.batches = (const uint32_t *)(const void *)l->batches.data,
		.label_names = l->label_names,
		.batch_names = l->batch_names
	};
	struct integration_options how = {
		.metric = opt->metric && strcmp(opt->metric, "cosine") == 0 ? METRIC_COSINE
									    : METRIC_EUCLIDEAN,
		.k = opt->neighbours ? opt->neighbours : 15,
		.n_clusters = opt->clusters,
		.seed = opt->common.seed,
		.threads = (size_t)opt->common.threads
	};
	struct integration s;

	integration_find(&s, &rows, &how, e);
	if (is_json(opt))
		integration_json(out, &s, l->n_left_out, e);
	else
		integration_text(out, &s, l->n_left_out, e);
	integration_free(&s);
}

static int
evaluate_vectors(struct options *opt, struct err *e)
{
	struct labelled_vectors_options options = { opt->labels, opt->batch, opt->is_strict,
		opt->max_memory };
	struct cells_reader *in = cells_open(&opt->common, opt->common.input, KIND_EMBEDDINGS, e);
	struct labelled_vectors *l = labelled_vectors_read(in, &options, e);
	struct output *out = output_create(opt->common.output, false, opt->common.force, e);

	if (out && !e->is_set) {
		report_vectors(opt, l, out, e);
		err_prefix(e, "%s", cells_name(in));
	}
	labelled_vectors_free(l);
	cells_close(in);
	return finish(opt, out, e);
}

int
main(int argc, char **argv)
{
	struct options opt = { .max_memory = (size_t)4 << 30 };
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);
	return opt.labels ? evaluate_vectors(&opt, &e) : evaluate_predictions(&opt, &e);
}
