/* celljoin.c - adds columns of a table, looked up by a key, and constant ones.
 *
 * In: any stream. Out: the same kind, with the new columns behind the others. cells_join.h and
 * join_table.h say what equals what and which types come out. */

#include <inttypes.h>
#include <string.h>

#include "formats/cells.h"
#include "formats/cells_join.h"

struct options {
	struct cli common;
	const char *keys;
	const char *columns;
	const char *constants;
	const char *unmatched;
	const char *nulls;
	bool is_text;
	bool is_replacing;
};

static const struct cli_option table[] = {
	CLI_STRING_H('k', "key", "COLUMN[=TABLE_COLUMN],...", struct options, keys,
	    "columns of the stream that make the key, and those of TABLE"),
	CLI_STRING_H('c', "columns", "TABLE_COLUMN[=NAME],...", struct options, columns,
	    "take only these columns of TABLE, under new names (all but the key)"),
	CLI_STRING_H('s', "set", "NAME=VALUE,...", struct options, constants,
	    "add columns with the same text in every row; keys may name them"),
	CLI_CHOICE_H('u', "unmatched", "keep|drop|error", struct options, unmatched,
	    "rows whose key is not in TABLE: with nulls, left out, or an error (keep)"),
	CLI_STRING_H('n', "null", "TEXT,...", struct options, nulls,
	    "these texts of TABLE are null, not only the empty one"),
	CLI_FLAG_H(0, "text", struct options, is_text, "the new columns are texts, not numbers"),
	CLI_FLAG_H('r', "replace", struct options, is_replacing,
	    "a new column replaces one of the same name"),
	CLI_END,
};

static const struct cli_program program = { "celljoin", "add columns from a table, by a key",
	"[TABLE] [FILE]", CLI_STREAM_OUT | CLI_OWN_OPERANDS, table };

/* With -k the first operand is TABLE. */
static const char *
take_operands(const struct options *opt, struct cli *cli)
{
	char **operands = cli->inputs;
	size_t n = cli->n_inputs;
	const char *path = NULL;

	if (!opt->keys && !opt->constants)
		cli_usage(cli, "-k COLUMN and TABLE, or --set NAME=VALUE, is required");
	if (!opt->keys && (opt->columns || opt->nulls || opt->is_text))
		cli_usage(cli, "--columns, --null and --text need -k COLUMN and TABLE");
	if (opt->keys && !n)
		cli_usage(cli, "TABLE is missing");
	if (opt->keys) {
		path = *operands++;
		n--;
	}
	if (n > 1)
		cli_usage(cli, "one FILE at most, not '%s' too", operands[1]);
	cli->input = n ? *operands : "-";
	if (path && strcmp(path, "-") == 0 && strcmp(cli->input, "-") == 0)
		cli_usage(cli, "TABLE and FILE cannot both be standard input");
	return path;
}

static void
report(const struct cli *cli, const struct options *opt, const struct join *join)
{
	struct join_counts n = join_count(join);

	if (n.unmatched)
		cli_warn(cli, "%" PRIu64 " of %" PRIu64 " rows have no match in the table%s: %s%s",
		    n.unmatched, n.rows,
		    strcmp(opt->unmatched, "drop") == 0 ? " and are left out" : "",
		    n.unmatched > 1 ? "the first has " : "", n.first_unmatched);
	if (opt->keys)
		cli_inform(
		    cli, "%zu of %zu keys of the table are in no row", n.unused, n.table_rows);
}

int
main(int argc, char **argv)
{
	struct options opt = { .unmatched = "keep" };
	struct cli *cli = &opt.common;
	struct err e = { 0 };
	struct batch b = { 0 };
	struct cells_writer *out = NULL;

	cli_parse(&opt, argc, argv, &program);

	struct join_options how = {
		.constants = opt.constants,
		.keys = opt.keys,
		.columns = opt.columns,
		.nulls = opt.nulls,
		.table = take_operands(&opt, cli),
		.force = cli->force,
		.is_text = opt.is_text,
		.is_replacing = opt.is_replacing,
		.unmatched = strcmp(opt.unmatched, "drop") == 0    ? JOIN_DROP
			     : strcmp(opt.unmatched, "error") == 0 ? JOIN_REFUSE
								   : JOIN_KEEP,
	};
	struct cells_reader *in = cells_open(cli, cli->input, KIND_ANY, &e);
	struct join *join = in ? join_plan(cells_schema(in), &how, &e) : NULL;

	if (join && join_hash(join))
		cli_note(cli, "table", join_hash(join));
	if (join) {
		cells_warn_renamed(cli, cells_schema(in), join_schema(join));
		out = cells_create(cli, cells_kind(in), schema_copy(join_schema(join)), &e);
	}
	while (out && cells_read(in, &b, &e) > 0) {
		if (join_batch(join, &b, &e))
			err_prefix(&e, "%s", cells_name(in));
		cells_progress(out, cells_fraction(in));
		cells_write(out, &b, &e);
	}
	if (join && !e.is_set)
		report(cli, &opt, join);
	batch_free(&b);
	join_free(join);
	return cells_finish(cli, in, out, &e);
}
