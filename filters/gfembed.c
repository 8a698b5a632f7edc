/* gfembed.c - Geneformer embeddings of cells, genes and cell states.
 *
 * In: tokens. Out: embeddings, a row a cell in input order; with --pool gene a row a gene (its mean
 * over the cells that have it), with --summary a row a state. Reference: Theodoris et al. 2023;
 * EmbExtractor, whose faults the manual lists. */

#include <string.h>

#include "base/cli.h"
#include "formats/cells.h"
#include "nn/embed_rows.h"
#include "nn/embed_stream.h"
#include "nn/model_vocabulary.h"

struct options {
	struct cli common;
	const char *model;
	const char *dictionary;
	const char *pool;
	int layer;
	const char *summary;
	const char *by;
	bool truncate;
	const char *device;
	const char *precision;
	size_t batch_tokens;
	size_t max_memory;
};

static const struct cli_option table[] = {
	CLI_STRING('m', "model", "MODEL", struct options, model,
	    "a Hugging Face model folder, or the name of one under $GENEFORMER_DIR (required)"),
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "gene tokens, for streams without a vocabulary: a genes file, a folder, V1 or V2"),
	CLI_CHOICE_H('p', "pool", "auto|cls|mean|gene", struct options, pool,
	    "the <cls> token, the mean of the genes, or genes over cells (auto: cls where there is "
	    "one)"),
	CLI_INT_H('y', "layer", "N", struct options, layer, -1000, 0,
	    "0 the last layer, -1 the one before it ... (-1)"),
	CLI_CHOICE_H('s', "summary", "mean|median", struct options, summary,
	    "one row for each state of --by"),
	CLI_STRING_H(
	    'b', "by", "COLUMN", struct options, by, "the column that holds the state of a cell"),
	CLI_FLAG_H(0, "truncate", struct options, truncate,
	    "cut cells that are longer than the model's positions"),
	CLI_CHOICE(0, "device", "auto|cpu|cuda", struct options, device, "where to compute (auto)"),
	CLI_CHOICE(0, "precision", "auto|f32|bf16|fp16|int8", struct options, precision,
	    "of the arithmetic (auto: a fixed rule by the kind of CPU or GPU)"),
	CLI_SIZE(0, "batch-tokens", "N", struct options, batch_tokens, 1, 1 << 30,
	    "tokens that a thread takes at once; changes speed and memory only"),
	CLI_SIZE(0, "max-memory", "BYTES", struct options, max_memory, 1 << 16, 1e15,
	    "for --summary median: beyond it cells go to a file in $TMPDIR (1G)"),
	CLI_END
};

static const struct cli_program program = { "gfembed",
	"embed cells, genes and cell states with Geneformer", "FILE", CLI_THREADS | CLI_STREAM_OUT,
	table };

static void
check_usage(const struct options *opt)
{
	const struct cli *cli = &opt->common;

	if (!opt->model)
		cli_usage(cli, "-m MODEL is required");
	if (!opt->summary != !opt->by)
		cli_usage(cli, "--summary and --by go together");
	if (opt->summary && strcmp(opt->pool, "gene") == 0)
		cli_usage(cli, "--summary is of cells, so it does not go with --pool gene");
}

static enum embed_pool
choose_pool(const struct options *opt, const struct genes *genes, struct err *e)
{
	if (strcmp(opt->pool, "gene") == 0)
		return EMBED_TOKENS;
	if (strcmp(opt->pool, "mean") == 0 ||
	    (strcmp(opt->pool, "auto") == 0 && genes && genes->cls < 0))
		return EMBED_MEAN;
	if (genes && genes->cls < 0)
		err_set(e, "--pool cls: the vocabulary has no <cls>");
	return EMBED_FIRST;
}

int
main(int argc, char **argv)
{
	struct options opt = { .pool = "auto",
		.layer = -1,
		.device = "auto",
		.precision = "auto",
		.max_memory = (size_t)1 << 30 };
	struct cli *cli = &opt.common;
	struct err e = { 0 };
	uint64_t n_truncated = 0;

	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);

	struct model *model = model_open(opt.model, &e);
	struct cells_reader *in = cells_open(cli, cli->input, KIND_TOKENS, &e);
	struct genes *genes =
	    model_vocabulary_find(cli, opt.dictionary, in, model, strcmp(opt.pool, "cls") != 0, &e);
	enum embed_pool pool = choose_pool(&opt, genes, &e);
	struct embed_options wanted = { pool, opt.layer, opt.device, opt.precision,
		(size_t)cli->threads };
	struct embedder *embedder = e.is_set ? NULL : embedder_open(model, &wanted, &e);

	if (embedder)
		embedder_note(embedder, model, cli);

	struct embed_rows *rows = embed_rows_new(cli, in, genes, model, opt.by,
	    opt.summary && strcmp(opt.summary, "median") == 0, opt.max_memory, pool, &e);

	if (!e.is_set) {
		struct embed_stream_options how = { .limits = { model->config.vocab,
							model->config.positions, opt.truncate,
							genes ? genes->eos : -1 },
			.cls = genes ? genes->cls : -1,
			.eos = genes ? genes->eos : -1,
			.without_cls = pool == EMBED_FIRST && genes && genes->cls >= 0
					   ? "does not begin with <cls> (--pool mean needs none)"
					   : NULL,
			.batch_tokens = opt.batch_tokens,
			.workers = (size_t)cli->threads };

		embed_stream(in, embedder, &how, embed_rows_take, rows, &n_truncated, &e);
	}
	if (n_truncated && !e.is_set)
		cli_warn(cli, "%llu cells cut to the model's %zu positions",
		    (unsigned long long)n_truncated, model->config.positions);

	int status = cells_finish(cli, in, embed_rows_finish(rows, &e), &e);

	embed_rows_free(rows);
	embedder_close(embedder);
	genes_free(genes);
	model_close(model);
	return status;
}
