#include <stdlib.h>

#include "nn/token_summary.h"

struct token_summary *
token_summary_new(size_t width, size_t vocab)
{
	struct token_summary *s = mem_zero(1, sizeof(*s));

	s->vectors = vector_summary_new(width, false, 0);
	s->last_cell = mem_zero(vocab, sizeof(*s->last_cell));
	s->width = width;
	return s;
}

int
token_summary_add(
    struct token_summary *s, const struct token_cells *cells, const float *vectors, struct err *e)
{
	for (size_t i = 0; i < cells->n; i++) {
		s->n_cells++;
		for (size_t k = cells->offsets[i + 1]; k-- > cells->offsets[i];) {
			size_t token = (size_t)cells->ids[k];

			if (s->last_cell[token] == s->n_cells)
				continue;
			s->last_cell[token] = s->n_cells;
			if (vector_summary_add(s->vectors, token, vectors + k * s->width, e))
				return -1;
		}
	}
	return 0;
}

void
token_summary_free(struct token_summary *s)
{
	if (!s)
		return;
	vector_summary_free(s->vectors);
	free(s->last_cell);
	free(s);
}
