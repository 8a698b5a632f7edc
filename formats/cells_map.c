#include <string.h>

#include "base/pool.h"
#include "formats/cells.h"

enum {
	MAX_WORKERS = 8
}; /* more in flight would cost memory, and light filters do not scale further */

struct map {
	struct cells_reader *in;
	struct cells_writer *out;
	cells_work *work;
	void *context;
	size_t left; /* rows to read */
};

struct item {
	struct batch batch;
	double fraction;
	bool is_cut; /* not the rows that were read */
};

static int
read_item(void *context, void *item, struct err *e)
{
	struct map *m = context;
	struct item *i = item;
	int r = cells_read(m->in, &i->batch, e);

	i->fraction = cells_fraction(m->in);
	return r;
}

static int
work_item(void *context, size_t worker, void *item, struct err *e)
{
	struct map *m = context;
	struct batch *b = &((struct item *)item)->batch;

	(void)worker;
	if (m->work(b, m->context, e))
		return err_prefix(
		    e, "%s: batch %llu", cells_name(m->in), (unsigned long long)b->number);
	return 0;
}

static int
write_item(void *context, void *item, struct err *e)
{
	struct map *m = context;
	struct item *i = item;

	cells_progress(m->out, i->fraction);
	return cells_write(m->out, &i->batch, e);
}

void
cells_warn_renamed(const struct cli *cli, const struct schema *in, const struct schema *out)
{
	for (size_t i = 0; i < out->n_fields; i++) {
		const char *name = out->fields[i].name;

		if (strncmp(name, "obs.", 4) == 0 && schema_find(in, name) < 0)
			cli_warn(cli, "column %s becomes %s", name + 4, name);
	}
}

static int
run(const struct cli *cli, const struct pool_stages *stages, struct map *m, struct err *e)
{
	struct item items[MAX_WORKERS] = { 0 };
	void *ring[MAX_WORKERS];
	size_t n_workers = (size_t)cli->threads < MAX_WORKERS ? (size_t)cli->threads : MAX_WORKERS;

	for (size_t i = 0; i < n_workers; i++)
		ring[i] = &items[i];
	pool_run(stages, m, ring, n_workers, n_workers, e);
	for (size_t i = 0; i < n_workers; i++)
		batch_free(&items[i].batch);
	return e->is_set ? -1 : 0;
}

int
cells_map(const struct cli *cli, struct cells_reader *in, struct cells_writer *out,
    cells_work *work, void *context, struct err *e)
{
	static const struct pool_stages stages = { read_item, work_item, write_item };
	struct map m = { in, out, work, context, 0 };

	if (e->is_set)
		return -1;
	cells_warn_renamed(cli, cells_schema(in), cells_written_schema(out));
	return run(cli, &stages, &m, e);
}

static void
cut_batch(struct batch *b, const struct schema *s, size_t rows)
{
	for (size_t i = 0; i < b->n_columns; i++)
		b->columns[i] = array_slice(&b->arena, &s->fields[i], &b->columns[i], 0, rows);
	b->rows = rows;
}

static int
read_first(void *context, void *item, struct err *e)
{
	struct map *m = context;
	struct item *i = item;
	int r = m->left ? read_item(context, item, e) : 0;

	if (r <= 0)
		return r;
	i->is_cut = i->batch.rows > m->left;
	if (i->is_cut)
		cut_batch(&i->batch, cells_schema(m->in), m->left);
	m->left -= i->batch.rows;
	return r;
}

static int
leave_item(void *context, size_t worker, void *item, struct err *e)
{
	(void)context;
	(void)worker;
	(void)item;
	(void)e;
	return 0;
}

static int
pass_item(void *context, void *item, struct err *e)
{
	struct map *m = context;
	struct item *i = item;

	if (i->is_cut)
		return write_item(context, item, e);
	cells_progress(m->out, i->fraction);
	return cells_pass(m->out, m->in, &i->batch, e);
}

int
cells_pass_rows(const struct cli *cli, struct cells_reader *in, struct cells_writer *out,
    size_t rows, struct err *e)
{
	static const struct pool_stages stages = { read_first, leave_item, pass_item };
	struct map m = { .in = in, .out = out, .left = rows };

	return e->is_set ? -1 : run(cli, &stages, &m, e);
}

int
cells_finish(
    const struct cli *cli, struct cells_reader *in, struct cells_writer *out, struct err *e)
{
	cells_commit(out, e);
	cells_close(in);
	return cli_status(cli, e);
}
