/* perturbstats.c - what perturbations do, as a table: shifts, tests, mixtures, aggregates.
 *
 * In: perturbations, of any number of files, or raw pickles of the reference. Out: TSV. Reference:
 * InSilicoPerturberStats; Theodoris et al. 2023, Methods, "in silico perturbation". */

#include <stdlib.h>
#include <string.h>

#include "cell/gene_sets.h"
#include "formats/gene_table.h"
#include "formats/genes_file.h"
#include "formats/perturbation_inputs.h"
#include "stat/perturbation_stats.h"

struct options {
	struct cli common;
	const char *mode, *dictionary, *genes, *goal, *start, *alternatives, *anchor;
	bool null, combos;
	struct stats_options how;
};

static const struct cli_option table[] = {
	CLI_CHOICE('m', "mode", "goal|null|mixture|aggregate|aggregate-genes", struct options, mode,
	    "which table"),
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "symbols, and genes of tokens: a genes file, a folder of dictionaries, V1 or V2"),
	CLI_FLAG(0, "null", struct options, null, "the FILEs behind it are the null distribution"),
	CLI_STRING('g', "genes", "A,B,C+D|@FILE", struct options, genes,
	    "only these perturbations have rows"),
	CLI_STRING(0, "goal", "STATE", struct options, goal, "the goal (what gfperturb was told)"),
	CLI_STRING(0, "start", "STATE", struct options, start, "the state of the cells (the same)"),
	CLI_STRING(0, "alt", "A,B", struct options, alternatives,
	    "other states to show (all but start and goal)"),
	CLI_STRING(0, "anchor", "GENE", struct options, anchor,
	    "mixture of the genes that GENE affects; with --combos: of pairs with GENE"),
	CLI_FLAG(0, "combos", struct options, combos, "mixture of pairs beyond their sum"),
	CLI_FLAG(0, "tie-correction", struct options, how.tie_correction, "correct for ties"),
	CLI_FLAG(0, "as-reference", struct options, how.as_reference,
	    "test a gene against all values, its own among them, as the reference does"),
	CLI_SIZE(0, "max-memory", "BYTES", struct options, how.max_memory, 1 << 20, 1e15,
	    "what does not fit goes to a file in TMPDIR (1G)"),
	CLI_END,
};

static const struct cli_program program = { "perturbstats",
	"statistics of perturbed cells: shifts, tests, mixtures, aggregates", "FILE",
	CLI_TEXT_OUT | CLI_MANY_INPUTS, table };

struct work {
	const struct options *opt;
	struct genes *genes; /* NULL without -d */
	struct gene_sets sets;
	struct perturbation_wanted what;  /* states: the goal, then alternatives */
	struct stats_options how;         /* n_wanted: sets below have rows; 0: all */
	struct perturbation_stats *stats; /* NULL: mode aggregate, a row a value */
	struct gene_table out;
	struct string_set cells; /* for --combos */
	uint64_t n_rows;         /* of mode aggregate */
	bool is_null;            /* the files behind --null are being read */
	struct arena arena;
};

static bool
is_mode(const struct options *o, const char *mode)
{
	return strcmp(o->mode, mode) == 0;
}

static int
write_value(struct work *w, const struct perturbation_value *v, struct err *e)
{
	if (w->how.n_wanted && v->set >= w->how.n_wanted)
		return 0;
	w->n_rows++;
	gene_table_number(&w->out, (double)v->value, false);
	gene_table_symbols(&w->out, v->set);
	gene_table_ids(&w->out, v->set);
	gene_table_text(&w->out, v->cell, v->cell ? v->cell_size : 0);
	return gene_table_end(&w->out, e);
}

static int
take_value(void *context, const struct perturbation_value *v, struct err *e)
{
	struct work *w = context;
	struct stats_value x = { v->set, v->affected, v->series, v->value, w->is_null, NULL, 0,
		(uint32_t)v->row, !v->cell };

	if (!w->stats)
		return write_value(w, v, e);
	x.genes = gene_sets_get(&w->sets, v->set, &x.n_genes);
	if (w->opt->combos && v->cell)
		x.cell = (uint32_t)string_set_add(&w->cells, v->cell, v->cell_size);
	return perturbation_stats_add(w->stats, &x, e);
}

