/* text_value.h - one value of a column as text, whatever its type.
 *
 * JSON holds everything; its texts are escaped by jansson, its numbers have the digits of
 * text_scalar.h (a JSON library writes a float32 with the digits of a double). NaN and infinities,
 * which JSON has no numbers for, become the texts "NaN", "Infinity" and "-Infinity"; dates and
 * bytes are texts, too.
 *
 * The plain form is for one field of a table: a null is empty, a list its entries with commas
 * between them (a comma or backslash inside an entry gets a backslash before it), structs, maps and
 * lists of lists are JSON. */

#ifndef FORMATS_TEXT_VALUE_H
#define FORMATS_TEXT_VALUE_H

#include "cell/batch.h"

/* Value i, added to b. */
void text_plain(struct buffer *b, const struct field *f, const struct array *a, size_t i);
void text_json(struct buffer *b, const struct field *f, const struct array *a, size_t i);

/* For people: as text_plain, but only the first `most` entries of a list and how many there are,
 * "7,3,9,... (781)"; a null is "null"; no control characters. */
void text_short(
    struct buffer *b, const struct field *f, const struct array *a, size_t i, size_t most);

/* A text as a JSON string with its quotes. */
void text_json_string(struct buffer *b, const char *text, size_t n);

/* A text with '?' for each control character (C0, delete, C1), so that no data can command a
 * terminal. */
void text_printable(struct buffer *b, const char *text, size_t n);

#endif
