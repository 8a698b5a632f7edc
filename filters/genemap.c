/* genemap.c - bring gene names of any sort to the ids of a gene dictionary.
 *
 * In: counts. Out: counts, with Ensembl ids as genes; ids that become the same are summed, unknown
 * ones dropped and counted. */

#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/io.h"
#include "cell/gene_map.h"
#include "formats/cells.h"
#include "formats/genes_file.h"

struct options {
	struct cli common;
	const char *dictionary;
	const char *unmapped;
	bool exact;
};

static const struct cli_option table[] = {
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "gene ids and names: a genes file, a folder of dictionaries, V1 or V2 (required)"),
	CLI_STRING('u', "unmapped", "FILE", struct options, unmapped,
	    "write the genes that are not known, and how many counts each had, to FILE"),
	CLI_FLAG_H('e', "exact", struct options, exact,
	    "map only what the dictionary's own mapping has, as the reference does: no versioned "
	    "ids"),
	CLI_END
};

static const struct cli_program program = { "genemap",
	"map gene symbols, aliases and old ids to Ensembl ids", "FILE",
	CLI_THREADS | CLI_STREAM_OUT, table };

static void
report(
    const struct cli *cli, const struct cells_reader *in, const struct gene_map *map, struct err *e)
{
	struct gene_map_totals t;
	double share;

	if (e->is_set)
		return;
	if (gene_map_check(map, &share, e)) {
		err_prefix(e, "%s", cells_name(in));
		return;
	}
	t = gene_map_totals(map);
	if (share < 0.1)
		cli_warn(cli,
		    "only %.1f %% of the genes are in the dictionary; is it another species, or "
		    "another column "
		    "of names? (h5ad2cells -g)",
		    100 * share);
	cli_inform(cli, "%zu genes unknown, %llu of %llu entries dropped, %llu summed",
	    t.n_unmapped_names, (unsigned long long)t.n_dropped, (unsigned long long)t.n_entries,
	    (unsigned long long)t.n_summed);
}

static void
write_unmapped(const struct gene_map *map, const char *path, struct err *e)
{
	struct output *out = output_create(path, false, true, e);

	if (!out)
		return;

	struct unmapped_gene *genes = gene_map_unmapped(map);

	output_printf(out, e, "gene\tcells\n");
	for (size_t i = 0; i < gene_map_totals(map).n_unmapped_names; i++)
		output_printf(out, e, "%.*s\t%llu\n", (int)genes[i].size, genes[i].name,
		    (unsigned long long)genes[i].n_entries);
	free(genes);
	output_commit(out, e);
}

int
main(int argc, char **argv)
{
	struct options opt = { 0 };
	struct cli *cli = &opt.common;
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);
	if (!opt.dictionary)
		cli_usage(cli, "-d DICT is required");
	if (opt.unmapped && strcmp(opt.unmapped, cli->output ? cli->output : "-") == 0)
		cli_usage(cli, "--unmapped and the cells go to the same place");

	struct genes *genes = genes_open(cli, opt.dictionary, &e);
	struct cells_reader *in = cells_open(cli, cli->input, KIND_COUNTS, &e);
	struct gene_map *map =
	    gene_map_plan(cells_schema(in), genes, opt.exact ? LOOKUP_MAPPING : LOOKUP_NAMES, &e);

	if (genes && in && !map)
		err_prefix(&e, "%s", cells_name(in));

	struct cells_writer *out = cells_create(cli, KIND_COUNTS, gene_map_schema(map), &e);

	cells_map(cli, in, out, gene_map_batch, map, &e);
	report(cli, in, map, &e);
	if (opt.unmapped && !e.is_set)
		write_unmapped(map, opt.unmapped, &e);

	int status = cells_finish(cli, in, out, &e);

	gene_map_free(map);
	genes_free(genes);
	return status;
}
