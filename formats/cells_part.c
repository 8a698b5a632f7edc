#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/arrow.h"
#include "formats/cells_part.h"

/* Whether the file begins with the head: 1; 0 where it ends in the middle of it; -1. */
static int
compare_head(const char *path, const struct buffer *head, struct err *e)
{
	struct input *in = input_open(path, true, e);
	uint8_t *bytes = mem_alloc(head->size, 1);
	ptrdiff_t n = in ? input_read(in, bytes, head->size, e) : -1;

	if (n >= 0 && memcmp(bytes, head->data, (size_t)n) != 0)
		err_set(e,
		    "%s: begun with other options, another model or other cells, so it cannot be "
		    "gone on with (remove it to start anew)",
		    path);
	free(bytes);
	input_close(in);
	return e->is_set ? -1 : (size_t)n == head->size;
}

/* Ends at the first failure: what comes then is written anew. */
static int
read_batches(const char *path, cells_part_visit *visit, void *context, struct cells_part *part,
    struct err *e)
{
	struct err end = { 0 };
	struct arrow_reader *r = arrow_open(input_open(path, true, &end), &end);
	struct batch b = { 0 };

	part->bytes = r ? arrow_offset(r) : 0;
	while (r && arrow_read(r, &b, &end) > 0 && visit(context, arrow_schema(r), &b, e) == 0)
		*part = (struct cells_part){ arrow_offset(r), arrow_rows(r), arrow_batches(r) };
	batch_free(&b);
	arrow_close(r);
	return e->is_set ? -1 : 0;
}

int
cells_part_read(const char *path, const struct buffer *head, cells_part_visit *visit, void *context,
    struct cells_part *ret_part, struct err *e)
{
	*ret_part = (struct cells_part){ 0 };
	if (access(path, F_OK))
		return 0;
	switch (compare_head(path, head, e)) {
	case -1:
		return -1;
	case 0:
		return 0;
	default:
		return read_batches(path, visit, context, ret_part, e);
	}
}
