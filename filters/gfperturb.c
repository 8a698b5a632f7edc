/* gfperturb.c - what taking away, raising or lowering genes does to a cell's embedding.
 *
 * In: tokens. Out: perturbations, a row for each perturbation of each cell in input order; with
 * --tokens the perturbed cells themselves. Reference: Theodoris et al. 2023, "in silico
 * perturbation"; InSilicoPerturber, whose faults the manual lists. */

#include <string.h>

#include "base/cli.h"
#include "cell/gene_choice.h"
#include "formats/genes_file.h"
#include "nn/backend.h"
#include "nn/model_vocabulary.h"
#include "nn/perturb_rows.h"

struct options {
	struct cli common;
	const char *model, *dictionary;
	const char *type, *genes, *anchor;
	size_t combos, quartiles;
	const char *pool;
	int layer;
	bool per_gene;
	const char *states, *by, *start, *goal, *alt;
	const char *keep;
	size_t screen;
	bool tokens, resume, truncate;
	const char *device, *precision;
	size_t batch_tokens;
	char genes_hash[34];
};

static const struct cli_option table[] = {
	CLI_STRING('m', "model", "MODEL", struct options, model,
	    "a Hugging Face model folder, or the name of one under $GENEFORMER_DIR (required)"),
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "symbols of genes, and tokens for streams without a vocabulary: a genes file, a "
	    "folder, "
	    "V1 or V2"),
	CLI_CHOICE_H(0, "type", "delete|overexpress|inhibit|activate", struct options, type,
	    "what is done to the genes (required)"),
	CLI_STRING_H('g', "genes", "GENES", struct options, genes,
	    "A,B one at a time, C+D together, @FILE a group a line, or all: each gene of the cell "
	    "(all)"),
	CLI_SIZE_H('c', "combos", "N", struct options, combos, 1, 100,
	    "all N of them at once as well (1)"),
	CLI_STRING_H('a', "anchor", "GENE", struct options, anchor, "a gene that joins each group"),
	CLI_SIZE_H('n', "quartiles", "N", struct options, quartiles, 1, 3,
	    "by how many quarters of the cell's genes inhibit and activate move a gene (1)"),
	CLI_CHOICE_H('p', "pool", "auto|cls|mean", struct options, pool,
	    "compare the <cls> tokens, or the genes (auto: cls where there is one)"),
	CLI_INT_H('y', "layer", "N", struct options, layer, -1000, 0,
	    "0 the last layer, -1 the one before it ... (-1)"),
	CLI_FLAG_H(0, "per-gene", struct options, per_gene,
	    "the cosine of every other gene too: columns affected and gene_cos"),
	CLI_STRING('s', "states", "FILE", struct options, states,
	    "embeddings of states (gfembed --summary): adds columns shift:STATE"),
	CLI_STRING_H(
	    'b', "by", "COLUMN", struct options, by, "the column that holds the state of a cell"),
	CLI_STRING_H(0, "start", "STATE", struct options, start, "perturb the cells of this state"),
	CLI_STRING_H(0, "goal", "STATE", struct options, goal, "the state to move to"),
	CLI_STRING_H(
	    0, "alt", "STATES", struct options, alt, "other states, with commas between them"),
	CLI_SIZE_H(0, "screen", "K", struct options, screen, 1, 1 << 30,
	    "perturb only the K genes of a cell that promise most by an estimate of all"),
	CLI_STRING_H('k', "keep", "COLUMNS", struct options, keep,
	    "columns of the cells to carry, with commas between them"),
	CLI_FLAG_H(
	    0, "tokens", struct options, tokens, "write the perturbed cells, compute nothing"),
	CLI_FLAG('r', "resume", struct options, resume,
	    "work in FILE.part of -o FILE, and go on where an interrupted run ended"),
	CLI_FLAG_H(0, "truncate", struct options, truncate,
	    "cut cells that are longer than the model's positions"),
	CLI_CHOICE(0, "device", "auto|cpu|cuda", struct options, device, "where to compute (auto)"),
	CLI_CHOICE(0, "precision", "auto|f32|bf16|fp16|int8", struct options, precision,
	    "of the arithmetic (auto: f32 on CPUs; bf16 and int8 need -f)"),
	CLI_SIZE(0, "batch-tokens", "N", struct options, batch_tokens, 1, 1 << 30,
	    "tokens of copies that a thread takes at once; changes speed and memory only"),
	CLI_END
};