static void
read_values(struct work *w, struct perturbation_inputs *in, struct err *e)
{
	if (perturbation_inputs_read(in, &w->what, &w->sets, take_value, w, e) ||
	    (w->stats ? perturbation_stats_count(w->stats) : w->n_rows))
		return;
	err_set(e, "nothing for this table in %s%s",
	    w->is_null ? "what follows --null" : "the input",
	    w->how.n_wanted ? ": none of --genes was perturbed"
	    : w->how.mode == STATS_AFFECTED
		? ": no genes that --anchor affects (gfperturb --per-gene)"
		: "");
}

static void
write_table(struct work *w, const struct stat_table *t, bool by_gene, struct err *e)
{
	gene_table_name(&w->out, "Gene");
	gene_table_name(&w->out, "Gene_name");
	gene_table_name(&w->out, "Ensembl_ID");
	for (size_t i = 0; i < t->n_columns; i++)
		gene_table_name(&w->out, t->columns[i].name);
	gene_table_end(&w->out, e);
	for (size_t row = 0; row < t->n_rows && !e->is_set; row++) {
		if (by_gene)
			gene_table_gene(&w->out, t->rows[row]);
		else
			gene_table_set(&w->out, t->rows[row]);
		for (size_t i = 0; i < t->n_columns; i++)
			gene_table_number(
			    &w->out, t->columns[i].values[t->rows[row]], t->columns[i].is_count);
		gene_table_end(&w->out, e);
	}
}

static void
make_table(struct work *w, struct err *e)
{
	const struct cli *cli = &w->opt->common;
	bool by_gene = w->how.mode == STATS_AFFECTED || w->how.mode == STATS_COMBOS;
	uint32_t *places = by_gene ? gene_sets_gene_places(&w->sets) : gene_sets_places(&w->sets);
	struct stat_table t = { 0 };
	struct stats_notes notes;

	if (!perturbation_stats_finish(w->stats, by_gene ? w->sets.genes.n : w->sets.n, places,
		w->what.states, &t, &notes, e))
		write_table(w, &t, by_gene, e);
	if (notes.n_incomplete)
		cli_warn(cli, "%llu pairs left out: the anchor or the gene alone is not there",
		    (unsigned long long)notes.n_incomplete);
	if (notes.is_single)
		cli_warn(cli, "one normal distribution describes the means as well as two: there "
			      "may be no impact component");
	stat_table_free(&t);
	free(places);
}

/* Rows are written as they come, since there may be millions. */
static void
write_pairs(struct work *w, struct err *e)
{
	static const char *const names[] = { "Perturbed", "Gene_name", "Ensembl_ID", "Affected",
		"Affected_gene_name", "Affected_Ensembl_ID", "Cosine_sim_mean", "Cosine_sim_stdev",
		"N_Detections", NULL };
	struct pair_mean pair;

	gene_table_header(&w->out, names, e);
	while (!e->is_set && perturbation_stats_next(w->stats, &pair, e) > 0) {
		gene_table_set(&w->out, pair.group);
		gene_table_gene(&w->out, pair.affected);
		gene_table_number(&w->out, pair.mean, false);
		gene_table_number(&w->out, pair.deviation, false);
		gene_table_number(&w->out, (double)pair.n, true);
		gene_table_end(&w->out, e);
	}
}

static void
check_usage(const struct options *o)
{
	const struct cli *cli = &o->common;

	if (!o->mode)
		cli_usage(cli, "--mode is required: %s", table[0].argument);
	if (o->null != is_mode(o, "null"))
		cli_usage(cli, "--mode null and --null FILE ... go together");
	if (o->anchor && (!is_mode(o, "mixture") || o->genes))
		cli_usage(cli, "--anchor is for --mode mixture, without --genes");
	if (o->combos && !o->anchor)
		cli_usage(cli, "--combos needs --anchor GENE, which all pairs have");
	if ((o->start || o->alternatives) && !is_mode(o, "goal"))
		cli_usage(cli, "--start and --alt are for --mode goal");
	if (o->goal && (is_mode(o, "mixture") || is_mode(o, "aggregate-genes")))
		cli_usage(cli, "--goal is not for --mode %s", o->mode);
}

