/* cells_part.h - what there is of a stream whose writing was interrupted; inside of formats/cells.
 */

#ifndef FORMATS_CELLS_PART_H
#define FORMATS_CELLS_PART_H

#include "formats/cells.h"

/* Its head and whole batches; all 0 where there is nothing to go on from. */
struct cells_part {
	uint64_t bytes, rows, batches;
};

/* Looks at the file `path`, which need not be there, and hands its batches to `visit`. A last batch
 * that is not whole or damaged is left out, and what comes after it. -1 with e set where it does
 * not begin with `head`: it was made of something else. */
int cells_part_read(const char *path, const struct buffer *head, cells_part_visit *visit,
    void *context, struct cells_part *ret_part, struct err *e);

#endif