static const struct cli_program program = { "gfperturb",
	"perturb genes in cells and measure what Geneformer makes of it", "FILE",
	CLI_THREADS | CLI_STREAM_OUT, table };

static void
check_output(const struct options *opt)
{
	const struct cli *cli = &opt->common;

	if (opt->resume && (!cli->output || strcmp(cli->output, "-") == 0))
		cli_usage(cli, "--resume goes on with a file, so it needs -o FILE");
	if (opt->tokens && (opt->states || opt->per_gene))
		cli_usage(cli, "--tokens computes nothing, so --states and --per-gene make none");
	if (opt->tokens && opt->keep)
		cli_usage(cli, "--tokens carries all columns, so there is nothing to --keep");
	if (!cli->force &&
	    (strcmp(opt->precision, "bf16") == 0 || strcmp(opt->precision, "int8") == 0))
		cli_usage(cli,
		    "--precision %s: what a perturbation changes is as small as its rounding (-f "
		    "computes it all the same)",
		    opt->precision);
}

static void
check_usage(struct options *opt)
{
	const struct cli *cli = &opt->common;
	bool is_moved =
	    opt->type && (strcmp(opt->type, "inhibit") == 0 || strcmp(opt->type, "activate") == 0);

	if (!opt->model)
		cli_usage(cli, "-m MODEL is required");
	if (!opt->type)
		cli_usage(cli, "--type is required");
	if (opt->quartiles && !is_moved)
		cli_usage(cli, "--quartiles is for --type inhibit and activate");
	if (is_moved && !opt->quartiles)
		opt->quartiles = 1;
	if (!opt->by != !opt->start)
		cli_usage(cli, "--by and --start go together");
	if (!opt->states != !opt->goal)
		cli_usage(cli, "--states and --goal go together");
	if (opt->states && !opt->start)
		cli_usage(cli, "--states needs --by COLUMN --start STATE");
	if (opt->alt && !opt->states)
		cli_usage(cli, "--alt needs --states");
	if (opt->screen && (is_moved || opt->anchor || opt->combos > 1 || opt->tokens ||
			       strcmp(opt->genes, "all") != 0))
		cli_usage(cli,
		    "--screen is for all genes, deleted or overexpressed one at a time, without "
		    "--anchor, --combos and --tokens");
	if (opt->states && strcmp(opt->states, "-") == 0 && strcmp(cli->input, "-") == 0)
		cli_usage(cli, "the cells and --states cannot both come from stdin");
	check_output(opt);
}

/* What is to be perturbed; a file of genes stands in the history as a hash. */
static struct perturbation_options
choose_genes(struct options *opt, const struct genes *vocabulary, const struct model *model,
    struct gene_group_list *list, struct err *e)
{
	struct gene_choice choice = { opt->type, opt->genes, opt->anchor, opt->combos,
		opt->quartiles };
	struct perturbation_options what = { 0 };
	struct genes *dictionary = NULL;

	if (e->is_set)
		return what;
	if (opt->dictionary)
		dictionary = genes_read(&opt->common, opt->dictionary, e);
	what = gene_choice_read(&choice, vocabulary, dictionary, list, e);
	genes_free(dictionary);
	what.max_length = model->config.positions;
	if (list->n_repeated)
		cli_warn(&opt->common, "--genes: %zu groups stand there more than once",
		    list->n_repeated);
	if (*opt->genes == '@') {
		gene_group_list_hash(list, opt->genes_hash);
		opt->genes = opt->genes_hash;
	}
	return what;
}

static enum embed_pool
choose_pool(const struct options *opt, const struct genes *vocabulary, struct err *e)
{
	bool has_cls = vocabulary && vocabulary->cls >= 0;

	if (strcmp(opt->pool, "cls") == 0 && !has_cls)
		err_set(e, "--pool cls: the vocabulary has no <cls>");
	return strcmp(opt->pool, "mean") == 0 || !has_cls ? EMBED_MEAN : EMBED_FIRST;
}

static struct perturb_states *
read_states(struct options *opt, const struct model *model, const struct genes *vocabulary,
    enum embed_pool pool, struct err *e)
{
	struct perturb_state_names names = { opt->start, opt->goal, opt->alt };
	char hash[33];
	struct perturb_states_of of = { .hidden = model ? model->config.hidden : 0,
		.model = hash,
		.pool = pool,
		.layer = opt->layer };
	struct perturb_states *s;

