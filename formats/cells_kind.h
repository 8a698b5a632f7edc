/* cells_kind.h - judging which kind of rows a stream holds; inside of formats/cells. */

#ifndef FORMATS_CELLS_KIND_H
#define FORMATS_CELLS_KIND_H

#include "formats/cells.h"

/* The kind that the metadata say, or else the columns; KIND_TABLE where neither does. */
enum kind kind_judge(const struct schema *s);

/* Counts and values: every row has as many genes as counts or values. -1 where one has not. */
int kind_check_lists(const struct schema *s, enum kind kind, const struct batch *b, struct err *e);

/* The error of a stream of the wrong kind. Returns -1. */
int kind_refuse(
    const char *name, enum kind kind, unsigned wanted, const char *program, struct err *e);

#endif
