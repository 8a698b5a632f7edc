/* label_column.h - a column of labels, read as numbers of distinct texts.
 *
 * Texts are labels as they are; whole numbers, floating-point numbers and truths by their text
 * ("3", "0.5", "true"). A null, or a number that is NaN, is no label. */

#ifndef FORMATS_LABEL_COLUMN_H
#define FORMATS_LABEL_COLUMN_H

#include "base/err.h"
#include "cell/batch.h"
#include "cell/string_set.h"

/* Zero-initialise to start. */
struct label_column {
	size_t column; /* in the stream at hand */
	struct buffer text;
};

/* Finds the column in a stream. -1 where it is not there, naming those that are, or holds no
 * labels. */
int label_column_find(
    struct label_column *l, const struct schema *s, const char *name, struct err *e);

/* Has the row a label? */
bool label_column_has(
    const struct label_column *l, const struct schema *s, const struct batch *b, size_t row);

/* A row's label, NULL where it has none; valid until the next call, or as long as the batch. */
const char *label_column_text(struct label_column *l, const struct schema *s, const struct batch *b,
    size_t row, size_t *ret_size);

/* The number of a row's label in `names`, to which it is added if it is new; -1 where the row has
 * none. */
ptrdiff_t label_column_read(struct label_column *l, const struct schema *s, const struct batch *b,
    size_t row, struct string_set *names);

void label_column_free(struct label_column *l);

/* An order of labels: those from number `first` on by their bytes, the ones before it first, as
 * they are. ret_places[number] is the label's place; the caller frees it. */
uint32_t *label_places(const struct string_set *names, size_t first);

/* Copies of the labels in that order (NULL: as they are) in the arena. */
const char **label_names(struct arena *a, const struct string_set *names, const uint32_t *places);

/* Label numbers (uint32_t) become places. */
void label_renumber(struct buffer *numbers, const uint32_t *places);

#endif
