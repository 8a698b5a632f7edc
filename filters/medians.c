/* medians.c - the median of every gene over all cells that have it, and a vocabulary of these
 * genes.
 *
 * In: counts, of any number of files. Out: genes. A cell's value of a gene is count / n_counts *
 * target_sum, and only values above 0 count. Reference: Theodoris et al. 2023, Methods, and the
 * notebook that made its medians (by t-digest). */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/pool.h"
#include "base/progress.h"
#include "cell/depth_values.h"
#include "cell/gene_rows.h"
#include "formats/cells.h"
#include "formats/genes_file.h"
#include "stat/gene_medians.h"

enum { MAX_WORKERS = 8 };

struct options {
	struct cli common;
	const char *dictionary;
	const char *special;
	bool digest;
	size_t min_cells;
	double target_sum;
	size_t max_memory;
};

static const struct cli_option table[] = {
	CLI_STRING('d', "dictionary", "DICT", struct options, dictionary,
	    "take symbols and aliases from here: a genes file, a folder of dictionaries, V1 or V2"),
	CLI_FLAG_H(0, "digest", struct options, digest,
	    "approximate medians in constant memory (t-digest)"),
	CLI_CHOICE_H('s', "special", "yes|no", struct options, special,
	    "give <cls> and <eos> tokens too (yes)"),
	CLI_SIZE_H(0, "min-cells", "N", struct options, min_cells, 1, 1e15,
	    "leave out genes of fewer cells (1)"),
	CLI_DOUBLE_H(0, "target-sum", "N", struct options, target_sum, 1e-9, 1e15,
	    "depth that every cell is scaled to (10000)"),
	CLI_SIZE(0, "max-memory", "BYTES", struct options, max_memory, 1 << 20, 1e15,
	    "what does not fit goes to a file in TMPDIR (1G)"),
	CLI_END
};

static const struct cli_program program = { "medians",
	"make a gene dictionary: non-zero medians and a vocabulary", "FILE",
	CLI_THREADS | CLI_STREAM_OUT | CLI_MANY_INPUTS, table };

/* The cells of all files, one after the other. */
struct source {
	const struct options *opt;
	size_t n_opened, n_files;
	struct cells_reader *in; /* NULL: between two files */
	struct depth_columns columns;
	struct gene_numbers numbers;
	struct gene_medians *medians;
	struct progress progress;
};

struct item {
	struct batch batch;
	const char *file;
	struct depth_columns columns;
	const uint32_t *numbers; /* of each entry's gene */
	size_t n_numbers;        /* given so far */
	double fraction;
	struct depth_values values;
};

static const char *
path_of(const struct source *s, size_t i)
{
	return s->opt->common.n_inputs ? s->opt->common.inputs[i] : "-";
}

static int
open_next(struct source *s, struct err *e)
{
	const struct cli *cli = &s->opt->common;
	const struct schema *schema;

	s->in = cells_open(cli, path_of(s, s->n_opened), KIND_COUNTS, e);
	if (!s->in)
		return -1;
	s->n_opened++;
	schema = cells_schema(s->in);
	s->columns = depth_columns_find(schema);
	gene_numbers_start(&s->numbers, &schema->fields[s->columns.gene]);
	if (s->columns.n_counts < 0)
		cli_warn(cli,
		    "%s: no column n_counts: the sum of the counts that are there takes its place",
		    cells_name(s->in));
	return 0;
}

static int
read_item(void *context, void *pool_item, struct err *e)
{
	struct source *s = context;
	struct item *item = pool_item;
	int r = 0;

	while (s->in && (r = cells_read(s->in, &item->batch, e)) == 0) {
		cells_close(s->in);
		s->in = NULL;
		if (s->n_opened < s->n_files && open_next(s, e))
			return -1;
	}
	if (r <= 0)
		return r;
	item->file = path_of(s, s->n_opened - 1);
	item->fraction = cells_fraction(s->in);
	if (item->fraction >= 0)
		item->fraction = ((double)s->n_opened - 1 + item->fraction) / (double)s->n_files;
	item->columns = s->columns;
	item->numbers = gene_numbers_of(&s->numbers, &item->batch, s->columns.gene);
	item->n_numbers = s->numbers.names.n;
	return 1;
}

static int
work_item(void *context, size_t worker, void *pool_item, struct err *e)
{
	const struct source *s = context;
	struct item *item = pool_item;

	(void)worker;
	if (!depth_values_find(&item->batch, &item->columns, item->numbers, item->n_numbers,
		s->opt->target_sum, &item->values, e))
		return 0;
	return err_prefix(e, "%s: batch %llu", strcmp(item->file, "-") ? item->file : "stdin",
	    (unsigned long long)item->batch.number);
}

