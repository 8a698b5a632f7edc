/* labelled_vectors.h - a stream of embeddings in memory, with a label and a batch for each row.
 *
 * Rows without a label, or without a batch where these are wanted, are counted and left out. Labels
 * and batches are numbered in the order of their bytes. */

#ifndef FORMATS_LABELLED_VECTORS_H
#define FORMATS_LABELLED_VECTORS_H

#include "formats/cells.h"
#include "formats/label_column.h"

struct labelled_vectors_options {
	const char *label, *batch; /* columns; batch NULL: no batches */
	bool is_strict;            /* rows that would be left out are errors */
	size_t max_memory;         /* for what is kept */
};

struct labelled_vectors {
	size_t n, d;
	struct buffer x;               /* float [n][d] */
	struct buffer labels, batches; /* uint32_t [n] */
	struct string_set label_set, batch_set;
	const char **label_names, **batch_names; /* in the arena */
	struct arena arena;
	uint64_t n_left_out;
};

/* Reads all of a stream of embeddings (opened with KIND_EMBEDDINGS alone). NULL with e set where a
 * column is missing, an embedding is null, no row is left, or max_memory is too little. */
struct labelled_vectors *labelled_vectors_read(
    struct cells_reader *in, const struct labelled_vectors_options *options, struct err *e);

/* NULL is fine. */
void labelled_vectors_free(struct labelled_vectors *l);

#endif