static enum stats_mode
mode_of(const struct options *o)
{
	if (is_mode(o, "mixture"))
		return o->combos ? STATS_COMBOS : o->anchor ? STATS_AFFECTED : STATS_MIXTURE;
	return is_mode(o, "goal") ? STATS_GOAL : o->null ? STATS_NULL : STATS_PAIRS;
}

/* What the mode reads, and what it does with it; in: the first input. */
static void
prepare(struct work *w, struct perturbation_inputs *in, struct err *e)
{
	const struct options *o = w->opt;
	struct perturbation_states told = { o->goal, o->start, o->alternatives };
	size_t n = 0;

	w->how = o->how;
	if (o->genes && !e->is_set)
		gene_sets_parse(&w->sets, o->genes, w->genes, e);
	w->how.n_wanted = w->sets.n;
	if (o->anchor && !e->is_set && !gene_sets_parse(&w->sets, o->anchor, w->genes, e))
		w->how.anchor = o->combos ? *gene_sets_get(&w->sets, 0, &n) : 0;
	if (n > 1 || (o->anchor && w->sets.n > 1))
		err_set(e, "--anchor %s: not one gene", o->anchor);
	w->what.n_states = o->goal != NULL;
	w->what.states = arena_copy(&w->arena, &o->goal, 1, sizeof(o->goal));
	if (is_mode(o, "goal"))
		w->what.states =
		    perturbation_inputs_choose(in, &told, &w->arena, &w->what.n_states, e);
	w->how.mode = mode_of(o);
	w->how.n_series = w->what.n_states;
	w->what.triples = o->combos;
	if (e->is_set || is_mode(o, "aggregate"))
		return;
	w->what.genes = w->how.mode == STATS_PAIRS || w->how.mode == STATS_AFFECTED;
	w->stats = perturbation_stats_new(&w->how);
}

static void
run(struct work *w, struct perturbation_inputs *in, struct perturbation_inputs *null, struct err *e)
{
	static const char *const names[] = { "Cosine_sim", "Gene", "Ensembl_ID", "Cell", NULL };

	if (!w->stats)
		gene_table_header(&w->out, names, e);
	read_values(w, in, e);
	w->is_null = true;
	if (null)
		read_values(w, null, e);
	if (e->is_set || !w->stats)
		return;
	if (w->how.mode == STATS_PAIRS)
		write_pairs(w, e);
	else
		make_table(w, e);
}

/* How many operands stand before --null. */
static size_t
count_before_null(const struct cli *cli, char *const *words, size_t n_words)
{
	size_t n = 0;

	for (size_t i = 0; n < cli->n_inputs && i < n_words && strcmp(words[i], "--null") != 0; i++)
		n += words[i] == cli->inputs[n];
	return n;
}

int
main(int argc, char **argv)
{
	struct options opt = { .how.max_memory = (size_t)1 << 30 };
	struct cli *cli = &opt.common;
	struct work w = { .opt = &opt };
	struct err e = { 0 };
	char **words = arena_copy(&w.arena, argv, (size_t)argc, sizeof(*argv));

	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);
	size_t n = opt.null ? count_before_null(cli, words, (size_t)argc) : cli->n_inputs;

	if (opt.null && n == cli->n_inputs)
		cli_usage(cli, "no FILE behind --null");
	w.genes = opt.dictionary ? genes_open(cli, opt.dictionary, &e) : NULL;
	struct perturbation_inputs *null = NULL,
				   *in = perturbation_inputs_open(cli, cli->inputs, n, w.genes, &e);
	if (opt.null)
		null =
		    perturbation_inputs_open(cli, cli->inputs + n, cli->n_inputs - n, w.genes, &e);
	prepare(&w, in, &e);
	w.out = (struct gene_table){ .output = output_create(cli->output, false, true, &e),
		.sets = &w.sets,
		.genes = w.genes };
	if (!e.is_set)
		run(&w, in, null, &e);
	if (w.out.output)
		output_commit(w.out.output, &e);
	gene_table_free(&w.out);
	perturbation_stats_free(w.stats);
	perturbation_inputs_close(in);
	perturbation_inputs_close(null);
	gene_sets_free(&w.sets);
	string_set_free(&w.cells);
	genes_free(w.genes);
	arena_free(&w.arena);
	return cli_status(cli, &e);
}
