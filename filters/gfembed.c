/* gfembed.c - Geneformer embeddings of cells, genes and cell states.
 *
 * In: tokens. Out: embeddings, a row a cell in input order; with --pool gene a row a gene (its mean
 * over the cells that have it), with --summary a row a state. Reference: Theodoris et al. 2023;
 * EmbExtractor, whose faults the manual lists. */

#include <string.h>

#include "base/cli.h"
#include "formats/cells.h"
#include "formats/genes_file.h"
#include "nn/embed_rows.h"
#include "nn/embed_stream.h"
#include "nn/model.h"

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

/* The vocabulary that the stream has, which DICT must not contradict. */
static struct genes *
own_vocabulary(
    const struct cells_reader *in, const char *text, const struct genes *given, struct err *e)
{
	struct genes *own = genes_from_vocabulary(text, e);
	struct arena a = { 0 };

	if (own && given && strcmp(genes_vocabulary(given, &a), genes_vocabulary(own, &a)) != 0)
		err_set(e, "its vocabulary is not that of the dictionary");
	err_prefix(e, "%s", cells_name(in));
	arena_free(&a);
	return own;
}

/* The names of the tokens: the stream's own, else DICT's, else the model's; NULL where nobody has
 * any. */
static struct genes *
find_vocabulary(
    struct options *opt, const struct cells_reader *in, const struct model *model, struct err *e)
{
	const struct schema *s = cells_schema(in);
	struct genes *given = opt->dictionary ? genes_open(&opt->common, opt->dictionary, e) : NULL;
	const char *text;

	if (e->is_set)
		return given;
	text = metadata_get(&s->fields[schema_find(s, "input_ids")].metadata, "cells:vocabulary");
	if (text) {
		struct genes *own = own_vocabulary(in, text, given, e);

		genes_free(given);
		return own;
	}
	if (given)
		return given;
	return model->vocabulary ? genes_from_names((const char *const *)model->vocabulary,
				       model->config.vocab, e)
				 : NULL;
}

static enum embed_pool
choose_pool(const struct options *opt, const struct cells_reader *in, const struct genes *genes,
    struct err *e)
{
	if (!genes && !e->is_set && strcmp(opt->pool, "cls") != 0)
		err_set(e,
		    "%s: the stream has no vocabulary, so special tokens and genes are unknown; "
		    "give it with -d DICT",
		    cells_name(in));
	if (strcmp(opt->pool, "gene") == 0)
		return EMBED_TOKENS;
	if (strcmp(opt->pool, "mean") == 0 ||
	    (strcmp(opt->pool, "auto") == 0 && genes && genes->cls < 0))
		return EMBED_MEAN;
	if (genes && genes->cls < 0)
		err_set(e, "--pool cls: the vocabulary has no <cls>");
	return EMBED_FIRST;
}

static int
check_vocabulary(const struct cells_reader *in, const struct genes *genes,
    const struct model *model, struct err *e)
{
	if (!genes || e->is_set)
		return 0;
	if (genes->n_tokens != model->config.vocab)
		return err_set(e,
		    "%s: the model %s has a vocabulary of %zu, but the cells have one of %zu",
		    cells_name(in), model->path, model->config.vocab, genes->n_tokens);
	for (size_t t = 0; model->vocabulary && t < genes->n_tokens; t++) {
		size_t size;
		const char *name = strings_get(genes->ids, (size_t)genes->token_rows[t], &size);
		const char *own = model->vocabulary[t];

		if (own && (strlen(own) != size || memcmp(own, name, size) != 0))
			return err_set(e,
			    "%s: token %zu is %.*s in the cells, but %s in the model %s",
			    cells_name(in), t, (int)size, name, own, model->path);
	}
	return 0;
}

static void
note_model(struct cli *cli, const struct model *model, const struct embedder *embedder)
{
	char hash[33];

	model_hash(model, hash);
	cli_note(cli, "model", hash);
	cli_note(cli, "precision", embedder_precision(embedder));
	cli_inform(cli, "on %s in %s", embedder_device(embedder), embedder_precision(embedder));
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
	struct genes *genes = find_vocabulary(&opt, in, model, &e);
	enum embed_pool pool = choose_pool(&opt, in, genes, &e);

	check_vocabulary(in, genes, model, &e);

	struct embed_options wanted = { pool, opt.layer, opt.device, opt.precision,
		(size_t)cli->threads };
	struct embedder *embedder = e.is_set ? NULL : embedder_open(model, &wanted, &e);

	if (embedder)
		note_model(cli, model, embedder);

	struct embed_rows *rows = embed_rows_new(cli, in, genes, model, opt.by,
	    opt.summary && strcmp(opt.summary, "median") == 0, opt.max_memory, pool, &e);

	if (!e.is_set) {
		struct embed_stream_options how = { .pool = pool,
			.limits = { model->config.vocab, model->config.positions, opt.truncate,
			    genes ? genes->eos : -1 },
			.cls = genes ? genes->cls : -1,
			.eos = genes ? genes->eos : -1,
			.batch_tokens = opt.batch_tokens,
			.workers = (size_t)cli->threads };

		embed_stream(in, embedder, model->config.hidden, &how, embed_rows_take, rows,
		    &n_truncated, &e);
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
