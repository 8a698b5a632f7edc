/* text_summary.h - what each column of a stream holds, in constant memory: nulls, ranges, lengths,
 * frequent texts.
 *
 *   numbers   smallest, largest, mean (compensated sums in float64), how many are NaN
 *   lists     shortest, median, longest; then what their entries hold. Lengths are counted up to
 * LONGEST_COUNTED texts     how many different ones and the most frequent; plain texts up to
 * MOST_TEXTS of them, above that only that there are more */

#ifndef FORMATS_TEXT_SUMMARY_H
#define FORMATS_TEXT_SUMMARY_H

#include "base/io.h"
#include "cell/batch.h"

struct text_summary;

/* The schema must outlive it. */
struct text_summary *text_summary_new(const struct schema *s);
void text_summary_add(struct text_summary *t, const struct batch *b);

/* "KIND: N rows in N batches", then a line a column. */
int text_summary_write(struct text_summary *t, struct output *out, const char *kind, struct err *e);
void text_summary_free(struct text_summary *t);

#endif
