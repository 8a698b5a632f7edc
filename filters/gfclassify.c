/* gfclassify.c - classes of cells or genes by a fine-tuned Geneformer.
 *
 * In: tokens. Out: predictions, a row a cell in input order; for a model that classifies genes a
 * row a gene (the mean over the cells that have it), with --per-cell a row for each gene of each
 * cell. Reference: Theodoris et al. 2023; Classifier and MTLClassifier, whose faults the manual
 * lists. */

#include "base/cli.h"
#include "formats/cells.h"
#include "nn/class_names.h"
#include "nn/class_rows.h"
#include "nn/embed_stream.h"
#include "nn/model_vocabulary.h"

struct options {
	struct cli common;
	const char *model, *base;
	const char *dictionary;
	const char *classes;
	bool per_cell;
	bool logits;
	bool embeddings;
	bool truncate;
	const char *device;
	const char *precision;
	size_t batch_tokens;
};

static const struct cli_option table[] = {
	CLI_STRING('m', "model", "MODEL", struct options, model,
	    "a folder with a classifier, or the name of one under $GENEFORMER_DIR (required)"),
	CLI_STRING(0, "base", "MODEL", struct options, base,
	    "the model that the adapters of peft in MODEL are for (the one that they name)"),
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "gene tokens, for streams without a vocabulary: a genes file, a folder, V1 or V2"),
	CLI_STRING('c', "classes", "FILE", struct options, classes,
	    "names of the classes: a text, id_class_dict.pkl or task_label_mappings.pkl"),
	CLI_FLAG_H('p', "per-cell", struct options, per_cell,
	    "for models that classify genes: a row for each gene of each cell"),
	CLI_FLAG_H(0, "logits", struct options, logits, "add the logits of all classes"),
	CLI_FLAG_H(0, "embeddings", struct options, embeddings,
	    "add the vector that the classifier decides by"),
	CLI_FLAG_H(0, "truncate", struct options, truncate,
	    "cut cells that are longer than the model's positions"),
	CLI_CHOICE(0, "device", "auto|cpu|cuda", struct options, device, "where to compute (auto)"),
	CLI_CHOICE(0, "precision", "auto|f32|bf16|fp16|int8", struct options, precision,
	    "of the arithmetic (auto: a fixed rule by the kind of CPU or GPU)"),
	CLI_SIZE(0, "batch-tokens", "N", struct options, batch_tokens, 1, 1 << 30,
	    "tokens that a thread takes at once; changes speed and memory only"),
	CLI_END
};

static const struct cli_program program = { "gfclassify",
	"classify cells and genes with a fine-tuned Geneformer", "FILE",
	CLI_THREADS | CLI_STREAM_OUT, table };

/* What a row of the output is. */
static enum class_rows_of
choose_rows(const struct options *opt, const struct model *model, struct err *e)
{
	if (e->is_set || model->config.class != MODEL_TOKEN) {
		if (!e->is_set && opt->per_cell)
			err_set(e,
			    "--per-cell: the model %s classifies cells, so every row is a cell",
			    model->path);
		return CLASS_ROWS_OF_CELLS;
	}
	return opt->per_cell ? CLASS_ROWS_OF_POSITIONS : CLASS_ROWS_OF_GENES;
}

/* A classifier that looks at the first token has learnt that this is <cls>, where there is one. */
static const char *
reason_without_cls(const struct genes *genes, const struct plan *plan)
{
	return plan->rows == PLAN_FIRST && genes->cls >= 0
		   ? "does not begin with <cls>, which the classifier looks at"
		   : NULL;
}

int
main(int argc, char **argv)
{
	struct options opt = { .device = "auto", .precision = "auto" };
	struct cli *cli = &opt.common;
	struct err e = { 0 };
	struct plan plan = { 0 };
	uint64_t n_truncated = 0;

	cli_parse(&opt, argc, argv, &program);
	if (!opt.model)
		cli_usage(cli, "-m MODEL is required");

	struct model *model = model_open_on(opt.model, opt.base, &e);

	if (!e.is_set)
		plan_make_classes(&plan, model, opt.embeddings, &e);

	struct class_rows_options wanted = { choose_rows(&opt, model, &e), opt.logits };
	struct class_names *names = class_names_open(model, opt.classes, &e);
	struct cells_reader *in = cells_open(cli, cli->input, KIND_TOKENS, &e);
	struct genes *genes = model_vocabulary_find(cli, opt.dictionary, in, model, true, &e);
	struct embedder *embedder =
	    embedder_open_plan(model, &plan, opt.device, opt.precision, (size_t)cli->threads, &e);

	if (embedder)
		embedder_note(embedder, model, cli);

	struct class_rows *rows =
	    class_rows_new(cli, cells_schema(in), genes, names, model, &plan, &wanted, &e);

	if (!e.is_set) {
		struct embed_stream_options how = { .limits = { model->config.vocab,
							model->config.positions, opt.truncate,
							genes->eos },
			.cls = genes->cls,
			.eos = genes->eos,
			.without_cls = reason_without_cls(genes, &plan),
			.batch_tokens = opt.batch_tokens,
			.workers = (size_t)cli->threads };

		embed_stream(in, embedder, &how, class_rows_take, rows, &n_truncated, &e);
	}
	if (n_truncated && !e.is_set)
		cli_warn(cli, "%llu cells cut to the model's %zu positions",
		    (unsigned long long)n_truncated, model->config.positions);

	int status = cells_finish(cli, in, class_rows_finish(rows, &e), &e);

	class_rows_free(rows);
	embedder_close(embedder);
	genes_free(genes);
	class_names_free(names);
	model_close(model);
	return status;
}
