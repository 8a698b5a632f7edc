/* normalize.c - scale each cell to a common depth and each gene by its median.
 *
 * In: counts. Out: values = count / n_counts * target_sum / median(gene), genes without a median
 * dropped. Reference: Theodoris et al. 2023, Methods, "rank value encoding"; agrees with
 * TranscriptomeTokenizer to the last bit. */

#include "base/cli.h"
#include "cell/normalization.h"
#include "formats/cells.h"
#include "formats/genes_file.h"

struct options {
	struct cli common;
	const char *dictionary;
	double target_sum;
};

static const struct cli_option table[] = {
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "gene medians: a genes file, a folder of dictionaries, V1 or V2 (required)"),
	CLI_DOUBLE_H('s', "target-sum", "N", struct options, target_sum, 1e-9, 1e15,
	    "depth that every cell is scaled to (10000)"),
	CLI_END
};

static const struct cli_program program = { "normalize",
	"scale cells to a common depth and genes by their median", "FILE",
	CLI_THREADS | CLI_STREAM_OUT, table };

static void
report(const struct cli *cli, const struct cells_reader *in, const struct normalize *plan,
    struct err *e)
{
	double share;

	if (e->is_set)
		return;
	if (normalize_check(plan, &share, e)) {
		err_prefix(e, "%s", cells_name(in));
		return;
	}
	if (share < 0.1)
		cli_warn(cli,
		    "only %.1f %% of the genes have a median in the dictionary; are they symbols, "
		    "or another species? (genemap maps symbols)",
		    100 * share);
	cli_inform(cli, "%llu entries of genes without a median dropped",
	    (unsigned long long)normalize_dropped(plan));
}

int
main(int argc, char **argv)
{
	struct options opt = { .target_sum = 10000 };
	struct cli *cli = &opt.common;
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);
	if (!opt.dictionary)
		cli_usage(cli, "-d DICT is required");

	struct genes *genes = genes_open(cli, opt.dictionary, &e);
	struct cells_reader *in = cells_open(cli, cli->input, KIND_COUNTS, &e);
	struct normalize *plan = normalize_plan(cells_schema(in), genes, opt.target_sum, &e);

	if (genes && in && !plan)
		err_prefix(&e, "%s", cells_name(in));

	struct cells_writer *out = cells_create(cli, KIND_VALUES, normalize_schema(plan), &e);

	if (plan && normalize_sums_counts(plan))
		cli_warn(cli,
		    "no column n_counts: the sum of the counts that are there takes its place");
	cells_map(cli, in, out, normalize_batch, plan, &e);
	report(cli, in, plan, &e);

	int status = cells_finish(cli, in, out, &e);

	normalize_free(plan);
	genes_free(genes);
	return status;
}
