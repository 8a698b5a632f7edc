/* cellhead.c - passes on the first rows of a stream.
 *
 * In: any stream. Out: the same kind, columns as they are. What comes behind those rows is not
 * read. */

#include "formats/cells.h"

struct options {
	struct cli common;
	size_t rows;
};

static const struct cli_option table[] = {
	CLI_SIZE_H(
	    'n', "rows", "N", struct options, rows, 0, 1e15, "pass on the first N rows (10)"),
	CLI_END,
};

static const struct cli_program program = { "cellhead", "the first rows of a stream", "FILE",
	CLI_THREADS | CLI_STREAM_OUT, table };

int
main(int argc, char **argv)
{
	struct options opt = { .rows = 10 };
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);
	struct cells_reader *in = cells_open(&opt.common, opt.common.input, KIND_ANY, &e);
	struct cells_writer *out =
	    in ? cells_create(&opt.common, cells_kind(in), schema_copy(cells_schema(in)), &e)
	       : NULL;

	cells_pass_rows(&opt.common, in, out, opt.rows, &e);
	return cells_finish(&opt.common, in, out, &e);
}
