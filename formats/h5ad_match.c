#include "formats/h5ad_match.h"

#include <stdlib.h>
#include <string.h>

struct h5ad_match {
	const struct strings *barcodes;
	const char *file, *stream;
	struct string_index index;
	size_t *rows;    /* [barcodes->n] */
	size_t n;        /* cells of the stream so far */
	size_t repeated; /* a barcode of the file that occurs before, or barcodes->n */
};

struct h5ad_match *
h5ad_match_new(const struct strings *barcodes, const char *file, const char *stream)
{
	struct h5ad_match *m = mem_zero(1, sizeof(*m));

	m->barcodes = barcodes;
	m->file = file;
	m->stream = stream;
	m->rows = mem_alloc(barcodes->n, sizeof(*m->rows));
	m->repeated = barcodes->n;
	string_index_build(&m->index, barcodes);
	for (size_t i = 0; i < barcodes->n; i++) {
		size_t size;
		const char *text = strings_get(barcodes, i, &size);

		m->rows[i] = SIZE_MAX;
		if (m->repeated == barcodes->n &&
		    string_index_find(&m->index, text, size) != (ptrdiff_t)i)
			m->repeated = i;
	}
	return m;
}

void
h5ad_match_free(struct h5ad_match *m)
{
	if (!m)
		return;
	string_index_free(&m->index);
	free(m->rows);
	free(m);
}

static int
cannot_tell(const struct h5ad_match *m, struct err *e)
{
	size_t size;
	const char *text = strings_get(m->barcodes, m->repeated, &size);

	return err_set(e,
	    "%s: cell %.*s occurs more than once, so rows can only be matched where %s has the "
	    "same cells in "
	    "the same order, and it has not",
	    m->file, (int)size, text, m->stream);
}

int
h5ad_match_add(struct h5ad_match *m, const char *barcode, size_t size, struct err *e)
{
	size_t k = m->n++, n_same = 0;
	const char *same = k < m->barcodes->n ? strings_get(m->barcodes, k, &n_same) : NULL;
	ptrdiff_t row;

	if (same && n_same == size && memcmp(same, barcode, size) == 0)
		row = (ptrdiff_t)k;
	else if (m->repeated < m->barcodes->n)
		return cannot_tell(m, e);
	else
		row = string_index_find(&m->index, barcode, size);
	if (row < 0)
		return err_set(e, "%s: row %zu: cell %.*s is not in %s", m->stream, k, (int)size,
		    barcode, m->file);
	if (m->rows[row] != SIZE_MAX)
		return err_set(e, "%s: row %zu: cell %.*s occurs more than once", m->stream, k,
		    (int)size, barcode);
	m->rows[row] = k;
	return 0;
}

const size_t *
h5ad_match_rows(struct h5ad_match *m, size_t *ret_n_found, struct err *e)
{
	*ret_n_found = m->n;
	if (e->is_set)
		return NULL;
	if (m->repeated < m->barcodes->n && m->n != m->barcodes->n) {
		cannot_tell(m, e);
		return NULL;
	}
	return m->rows;
}
