/* exact_number.h - numbers of any column, compared without rounding.
 *
 * A whole number of 64 bits, with or without sign, and a double have no type in common that holds
 * both: 9007199254740993 is not the double 9007199254740992. */

#ifndef CELL_EXACT_NUMBER_H
#define CELL_EXACT_NUMBER_H

#include "cell/batch.h"

struct exact_number {
	bool is_whole;
	bool is_negative; /* of a whole number, as its size; 0 is not negative */
	uint64_t size;
	double real; /* where it is not whole; never NaN */
};

/* Reads "-12", "200.0", "1e-3" (signs, digits, a point, an exponent, nothing else); how many bytes
 * of text[0..n) were used, 0 where there is no number. */
size_t exact_number_parse(struct exact_number *x, const char *text, size_t n);

/* Value i of an int or float column; false where it is null or NaN. */
bool exact_number_get(
    struct exact_number *x, const struct field *f, const struct array *a, size_t i);

/* Less than 0, 0, more than 0: a < b, a = b, a > b. */
int exact_number_compare(const struct exact_number *a, const struct exact_number *b);

#endif
