/* text_scalar.h - a single number, date or run of bytes as text.
 *
 * The same digits for every form of output: floating-point numbers with the fewest digits that give
 * the same number back, whole numbers exactly, dates and times as in ISO 8601, bytes in
 * hexadecimal. */

#ifndef FORMATS_TEXT_SCALAR_H
#define FORMATS_TEXT_SCALAR_H

#include "cell/batch.h"

void text_integer(struct buffer *b, int64_t x);
void text_unsigned(struct buffer *b, uint64_t x);

/* The fewest significant digits that read back as the same float (is_single) or double: "0.1", "2",
 * "1e-07"; "NaN", "Inf", "-Inf". */
void text_real(struct buffer *b, double x, bool is_single);

/* Value i of a column without children that is not text, and not null.
 *   date            2024-02-29              time        13:05:00.250
 *   timestamp       2024-02-29T13:05:00.250, with Z behind it where the column has a time zone
 *   duration        PT90.5S                 interval    P3DT0.500S, P14M
 *   binary          00ff1a                  decimal     -12.50
 * A fraction of a second is written where it is not 0, with the digits of the column's unit. */
void text_scalar(struct buffer *b, const struct field *f, const struct array *a, size_t i);

#endif
