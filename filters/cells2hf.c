/* cells2hf.c - writes a stream as a folder that Hugging Face `datasets` loads.
 *
 * In: any stream. Out: FOLDER.dataset, as Dataset.save_to_disk writes it: shards of plain Arrow,
 * state.json, dataset_info.json. */

#include <string.h>

#include "base/progress.h"
#include "formats/hf_dataset.h"

struct options {
	struct cli common;
	size_t shard_size;
};

static const struct cli_option table[] = {
	CLI_SIZE(0, "shard-size", "BYTES", struct options, shard_size, 1, 1e15,
	    "begin a new file where one would grow beyond BYTES (500000000)"),
	CLI_END,
};

static const struct cli_program program = { "cells2hf", "a Hugging Face dataset from a stream",
	"FILE", CLI_FILE_OUT, table };

int
main(int argc, char **argv)
{
	struct options opt = { .shard_size = 500000000 };
	struct cli *cli = &opt.common;
	struct err e = { 0 };
	struct batch b = { 0 };
	struct progress progress;

	cli_parse(&opt, argc, argv, &program);
	if (strcmp(cli->output, "-") == 0)
		cli_usage(cli, "-o: a folder cannot go to standard output");
	struct cells_reader *in = cells_open(cli, cli->input, KIND_ANY, &e);
	struct hf_writer *out = hf_create(cli, cli->output, in, opt.shard_size, &e);

	progress_start(&progress, cli, "rows");
	while (!e.is_set && cells_read(in, &b, &e) > 0 && hf_write(out, &b, &e) == 0)
		progress_advance(&progress, b.rows, cells_fraction(in));
	hf_commit(out, &e);
	progress_end(&progress);
	cells_close(in);
	batch_free(&b);
	return cli_status(cli, &e);
}
