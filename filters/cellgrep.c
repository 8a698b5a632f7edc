/* cellgrep.c - passes on the rows that fulfil a condition on their columns.
 *
 * In: any stream. Out: the same kind, columns as they are. The language of the conditions is that
 * of row_filter.h. */

#include <inttypes.h>
#include <stdlib.h>

#include "base/io.h"
#include "cell/row_filter.h"
#include "formats/cells.h"

struct options {
	struct cli common;
	const char *expression;
	bool is_inverted;
	bool is_count;
};

static const struct cli_option table[] = {
	CLI_STRING_H('e', "expression", "EXPRESSION", struct options, expression,
	    "the condition; then the only operand is FILE"),
	CLI_FLAG_H(0, "invert", struct options, is_inverted, "the rows that do not fulfil it"),
	CLI_FLAG('c', "count", struct options, is_count, "only the number of these rows, as text"),
	CLI_END,
};

static const struct cli_program program = { "cellgrep", "rows that fulfil a condition",
	"EXPRESSION [FILE]", CLI_STREAM_OUT | CLI_OWN_OPERANDS, table };

/* EXPRESSION is an operand, unless -e gave it. */
static void
take_operands(struct options *opt)
{
	struct cli *cli = &opt->common;
	char **operands = cli->inputs;
	size_t n = cli->n_inputs;

	if (!opt->expression && n) {
		opt->expression = *operands++;
		n--;
	}
	if (!opt->expression)
		cli_usage(cli, "EXPRESSION is missing");
	if (n > 1)
		cli_usage(cli, "one FILE at most, not '%s' too", operands[1]);
	cli->input = n ? *operands : "-";
}

struct counts {
	uint64_t kept, rows;
};

/* `out` is NULL where rows are only counted. */
static struct counts
filter_rows(const struct options *opt, struct row_filter *filter, struct cells_reader *in,
    struct cells_writer *out, struct err *e)
{
	struct counts counts = { 0, 0 };
	struct batch b = { 0 };
	size_t *rows, n;

	while (cells_read(in, &b, e) > 0) {
		rows = arena_alloc(&b.arena, b.rows, sizeof(*rows));
		n = row_filter_select(filter, &b, opt->is_inverted, rows);
		counts.kept += n;
		counts.rows += b.rows;
		if (!out)
			continue;
		if (n < b.rows)
			batch_take(&b, cells_schema(in), rows, n);
		cells_progress(out, cells_fraction(in));
		cells_write(out, &b, e);
	}
	batch_free(&b);
	return counts;
}

static void
count_rows(
    const struct options *opt, struct row_filter *filter, struct cells_reader *in, struct err *e)
{
	struct output *out = output_create(opt->common.output, false, true, e);
	struct counts counts = { 0, 0 };

	if (out)
		counts = filter_rows(opt, filter, in, NULL, e);
	if (out && !e->is_set)
		output_printf(out, e, "%" PRIu64 "\n", counts.kept);
	if (out)
		output_commit(out, e);
}

static struct cells_writer *
pass_rows(
    const struct options *opt, struct row_filter *filter, struct cells_reader *in, struct err *e)
{
	const struct cli *cli = &opt->common;
	struct cells_writer *out =
	    cells_create(cli, cells_kind(in), schema_copy(cells_schema(in)), e);
	struct counts counts = { 0, 0 };

	if (out)
		counts = filter_rows(opt, filter, in, out, e);
	if (!e->is_set)
		cli_inform(
		    cli, "%" PRIu64 " of %" PRIu64 " rows fulfil it", counts.kept, counts.rows);
	return out;
}

int
main(int argc, char **argv)
{
	struct options opt = { 0 };
	struct cli *cli = &opt.common;
	struct err e = { 0 };
	struct cells_writer *out = NULL;

	cli_parse(&opt, argc, argv, &program);
	take_operands(&opt);

	struct row_filter *filter = row_filter_parse(opt.expression, &e);

	if (!filter)
		cli_usage(cli, "%s", e.text);

	struct cells_reader *in = cells_open(cli, cli->input, KIND_ANY, &e);

	if (in && row_filter_bind(filter, cells_schema(in), &e))
		err_prefix(&e, "%s", cells_name(in));
	if (!e.is_set && opt.is_count)
		count_rows(&opt, filter, in, &e);
	else if (!e.is_set)
		out = pass_rows(&opt, filter, in, &e);
	row_filter_free(filter);
	if (out)
		return cells_finish(cli, in, out, &e);
	cells_close(in);
	return cli_status(cli, &e);
}
