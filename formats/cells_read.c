#include <stdlib.h>
#include <string.h>

#include "formats/cells.h"
#include "formats/cells_kind.h"
#include "formats/cells_reader.h"

struct cells_reader *
cells_open(const struct cli *cli, const char *path, unsigned kinds, struct err *e)
{
	struct input *input = input_open(path, cli->force, e);
	struct cells_reader *r;

	if (!input)
		return NULL;
	r = mem_zero(1, sizeof(*r));
	r->arrow = arrow_open(input, e);
	if (r->arrow) {
		r->kind = kind_judge(arrow_schema(r->arrow));
		if (!(r->kind & kinds))
			kind_refuse(cells_name(r), r->kind, kinds, cli->program->name, e);
		else if (kinds != KIND_ANY &&
			 !(r->conversion = conversion_plan(arrow_schema(r->arrow), r->kind, e)))
			err_prefix(e, "%s", cells_name(r));
	}
	if (e->is_set) {
		cells_close(r);
		return NULL;
	}
	return r;
}

enum kind
cells_kind(const struct cells_reader *r)
{
	return r->kind;
}

const struct schema *
cells_schema(const struct cells_reader *r)
{
	if (!r)
		return NULL;
	return r->conversion ? conversion_schema(r->conversion) : arrow_schema(r->arrow);
}

const char *
cells_name(const struct cells_reader *r)
{
	return arrow_name(r->arrow);
}

double
cells_fraction(const struct cells_reader *r)
{
	uint64_t size = arrow_size(r->arrow);

	return size ? (double)arrow_offset(r->arrow) / (double)size : -1;
}

int
cells_read(struct cells_reader *r, struct batch *b, struct err *e)
{
	int got;

	if (e->is_set)
		return -1;
	got = arrow_read(r->arrow, b, e);
	if (got <= 0)
		return got;
	if ((r->conversion && conversion_apply(r->conversion, b, r->rows, e)) ||
	    kind_check_lists(cells_schema(r), r->kind, b, e))
		return err_prefix(
		    e, "%s: batch %llu", cells_name(r), (unsigned long long)b->number);
	r->rows += b->rows;
	return 1;
}

void
cells_close(struct cells_reader *r)
{
	if (!r)
		return;
	conversion_free(r->conversion);
	arrow_close(r->arrow);
	free(r);
}