static int
write_item(void *context, void *pool_item, struct err *e)
{
	struct source *s = context;
	struct item *item = pool_item;

	progress_advance(&s->progress, item->batch.rows, item->fraction);
	return gene_medians_add(
	    s->medians, item->values.genes, item->values.values, item->values.n, e);
}

static int
read_all(struct source *s, struct err *e)
{
	static const struct pool_stages stages = { read_item, work_item, write_item };
	struct item items[MAX_WORKERS + 2] = { 0 };
	void *ring[MAX_WORKERS + 2];
	int threads = s->opt->common.threads;
	size_t n_workers = threads < MAX_WORKERS ? (size_t)threads : MAX_WORKERS;

	for (size_t i = 0; i < n_workers + 2; i++)
		ring[i] = &items[i];
	progress_start(&s->progress, &s->opt->common, "cells");
	pool_run(&stages, s, ring, n_workers + 2, n_workers, e);
	progress_end(&s->progress);
	for (size_t i = 0; i < n_workers + 2; i++)
		batch_free(&items[i].batch);
	return e->is_set ? -1 : 0;
}

/* The genes of enough cells, with their medians. */
static struct gene_row *
collect_rows(const struct source *s, size_t *ret_n, struct err *e)
{
	struct strings names = string_set_strings(&s->numbers.names);
	double *medians = mem_alloc(names.n, sizeof(*medians));
	struct gene_row *rows = mem_alloc(names.n, sizeof(*rows));

	*ret_n = 0;
	gene_medians_finish(s->medians, medians, names.n, e);
	for (size_t i = 0; i < names.n && !e->is_set; i++) {
		struct gene_row *row = &rows[*ret_n];

		row->id = strings_get(&names, i, &row->size);
		row->median = medians[i];
		*ret_n += gene_medians_count(s->medians, (uint32_t)i) >= s->opt->min_cells;
	}
	free(medians);
	return rows;
}

static void
write_rows(
    const struct source *s, const struct genes *names, struct cells_writer *out, struct err *e)
{
	const struct cli *cli = &s->opt->common;
	struct batch b = { 0 };
	size_t n;
	struct gene_row *rows = collect_rows(s, &n, e);
	const struct gene_row *odd = gene_rows_find_odd(rows, n);

	if (!e->is_set && n == 0)
		cli_warn(cli, "no gene was found in %zu cells or more", s->opt->min_cells);
	if (odd)
		cli_warn(cli,
		    "'%.*s' is not an Ensembl id without version; genemap brings names to such ids",
		    (int)odd->size, odd->id);
	if (!e->is_set)
		gene_rows_batch(rows, n, strcmp(s->opt->special, "yes") == 0, names, &b, e);
	cells_write(out, &b, e);
	cli_inform(cli, "%zu genes of %zu%s", n, s->numbers.names.n,
	    gene_medians_spilled(s->medians) ? ", values spilled to TMPDIR" : "");
	batch_free(&b);
	free(rows);
}

/* With one input, its metadata and history go on. */
static struct schema *
make_schema(const struct source *s)
{
	struct schema *out = genes_schema();
	struct metadata from =
	    s->in && s->n_files == 1 ? cells_schema(s->in)->metadata : out->metadata;

	for (size_t i = 0; i < from.n; i++)
		metadata_set(out, &out->metadata, from.pairs[i].key, from.pairs[i].value);
	return out;
}

static void
check_readable(const struct cli *cli, struct err *e)
{
	for (size_t i = 0; i < cli->n_inputs; i++)
		if (strcmp(cli->inputs[i], "-") && access(cli->inputs[i], R_OK))
			err_sys(e, "%s", cli->inputs[i]);
}

int
main(int argc, char **argv)
{
	struct options opt = {
		.special = "yes", .min_cells = 1, .target_sum = 10000, .max_memory = 1 << 30
	};
	struct cli *cli = &opt.common;
	struct err e = { 0 };

	cli_parse(&opt, argc, argv, &program);
	check_readable(cli, &e);

	struct source s = { .opt = &opt, .n_files = cli->n_inputs ? cli->n_inputs : 1 };
	struct genes *names = opt.dictionary ? genes_open(cli, opt.dictionary, &e) : NULL;

	s.medians = opt.digest ? gene_medians_digest() : gene_medians_exact(opt.max_memory);
	if (!e.is_set)
		open_next(&s, &e);

	struct cells_writer *out = cells_create(cli, KIND_GENES, make_schema(&s), &e);

	if (!e.is_set && !read_all(&s, &e))
		write_rows(&s, names, out, &e);

	int status = cells_finish(cli, s.in, out, &e);

	gene_medians_free(s.medians);
	gene_numbers_free(&s.numbers);
	genes_free(names);
	return status;
}
