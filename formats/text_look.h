/* text_look.h - a stream described to a person: its schema, its history, its first rows.
 *
 * Names and values from the stream are written without control characters. */

#ifndef FORMATS_TEXT_LOOK_H
#define FORMATS_TEXT_LOOK_H

#include "base/io.h"
#include "cell/batch.h"

/* What the stream holds ("counts"), its columns with their types, and all metadata; of a long value
 * only the beginning. */
int text_look_schema(struct output *out, const char *kind, const struct schema *s, struct err *e);

/* A line a stage, "PROGRAM VERSION --option value ... key=value ...", from the metadata
 * cells:history; nothing where there is none. -1 where it is not what our programs write. */
int text_look_history(struct output *out, const struct schema *s, struct err *e);

/* The first rows, turned: a line a column with its name, type and first values, cut to the width of
 * the page. */
struct text_look {
	const struct schema *schema;
	size_t rows;            /* added so far */
	struct buffer *columns; /* [schema->n_fields] values so far */
};

void text_look_start(struct text_look *l, const struct schema *s);
void text_look_add(struct text_look *l, const struct batch *b);
int text_look_write(
    struct text_look *l, struct output *out, const char *kind, size_t width, struct err *e);
void text_look_free(struct text_look *l);

#endif
