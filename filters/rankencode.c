/* rankencode.c - turn each cell into its tokens, from the highest value to the lowest.
 *
 * In: values. Out: tokens. Reference: Theodoris et al. 2023, Methods, "rank value encoding"; equal
 * values keep the order of the columns. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli.h"
#include "cell/rank.h"
#include "formats/cells.h"
#include "formats/genes_file.h"
#include "formats/token_pairs.h"
#include "nn/model.h"

enum { LENGTH_WITH_SPECIAL = 4096, LENGTH_WITHOUT = 2048 };

struct options {
	struct cli common;
	const char *dictionary;
	const char *model;
	const char *special;
	size_t max_length;
	bool keep_empty;
	const char *pair, *pair_with, *separator;
};

static const struct cli_option table[] = {
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "gene tokens: a genes file, a folder of dictionaries, V1 or V2 (required, unless MODEL "
	    "has its own)"),
	CLI_STRING('m', "model", "MODEL", struct options, model,
	    "take length and vocabulary from this model folder"),
	CLI_SIZE_H('n', "max-length", "MAX", struct options, max_length, 1, 1 << 30,
	    "longest cell in tokens (4096 with special tokens, 2048 without, or the model's)"),
	CLI_CHOICE_H('s', "special", "yes|no|auto", struct options, special,
	    "put <cls> before and <eos> behind (auto: if the dictionary has them)"),
	CLI_FLAG_H('k', "keep-empty", struct options, keep_empty, "keep cells without any token"),
	CLI_STRING_H('p', "pair", "COLUMN", struct options, pair,
	    "join each cell with the one of the previous time point, which this column names"),
	CLI_STRING('w', "pair-with", "FILE", struct options, pair_with,
	    "the values of the cells of the previous time point (those of FILE)"),
	CLI_STRING_H(0, "separator", "TOKEN", struct options, separator,
	    "between the two (<sep> where the dictionary has it, else <eos>; else <sep> is added)"),
	CLI_END
};

static const struct cli_program program = { "rankencode",
	"encode cells as tokens ranked by expression", "FILE", CLI_THREADS | CLI_STREAM_OUT,
	table };

/* The dictionary given, or the one in the model's folder. */
static struct genes *
open_dictionary(struct options *opt, const struct model *model, struct err *e)
{
	struct genes *genes;
	char *path;

	if (opt->dictionary || !model)
		return genes_open(&opt->common, opt->dictionary, e);
	path = mem_printf("%s/genes.cells", model->path);
	if (access(path, R_OK))
		err_set(e, "model %s has no genes.cells; give its dictionary with -d DICT",
		    model->path);
	genes = genes_open(&opt->common, path, e);
	free(path);
	return genes;
}

/* The token between the cells of a pair; the dictionary gets one where it has none. */
static int32_t
choose_separator(
    const struct options *opt, struct genes *genes, const struct model *model, struct err *e)
{
	const char *name = opt->separator;
	ptrdiff_t row;

	if (e->is_set || !opt->pair)
		return NO_TOKEN;
	if (!name && genes->sep < 0 && genes->eos >= 0)
		return genes->eos;
	if (!name && genes->sep < 0 && model)
		err_set(e,
		    "model %s has no room for a separator of pairs, and the dictionary has neither "
		    "<sep> nor <eos>; choose a token of it with --separator",
		    model->path);
	else if (!name && genes->sep < 0)
		genes_add_token(genes, "<sep>");
	if (!name || e->is_set)
		return genes->sep;
	row = genes_find(genes, name, strlen(name));
	if (row < 0 || genes->tokens[row] == NO_TOKEN)
		err_set(e, "--separator: the dictionary has no token %s", name);
	return row < 0 ? NO_TOKEN : genes->tokens[row];
}

static struct rank_options
choose(
    const struct options *opt, const struct genes *genes, const struct model *model, struct err *e)
{
	bool has_special = genes && genes->cls >= 0 && genes->eos >= 0;
	struct rank_options r = { .keep_empty = opt->keep_empty };

	r.special =
	    strcmp(opt->special, "auto") == 0 ? has_special : strcmp(opt->special, "yes") == 0;
	r.max_length = opt->max_length ? opt->max_length
		       : model         ? model->config.positions
		       : r.special     ? LENGTH_WITH_SPECIAL
				       : LENGTH_WITHOUT;
	if (model && r.max_length > model->config.positions)
		err_set(e, "model %s has %zu positions, so cells cannot be %zu tokens long",
		    model->path, model->config.positions, r.max_length);
	if (model && genes && genes->n_tokens != model->config.vocab)
		err_set(e, "model %s has a vocabulary of %zu, but the dictionary one of %zu",
		    model->path, model->config.vocab, genes->n_tokens);
	if (r.special && genes && !has_special)
		err_set(e, "special tokens are wanted, but the dictionary has no <cls> and <eos>");
	if (r.special && r.max_length < 3)
		err_set(e, "with special tokens a cell needs room for 3 tokens at least");
	if (opt->pair && r.max_length < token_pairs_least(r.special))
		err_set(
		    e, "a pair needs room for %zu tokens at least", token_pairs_least(r.special));
	return r;
}

