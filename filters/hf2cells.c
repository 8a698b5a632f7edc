/* hf2cells.c - reads a folder of tokenised cells that Hugging Face `datasets` wrote.
 *
 * In: FOLDER.dataset (Dataset.save_to_disk). Out: tokens, the shards in order, all columns. */

#include "formats/genes_file.h"
#include "formats/hf_dataset.h"

struct options {
	struct cli common;
	const char *dictionary;
};

static const struct cli_option table[] = {
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "add its vocabulary: a genes file, a folder of dictionaries, V1 or V2"),
	CLI_END,
};

static const struct cli_program program = { "hf2cells",
	"tokenised cells from a Hugging Face dataset", "FOLDER.dataset",
	CLI_STREAM_OUT | CLI_FILE_IN, table };

int
main(int argc, char **argv)
{
	struct options opt = { 0 };
	struct cli *cli = &opt.common;
	struct err e = { 0 };
	struct batch b = { 0 };

	cli_parse(&opt, argc, argv, &program);
	struct genes *genes = opt.dictionary ? genes_open(cli, opt.dictionary, &e) : NULL;
	struct hf_reader *in = hf_open(cli->input, genes, &e);
	struct cells_writer *out =
	    in ? cells_create(cli, KIND_TOKENS, schema_copy(hf_schema(in)), &e) : NULL;

	while (hf_read(in, &b, &e) > 0) {
		cells_progress(out, hf_fraction(in));
		cells_write(out, &b, &e);
	}
	int status = cells_finish(cli, NULL, out, &e);

	hf_close(in);
	genes_free(genes);
	batch_free(&b);
	return status;
}