	if (!opt->states || e->is_set)
		return NULL;
	model_hash(model, hash);
	of.has_cls = vocabulary->cls >= 0;
	s = perturb_states_read(&opt->common, opt->states, &names, &of, e);
	if (s)
		cli_note(&opt->common, "states", s->hash);
	return s;
}

/* NULL with --tokens. */
static struct perturber *
open_perturber(struct options *opt, const struct model *model, const struct perturb_states *states,
    enum embed_pool pool, struct err *e)
{
	struct cli *cli = &opt->common;
	struct perturb_options wanted = { pool, opt->layer, opt->per_gene, states ? states->n : 0,
		states ? states->vectors : NULL, opt->device, opt->precision,
		(size_t)cli->threads };
	struct perturber *p = e->is_set || opt->tokens ? NULL : perturber_open(model, &wanted, e);
	char hash[33];

	if (!p)
		return NULL;
	model_hash(model, hash);
	cli_note(cli, "model", hash);
	cli_note(cli, "precision", perturber_precision(p));
	if (*backend_why_cpu())
		cli_inform(cli, "%s", backend_why_cpu());
	cli_inform(cli, "on %s in %s", perturber_device(p), perturber_precision(p));
	if (states && *states->precision && strcmp(states->precision, perturber_precision(p)) != 0)
		cli_warn(cli, "%s: its states are in %s, the cells are computed in %s", opt->states,
		    states->precision, perturber_precision(p));
	return p;
}

/* NULL without --screen. The second of the states is the goal. */
static struct screen *
open_screen(const struct options *opt, const struct model *model,
    const struct perturbation_options *what, const struct perturb_states *states,
    enum embed_pool pool, struct err *e)
{
	struct screen_options wanted = { what->type, pool, opt->layer,
		states ? states->vectors + model->config.hidden : NULL, opt->device,
		(size_t)opt->common.threads };

	return opt->screen && !e->is_set ? screen_open(model, &wanted, e) : NULL;
}

int
main(int argc, char **argv)
{
	struct options opt = { .genes = "all",
		.combos = 1,
		.pool = "auto",
		.layer = -1,
		.device = "auto",
		.precision = "auto" };
	struct cli *cli = &opt.common;
	struct gene_group_list list = { 0 };
	struct err e = { 0 };
	uint64_t n_truncated = 0;

	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);

	struct model *model = model_open(opt.model, &e);
	struct cells_reader *in = cells_open(cli, cli->input, KIND_TOKENS, &e);
	struct genes *genes = model_vocabulary_find(cli, opt.dictionary, in, model, true, &e);
	struct perturbation_options what = choose_genes(&opt, genes, model, &list, &e);
	enum embed_pool pool = choose_pool(&opt, genes, &e);
	struct perturb_states *states = read_states(&opt, model, genes, pool, &e);
	struct perturber *perturber = open_perturber(&opt, model, states, pool, &e);
	struct screen *screen = open_screen(&opt, model, &what, states, pool, &e);
	struct perturb_rows_options wanted = { &what, opt.keep, states, opt.by, opt.start,
		opt.per_gene, opt.tokens, opt.resume };
	struct perturb_rows *rows = perturb_rows_new(cli, in, genes, &wanted, &e);

	if (!e.is_set) {
		struct perturb_stream_options how = { .what = what,
			.limits = { model->config.vocab, model->config.positions, opt.truncate,
			    what.eos },
			.batch_tokens = opt.batch_tokens,
			.workers = (size_t)cli->threads,
			.filter = perturb_rows_filter,
			.n_skipped = perturb_rows_there(rows),
			.screen = screen,
			.n_screened = opt.screen };

		perturb_stream(in, perturber, &how, perturb_rows_take, rows, &n_truncated, &e);
	}
	if (n_truncated && !e.is_set)
		cli_warn(cli, "%llu cells cut to the model's %zu positions",
		    (unsigned long long)n_truncated, model->config.positions);

	int status = cells_finish(cli, in, perturb_rows_finish(rows, &e), &e);

	perturb_rows_free(rows);
	perturber_close(perturber);
	screen_close(screen);
	perturb_states_free(states);
	gene_group_list_free(&list);
	genes_free(genes);
	model_close(model);
	return status;
}
