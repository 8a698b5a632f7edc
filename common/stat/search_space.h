/* search_space.h - ranges and choices for the options of a program, and a point of them by chance.
 *
 *	rate=log:1e-6..1e-3       numbers, their logarithms uniform
 *	decay=0.0..0.3            numbers, uniform
 *	freeze=0..4               whole numbers, both ends among them: both ends are written so
 *	batch=log:4..64           whole numbers k, with probability proportional to log((k + 1) / k)
 *	schedule=linear,cosine    words, equally likely; one alone is always taken
 *
 * A point is determined by the seed and the number of the trial alone (Philox: base/random.h): the
 * number is the stream, and each dimension takes one number of [0, 1) of it, in their order. */

#ifndef STAT_SEARCH_SPACE_H
#define STAT_SEARCH_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum search_kind { SEARCH_REAL, SEARCH_WHOLE, SEARCH_WORDS };

struct search_dimension {
	const char *name;
	enum search_kind kind;
	bool is_log;
	double low, high;
	size_t n_words;
	const char **words; /* [n_words] */
};

/* Zero-initialise to start; the arena owns all. */
struct search_space {
	struct arena arena;
	size_t n;
	struct search_dimension *dimensions; /* [n] */
};

/* Adds a dimension from its text, "NAME=VALUES". -1 with e set: no such form, a name that is there
 * already, low above high, a logarithm of what is not above 0. */
int search_space_add(struct search_space *s, const char *text, struct err *e);

/* What dimension d is in a trial, as text (numbers of 6 digits), in the arena. */
const char *search_space_sample(
    const struct search_space *s, size_t d, uint64_t seed, uint64_t trial, struct arena *a);

void search_space_free(struct search_space *s);

#endif