struct encoding {
	struct ranking *ranking;
	struct token_pairs *pairs; /* NULL: none */
};

static int
encode(struct batch *b, void *context, struct err *e)
{
	struct encoding *x = context;

	if (ranking_batch(b, x->ranking, e))
		return -1;
	return x->pairs ? token_pairs_join(x->pairs, b, e) : 0;
}

static void
report_pairs(const struct cli *cli, const struct token_pairs *pairs, struct err *e)
{
	struct pair_totals t = token_pairs_totals(pairs);

	if (t.n_missing && !t.n_pairs)
		err_set(e, "no cell that --pair names is there, with tokens");
	else if (t.n_missing)
		cli_warn(cli, "%llu cells without their previous one, which is not there",
		    (unsigned long long)t.n_missing);
	cli_inform(cli, "%llu pairs, %llu of them cut, %llu cells that name no previous one",
	    (unsigned long long)t.n_pairs, (unsigned long long)t.n_cut,
	    (unsigned long long)t.n_first);
}

static void
report(const struct cli *cli, const struct cells_reader *in, const struct ranking *ranking,
    struct err *e)
{
	struct rank_totals t;
	double share;

	if (e->is_set)
		return;
	if (ranking_check(ranking, &share, e)) {
		err_prefix(e, "%s", cells_name(in));
		return;
	}
	t = ranking_totals(ranking);
	if (share < 0.1)
		cli_warn(
		    cli, "only %.1f %% of the genes have a token in the dictionary", 100 * share);
	if (t.n_empty)
		cli_warn(cli, "%llu cells without any token in the dictionary%s",
		    (unsigned long long)t.n_empty, ranking_keeps_empty(ranking) ? "" : " left out");
	cli_inform(cli,
	    "%llu cells cut to the longest length, %llu entries of genes without a token dropped",
	    (unsigned long long)t.n_truncated, (unsigned long long)t.n_dropped);
}

int
main(int argc, char **argv)
{
	struct options opt = { .special = "auto" };
	struct cli *cli = &opt.common;
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);
	if (!opt.dictionary && !opt.model)
		cli_usage(cli, "-d DICT is required, or -m MODEL of a folder with a genes.cells");
	if (!opt.pair && (opt.pair_with || opt.separator))
		cli_usage(cli, "--pair-with and --separator go with --pair COLUMN");

	struct model *model = opt.model ? model_open(opt.model, &e) : NULL;
	struct genes *genes = open_dictionary(&opt, model, &e);
	int32_t separator = choose_separator(&opt, genes, model, &e);
	struct rank_options options = choose(&opt, genes, model, &e);
	struct token_pairs_options paired = { opt.pair, options, separator };
	struct encoding encoding = { 0 };

	/* Pairs of one stream: it is read before, and then again. */
	if (opt.pair && !opt.pair_with)
		encoding.pairs = token_pairs_open(cli, cli->input, true, genes, &paired, &e);

	struct cells_reader *in = cells_open(cli, cli->input, KIND_VALUES, &e);

	encoding.ranking = ranking_plan(cells_schema(in), genes, &options, &e);
	if (genes && in && !encoding.ranking)
		err_prefix(&e, "%s", cells_name(in));

	struct schema *schema = ranking_schema(encoding.ranking);

	if (opt.pair_with)
		encoding.pairs = token_pairs_open(cli, opt.pair_with, false, genes, &paired, &e);
	if (encoding.pairs)
		token_pairs_bind(encoding.pairs, schema, &e);

	struct cells_writer *out = cells_create(cli, KIND_TOKENS, schema, &e);

	cells_map(cli, in, out, encode, &encoding, &e);
	report(cli, in, encoding.ranking, &e);
	if (encoding.pairs && !e.is_set)
		report_pairs(cli, encoding.pairs, &e);

	int status = cells_finish(cli, in, out, &e);

	token_pairs_free(encoding.pairs);
	ranking_free(encoding.ranking);
	genes_free(genes);
	model_close(model);
	return status;
}
