#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cell/token_cells.h"

static int
refuse(const struct schema *s, const struct batch *b, size_t row, struct err *e, const char *reason)
{
	ptrdiff_t cell = schema_find(s, "cell");
	size_t size = 0;
	const char *name =
	    cell < 0 ? NULL : array_text(&s->fields[cell], &b->columns[cell], row, &size);

	return err_set(e, "cell %.*s: %s", (int)size, name ? name : "", reason);
}

static int
check_cell(const struct schema *s, const struct batch *b, size_t row, const int32_t *ids, size_t n,
    const struct token_limits *limits, struct err *e)
{
	char reason[120];
	size_t most = limits->vocab;

	for (size_t k = 0; k < n; k++)
		if (ids[k] < 0 || (size_t)ids[k] >= most) {
			snprintf(reason, sizeof(reason),
			    "token %d is not in the model's vocabulary of %zu", (int)ids[k], most);
			return refuse(s, b, row, e, reason);
		}
	if (n == 0)
		return refuse(s, b, row, e, "no tokens");
	if (n > limits->positions && !limits->truncate) {
		snprintf(reason, sizeof(reason),
		    "%zu tokens, but the model has %zu positions (--truncate cuts)", n,
		    limits->positions);
		return refuse(s, b, row, e, reason);
	}
	return 0;
}

static void
widen(const struct field *item, const struct array *child, size_t from, size_t n, int32_t *ret_ids)
{
	if (item->bit_width == 32) {
		memcpy(ret_ids, (const int32_t *)child->values + from, n * sizeof(*ret_ids));
		return;
	}
	for (size_t k = 0; k < n; k++)
		ret_ids[k] = ((const uint16_t *)child->values)[from + k];
}

int
token_cells_take(struct batch *b, const struct schema *s, const struct token_limits *limits,
    struct token_cells *ret_cells, struct err *e)
{
	size_t column = (size_t)schema_find(s, "input_ids");
	const struct array *list = &b->columns[column];
	int32_t *ids = arena_alloc(&b->arena, list->children[0].length, sizeof(*ids));
	size_t *offsets = arena_alloc(&b->arena, b->rows + 1, sizeof(*offsets)), end = 0;

	*ret_cells = (struct token_cells){ .n = b->rows, .ids = ids, .offsets = offsets };
	offsets[0] = 0;
	for (size_t i = 0; i < b->rows; i++) {
		size_t from = (size_t)list->offsets[i], n = (size_t)list->offsets[i + 1] - from;
		int32_t last;

		widen(&s->fields[column].children[0], &list->children[0], from, n, ids + end);
		if (check_cell(s, b, i, ids + end, n, limits, e))
			return -1;
		last = ids[end + n - 1];
		if (n > limits->positions) {
			n = limits->positions;
			if (limits->eos >= 0 && last == limits->eos)
				ids[end + n - 1] = last;
			ret_cells->n_truncated++;
		}
		end += n;
		offsets[i + 1] = end;
	}
	return 0;
}

void
token_cells_genes(
    const int32_t *ids, size_t n, int32_t cls, int32_t eos, size_t *ret_from, size_t *ret_to)
{
	*ret_from = n > 0 && cls >= 0 && ids[0] == cls;
	*ret_to = n > *ret_from && eos >= 0 && ids[n - 1] == eos ? n - 1 : n;
}
