/* cells_convert.h - bringing the columns of a kind to the profile's types; inside of formats/cells.
 */

#ifndef FORMATS_CELLS_CONVERT_H
#define FORMATS_CELLS_CONVERT_H

#include "formats/cells.h"

/* What has to be done to each column of a stream; made once, applied to every batch. */
struct conversion;

/* `source` must outlive the plan. NULL where a column that the kind needs is missing or of a type
 * that cannot be brought to the profile's (e set). */
struct conversion *conversion_plan(const struct schema *source, enum kind kind, struct err *e);

/* The schema after conversion; the plan's. */
const struct schema *conversion_schema(const struct conversion *c);

/* Converts the batch in place; first_row is the number of its first row in the stream. -1 where a
 * value does not fit (the error names row and column). */
int conversion_apply(
    const struct conversion *c, struct batch *b, uint64_t first_row, struct err *e);

void conversion_free(struct conversion *c);

#endif
